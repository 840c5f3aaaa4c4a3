"""etalon analyse index and merge, and the crystals that verify --science and tune judge. Truth is the simulator's, and
for serial_a that of the program that made it (nanoBragg)."""
import csv
import io
import json
import os
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

ETALON = os.environ["ETALON"]
DATA = os.environ.get("ETALON_DATA") or os.path.join(os.environ["ETALON_SOURCE_DIR"], "..", "shared", "data")
CELL = "79.1,79.1,37.9,90,90,90"


def etalon(*arguments, status=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == status, (arguments, done.returncode, done.stderr)
    return done


def rotations_of_422():
    four = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    two = np.diag([1, -1, -1])
    return [np.linalg.matrix_power(four, n) @ m for n in range(4) for m in (np.eye(3), two)]


def misorientation(a, b):
    """Degrees between two lattices, over the rotations of 422."""
    least = 180
    for turn in rotations_of_422():
        r = b @ turn @ np.linalg.inv(a)
        r /= np.cbrt(np.linalg.det(r))
        least = min(least, np.degrees(np.arccos(np.clip((np.trace(r) - 1) / 2, -1, 1))))
    return least


class Crystals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.holder = tempfile.TemporaryDirectory(prefix="etalon_crystals_")
        cls.series = os.path.join(cls.holder.name, "sim.h5")
        etalon("simulate", "stills", "-o", cls.series, "-n", 40, "--seed", 5, "--hit-fraction", 0.75)

    @classmethod
    def tearDownClass(cls):
        cls.holder.cleanup()

    def path(self, name):
        return os.path.join(self.holder.name, name)

    def refused(self, *arguments, status=2):
        done = etalon(*arguments, status=status)
        self.assertEqual(done.stdout, "")
        self.assertIn("etalon: ", done.stderr)
        return done.stderr

    def test_orientations_are_those_of_the_truth(self):
        out = self.path("crystals.csv")
        report = json.loads(etalon("analyse", "index", self.series, "--cell", CELL, "--point-group", "422", "--truth",
                                   self.series, "-o", out, "--json").stdout)
        self.assertEqual((report["schema"], report["kind"]), ("etalon.analyse/1", "index"))
        self.assertEqual(report["frames"], 40)
        self.assertGreater(report["hits"], 20)
        self.assertGreaterEqual(report["indexed"], 0.95 * report["hits"])
        self.assertLess(report["truth"]["misorientation_deg"]["median"], 0.05)
        with open(out) as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), report["crystals"])
        with h5py.File(self.series) as file:
            truth = file["entry/truth/a_matrix"][:]
        for row in rows:
            a = np.array([float(row[x]) for x in "asx bsx csx asy bsy csy asz bsz csz".split()]).reshape(3, 3)
            self.assertAlmostEqual(misorientation(truth[int(row["frame"])], a), float(row["misorientation_deg"]), 2)

    def test_every_indexed_peak_is_near_its_reflection(self):
        out = self.path("crystals.json")
        etalon("analyse", "index", self.series, "--cell", CELL, "--point-group", "422", "-o", out)
        with open(out) as file:
            report = json.load(file)
        found = json.loads(etalon("find", self.series, "--json").stdout)
        peaks = {f["frame"]: f["peaks"] for f in found["frames"]}
        with h5py.File(self.series) as file:
            truth = file["entry/truth"]
            first, x, y = truth["reflections/first"][:], truth["reflections/x"][:], truth["reflections/y"][:]
        near = total = 0
        for lattice in report["lattices"]:
            rows = slice(first[lattice["frame"]], first[lattice["frame"] + 1])
            for spot in lattice["indexed"]:
                peak = peaks[lattice["frame"]][spot["peak"]]
                near += np.hypot(x[rows] - peak["x"], y[rows] - peak["y"]).min() < 1.5
                total += 1
        self.assertGreater(total, 500)
        self.assertGreater(near, 0.99 * total)

    def test_the_same_for_any_number_of_threads(self):
        reports = []
        for threads in (1, 3):
            out = self.path(f"{threads}.csv")
            etalon("analyse", "merge", self.series, "--truth", self.series, "--point-group", "422", "-T", threads, "-o",
                   out)
            with open(out) as file:
                reports.append(file.read())
        self.assertEqual(*reports)

    def test_merged_intensities_follow_the_structure_factors(self):
        out = self.path("merged.csv")
        report = json.loads(etalon("analyse", "merge", self.series, "--truth", self.series, "--point-group", "4/mmm",
                                   "--d-min", 2.5, "-o", out, "--json").stdout)
        merged = report["merged"]
        self.assertGreater(merged["all"]["structure_factor_cc"], 0.4)
        self.assertEqual(len(merged["shells"]), 10)
        with open(out) as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), merged["all"]["reflections"])
        self.assertLessEqual(2.5, min(float(r["d_angstrom"]) for r in rows) + 1e-4)
        both = [(float(r["intensity"]), float(r["known"])) for r in rows if int(r["observations"]) >= 4 and r["known"]]
        self.assertGreater(np.corrcoef(np.array(both).T)[0, 1], 0.4)
        text = etalon("analyse", "merge", self.series, "--truth", self.series, "--point-group", "422").stdout
        for word in ("CC1/2", "R_split", "CC(F^2)", "orientation"):
            self.assertIn(word, text)

    def test_another_cell_is_refused(self):
        report = json.loads(etalon("analyse", "index", self.series, "--cell", "66,66,51,90,90,90", "--point-group",
                                   "422", "--json").stdout)
        self.assertGreater(report["hits"], 20)
        self.assertEqual(report["indexed"], 0)
        merged = json.loads(etalon("analyse", "merge", self.series, "--cell", "66,66,51,90,90,90", "--point-group",
                                   "422", "--json").stdout)["merged"]
        self.assertEqual(merged["crystals"], 0)
        self.assertIsNone(merged["all"]["cc_half"])

    def test_what_makes_no_sense_is_refused(self):
        index = ("analyse", "index", self.series)
        self.assertIn("--cell", self.refused(*index, "--point-group", "422"))
        self.assertIn("--point-group", self.refused(*index, "--cell", CELL))
        for cell in ("0,0,0,0,0,0", "nan,79,38,90,90,90", "79,79,38,90,90", "79,79,38,90,90,1e9", "x", "79,79,-38,90,90,90",
                     "50,50,50,150,150,150"):
            self.assertIn("--cell", self.refused(*index, "--cell", cell, "--point-group", "1"))
        self.assertIn("'42'", self.refused(*index, "--cell", CELL, "--point-group", "42"))
        self.assertIn("432", self.refused(*index, "--cell", CELL, "--point-group", "432"))
        self.assertIn("centring", self.refused(*index, "--cell", CELL, "--point-group", "422", "--centring", "Q"))
        self.assertIn("tolerance", self.refused(*index, "--cell", CELL, "--point-group", "422", "--tolerance", "0"))
        self.assertIn("resolution", self.refused("analyse", "merge", self.series, "--cell", CELL, "--point-group", "422",
                                                 "--d-min", "-1"))
        self.assertIn(".csv", self.refused(*index, "--cell", CELL, "--point-group", "422", "-o", self.path("a.txt")))
        out = self.path("taken.csv")
        etalon(*index, "--cell", CELL, "--point-group", "422", "-o", out)
        self.assertIn("-f", self.refused(*index, "--cell", CELL, "--point-group", "422", "-o", out))
        dark = self.path("dark.npy")
        np.save(dark, np.zeros((2, 50, 60), np.uint16))
        self.assertIn("wavelength", self.refused("analyse", "index", dark, "--cell", CELL, "--point-group", "422"))

    def test_a_truth_that_is_none_is_refused(self):
        index = ("analyse", "index", self.series, "--point-group", "422", "--truth")
        self.assertIn("no.h5", self.refused(*index, self.path("no.h5"), status=5))
        text = self.path("words.csv")
        with open(text, "w") as file:
            file.write("words\n")
        self.assertIn("/entry/truth", self.refused(*index, text, status=3))

        def damaged(name, change):
            path = self.path(name)
            with h5py.File(self.series) as source, h5py.File(path, "w") as file:
                source.copy("entry/truth", file.create_group("entry"))
                change(file["entry/truth"])
            return path

        def replaced(name, value):
            def change(truth):
                del truth[name]
                truth[name] = value
            return change

        for name, value in (("cell_lengths", np.zeros(3)), ("cell_lengths", np.full(3, np.nan)), ("cell_angles", np.ones(2)),
                            ("a_matrix", np.zeros((40, 3, 3))), ("a_matrix", np.zeros((40, 9))),
                            ("structure_factors/hkl", np.zeros((5, 3), np.int16)), ("is_hit", np.ones(3, np.uint8))):
            self.assertIn("/entry/truth/", self.refused(*index, damaged("bad.h5", replaced(name, value)), status=3), name)

        def short(truth):
            for name in ("is_hit", "a_matrix"):
                part = truth[name][:7]
                del truth[name]
                truth[name] = part
        self.assertIn("40 frames", self.refused(*index, damaged("short.h5", short)))

    def test_verify_says_what_becomes_of_crystals(self):
        exact, coarse = self.path("exact.etalon"), self.path("coarse.etalon")
        etalon("compress", self.series, "-o", exact, "--bound", "lossless")
        etalon("compress", self.series, "-o", coarse, "--bound", "abs:30")
        science = ("--science", "--json", "--point-group", "422", "--truth", self.series)
        same = json.loads(etalon("verify", self.series, exact, *science, "--keep",
                                 "indexed>=1,orientation_shift<=1e-9,cc_half_change>=0,merged_cc>=0.999999").stdout)
        metrics = same["science"]["metrics"]
        self.assertEqual((metrics["indexed"], metrics["cc_half_change"]), (1, 0))
        self.assertLess(metrics["orientation_shift"], 1e-9)
        merged = json.loads(etalon("analyse", "merge", self.series, "--point-group", "422", "--truth", self.series,
                                   "--json").stdout)["merged"]["all"]
        for ours, theirs in (("cc_half", "cc_half"), ("r_split", "r_split"), ("cc_star", "cc_star"),
                             ("structure_factor_cc", "structure_factor_cc")):
            self.assertEqual(metrics[ours], merged[theirs])
        done = etalon("verify", self.series, coarse, *science, "--keep", "indexed>=0.99", status=4)
        worse = json.loads(done.stdout)["science"]
        self.assertLess(worse["metrics"]["indexed"], 0.99)
        self.assertLess(worse["metrics"]["merged_cc"], 0.999)
        self.assertIn("indexed", done.stderr)
        text = etalon("verify", self.series, coarse, *[s for s in science if s != "--json"]).stdout
        self.assertIn("indexed", text)
        self.assertIn("CC with F^2", text)

    def test_keep_says_what_it_needs(self):
        exact = self.path("needs.etalon")
        etalon("compress", self.series, "-o", exact, "--bound", "lossless")
        verify = ("verify", self.series, exact, "--science", "--keep")
        self.assertIn("--point-group", self.refused(*verify, "indexed>=1"))
        self.assertIn("--truth", self.refused(*verify, "structure_factor_cc>=0.5", "--cell", CELL, "--point-group", "422"))
        self.assertIn("orientation_shift", self.refused(*verify, "nonsense>=1"))

    def test_tune_keeps_crystals(self):
        done = etalon("tune", self.series, "--truth", self.series, "--point-group", "422", "--sample", "16", "--bound",
                      "lossless", "--bound", "abs:1", "--keep", "indexed>=0.99,orientation_shift<=0.1", "--json")
        report = json.loads(done.stdout)
        self.assertTrue(report["met"])
        for tried in report["tried"]:
            self.assertIsNotNone(tried["metrics"]["cc_half"])
            self.assertIsNotNone(tried["metrics"]["indexed"])
        text = etalon("tune", self.series, "--truth", self.series, "--point-group", "422", "--sample", "8", "--bound",
                      "lossless", "--keep", "indexed>=1").stdout
        self.assertIn("CC1/2", text)


