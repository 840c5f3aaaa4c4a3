"""Edge and collector lose their power at random moments, and with it all that was not synced: still every committed frame
is stored exactly once, bit for bit. The library that remembers what was synced is power_cut.c."""
import ctypes
import json
import os
import random
import shutil
import sys
import time

from common import Case, free_address, main, sha256
from link import Link

POWER = os.path.join(os.environ["ETALON_BINARY_DIR"], "tests", "libpower_cut.so")
CUTS = int(os.environ.get("ETALON_CUTS", "30"))
SEED = int(os.environ.get("ETALON_SEED", "1"))
SHIP = """
[ship]
connect_limit_s = {connect_limit_s}
silence_limit_s = {silence_limit_s}
resend_after_s = 0.3
window = 8
spool_limit_mb = 1
[veto]
min_peaks = 5
[audit]
share = 0.3
[reduce]
bound = "lossless"
[analyse]
kind = "none"
"""


class Disk:
    """A folder that can be set back to what was synced."""

    def __init__(self, folder, deaf=""):
        self.root, self.shadow = os.path.realpath(folder), os.path.realpath(folder) + ".shadow"
        os.mkdir(self.root)
        self.environment = {"LD_PRELOAD": POWER, "ETALON_POWER_ROOT": self.root, "ETALON_POWER_SHADOW": self.shadow,
                            "ETALON_POWER_DEAF": deaf}
        self.lost = 0  # bytes of journals and spools
        self.remember()

    def sizes(self):
        """Of the files by which an end remembers."""
        paths = (os.path.join(at, name) for at, _, names in os.walk(self.root) for name in names
                 if name.endswith((".journal", ".spool")))
        return {path: os.path.getsize(path) for path in paths}

    def remember(self):
        """What is there now is on the disk."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        os.mkdir(self.shadow)
        os.environ.update({**self.environment, "LD_PRELOAD": "", "ETALON_POWER_DEAF": ""})
        library = ctypes.CDLL(POWER)
        for at, _, names in os.walk(self.root):
            for path in [at] + [os.path.join(at, name) for name in names]:
                fd = os.open(path, os.O_RDONLY)
                assert library.fsync(fd) == 0, path
                os.close(fd)

    def cut(self):
        """Nobody may be using it."""
        before, copy = self.sizes(), self.root + ".copy"
        self.restore(self.root, copy)
        shutil.rmtree(self.root)
        os.rename(copy, self.root)
        after = self.sizes()  # removed files may be there again
        self.lost += sum(max(0, size - after.get(path, 0)) for path, size in before.items())
        self.remember()

    def restore(self, folder, to):
        os.mkdir(to)
        record = os.path.join(self.shadow, "d-" + folder.replace("/", "%"))
        if not os.path.exists(record):
            return
        with open(record) as file:
            for line in file:
                kind, number, name = line.rstrip("\n").split(" ", 2)
                content = os.path.join(self.shadow, f"f-{number}")
                if kind == "d":
                    self.restore(os.path.join(folder, name), os.path.join(to, name))
                elif os.path.exists(content):
                    shutil.copyfile(content, os.path.join(to, name))
                else:
                    open(os.path.join(to, name), "w").close()  # the name was synced, the content never


class Power(Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.source = self.simulate(frames=240)
        self.ship = self.path("ship.toml")
        self.write_recipe()

    def write_recipe(self, connect_limit_s=30, silence_limit_s=15):
        with open(self.ship, "w") as file:
            file.write(SHIP.format(connect_limit_s=connect_limit_s, silence_limit_s=silence_limit_s))

    def begin(self, number, deaf="", rate=4e6):
        self.disks = {name: Disk(self.path(f"{name}{number}"), deaf) for name in ("edge", "collect")}
        self.collector = free_address()
        self.link = Link(self.collector, rate=rate, window=1 << 16)
        self.addCleanup(self.link.close)
        self.running = {}
        for name in ("collect", "edge"):
            self.power_on(name)

    def power_on(self, name):
        disk = self.disks[name]
        self.environment.update(disk.environment)
        if name == "edge":
            words = ["edge", self.ship, "--source", self.source, "--connect", self.link.address, "--spool",
                     os.path.join(disk.root, "spool"), "-T", "1", "--json"]
        else:
            words = ["collect", self.ship, "--bind", self.collector, "--out", os.path.join(disk.root, "out"), "--json"]
        self.running[name] = self.start(*words)
        for key in disk.environment:
            del self.environment[key]

    def cut(self, name):
        self.running[name].kill()
        self.running[name].communicate()
        self.disks[name].cut()

    def remembers(self, name):
        if name == "edge":
            return os.path.exists(os.path.join(self.disks["edge"].root, "spool", "run.journal"))
        return any(file.endswith(".journal") for file in self.out())

    def out(self):
        return self.left(os.path.join(self.disks["collect"].root, "out"))

    def one_run(self, number, whole):
        self.begin(number)
        for _ in range(self.random.randint(3, 8)):
            time.sleep(self.random.uniform(0.05, 0.6))
            if any(process.poll() is not None for process in self.running.values()):
                break
            names = self.random.choice([["edge"], ["collect"], ["edge", "collect"]])
            for name in names:
                self.cut(name)
                self.cuts[name] += 1
            if "sim.h5" in self.out() and not all(self.remembers(name) for name in names):
                # What is left to do is done by who remembers it.
                for name in names:
                    self.running[name] = None
                    if self.remembers(name):
                        self.power_on(name)
                break
            for name in names:
                self.power_on(name)
        for name, process in self.running.items():
            if process is None:
                continue
            report = json.loads(self.end(process)[0])
            self.assertEqual(report["conservation"], whole["conservation"], name)
        for disk in self.disks.values():
            self.lost += disk.lost
        self.disks["collect"].cut()  # what the edge was told is done is done
        self.assertEqual(self.out(), ["sim.h5", "sim.vetoes.csv"])
        for name in ("sim.h5", "sim.vetoes.csv"):
            self.assertEqual(sha256(os.path.join(self.disks["collect"].root, "out", name)),
                             sha256(self.path("whole", name)), name)

    def test_what_was_committed_is_stored_once_though_the_power_is_cut(self):
        print(f"ETALON_SEED={SEED} ETALON_CUTS={CUTS}", flush=True)
        whole = self.json("run", self.ship, "--source", self.source, "--out", "whole")
        self.cuts, self.lost, runs = {"edge": 0, "collect": 0}, 0, 0
        while sum(self.cuts.values()) < CUTS:
            self.one_run(runs, whole)
            runs += 1
            print(json.dumps({"runs": runs, "cuts": self.cuts, "bytes_lost": self.lost}), flush=True)
        self.assertGreater(self.lost, 0, "no cut took anything: nothing was tested")

    def test_a_disk_that_only_says_that_it_has_synced_is_found_out(self):
        """The test above can fail: a message that left, or an acknowledgement, must have been synced."""
        for number, (name, deaf) in enumerate((("edge", ".spool"), ("collect", ".journal"))):
            self.write_recipe(connect_limit_s=20, silence_limit_s=20)
            self.begin(f"deaf{number}", deaf, rate=3e5)
            spool = os.path.join(self.disks["edge"].root, "spool")
            names = []
            while not names or "1.spool" in names:  # until the first messages are acknowledged and gone
                self.assertFalse([p.communicate() for p in self.running.values() if p.poll() is not None])
                names = [n for n in os.listdir(spool) if n.endswith(".spool")] if os.path.isdir(spool) else []
                time.sleep(0.01)
            self.cut(name)
            self.power_on(name)
            until = time.time() + 120
            while all(process.poll() is None for process in self.running.values()) and time.time() < until:
                time.sleep(0.1)
            codes = {who: process.poll() for who, process in self.running.items()}
            for process in self.running.values():
                process.kill()
            said = {who: process.communicate() for who, process in self.running.items()}
            self.assertTrue(any(codes.values()), f"{name} lost its power: {codes} {said}")
            print(name, "lost its power:", codes, said["edge"][1].splitlines()[-1:], flush=True)


if __name__ == "__main__":
    if not os.path.exists(POWER):
        print("skipped: no", POWER)
        sys.exit(77)
    main()
