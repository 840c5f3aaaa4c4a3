"""What the end-to-end tests share: the program, folders of their own, small series, recipes."""
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ETALON = os.environ["ETALON"]
SOURCE = os.environ["ETALON_SOURCE_DIR"]
DATA = os.environ.get("ETALON_DATA") or os.path.join(SOURCE, "..", "shared", "data")

RECIPE = """
[find]
threshold = 8
snr = 5
[veto]
min_peaks = {min_peaks}
[reduce]
bound = "{bound}"
check_every = 2
[[reduce.region]]
kind = "peaks"
half = 4
bound = "lossless"
[ship]
connect_limit_s = {connect_limit_s}
silence_limit_s = 20
[decide]
min_frames = 5
[[decide.rule]]
when = "hit_rate < 1%"
action = "move_sample"
parameters = {{ dx_um = 20 }}
"""


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Case(unittest.TestCase):
    """A folder, a job daemon and an environment of its own for each test."""

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="etalon_e2e_")
        self.folder = self.temporary.name
        self.environment = dict(os.environ, ETALON_STATE=self.path("state"), ETALON_DATA=DATA)
        self.environment.pop("ETALON_LEDGER", None)

    def tearDown(self):
        self.temporary.cleanup()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def start(self, *arguments, **more):
        more.setdefault("cwd", self.folder)
        return subprocess.Popen([ETALON, *arguments], env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **more)

    def end(self, process, status=0, limit=300):
        out, err = process.communicate(timeout=limit)
        self.assertEqual(process.returncode, status, f"{process.args}\n{out}\n{err}")
        return out, err

    def etalon(self, *arguments, status=0, **more):
        return self.end(self.start(*arguments, **more), status)

    def json(self, *arguments, **more):
        out, _ = self.etalon(*arguments, "--json", **more)
        return json.loads(out)

    def simulate(self, frames=16, size="300,300", seed=7, hit_fraction="0.4"):
        path = self.path("sim.h5")
        self.etalon("simulate", "stills", "-n", str(frames), "--seed", str(seed), "--size", size,
                    "--hit-fraction", hit_fraction, "-o", path)
        return path

    def recipe(self, name="r.toml", min_peaks=5, bound="abs:1", connect_limit_s=5, more=""):
        path = self.path(name)
        with open(path, "w") as file:
            file.write(RECIPE.format(min_peaks=min_peaks, bound=bound,
                                     connect_limit_s=connect_limit_s) + more)
        return path

    def left(self, folder="out"):
        """Names in a folder of outputs, without the ledger's."""
        folder = self.path(folder)
        if not os.path.isdir(folder):
            return []
        return sorted(n for n in os.listdir(folder) if not n.startswith("ledger.db"))

    def lineage(self, ledger, name):
        """Kinds of the records that led there, and the hashes they mention."""
        out, _ = self.etalon("ledger", "lineage", "--ledger", ledger, name, "--json")
        return out


def main():
    if not os.path.exists(ETALON):
        print("skipped: no program", ETALON)
        sys.exit(77)
    unittest.main(verbosity=2)