class SerialA(unittest.TestCase):
    """Stills that another simulator made, with blocks of mosaic and up to three crystals in one."""

    def test_hits_are_indexed_as_they_were_made(self):
        folder = os.path.join(DATA, "sim/serial")
        if not os.path.exists(os.path.join(folder, "serial_a.h5")):
            self.skipTest("needs sim/serial/serial_a.h5 in ETALON_DATA")
        with tempfile.TemporaryDirectory() as out:
            name = os.path.join(out, "a.csv")
            report = json.loads(etalon("analyse", "index", os.path.join(folder, "serial_a.h5"), "--cell",
                                       "79.15,79.15,36.28,90,90,90", "--point-group", "422", "-o", name, "--json").stdout)
            with open(name) as file:
                rows = list(csv.DictReader(io.StringIO(file.read())))
        with h5py.File(os.path.join(folder, "serial_a_truth.h5")) as file:
            truth, lattices = file["A_matrix"][:], file["n_lattices"][:]
        self.assertEqual(report["hits"], 24)
        self.assertGreaterEqual(report["indexed"], 0.95 * report["hits"])
        # Their laboratory has y and z the other way round.
        turn = np.diag([1.0, -1.0, -1.0])
        off = []
        for row in rows:
            a = np.array([float(row[x]) for x in "asx bsx csx asy bsy csy asz bsz csz".split()]).reshape(3, 3)
            frame = int(row["frame"])
            off.append(min(misorientation(turn @ truth[frame, i].reshape(3, 3), a) for i in range(lattices[frame])))
        self.assertLess(np.median(off), 0.1)
        self.assertLess(max(off), 1)


if __name__ == "__main__":
    unittest.main()
