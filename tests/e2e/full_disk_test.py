"""A disk that is really full: a small tmpfs in a mount namespace of this test's own."""
import json
import os
import random
import subprocess
import sys

from common import Case, free_address, main

INSIDE = "ETALON_FULL_DISK_TEST"


def enter():
    """Runs this test again where it may mount; skips it where nobody may."""
    if INSIDE in os.environ:
        return
    unshare = ["unshare", "-m" if os.geteuid() == 0 else "-rm"]
    probe = [*unshare, "sh", "-c", 'mount -t tmpfs -o size=1m tmpfs "$1"', "sh", "/tmp"]
    try:
        allowed = subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        allowed = False
    if not allowed:
        print("skipped: no file system may be mounted here")
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])


class FullDisk(Case):
    def setUp(self):
        super().setUp()
        self.mounted = []

    def tearDown(self):
        for folder in self.mounted:
            subprocess.run(["umount", "-l", folder], check=True)
        super().tearDown()

    def mount(self, name, kilobytes):
        folder = self.path(name)
        os.mkdir(folder)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder],
                       check=True)
        self.mounted.append(folder)
        return folder

    def fill(self, folder, but):
        """Leaves so many bytes."""
        disk = os.statvfs(folder)
        with open(os.path.join(folder, "filling"), "wb") as file:
            file.write(bytes(max(0, disk.f_bavail * disk.f_frsize - but)))

    def full(self, *arguments, names):
        _, err = self.etalon(*arguments, status=1)
        self.assertIn(names, err)
        self.assertIn("No space left on device", err)
        return err

    def noise(self, megabytes):
        path = self.path("noise.npy")
        header = "{'descr': '<u2', 'fortran_order': False, 'shape': (%d, 512, 1024), }" % megabytes
        header = header.ljust(117) + "\n"
        with open(path, "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode())
            file.write(random.Random(3).randbytes(megabytes << 20))
        return path

    def test_compress(self):
        source = self.noise(4)
        self.mount("small", 1024)
        self.full("compress", source, "-o", "small/noise.etalon", names="small/noise.etalon")
        self.assertEqual(self.left("small"), [])
        self.assertTrue(os.path.exists(source))

    def test_an_output_that_was_there_stays(self):
        self.mount("small", 1024)
        with open(self.path("small", "noise.etalon"), "w") as file:
            file.write("precious")
        self.full("compress", self.noise(4), "-o", "small/noise.etalon", "-f",
                  names="small/noise.etalon")
        self.assertEqual(self.left("small"), ["noise.etalon"])
        with open(self.path("small", "noise.etalon")) as file:
            self.assertEqual(file.read(), "precious")

    def test_results_that_were_there_stay(self):
        source = self.simulate(frames=20)
        self.etalon("run", self.recipe(min_peaks=0, bound="lossless"), "--source", source, "--out", "run")
        self.etalon("archive", "run", "-o", "run.zip")
        commands = {"sum.h5": ("analyse", "powder", source, "-o", "{}/sum.h5"),
                    "curve.csv": ("analyse", "azimuthal", source, "-o", "{}/curve.csv"),
                    "sim.frame.png": ("ls", source, "--plot", "{}"),
                    "page.html": ("report", "run/sim.h5", "-o", "{}/page.html"),
                    "all.zip": ("archive", "run", "-o", "{}/all.zip"),
                    "run/sim.h5": ("restore", "run.zip", "run/sim.h5", "-o", "{}"),
                    "part.h5": ("restore", "run.zip", "run/sim.h5", "--frames", "0:9", "-o", "{}/part.h5"),
                    "export.h5": ("export", source, "-o", "{}/export.h5", "--frames-per-file", 5)}
        for number, (name, words) in enumerate(commands.items()):
            folder = f"small{number}"
            self.mount(folder, 16)
            os.makedirs(os.path.dirname(self.path(folder, name)), exist_ok=True)
            with open(self.path(folder, name), "w") as file:
                file.write("precious")
            self.full(*(str(w).replace("{}", folder) for w in words), "-f", names=folder)
            there = [os.path.join(at, n) for at, _, names in os.walk(self.path(folder)) for n in names]
            self.assertEqual(there, [self.path(folder, name)])
            with open(self.path(folder, name)) as file:
                self.assertEqual(file.read(), "precious")

    def test_simulate(self):
        self.mount("small", 1024)
        self.full("simulate", "stills", "-n", "100", "--size", "300,300", "-o", "small/sim.h5",
                  names="small/sim.h5")
        self.assertEqual(self.left("small"), [])

    def test_run(self):
        source, recipe = self.simulate(frames=40), self.recipe(min_peaks=0, bound="lossless")
        self.mount("small", 512)
        self.full("run", recipe, "--source", source, "--out", "small", names="small/sim.h5")
        self.assertEqual(os.listdir(self.path("small")), [])

    def test_the_collector_tells_the_edge(self):
        source, recipe = self.simulate(frames=40), self.recipe(min_peaks=0, bound="lossless")
        self.mount("small", 512)
        address = free_address()
        collect = self.start("collect", recipe, "--bind", address, "--out", "small")
        # The journal or the series, whichever finds the disk full first.
        self.full("edge", recipe, "--source", source, "--connect", address, names="small/")
        _, err = self.end(collect, status=1)
        self.assertIn("No space left on device", err)
        self.assertEqual(os.listdir(self.path("small")), [])

    def test_the_ledger(self):
        """The series is whole, but has no record: its name says so."""
        source = self.simulate(frames=4)
        small = self.mount("small", 1024)
        recipe = self.recipe(more='[store]\nledger = "small/ledger.db"\n')
        self.json("run", recipe, "--source", source, "--out", "first")
        self.fill(small, but=44 << 10)
        _, err = self.etalon("run", recipe, "--source", source, "--out", "second", status=1)
        self.assertIn("small/ledger.db: database or disk is full", err)
        self.assertIn("second/sim.unrecorded.h5", err)
        self.assertEqual(self.left("second"),
                         ["sim.unrecorded.h5", "sim.unrecorded.vetoes.csv"])
        about = json.loads(self.etalon("info", "second/sim.unrecorded.h5", "--json")[0])
        self.assertEqual(about["shape"][1:], [300, 300])
        os.remove(os.path.join(small, "filling"))
        self.etalon("ledger", "verify", "--ledger", "small/ledger.db")


if __name__ == "__main__":
    enter()
    main()
