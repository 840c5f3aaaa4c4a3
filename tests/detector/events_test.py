"""Several detectors as one source: the parts of a frame are put together by its number, within a deadline."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import simplon  # leaves with 77 when something is missing

import json
import subprocess
import time

import numpy as np
import zmq
from receive_test import END, ETALON, free_address, damaged_image, image, start
from source_test import Source as Base

SETTINGS = "deadline_s = 0.5"


class Events(Base):
    """The images' upper 25 rows come from one detector, the others from another."""

    def send_to_both(self, upper, lower, status=0):
        """Messages of each detector; numbers wait so many seconds, on both."""
        addresses = [free_address(), free_address()]
        with zmq.Context() as context:
            sockets = []
            for address in addresses:
                sockets.append(context.socket(zmq.PUSH))
                sockets[-1].setsockopt(zmq.LINGER, 5000)
                sockets[-1].bind(address)
            process = subprocess.Popen([ETALON, "run", self.recipe(SETTINGS), "--source", ",".join(addresses), "--out",
                                        self.path("out"), "-f", "--json"], env=self.environment,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for messages, socket in ((upper, sockets[0]), (lower, sockets[1])):
                for message in messages:
                    if isinstance(message, float):
                        time.sleep(message)
                    else:
                        socket.send(message)
            out, err = process.communicate(timeout=60)
            for socket in sockets:
                socket.close()
        self.assertEqual(process.returncode, status, err)
        report = json.loads(out) if out else {}
        if report:
            c = report["conservation"]
            self.assertEqual(c["received"], c["stored"] + c["vetoed"] + sum(c["lost"].values()))
        return report, err

    def upper(self, order):
        return [image(i, np.ascontiguousarray(self.images[i, :25])) for i in order]

    def lower(self, order):
        return [image(i, np.ascontiguousarray(self.images[i, 25:])) for i in order]

    def both_starts(self):
        return start(self.images[:, :25]), start(self.images[:, 25:])

    def test_whole_frames(self):
        a, b = self.both_starts()
        report, _ = self.send_to_both([a, *self.upper(range(8)), END], [b, *self.lower([1, 0, *range(2, 8)]), END])
        self.check(report, {}, [1, 4, 6])
        self.assertEqual(report["frames"], 8)

    def test_a_part_that_never_comes(self):
        a, b = self.both_starts()
        report, err = self.send_to_both([a, *self.upper(range(8)), END],
                                        [b, *self.lower([0, 1, 2, 4, 5, 6, 7]), END])
        self.check(report, {"incomplete": 1}, [1, 4, 6])
        self.assertIn("3 lacks", err)
        self.assertIn("images missing", err)

    def test_a_part_that_is_damaged(self):
        a, b = self.both_starts()
        lower = self.lower(range(8))
        lower[3] = damaged_image(3, self.images[3, 25:])
        report, err = self.send_to_both([a, *self.upper(range(8)), END], [b, *lower, END])
        self.check(report, {"incomplete": 1}, [1, 4, 6])
        self.assertIn("1 parts damaged, the last: image 3: data.threshold_1: lz4", err)
        self.assertIn("3 lacks", err)

    def test_a_number_that_comes_from_neither(self):
        a, b = self.both_starts()
        order = [0, 1, 2, 4, 5, 6, 7]
        report, _ = self.send_to_both([a, *self.upper(order), END], [b, *self.lower(order), END])
        self.check(report, {"missing": 1}, [1, 4, 6])

    def test_parts_after_the_deadline(self):
        a, b = self.both_starts()
        report, err = self.send_to_both([a, *self.upper(range(8)), END],
                                        [b, *self.lower(range(5)), 0.8, *self.lower([5, 6, 7]), END])
        self.check(report, {"incomplete": 3}, [1, 4])
        self.assertIn("parts too late", err)

    def test_one_detector_aborts(self):
        a, b = self.both_starts()
        report, err = self.send_to_both([a, *self.upper(range(8)), END], [b, *self.lower(range(5)), END])
        self.check(report, {"incomplete": 3}, [1, 4])

    def test_both_abort(self):
        a, b = self.both_starts()
        report, err = self.send_to_both([a, *self.upper(range(5)), END], [b, *self.lower(range(5)), END])
        self.check(report, {"not_sent": 3}, [1, 4])

    def test_one_detector_vanishes(self):
        a, b = self.both_starts()
        report, err = self.send_to_both([a, *self.upper(range(8)), END], [b, *self.lower(range(5))], status=1)
        self.assertIn("silence, and no end", err)
        self.check(report, {"incomplete": 3}, [1, 4])
        self.assertFalse(report["complete"])

    def test_parts_that_do_not_fit(self):
        a, b = start(self.images[:, :25]), start(self.images[:, 25:, :60])
        _, err = self.send_to_both([a, *self.upper([0]), END],
                                   [b, image(0, np.ascontiguousarray(self.images[0, 25:, :60])), END], status=2)
        self.assertIn("60 pixels wide", err)


for name in [n for n in dir(Base) if n.startswith("test_")]:
    setattr(Events, name, None)  # only what is new here
del Base

if __name__ == "__main__":
    unittest.main(verbosity=2)
