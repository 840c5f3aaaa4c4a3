"""A detector's stream as the source of a run: what races and aborts do to it, and what is said of them. The
detector is written from the specification."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import simplon  # leaves with 77 when something is missing

import numpy as np
import zmq
from receive_test import END, ETALON, PLUGINS, dumps, free_address, damaged_image, image, start

RECIPE = """
[source]
settle_s = 0.3
silence_limit_s = 1
{source}
[veto]
min_peaks = 1
[reduce]
bound = "lossless"
[analyse]
kind = "none"
"""


class Source(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="etalon_source_")
        self.addCleanup(self.folder.cleanup)
        self.images = np.random.default_rng(1).poisson(1, (8, 60, 70)).astype(np.uint16)
        for k in (1, 4, 6):
            self.images[k, 20:22, 40:42] += 60
        self.environment = dict(os.environ, ETALON_STATE=self.path("state"), HDF5_PLUGIN_PATH=PLUGINS)
        self.environment.pop("ETALON_LEDGER", None)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def recipe(self, source=""):
        with open(self.path("r.toml"), "w") as file:
            file.write(RECIPE.format(source=source))
        return self.path("r.toml")

    def body(self, order):
        return [image(i, self.images[i]) for i in order]

    def run_on(self, messages, status=0, source="", thief=False):
        """The run's report and what it said, after these messages; numbers wait so many seconds."""
        address = free_address()
        with zmq.Context() as context, context.socket(zmq.PUSH) as detector, context.socket(zmq.PULL) as second:
            detector.setsockopt(zmq.LINGER, 5000)
            detector.bind(address)
            process = subprocess.Popen([ETALON, "run", self.recipe(source), "--source", address, "--out",
                                        self.path("out"), "-f", "--json"], env=self.environment,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for message in messages:
                if message == "thief":
                    second.setsockopt(zmq.LINGER, 0)
                    second.connect(address)
                    time.sleep(0.3)
                elif isinstance(message, float):
                    time.sleep(message)
                else:
                    detector.send(message)
            out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        report = json.loads(out) if out else {}
        if report:
            c = report["conservation"]
            self.assertEqual(c["received"], c["stored"] + c["vetoed"] + sum(c["lost"].values()))
        return report, err

    def check(self, report, lost, stored=None):
        self.assertEqual(report["conservation"]["lost"], lost)
        if stored is not None:
            self.assertEqual(report["hits"], len(stored))
            done = subprocess.run([sys.executable, "-c", f"""
import h5py, numpy
f = h5py.File({report['output']!r})
numpy.savez({self.path('read.npz')!r}, images=f['/entry/data/data'][...],
            numbers=f['/entry/instrument/detector/sequence_number'][...])
"""], env=self.environment, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
            with np.load(self.path("read.npz")) as read:
                self.assertEqual(read["numbers"].tolist(), stored)
                np.testing.assert_array_equal(read["images"], self.images[stored])

    def test_a_whole_series(self):
        report, _ = self.run_on([start(self.images), *self.body(range(8)), END])
        self.check(report, {}, [1, 4, 6])
        self.assertEqual(report["frames"], 8)
        self.assertTrue(report["complete"])

    def test_the_same_as_from_the_file(self):
        file = self.path("sim.h5")
        subprocess.run([ETALON, "simulate", "stills", "-n", "12", "--size", "200,220", "-o", file], check=True,
                       capture_output=True)
        recipe, address = self.recipe(), free_address()
        run = [ETALON, "run", recipe, "--json", "--source"]
        by_file = subprocess.run([*run, file, "--out", self.path("a")], env=self.environment, capture_output=True,
                                 check=True)
        with subprocess.Popen([ETALON, "replay", file, "--bind", address], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as replay:
            by_stream = subprocess.run([*run, address, "--out", self.path("b")], env=self.environment,
                                       capture_output=True, check=True)
            self.assertEqual(replay.wait(60), 0)
        a, b = json.loads(by_file.stdout), json.loads(by_stream.stdout)
        for key in ("frames", "hits", "bytes_raw", "regions", "conservation"):
            self.assertEqual(a[key], b[key], key)
        self.assertGreater(a["hits"], 0)
        with open(a["veto_table"]) as one, open(b["veto_table"]) as other:
            self.assertEqual(one.read(), other.read())

    def test_images_out_of_order_twice_and_damaged(self):
        report, err = self.run_on([start(self.images), *self.body([1, 0, 2, 2, 3]), b"\xd9\xd9\xf7\xa1", *self.body([5]),
                                   image(6, self.images[6], series=9), *self.body([4, 6, 7]), END])
        self.check(report, {}, [1, 4, 6])
        for words in ("1 images twice", "out of order", "cannot be read", "of another series"):
            self.assertIn(words, err)

    def test_damaged_images_are_lost_by_cause(self):
        for first in (0, 2):
            messages = self.body(range(8))
            for number in (first, 5):
                messages[number] = damaged_image(number, self.images[number])
            report, err = self.run_on([start(self.images), *messages, END])
            self.check(report, {"damaged": 2}, [1, 4, 6])
            self.assertEqual(report["frames"], 8)
            self.assertIn(f"1 images damaged, the last: image {first}: data.threshold_1: lz4", err)

    def test_start_lost_in_a_connect_race(self):
        report, err = self.run_on([*self.body(range(8)), END])
        self.check(report, {}, [1, 4, 6])
        self.assertIn("no start message came", err)

    def test_a_second_client_steals_images(self):
        """A real one: ZeroMQ deals the images out in turn."""
        report, err = self.run_on([start(self.images), *self.body([0, 1]), 0.5, "thief", *self.body(range(2, 8)), END,
                                   END])
        c = report["conservation"]
        self.assertGreaterEqual(sum(c["lost"].values()), 2)
        self.assertIn("missing", c["lost"])
        self.assertEqual(c["received"], 8)
        self.assertIn("does a second client take them?", err)

    def test_the_end_overtakes_data(self):
        report, _ = self.run_on([start(self.images), *self.body(range(4)), END, *self.body(range(4, 8))])
        self.check(report, {}, [1, 4, 6])

    def test_the_detector_aborts(self):
        report, err = self.run_on([start(self.images), *self.body(range(5)), END])
        self.check(report, {"not_sent": 3}, [1, 4])
        self.assertEqual(report["frames"], 8)
        self.assertIn("3 images announced and not sent", err)
        chain = subprocess.run([ETALON, "ledger", "lineage", "--ledger", report["ledger"], report["output"], "--json"],
                               env=self.environment, capture_output=True, text=True, check=True).stdout
        self.assertIn('"lost":{"not_sent":3}', chain.replace(" ", "").replace("\n", ""))

    def test_the_detector_vanishes(self):
        report, err = self.run_on([start(self.images), *self.body(range(5))], status=1)
        self.check(report, {"not_sent": 3}, [1, 4])
        self.assertFalse(report["complete"])
        self.assertIn("partial", report["output"])
        self.assertIn("silence, and no end", err)

    def test_the_next_series_begins_before_this_one_has_ended(self):
        other = dumps(type="start", series_id=6, series_unique_id="v", number_of_images=8)
        report, err = self.run_on([start(self.images), *self.body(range(5)), other, image(0, self.images[0], series=6)],
                                  status=1)
        self.check(report, {"not_sent": 3}, [1, 4])
        self.assertIn("another series began", err)

    def test_armed_long_before_the_first_image(self):
        """Longer than the limit of silence, which counts from the first image on."""
        report, _ = self.run_on([start(self.images), 1.6, *self.body(range(8)), END])
        self.check(report, {}, [1, 4, 6])

    def test_armed_again_before_the_first_image(self):
        other = dumps(type="start", series_id=4, series_unique_id="t", number_of_images=99)
        report, _ = self.run_on([other, start(self.images), *self.body(range(8)), END])
        self.check(report, {}, [1, 4, 6])

    def test_the_end_of_an_earlier_series_comes_first(self):
        left = dumps(type="end", series_id=4, series_unique_id="t")
        report, _ = self.run_on([left, start(self.images), *self.body(range(8)), END])
        self.check(report, {}, [1, 4, 6])

    def test_images_of_an_earlier_series_come_first(self):
        left = [image(k, self.images[0], series=4) for k in (7, 8)]
        report, err = self.run_on([*left, dumps(type="end", series_id=4, series_unique_id="t"), start(self.images),
                                   *self.body(range(8)), END])
        self.check(report, {}, [1, 4, 6])
        self.assertIn("2 images of another series", err)

    def test_edge_and_collector_are_two_programs(self):
        recipe, address, centre = self.recipe(), free_address(), free_address()
        with zmq.Context() as context, context.socket(zmq.PUSH) as detector:
            detector.bind(address)
            programs = [subprocess.Popen([ETALON, *words, "--json"], env=self.environment, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
                        for words in (["collect", recipe, "--bind", centre, "--out", self.path("out")],
                                      ["edge", recipe, "--source", address, "--connect", centre])]
            for message in (start(self.images), *self.body(range(6)), END):
                detector.send(message)
            reports = []
            for program in programs:
                out, err = program.communicate(timeout=60)
                self.assertEqual(program.returncode, 0, err)
                reports.append(json.loads(out))
        for report in reports:
            self.check(report, {"not_sent": 2})
        self.check(reports[0], {"not_sent": 2}, [1, 4])
        self.assertGreaterEqual(reports[1]["stages_s"]["receive"], 0)

    def test_a_slow_edge_holds_the_detector_back(self):
        """The queues between are bounded: what they cannot hold waits at the detector, and nothing is lost."""
        n = 400
        images = np.broadcast_to(self.images[1], (n, 60, 70))
        blocked, messages = 0, [start(images), *(image(k, images[k]) for k in range(n)), END]
        address = free_address()
        with zmq.Context() as context, context.socket(zmq.PUSH) as detector:
            detector.setsockopt(zmq.SNDHWM, 4)
            detector.setsockopt(zmq.SNDBUF, 1 << 14)
            detector.bind(address)
            process = subprocess.Popen([ETALON, "run", self.recipe(), "--source", address, "--out", self.path("out"),
                                        "-T", "1", "--json"], env=self.environment, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            for k, message in enumerate(messages):
                if k == 20:  # it works: now it may not for a while
                    process.send_signal(signal.SIGSTOP)
                    time.sleep(0.2)
                while True:
                    try:
                        detector.send(message, zmq.NOBLOCK if k >= 20 else 0)
                        break
                    except zmq.Again:
                        blocked += 1
                        process.send_signal(signal.SIGCONT)
                        time.sleep(0.01)
            process.send_signal(signal.SIGCONT)
            out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, err)
        report = json.loads(out)
        self.check(report, {})
        self.assertEqual(report["hits"], n)
        self.assertGreater(blocked, 0)

    def test_a_channel_is_chosen(self):
        two = ("threshold_1", "threshold_2")
        messages = [start(self.images, two), *(image(i, self.images[i], two) for i in range(8)), END]
        report, _ = self.run_on(messages, source='channel = "threshold_2"')
        self.images = self.images + 1  # what image() puts into the second channel
        self.check(report, {}, [1, 4, 6])
        self.images = self.images - 1
        _, err = self.run_on(messages, status=2, source='channel = "threshold_3"')
        self.assertIn("threshold_1, threshold_2", err)

    def test_refusals(self):
        _, err = self.run_on([], status=2, source="first = 1")
        self.assertIn("a stream is taken whole", err)
        _, err = self.run_on([start(self.images), END], status=3)
        self.assertIn("without an image", err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
