"""The veto's audit: a veto that is too strict is found out, and what it rejected is there to be judged again."""
import csv
import os
import unittest

from common import Case, free_address, main

if "ETALON_BINARY_DIR" in os.environ:  # before h5py is imported
    os.environ["HDF5_PLUGIN_PATH"] = os.path.join(os.environ["ETALON_BINARY_DIR"], "plugin")
try:
    import h5py
except ImportError:
    h5py = None


class Audit(Case):
    def strict(self, share, more=""):
        """Hits of this series have 3 to 14 peaks; frames with fewer than 8 go."""
        return self.recipe(min_peaks=8, bound="lossless",
                           more=f"[audit]\nshare = {share}\nmin_peaks = 3\n{more}")

    def truth(self, source):
        with h5py.File(source) as file:
            return file["entry/truth/is_hit"][:].astype(bool), file["entry/data/data"][:]

    def vetoes(self, report):
        with open(self.path(report["veto_table"]), newline="") as table:
            return list(csv.DictReader(table))

    @unittest.skipIf(h5py is None, "no h5py")
    def test_the_interval_covers_the_truth(self):
        source = self.simulate(frames=240, hit_fraction="0.3")
        hit, images = self.truth(source)
        report = self.json("run", self.strict(0.4), "--source", source, "--out", "out")
        rows = self.vetoes(report)
        rejected = [int(row["number"]) for row in rows]
        true_rate = hit[rejected].mean()
        self.assertGreater(true_rate, 0.05)
        audit = report["audit"]
        self.assertEqual(audit["rejected"], len(rows))
        self.assertEqual(audit["audited"], sum(row["audited"] == "1" for row in rows))
        self.assertGreater(audit["audited"], 40)
        low, high = audit["interval_95"]
        self.assertLessEqual(low, true_rate)
        self.assertGreaterEqual(high, true_rate)
        self.assertAlmostEqual(audit["rate"], audit["false_rejections"] / audit["audited"])

        # What was audited is in the file, bit for bit, and the judge was right.
        stored = self.path(report["output"])
        with h5py.File(stored) as file:
            group = file["entry/audit"]
            numbers = group["number"][:]
            self.assertEqual(sorted(numbers),
                             sorted(int(row["number"]) for row in rows if row["audited"] == "1"))
            self.assertTrue((group["data"][:] == images[numbers]).all())
            judged = group["hit"][:].astype(bool)
            self.assertEqual(judged.sum(), audit["false_rejections"])
            self.assertLessEqual((judged != hit[numbers]).sum(), 2)
        again = self.json("find", stored, "--dataset", "/entry/audit/data", "--threshold", "6",
                          "--snr", "4", "--min-peaks", "3")
        self.assertEqual([frame["hit"] for frame in again["frames"]], list(judged))

    def test_the_same_draw_on_two_machines_and_another_with_another_seed(self):
        source, recipe = self.simulate(frames=40), self.strict(0.5)
        whole = self.json("run", recipe, "--source", source, "--out", "one", "-T", "1")
        address = free_address()
        centre = self.start("collect", recipe, "--bind", address, "--out", "two", "--json")
        edge = self.json("edge", recipe, "--source", source, "--connect", address, "-T", "3")
        self.end(centre)
        self.assertEqual(edge["sha256"], whole["sha256"])
        self.assertEqual(edge["audit"], whole["audit"])
        other = self.json("run", self.strict(0.5, "seed = 1\n"), "--source", source, "--out", "three")
        drawn = [[row["number"] for row in self.vetoes(r) if row["audited"] == "1"]
                 for r in (whole, other)]
        self.assertNotEqual(*drawn)

    def test_limits_and_words(self):
        source = self.simulate(frames=40)
        text, _ = self.etalon("run", self.strict(1.0), "--source", source, "--out", "all",
                              "--audit-limit", "90%")
        self.assertIn("below the limit of 90 %: shown", text)
        text, _ = self.etalon("run", self.strict(0.0), "--source", source, "--out", "none")
        self.assertIn("nothing is known of false rejections", text)
        report = self.json("run", self.recipe(min_peaks=2, more="[audit]\nshare = 1\n"), "--source",
                           source, "--out", "good", "--audit-limit", "0.5%")
        audit = report["audit"]
        self.assertEqual(audit["limit"], 0.005)
        self.assertEqual(audit["audited"], audit["rejected"])
        self.assertFalse(audit["limit_shown"])
        self.assertEqual(audit["audited_needed_without_any"], 736)
        _, err = self.etalon("run", self.strict(1.0), "--source", source, "--out", "bad",
                             "--audit-limit", "lots%", status=2)
        self.assertIn("audit-limit", err)

    def test_rules_on_score_and_resolution(self):
        source = self.simulate(frames=40)
        recipe = self.recipe(min_peaks=0)
        with open(recipe) as file:
            text = file.read()
        with open(recipe, "w") as file:
            file.write(text.replace("min_peaks = 0", "min_score = 100\nresolution_angstrom = 9.5\n"
                                    "resolution_peaks = 2"))
        report = self.json("run", recipe, "--source", source, "--out", "out")
        reasons = {row["reason"] for row in self.vetoes(report)}
        self.assertIn("score < 100", reasons)
        self.assertLess(report["hits"], 40)
        self.assertGreater(report["hits"], 0)
        for row in self.vetoes(report):
            if row["reason"] == "score < 100":
                self.assertLess(float(row["score"]), 100)
            else:
                self.assertEqual(row["reason"], "resolution > 9.5")
                d = float(row["resolution_angstrom"])
                self.assertTrue(d == 0 or d > 9.5)

    def test_the_upper_limit_is_a_number_for_rules(self):
        source = self.simulate(frames=40)
        recipe = self.strict(1.0, '[analyse]\nkind = "powder"\n')
        with open(recipe) as file:
            text = file.read().replace("hit_rate < 1%", "false_rejection_upper > 1%")
        with open(recipe, "w") as file:
            file.write(text)
        report = self.json("run", recipe, "--source", source, "--out", "out")
        self.assertEqual(report["decision"]["action"], "move_sample")
        self.assertIn("false_rejection_upper", report["decision"]["reason"])


if __name__ == "__main__":
    main()
