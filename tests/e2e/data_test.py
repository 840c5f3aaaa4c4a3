"""The examples on the test data: serial_a and the thaumatin frames."""
import os
import unittest

from common import DATA, SOURCE, Case, main

SERIAL = os.path.join(DATA, "sim", "serial", "serial_a.h5")
THAUMATIN = os.path.join(DATA, "detector", "thaumatin_grid")


class Examples(Case):
    @unittest.skipUnless(os.path.exists(SERIAL), "no serial_a.h5")
    def test_serial(self):
        report = self.json("run", os.path.join(SOURCE, "examples", "serial.toml"), "--out", "out")
        self.assertEqual(report["frames"], 100)
        self.assertEqual(report["hits"], 24)
        self.assertEqual(report["conservation"]["vetoed"], 76)
        self.assertGreater(report["ratio_total"], 20)
        for region in report["regions"]:
            bound = 0 if region["bound"] == "lossless" else float(region["bound"].split(":")[1])
            self.assertLessEqual(region["max_error"], bound)
        self.assertEqual(report["decision"]["action"], "continue")

    @unittest.skipUnless(os.path.isdir(THAUMATIN), "no thaumatin frames")
    def test_thaumatin(self):
        report = self.json("run", os.path.join(SOURCE, "examples", "thaumatin.toml"), "--out",
                           "out")
        self.assertEqual(report["frames"], 3)
        self.assertEqual(report["checked"], report["hits"])
        self.assertGreater(report["hits"], 0)


class Demo(Case):
    def test_demo(self):
        self.etalon("simulate", "stills", "-n", "20", "--seed", "7", "-o", "sim.h5")
        report = self.json("run", os.path.join(SOURCE, "examples", "demo.toml"), "--source",
                           "sim.h5", "--out", "out")
        self.assertEqual(report["frames"], 20)
        self.assertGreater(report["hits"], 0)
        self.assertGreater(report["conservation"]["vetoed"], 0)


if __name__ == "__main__":
    main()
