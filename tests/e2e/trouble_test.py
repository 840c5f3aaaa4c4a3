"""What goes wrong: bad recipes and sources, Ctrl-C, a full disk, outputs that exist."""
import json
import os
import resource
import signal
import time

from common import Case, main


class Trouble(Case):
    def test_bad_recipes(self):
        for text, status, words in (
            ("[find]\nsrn = 5\n", 2, ("bad.toml:2:1", 'did you mean "snr"')),
            ("[find]\nsnr = 'five'\n", 2, ("bad.toml:2:7", "must be a number")),
            ("[find\n", 3, ("bad.toml:1:",)),
            ("", 2, ("source.path",)),
        ):
            with open(self.path("bad.toml"), "w") as file:
                file.write(text)
            for verb in ("run", "edge"):
                _, err = self.etalon(verb, "bad.toml", status=status)
                for word in words:
                    self.assertIn(word, err)
        _, err = self.etalon("run", "none.toml", status=5)
        self.assertIn("none.toml", err)
        self.assertEqual(self.left(), [])

    def test_bad_sources(self):
        recipe = self.recipe()
        _, err = self.etalon("run", recipe, "--source", "nothing.h5", status=5)
        self.assertIn("nothing.h5", err)
        with open(self.path("noise.h5"), "wb") as file:
            file.write(b"this is no HDF5 file")
        _, err = self.etalon("run", recipe, "--source", "noise.h5", status=3)
        self.assertIn("noise.h5", err)
        source = self.simulate(frames=8)
        with open(source, "rb") as file:
            whole = file.read()
        with open(self.path("cut.h5"), "wb") as file:
            file.write(whole[: len(whole) // 2])
        _, err = self.etalon("run", recipe, "--source", "cut.h5", status=3)
        self.assertIn("cut.h5", err)
        self.assertEqual(self.left(), [])

    def test_output_exists(self):
        source, recipe = self.simulate(frames=4), self.recipe()
        first = self.json("run", recipe, "--source", source, "--out", "out")
        _, err = self.etalon("run", recipe, "--source", source, "--out", "out", status=2)
        self.assertIn("exists already", err)
        again = self.json("run", recipe, "--source", source, "--out", "out", "-f")
        self.assertEqual(first["sha256"], again["sha256"])
        self.assertEqual(first["decision"]["ledger_id"], again["decision"]["ledger_id"])

    def test_interrupted(self):
        source, recipe = self.simulate(frames=300), self.recipe(min_peaks=0)
        run = self.start("run", recipe, "--source", source, "--out", "out", "--json", "-T", "1")
        while not self.left():
            time.sleep(0.01)
            self.assertIsNone(run.poll())
        run.send_signal(signal.SIGINT)
        out, err = self.end(run, status=130)
        report = json.loads(out)
        self.assertIn("interrupted", err)
        self.assertFalse(report["complete"])
        self.assertIsNone(report["decision"])
        self.assertLess(report["frames"], 300)
        self.assertEqual(report["conservation"]["stored"], report["frames"])
        self.assertEqual(self.left(), ["sim.partial.h5", "sim.partial.vetoes.csv"])
        self.etalon("analyse", "hits", "out/sim.partial.h5")  # a whole file, though of a part

    def test_killed(self):
        source, recipe = self.simulate(frames=300), self.recipe(min_peaks=0)
        run = self.start("run", recipe, "--source", source, "--out", "out", "-T", "1")
        while not self.left():
            time.sleep(0.01)
        run.send_signal(signal.SIGKILL)
        run.communicate()
        self.assertNotIn("sim.h5", self.left())
        self.json("run", recipe, "--source", source, "--out", "out")

    def test_no_space(self):
        source, recipe = self.simulate(frames=40), self.recipe(min_peaks=0, bound="lossless")

        def little():  # the ledger fits, the series does not
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        _, err = self.etalon("run", recipe, "--source", source, "--out", "out", status=1,
                             preexec_fn=little)
        self.assertIn("out/", err)
        self.assertEqual(self.left(), [])

    def test_no_folder(self):
        source, recipe = self.simulate(frames=2), self.recipe()
        with open(self.path("file"), "w"):
            pass
        _, err = self.etalon("run", recipe, "--source", source, "--out", "file/out", status=1)
        self.assertIn("file/out", err)


if __name__ == "__main__":
    main()
