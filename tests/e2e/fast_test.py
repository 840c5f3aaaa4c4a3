"""The fast loop: rules on single frames, followed while the run goes on, heard by an independent subscriber."""
import json
import unittest

from common import Case, free_address, main

try:
    import zmq
except ImportError:
    zmq = None

RULES = """
[fast]
publish = "{address}"
wait_s = 20
budget_ms = {budget_ms}
[[fast.rule]]
when = "peaks >= 5 and max_snr > 3"
action = "move_sample"
parameters = {{ dx_um = 2, dy_um = -1 }}
[[fast.rule]]
when = "max_value >= 1"
action = "attenuate"
parameters = {{ factor = 0.9 }}
hold_frames = 1000
"""


@unittest.skipIf(zmq is None, "no zmq")
class Fast(Case):
    def run_and_listen(self, budget_ms, **more):
        source, address = self.simulate(frames=30), free_address()
        recipe = self.recipe(more=RULES.format(address=address, budget_ms=budget_ms))
        context = zmq.Context()
        listener = context.socket(zmq.SUB)
        listener.setsockopt(zmq.SUBSCRIBE, b"")
        listener.connect(address)
        try:
            report = self.json("run", recipe, "--source", source, "--out", "out", **more)
            heard = []
            while listener.poll(500):
                heard.append(json.loads(listener.recv()))
        finally:
            listener.close()
            context.term()
        return source, report, heard

    def test_what_is_published_is_what_the_frames_show(self):
        source, report, heard = self.run_and_listen(budget_ms=60000)
        found = self.json("find", source, "--threshold", "8", "--snr", "5")["frames"]
        many = {f["frame"] for f in found if len(f["peaks"]) >= 5}
        self.assertGreater(len(many), 3)
        moves = [m for m in heard if m["rule"] == 1]
        self.assertEqual({m["frame"] for m in moves}, many)
        self.assertEqual(len(moves), len(many))
        for m in moves:
            self.assertEqual(m["schema"], "etalon.action/1")
            self.assertEqual(m["action"], "move_sample")
            self.assertEqual(m["parameters"], {"dx_um": 2, "dy_um": -1})
            self.assertEqual(m["seen"]["peaks"], len(found[m["frame"]]["peaks"]))
            self.assertGreater(m["latency_ms"], 0)
        self.assertEqual([m["action"] for m in heard if m["rule"] == 2], ["attenuate"])
        fast = report["fast"]
        self.assertEqual(fast["actions"], len(heard))
        self.assertEqual(fast["over_budget"], 0)
        latency = fast["latency_ms"]
        self.assertLessEqual(latency["p50"], latency["p99"])
        self.assertLessEqual(latency["p99"], latency["p99_9"])
        self.assertGreater(latency["p50"], 0)
        # Each action is accounted for in the ledger.
        tree = self.lineage(report["ledger"], report["output"])
        self.assertIn('"fast"', tree)

    def test_a_budget_that_cannot_be_held_is_said(self):
        source = self.simulate(frames=10)
        recipe = self.recipe(more="[fast]\nbudget_ms = 0.001\n[[fast.rule]]\nwhen = \"peaks >= 0\"\n"
                                  "action = \"continue\"\n")
        process = self.start("run", recipe, "--source", source, "--out", "out", "--json")
        out, err = self.end(process)
        self.assertIn("fast.budget_ms", err)
        self.assertEqual(json.loads(out)["fast"]["over_budget"], 10)
        self.assertEqual(json.loads(out)["fast"]["actions"], 10)

    def test_nobody_listens(self):
        source = self.simulate(frames=6)
        recipe = self.recipe(more=RULES.format(address=free_address(), budget_ms=100)
                             .replace("wait_s = 20", "wait_s = 0.2"))
        _, err = self.etalon("run", recipe, "--source", source, "--out", "out")
        self.assertIn("nobody listens", err)

    def test_rules_are_judged_before_the_run(self):
        source = self.simulate(frames=6)
        for rule, words in (('when = "hit_rate > 1"\naction = "stop"', "hit_rate"),
                            ('when = "peaks > 1"\naction = "dance"', "dance"),
                            ('when = "peaks > 1"\naction = "stop"\nhold = 3', "hold_frames")):
            recipe = self.recipe(more="[[fast.rule]]\n" + rule + "\n")
            _, err = self.etalon("run", recipe, "--source", source, "--out", "out", status=2)
            self.assertIn(words, err)


if __name__ == "__main__":
    main()
