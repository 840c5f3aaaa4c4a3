"""etalon edge and etalon collect as two processes: the same bytes as etalon run, and their failures."""
import json
import os
import signal
import time

from common import Case, free_address, main, sha256


class Split(Case):
    def collector(self, recipe, address, *more):
        return self.start("collect", recipe, "--bind", address, "--out", "split", "--json", *more)

    def test_equal_to_run_bit_for_bit(self):
        source, recipe, address = self.simulate(), self.recipe(), free_address()
        whole = self.json("run", recipe, "--source", source, "--out", "whole")
        collect = self.collector(recipe, address)
        edge = self.json("edge", recipe, "--source", source, "--connect", address)
        centre = json.loads(self.end(collect)[0])
        self.assertEqual(edge["schema"], "etalon.edge/1")
        self.assertEqual(centre["schema"], "etalon.collect/1")
        self.assertEqual(edge["hits"], whole["hits"])
        # The rows of rejected frames go in bundles, which end where an audited one is sent.
        most = edge["hits"] + 2 * edge["audit"]["audited"] + 2
        self.assertLessEqual(edge["messages"], most)
        self.assertGreater(edge["frames"], most)
        for key in ("sha256", "frames", "hits", "regions", "conservation", "bytes_stored"):
            self.assertEqual(centre[key], whole[key], key)
        self.assertEqual(centre["decision"]["ledger_id"], whole["decision"]["ledger_id"])
        self.assertEqual(sha256(self.path(centre["veto_table"])),
                         sha256(self.path(whole["veto_table"])))
        self.assertIn(sha256(source), self.lineage(centre["ledger"], centre["output"]))

    def test_over_ipc_with_the_edge_first(self):
        source, recipe = self.simulate(frames=4), self.recipe()
        address = "ipc://" + self.path("socket")
        edge = self.start("edge", recipe, "--source", source, "--connect", address)
        time.sleep(0.5)
        collect = self.collector(recipe, address)
        self.end(edge)
        self.assertEqual(json.loads(self.end(collect)[0])["frames"], 4)

    def test_no_collector(self):
        source, recipe = self.simulate(frames=2), self.recipe(connect_limit_s=0.5)
        address = free_address()
        _, err = self.etalon("edge", recipe, "--source", source, "--connect", address, status=5)
        self.assertIn(address, err)

    def test_another_recipe(self):
        source, address = self.simulate(frames=2), free_address()
        collect = self.collector(self.recipe(), address)
        other = self.recipe("other.toml", min_peaks=6)
        _, err = self.etalon("edge", other, "--source", source, "--connect", address, status=2)
        self.assertIn("another recipe", err)
        self.end(collect, status=2)
        self.assertEqual(self.left("split"), [])

    def test_output_exists_is_told_to_the_edge(self):
        source, recipe, address = self.simulate(frames=4), self.recipe(), free_address()
        os.mkdir(self.path("split"))
        with open(self.path("split", "sim.h5"), "w") as file:
            file.write("precious")
        collect = self.collector(recipe, address)
        _, err = self.etalon("edge", recipe, "--source", source, "--connect", address, status=2)
        self.assertIn("exists already", err)
        self.end(collect, status=2)
        with open(self.path("split", "sim.h5")) as file:
            self.assertEqual(file.read(), "precious")
        collect = self.collector(recipe, address, "-f")
        self.etalon("edge", recipe, "--source", source, "--connect", address)
        self.end(collect)

    def test_the_edge_is_killed(self):
        source, recipe, address = self.simulate(frames=60), self.recipe(), free_address()
        recipe = self.path("r.toml")
        with open(recipe) as file:
            text = file.read().replace("silence_limit_s = 20", "silence_limit_s = 1")
        with open(recipe, "w") as file:
            file.write(text)
        collect = self.collector(recipe, address)
        edge = self.start("edge", recipe, "--source", source, "--connect", address, "-T", "1")
        while not os.path.isdir(self.path("split")) or not self.left("split"):
            time.sleep(0.01)
            self.assertIsNone(collect.poll())
        edge.send_signal(signal.SIGKILL)
        edge.communicate()
        _, err = self.end(collect, status=1)
        self.assertIn("no word from the edge", err)
        # Frames that had come are kept, under a name that says that they are not all.
        left = self.left("split")
        self.assertIn(left, [[], ["sim.partial.h5", "sim.partial.vetoes.csv"]])
        self.assertEqual(bool(left), "sim.partial.h5" in err)

    def test_the_collector_is_interrupted(self):
        source, recipe, address = self.simulate(frames=200), self.recipe(), free_address()
        collect = self.collector(recipe, address)
        edge = self.start("edge", recipe, "--source", source, "--connect", address, "-T", "1",
                          "--json")
        while not os.path.isdir(self.path("split")) or not self.left("split"):
            time.sleep(0.01)
        collect.send_signal(signal.SIGINT)
        centre = json.loads(self.end(collect, status=130)[0])
        seen = json.loads(self.end(edge, status=130)[0])
        self.assertFalse(centre["complete"])
        self.assertEqual(centre["conservation"], seen["conservation"])
        self.assertIn("sim.partial.h5", self.left("split"))
        self.assertNotIn("sim.h5", self.left("split"))


if __name__ == "__main__":
    main()
