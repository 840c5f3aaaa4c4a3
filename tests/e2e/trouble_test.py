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

    def test_every_output_is_looked_for_at_the_start(self):
        source, recipe = self.simulate(frames=4), self.recipe()
        for name in ("sim.powder.h5", "sim.vetoes.csv", "sim.h5"):
            out = name + ".d"
            os.mkdir(self.path(out))
            with open(self.path(out, name), "w") as file:
                file.write("precious")
            _, err = self.etalon("run", recipe, "--source", source, "--out", out, status=2)
            self.assertIn(f"{out}/{name}: exists already", err)
            self.assertEqual(os.listdir(self.path(out)), [name])
            with open(self.path(out, name)) as file:
                self.assertEqual(file.read(), "precious")

    def test_the_report_survives_the_analysis(self):
        source, recipe = self.simulate(frames=8), self.recipe(min_peaks=0)
        self.environment["ETALON"] = self.path("nowhere", "etalon")
        run = self.start("run", recipe, "--source", source, "--out", "out", "--json")
        out, err = self.end(run, status=5)
        report = json.loads(out)
        self.assertTrue(report["complete"])
        self.assertEqual(report["conservation"]["stored"], 8)
        self.assertIsNone(report["analysis"])
        self.assertIsNone(report["decision"])
        self.assertEqual(report["failure"]["exit_code"], 5)
        self.assertIn("nowhere/etalon", report["failure"]["message"])
        self.assertIn("nowhere/etalon", err)
        self.assertEqual(self.left(), ["sim.h5", "sim.vetoes.csv"])
        self.etalon("ledger", "verify", "--ledger", "out/ledger.db")
        out, _ = self.etalon("run", recipe, "--source", source, "--out", "text", status=5)
        self.assertIn("text/sim.h5", out)
        self.assertIn("nowhere/etalon", out)

    def test_a_failed_run_leaves_no_empty_ledger(self):
        recipe = self.recipe()
        self.etalon("run", recipe, "--source", "nothing.h5", "--out", "out", status=5)
        self.assertEqual(os.listdir(self.path("out")), [])

    def test_frames_that_cannot_be_read_are_lost_also_the_first(self):
        try:
            import h5py
        except ImportError as missing:
            self.skipTest(str(missing))
        source = self.simulate(frames=5)
        with h5py.File(source) as file:
            images = file["/entry/data/data"].id
            chunks = [images.get_chunk_info_by_coord((k, 0, 0)) for k in (0, 1, 3)]
        with open(source, "r+b") as file:
            for chunk in chunks:
                file.seek(chunk.byte_offset)
                file.write(bytes(100))
        recipe = self.recipe(more='[source]\non_error = "skip"\n', min_peaks=0)
        report = self.json("run", recipe, "--source", source, "--out", "out")
        accounts = report["conservation"]
        self.assertEqual((accounts["received"], accounts["stored"]), (5, 2))
        self.assertEqual(accounts["lost"], {"unreadable": 3})
        _, err = self.etalon("run", self.recipe("stop.toml", min_peaks=0), "--source", source,
                             "--out", "stop", status=3)
        self.assertIn("frame 0", err)

    def test_a_terminal_that_goes_away(self):
        source, recipe = self.simulate(frames=300), self.recipe(min_peaks=0)
        for ignored, status in ((False, 130), (True, 0)):
            out = f"out{status}"
            run = self.start("run", recipe, "--source", source, "--out", out, "-T", "1",
                             preexec_fn=lambda: signal.signal(
                                 signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL))
            while not self.left(out):
                time.sleep(0.01)
                self.assertIsNone(run.poll())
            run.send_signal(signal.SIGHUP)
            self.end(run, status=status)
            self.assertEqual([n for n in self.left(out) if ".part." in n], [])
            self.assertIn("sim.h5" if ignored else "sim.partial.h5", self.left(out))

    def test_nothing_is_left_of_an_interrupted_output(self):
        simulate = self.start("simulate", "stills", "-n", "5000", "--size", "600,600", "-o",
                              "big.h5")
        while not os.path.exists(self.path("big.h5.part.etalon")):
            time.sleep(0.01)
            self.assertIsNone(simulate.poll())
        simulate.send_signal(signal.SIGHUP)
        self.end(simulate, status=130)
        self.assertEqual(os.listdir(self.folder), [])

    def test_what_a_killed_program_left_goes_with_the_next_output(self):
        def start():
            return self.start("simulate", "stills", "-n", "5000", "--size", "600,600", "-o",
                              "big.h5")

        part = self.path("big.h5.part.etalon")
        killed = start()
        while not os.path.exists(part):
            time.sleep(0.01)
        _, err = self.etalon("simulate", "stills", "-n", "1", "-o", "big.h5", status=1)
        self.assertIn("another program is writing it", err)  # as long as it lives
        killed.kill()
        killed.communicate()
        self.assertTrue(os.path.exists(part))
        self.etalon("simulate", "stills", "-n", "1", "--size", "60,60", "-o", "big.h5")
        self.assertEqual(os.listdir(self.folder), ["big.h5"])

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
        self.assertEqual(self.left(), ["sim.h5", "sim.powder.h5", "sim.vetoes.csv"])

    def test_no_space(self):
        source, recipe = self.simulate(frames=40), self.recipe(min_peaks=0, bound="lossless")

        def little():  # the ledger fits, the series does not
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

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
