"""Edge, collector and network killed at random moments: every frame is stored exactly once, bit for bit."""
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time

from common import Case, free_address, main, sha256
from link import Link

os.environ["HDF5_PLUGIN_PATH"] = os.path.join(os.environ["ETALON_BINARY_DIR"], "plugin")
try:
    import h5py
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

KILLS = int(os.environ.get("ETALON_KILLS", "50"))
SEED = int(os.environ.get("ETALON_SEED", "1"))
SHIP = """
[ship]
connect_limit_s = 30
silence_limit_s = 15
resend_after_s = 0.3
window = 8
[veto]
min_peaks = 5
[audit]
share = 0.3
min_peaks = 2
[reduce]
bound = "lossless"
check_every = 4
[[fast.rule]]
when = "peaks >= 3"
action = "attenuate"
parameters = { factor = 0.5 }
[analyse]
kind = "none"
"""


def frames_of(path):
    """SHA-256 of each image by its number in the series."""
    with h5py.File(path) as file:
        numbers = file["/entry/instrument/detector/sequence_number"][...]
        images = file["/entry/data/data"]
        return [(int(n), hashlib.sha256(images[i].tobytes()).hexdigest()) for i, n in enumerate(numbers)]


class Kill(Case):
    FRAMES = 240

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.source = self.simulate(frames=self.FRAMES)
        self.ships = {}
        for kind, more in (("whole", ""), ("pieces", "[store]\nframes_per_file = 7\n")):
            self.ships[kind] = self.path(f"{kind}.toml")
            with open(self.ships[kind], "w") as file:
                file.write(SHIP + more)
        self.ship = self.ships["whole"]
        self.sent = dict(frames_of(self.source))
        self.killed = {"edge": 0, "collect": 0, "network": 0}

    def note(self, event):
        """When what was done in a run: printed where it fails."""
        self.events.append(f"{time.monotonic() - self.began:.3f} s: {event}")

    def start_edge(self, address, *more):
        return self.start("edge", self.ship, "--source", self.source, "--connect", address, "--spool", "spool", "-T",
                          "1", "--json", *more)

    def start_collect(self, address, out):
        return self.start("collect", self.ship, "--bind", address, "--out", out, "--json")

    @staticmethod
    def folder_of(report):
        return os.path.dirname(report["output"])

    def check_files(self, path):
        """Whatever has been stored is what the detector gave, once."""
        stored = frames_of(path)
        self.assertEqual(len(stored), len(dict(stored)), "a frame is stored twice")
        for number, digest in stored:
            self.assertEqual(digest, self.sent[number], f"frame {number}")
        return len(stored)

    def check_part(self, out):
        """What the killed collector was writing can be read as it lies, as far as it was shown: every 16 frames. Pieces
        that have their names are whole."""
        for name in self.left(out):
            if name.startswith("sim_") and name.endswith(".h5"):
                self.pieces += 1
                self.assertIn(self.check_files(self.path(out, name)), range(1, 8))
        part = self.path(out, "sim.h5.part.etalon")
        if not os.path.exists(part) or self.ship == self.ships["pieces"]:
            return
        copy = self.path("part.h5")
        shutil.copyfile(part, copy)
        file = None
        for swmr in (True, False):  # it is closed before it has its name
            try:
                file = file or h5py.File(copy, "r", swmr=swmr)
            except OSError as reason:
                why = reason
        if file is None:  # it was just being made: there was no frame in it yet
            self.assertLess(os.path.getsize(copy), self.bytes_around_frames, why)
            return
        with file:
            numbers = file["/entry/instrument/detector/sequence_number"][...]
            images = file["/entry/data/data"]
            for i, n in enumerate(numbers):
                self.assertEqual(hashlib.sha256(images[i].tobytes()).hexdigest(), self.sent[int(n)], f"frame {n}")
            self.read_as_they_lay += len(numbers)

    def check_killed(self, out):
        """A collector that finds no edge makes a whole file of what its killed sister had acknowledged."""
        folder = f"{out}.copy"
        if not any(name.endswith(".journal") for name in self.left(out)):
            return  # killed before the edge said hello, or after its end
        shutil.copytree(self.path(out), self.path(folder))
        collect = self.start_collect(free_address(), folder)
        for line in collect.stderr:
            if "listening" in line or "going on" in line:
                break
        time.sleep(0.1)
        collect.send_signal(signal.SIGINT)
        collect.communicate(timeout=60)
        parts = [name for name in self.left(folder) if name.endswith(".h5") and not name.startswith("sim_")]
        for name in parts:
            self.valid += 1
            self.check_files(self.path(folder, name))
            self.etalon("verify", self.source, self.path(folder, name))
        shutil.rmtree(self.path(folder))

    def remembers(self, name, out):
        """Whether a killed one has anything to go on with."""
        if name == "edge":
            return os.path.exists(self.path("spool", "run.journal"))
        return any(file.endswith(".journal") for file in self.left(out))

    def fast_record(self, out):
        """The id of the ledger's record of what the rules on single frames did, which names every action."""
        tree = json.loads(self.lineage(self.path(out, "ledger.db"), self.path(out, "sim.h5")))
        return [record["id"] for record in tree["records"] if record["kind"] == "fast"]

    def one_run(self, out, whole):
        self.events, self.began = [], time.monotonic()
        collector = free_address()
        link = Link(collector, rate=4e6, window=1 << 16)
        self.addCleanup(link.close)
        running = {"collect": self.start_collect(collector, out), "edge": self.start_edge(link.address)}
        start = {"collect": lambda: self.start_collect(collector, out), "edge": lambda: self.start_edge(link.address)}
        for _ in range(self.random.randint(4, 12)):
            time.sleep(self.random.uniform(0.02, 0.5))
            if any(process.poll() is not None for process in running.values()):
                break  # it is at its end
            name = self.random.choice(list(self.killed))
            self.killed[name] += 1
            self.note(f"{name} is killed")
            if name == "network":
                link.cut()
                continue
            running[name].kill()
            running[name].communicate()
            if "sim.h5" in self.left(out) and not self.remembers(name, out):
                running[name] = None  # it was at its end, and had only to leave
                break
            if name == "collect":
                self.check_part(out)
                if self.random.random() < 0.4:
                    self.check_killed(out)
            self.note(f"{name} is started, {self.left(out)}")
            running[name] = start[name]()
        if running["edge"]:
            running["edge"].wait(timeout=300)
            self.note("edge has ended")
            if running["edge"].returncode != 0:  # what did the other say?
                self.note(f"collect {running['collect'].poll()}, {self.left(out)}")
                running["collect"].terminate()
                print(*self.events, running["collect"].communicate(timeout=60), sep="\n", flush=True)
            edge = json.loads(self.end(running["edge"])[0])
            self.resumed_frames += edge["frames_resumed"]
            self.assertEqual(edge["conservation"], whole["conservation"])
            self.assertEqual(edge["audit"], whole["audit"])
            self.assertEqual(edge["fast"]["actions"], whole["fast"]["actions"])
        if running["collect"]:
            centre = json.loads(self.end(running["collect"])[0])
            self.assertEqual(centre["conservation"], whole["conservation"])
            self.assertEqual(centre["audit"], whole["audit"])
        names = self.left(self.folder_of(whole))
        self.assertEqual(self.left(out), names)  # no journal, no part, no piece of a part
        self.assertFalse(self.remembers("edge", out))
        if running["edge"]:
            self.assertFalse(os.path.exists(self.path("spool")))
        else:  # killed while it took its folder away
            shutil.rmtree(self.path("spool"), ignore_errors=True)
        self.assertEqual(self.check_files(self.path(out, "sim.h5")), whole["hits"])
        for name in names:
            self.assertEqual(sha256(self.path(out, name)), sha256(self.path(self.folder_of(whole), name)), name)
        self.assertEqual(self.fast_record(out), self.fast_record(self.folder_of(whole)))
        shutil.rmtree(self.path(out))

    def test_stored_exactly_once_whatever_is_killed(self):
        print(f"ETALON_SEED={SEED} ETALON_KILLS={KILLS}", flush=True)
        undisturbed = {kind: self.json("run", ship, "--source", self.source, "--out", kind)
                       for kind, ship in self.ships.items()}
        whole = undisturbed["whole"]
        with h5py.File(self.path("whole", "sim.h5")) as file:
            frames = [file[name].id.get_storage_size() for name in ("/entry/data/data", "/entry/audit/data")]
        self.bytes_around_frames = os.path.getsize(self.path("whole", "sim.h5")) - sum(frames)
        self.assertGreater(whole["hits"], 20)
        self.assertGreater(whole["audit"]["audited"], 20)
        self.assertGreater(whole["fast"]["actions"], 20)
        self.assertTrue(self.fast_record("whole"))
        self.assertEqual(len(undisturbed["pieces"]["pieces"]), -(-whole["hits"] // 7))
        self.resumed_frames = self.valid = self.read_as_they_lay = self.pieces = rounds = 0
        while sum(self.killed.values()) < KILLS:
            kind = ("whole", "pieces")[rounds % 2]
            self.ship = self.ships[kind]
            self.one_run(f"out{rounds}", undisturbed[kind])
            rounds += 1
            if rounds % 20 == 0:
                print(f"{rounds} runs, {self.killed}", flush=True)
        print(json.dumps({"runs": rounds, "killed": self.killed, "frames_resumed": self.resumed_frames,
                          "files_of_killed_collectors": self.valid,
                          "frames_in_their_parts": self.read_as_they_lay, "their_pieces": self.pieces}), flush=True)
        self.assertGreater(self.read_as_they_lay, 0)
        self.assertGreater(self.pieces, 0)
        self.assertGreater(self.resumed_frames, 0)
        self.assertTrue(all(self.killed.values()))

    def test_images_that_a_killed_edge_had_not_committed_are_lost_by_name(self):
        detector, collector = free_address(), free_address()
        replay = self.start("replay", self.source, "--bind", detector, "--rate", "120")
        collect = self.start_collect(collector, "out")
        self.stream = ["edge", self.ship, "--source", detector, "--connect", collector, "--spool", "spool", "--json"]
        edge = self.start(*self.stream)
        for _ in range(2):
            time.sleep(self.random.uniform(0.4, 0.6))
            self.assertIsNone(edge.poll())
            edge.send_signal(signal.SIGSTOP)  # what comes now lies in its socket when it is killed
            time.sleep(0.5)
            edge.kill()
            edge.communicate()
            edge = self.start(*self.stream)
        report = json.loads(self.end(edge)[0])
        centre = json.loads(self.end(collect)[0])
        self.end(replay)
        accounts = centre["conservation"]
        print(json.dumps(accounts), flush=True)
        self.assertEqual(report["conservation"], accounts)
        self.assertEqual(accounts["received"], self.FRAMES)
        self.assertEqual(list(accounts["lost"]), ["killed"])
        self.assertGreater(report["frames_resumed"], 0)
        output = self.path(centre["output"])
        self.assertEqual(self.check_files(output), accounts["stored"])
        with open(self.path(centre["veto_table"])) as file:
            vetoed = {int(line.split(",")[0]) for line in file.readlines()[1:]}
        numbers = {number for number, _ in frames_of(output)}
        self.assertFalse(vetoed & numbers)
        self.assertEqual(len(vetoed | numbers) + accounts["lost"]["killed"], self.FRAMES)


if __name__ == "__main__":
    main()
