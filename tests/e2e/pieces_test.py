"""[store] frames_per_file: a series in files of a few frames each, behind a master, while it is stored."""
import os
import shutil
import signal
import sys
import time

from common import Case, free_address, main, sha256

os.environ["HDF5_PLUGIN_PATH"] = os.path.join(os.environ["ETALON_BINARY_DIR"], "plugin")
try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

RECIPE = """
[veto]
min_peaks = 5
[audit]
share = 0.5
[reduce]
bound = "lossless"
check_every = 3
"""
NUMBERS, IMAGES = "/entry/instrument/detector/sequence_number", "/entry/data/data"


class Pieces(Case):
    FRAMES = 40

    def setUp(self):
        super().setUp()
        self.source = self.simulate(frames=self.FRAMES)

    def recipe_of(self, frames_per_file, more=RECIPE):
        path = self.path(f"r{frames_per_file}.toml")
        with open(path, "w") as file:
            file.write(f"{more}\n[store]\nframes_per_file = {frames_per_file}\n")
        return path

    def run_it(self, frames_per_file, out, *more):
        return self.json("run", self.recipe_of(frames_per_file), "--source", self.source, "--out", out, *more)

    def test_the_master_shows_what_one_file_holds(self):
        one, many = self.run_it(0, "one"), self.run_it(4, "many")
        self.assertNotIn("pieces", one)
        pieces = many["pieces"]
        self.assertEqual(len(pieces), -(-many["hits"] // 4))
        self.assertGreater(len(pieces), 2)
        with h5py.File(self.path(one["output"])) as a, h5py.File(self.path(many["output"])) as b:
            self.assertTrue(b[IMAGES].is_virtual)
            for name in (NUMBERS, IMAGES, "/entry/instrument/detector/start_time", "/entry/result_1/nPeaks",
                         "/entry/result_1/peakXPosRaw", "/entry/audit/data", "/entry_1/result_1/nPeaks"):
                np.testing.assert_array_equal(a[name][...], b[name][...], name)
            numbers, images = b[NUMBERS][...], b[IMAGES][...]
        for i, piece in enumerate(pieces):
            self.assertEqual(os.path.basename(piece), f"sim_{i + 1:06}_{sha256(self.path(piece))[:12]}.h5")
            with h5py.File(self.path(piece)) as file:
                np.testing.assert_array_equal(file[NUMBERS][...], numbers[4 * i:4 * i + 4])
                np.testing.assert_array_equal(file[IMAGES][...], images[4 * i:4 * i + 4])
                self.assertEqual(len(file["/entry/result_1/nPeaks"]), len(file[NUMBERS]))
        self.assertEqual(many["checked"], one["checked"])
        self.assertEqual(many["bytes_stored"], sum(os.path.getsize(self.path(p)) for p in [many["output"], *pieces]))
        self.etalon("verify", self.source, many["output"])
        self.assertEqual(self.json("analyse", "hits", many["output"])["frames"], many["hits"])
        self.etalon("report", "many", "-o", "page.html")
        with open(self.path("page.html")) as page:
            text = page.read()
        self.assertIn(os.path.basename(many["output"]), text)
        self.assertNotIn("Not judged against the original", text)
        self.assertEqual(self.json("ls", many["output"])["series"][0]["frames"], many["hits"])

    def test_what_it_was_reduced_to_is_what_its_pieces_were(self):
        """A master has no chunks of its own, and must not be taken for lossless."""
        lossy = RECIPE.replace('"lossless"', '"abs:2"') + "[[reduce.region]]\nkind = \"peaks\"\nhalf = 4\nbound = \"lossless\"\n"
        one, many = (self.json("run", self.recipe_of(n, lossy), "--source", self.source, "--out", f"out{n}") for n in (0, 4))
        infos = [self.json("info", report["output"]) for report in (one, many)]
        for name in ("bound", "shape", "chunks", "bytes", "raw_bytes", "regions", "format", "chunk_shape"):
            if name in infos[0]:
                self.assertEqual(infos[1][name], infos[0][name], name)
        self.assertEqual(infos[1]["bound"], "abs:2")
        self.assertEqual({r["kind"] for r in infos[1]["regions"]}, {"default", "peaks"})
        self.etalon("verify", self.source, many["output"])  # within the bound that it says itself
        self.etalon("verify", self.source, many["output"], "--bound", "lossless", status=4)
        self.etalon("report", "out4", "-o", "lossy.html")
        with open(self.path("lossy.html")) as page:
            text = page.read()
        self.assertIn("abs:2", text)
        self.assertNotIn("Every pixel is what was measured", text)

    def test_the_ledger_knows_every_piece(self):
        report = self.run_it(4, "out")
        ledger = ["--ledger", report["ledger"]]
        for piece in report["pieces"]:
            self.assertIn(sha256(self.source), self.lineage(report["ledger"], piece))
        self.etalon("ledger", "verify", *ledger)
        with open(self.path(report["pieces"][1]), "r+b") as file:
            file.seek(5000)
            byte = file.read(1)
            file.seek(5000)
            file.write(bytes([byte[0] ^ 1]))
        out, err = self.etalon("ledger", "verify", *ledger, status=4)
        self.assertIn(os.path.basename(report["pieces"][1]), out + err)

    def test_the_same_run_finds_its_pieces_and_another_one_leaves_them(self):
        first = self.run_it(4, "out")
        names = self.left()
        self.assertEqual(self.run_it(4, "out", "-f")["pieces"], first["pieces"])
        self.assertEqual(self.left(), names)
        other = self.json("run", self.recipe_of(4, RECIPE.replace("min_peaks = 5", "min_peaks = 8")), "--source",
                          self.source, "--out", "out", "-f")
        self.assertNotEqual(other["pieces"], first["pieces"])
        self.assertEqual(sorted({*names, *(os.path.basename(p) for p in other["pieces"])}), self.left())
        self.etalon("ledger", "verify", "--ledger", other["ledger"])

    def test_a_piece_whose_name_is_taken_ends_the_run_and_nothing_is_lost(self):
        first = self.run_it(4, "out")
        taken = self.path(first["pieces"][1])
        shutil.rmtree(self.path("out"))
        os.mkdir(self.path("out"))
        with open(taken, "w") as file:
            file.write("mine")
        _, err = self.etalon("run", self.recipe_of(4), "--source", self.source, "--out", "out", status=2)
        self.assertIn(f"{os.path.basename(taken)}: exists already", err)
        self.assertEqual(self.left(), [os.path.basename(taken)])
        with open(taken) as file:
            self.assertEqual(file.read(), "mine")

    def test_no_frames_are_a_master_of_none(self):
        report = self.json("run", self.recipe_of(4, "[veto]\nmin_peaks = 100000\n"), "--source", self.source, "--out",
                           "out")
        self.assertNotIn("pieces", report)
        with h5py.File(self.path(report["output"])) as file:
            self.assertEqual(file[IMAGES].shape, (0, 300, 300))
        self.assertEqual(self.json("ls", report["output"])["series"][0]["frames"], 0)

    def test_pieces_have_names_while_the_run_goes_on(self):
        detector = free_address()
        replay = self.start("replay", self.source, "--bind", detector, "--rate", "10")
        running = self.start("run", self.recipe_of(4, "[veto]\nmin_peaks = 0\n"), "--source", detector, "--out", "out",
                             "--json")
        until = time.monotonic() + 60
        while time.monotonic() < until and "_000002_" not in " ".join(self.named()):
            time.sleep(0.02)
        self.assertIsNone(running.poll())
        names = self.named()
        self.assertNotIn("series_1.h5", names)
        with h5py.File(self.path("out", names[0])) as file, h5py.File(self.source) as source:
            np.testing.assert_array_equal(file[IMAGES][...], source[IMAGES][0:4])
        replay.kill()
        replay.communicate()
        running.send_signal(signal.SIGINT)  # what has come is a series that says that it is not complete
        running.communicate(timeout=60)
        masters = [n for n in self.left() if n.endswith(".partial.h5")]
        self.assertEqual(len(masters), 1, self.left())
        with h5py.File(self.path("out", masters[0])) as file, h5py.File(self.source) as source:
            numbers = file[NUMBERS][...]
            self.assertGreaterEqual(len(numbers), 8)
            np.testing.assert_array_equal(file[IMAGES][...], source[IMAGES][...][numbers])

    def test_the_piece_that_grows_can_be_read(self):
        detector = free_address()
        replay = self.start("replay", self.source, "--bind", detector, "--rate", "20")
        running = self.start("run", self.recipe_of(32, "[veto]\nmin_peaks = 0\n"), "--source", detector, "--out", "out",
                             "--json")
        part, seen, until = self.path("out", "series_1_000001.h5.part.etalon"), 0, time.monotonic() + 60
        with h5py.File(self.source) as source:
            while time.monotonic() < until and seen < 16:
                time.sleep(0.02)
                try:
                    with h5py.File(part, "r", swmr=True) as file:
                        numbers = file[NUMBERS][...]
                        np.testing.assert_array_equal(file[IMAGES][:len(numbers)], source[IMAGES][...][numbers])
                        seen = len(numbers)
                except OSError:
                    self.assertIsNone(running.poll())  # it is just being made
        self.assertEqual(seen, 16)  # so many are shown at a time
        self.assertEqual(self.named(), [])
        self.end(running)
        self.end(replay)
        self.assertEqual(len(self.named()), 4)  # two pieces, the master, its powder

    def named(self):
        return sorted(n for n in self.left() if n.endswith(".h5")) if os.path.isdir(self.path("out")) else []


if __name__ == "__main__":
    main()
