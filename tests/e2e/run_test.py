"""etalon run: a simulated series from its frames to the decision, and back through the ledger."""
import json
import os

from common import Case, main, sha256


class Run(Case):
    def test_report_and_files(self):
        source, recipe = self.simulate(), self.recipe()
        report = self.json("run", recipe, "--source", source, "--out", "out")
        self.assertEqual(report["schema"], "etalon.run/1")
        self.assertEqual(report["frames"], 16)
        self.assertGreater(report["hits"], 0)
        self.assertLess(report["hits"], 16)
        self.assertAlmostEqual(report["hit_rate"], report["hits"] / 16)
        self.assertEqual(report["bytes_raw"], 16 * 300 * 300 * 2)
        output = self.path(report["output"])
        self.assertEqual(report["bytes_stored"], os.path.getsize(output))
        self.assertEqual(report["sha256"], sha256(output))
        self.assertAlmostEqual(report["ratio_total"], report["bytes_raw"] / report["bytes_stored"])
        self.assertAlmostEqual(report["ratio_kept"], report["ratio_total"] * report["hit_rate"])
        self.assertGreater(report["frames_per_s"], 0)
        self.assertGreaterEqual(report["latency_ms"]["p99"], report["latency_ms"]["p50"])
        self.assertEqual(report["checked"], (report["hits"] + 1) // 2)
        regions = {region["kind"]: region for region in report["regions"]}
        self.assertEqual(regions["peaks"]["bound"], "lossless")
        self.assertEqual(regions["peaks"]["max_error"], 0)
        self.assertEqual(regions["default"]["bound"], "abs:1")
        self.assertLessEqual(regions["default"]["max_error"], 1)
        self.assertAlmostEqual(sum(region["share"] for region in report["regions"]), 1)
        accounts = report["conservation"]
        self.assertEqual(accounts["received"],
                         accounts["stored"] + accounts["vetoed"] + sum(accounts["lost"].values()))
        self.assertEqual(report["decision"]["action"], "continue")
        with open(self.path(report["veto_table"])) as table:
            rows = table.read().splitlines()
        self.assertEqual(rows[0],
                         "number,peaks,score,resolution_angstrom,audited,reason,raw_sum")
        self.assertEqual(len(rows) - 1, accounts["vetoed"])
        for row in rows[1:]:
            number, peaks, _, _, _, reason, _ = row.split(",")
            self.assertLess(int(peaks), 5)
            self.assertEqual(reason, "peaks < 5")
        self.assertEqual(self.left(), ["sim.h5", "sim.powder.h5", "sim.vetoes.csv"])

    def test_the_ledger_leads_back_to_the_source(self):
        source, recipe = self.simulate(), self.recipe()
        report = self.json("run", recipe, "--source", source, "--out", "out")
        for name in (report["output"], report["decision"]["ledger_id"], report["veto_table"],
                     report["analysis"]["output"]):
            tree = self.lineage(report["ledger"], name)
            self.assertIn(sha256(source), tree)
            self.assertIn(sha256(recipe), tree)
        self.etalon("ledger", "verify", "--ledger", report["ledger"])
        with open(self.path(report["output"]), "r+b") as file:
            file.seek(1000)
            byte = file.read(1)
            file.seek(1000)
            file.write(bytes([byte[0] ^ 1]))
        out, err = self.etalon("ledger", "verify", "--ledger", report["ledger"], status=4)
        self.assertIn("sim.h5", out + err)

    def test_the_ledger_names_the_files_that_a_recipe_reads(self):
        source = self.simulate(frames=6)
        names = ("bad.npy", "rim.npy")
        for k, name in enumerate(names):
            header = "{'descr': '|u1', 'fortran_order': False, 'shape': (300, 300), }"
            header = header.ljust(117) + "\n"
            pixels = bytearray(300 * 300)
            pixels[k] = 1
            with open(self.path(name), "wb") as file:
                file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little"))
                file.write(header.encode() + pixels)
        recipe = self.recipe(min_peaks=0, more='[calibrate]\nmask = "bad.npy"\n')
        with open(recipe) as file:
            text = file.read().replace('[ship]', '[[reduce.region]]\nkind = "mask"\n'
                                       'file = "rim.npy"\nbound = "lossless"\n[ship]')
        with open(recipe, "w") as file:
            file.write(text)
        report = self.json("run", recipe, "--source", source, "--out", "out")
        tree = self.lineage(report["ledger"], report["output"])
        for name in names:
            self.assertIn(sha256(self.path(name)), tree)

    def test_panels_lie_where_a_geometry_file_says(self):
        """Two halves of which the lower is turned by 180 degrees and the upper has a bad corner."""
        source = self.simulate(frames=6)
        with open(self.path("a.geom"), "w") as file:
            file.write("""res = 13333.333333333334
                clen = 0.1
                up/min_fs = 0\nup/max_fs = 299\nup/min_ss = 0\nup/max_ss = 149
                up/corner_x = -150\nup/corner_y = -150\nup/fs = x\nup/ss = y
                down/min_fs = 0\ndown/max_fs = 299\ndown/min_ss = 150\ndown/max_ss = 299
                down/corner_x = 150\ndown/corner_y = 150.5\ndown/fs = -x\ndown/ss = -y
                badcorner/panel = up\nbadcorner/min_fs = 0\nbadcorner/max_fs = 9
                badcorner/min_ss = 0\nbadcorner/max_ss = 4
                """)
        recipe = self.recipe(min_peaks=0, bound="lossless", more='[calibrate]\ngeometry = "a.geom"\n')
        report = self.json("run", recipe, "--source", source, "--out", "out")
        self.assertIn(sha256(self.path("a.geom")), self.lineage(report["ledger"], report["output"]))
        # The stored file alone says as much as source and geometry together.
        stored = self.json("find", report["output"])["frames"]
        both = self.json("find", source, "--geometry", self.path("a.geom"))["frames"]
        self.assertEqual(stored, both)
        self.assertNotEqual(stored, self.json("find", source)["frames"])
        _, err = self.etalon("find", report["output"], "--centre", "1,2", status=2)
        self.assertIn("where the beam is", err)
        with open(recipe) as file:
            text = file.read().replace("[find]", "[find]\ncentre = [1, 2]")
        with open(recipe, "w") as file:
            file.write(text)
        _, err = self.etalon("run", recipe, "--source", source, "--out", "other", status=2)
        self.assertIn("find.centre", err)

    def test_the_same_for_any_number_of_threads(self):
        source, recipe = self.simulate(), self.recipe()
        one = self.json("run", recipe, "--source", source, "--out", "one", "-T", "1")
        many = self.json("run", recipe, "--source", source, "--out", "many", "-T", "5")
        self.assertEqual(one["sha256"], many["sha256"])
        self.assertEqual(one["decision"]["ledger_id"], many["decision"]["ledger_id"])

    def test_lossless_gives_back_what_was_measured(self):
        source, recipe = self.simulate(frames=6), self.recipe(min_peaks=0, bound="lossless")
        report = self.json("run", recipe, "--source", source, "--out", "out")
        self.assertEqual(report["hits"], 6)
        self.etalon("verify", source, report["output"], "--bound", "lossless")

    def test_no_hit_at_all_moves_the_sample(self):
        source = self.simulate(frames=6, hit_fraction="0")
        recipe = self.recipe(min_peaks=1000)
        report = self.json("run", recipe, "--source", source, "--out", "out")
        self.assertEqual(report["hits"], 0)
        self.assertEqual(report["decision"]["action"], "move_sample")
        self.assertEqual(report["decision"]["parameters"], {"dx_um": 20})
        self.assertIn(sha256(source),
                      self.lineage(report["ledger"], report["decision"]["ledger_id"]))

    def test_text_for_people(self):
        source, recipe = self.simulate(), self.recipe()
        out, _ = self.etalon("run", recipe, "--source", source, "--out", "out")
        for word in ("frames", "hits", "reduction", "max error", "throughput", "latency",
                     "out/sim.h5", "decision", "ledger id", "etalon ledger lineage"):
            self.assertIn(word, out)

    def test_a_window_of_the_source(self):
        source = self.simulate(frames=8)
        recipe = self.recipe(min_peaks=0, more='[source]\nfirst = 3\nframes = 4\nname = "part"\n')
        report = self.json("run", recipe, "--source", source, "--out", "out")
        self.assertEqual(report["frames"], 4)
        self.assertTrue(report["output"].endswith("part.h5"))
        recipe = self.recipe(more="[source]\nfirst = 8\n")
        _, err = self.etalon("run", recipe, "--source", source, status=2)
        self.assertIn("it has 8", err)

    def test_environment_in_the_source_path(self):
        self.simulate(frames=2)
        recipe = self.recipe(more='[source]\npath = "${ETALON_E2E}/sim.h5"\n')
        _, err = self.etalon("run", recipe, status=2)
        self.assertIn("ETALON_E2E", err)
        self.environment["ETALON_E2E"] = self.folder
        self.assertEqual(self.json("run", recipe)["frames"], 2)
        self.assertIn("sim.h5", self.left())

    def test_inputs_lie_by_the_recipe_and_outputs_where_one_stands(self):
        self.simulate(frames=2)
        os.mkdir(self.path("away"))
        recipe = self.recipe(more='[source]\npath = "sim.h5"\n[store]\nfolder = "results"\n')
        out, _ = self.end(self.start("run", recipe, "--json", cwd=self.path("away")))
        self.assertEqual(json.loads(out)["output"], "results/sim.h5")
        self.assertIn("sim.h5", self.left("away/results"))
        self.assertTrue(os.path.exists(self.path("away", "results", "ledger.db")))


if __name__ == "__main__":
    main()
