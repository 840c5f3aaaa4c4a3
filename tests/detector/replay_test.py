"""What `etalon replay` sends, against a client that is written from the specification."""
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import simplon  # leaves with 77 when something is missing

import h5py
import numpy as np

ETALON = os.environ["ETALON"]


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


def series(dtype, frames=5, ny=131, nx=77):
    """Sizes that are no multiple of anything: Bitshuffle leaves elements over."""
    random = np.random.default_rng(3)
    images = random.poisson(1.5, (frames, ny, nx)).astype(dtype)
    images[:, 60:64] = np.iinfo(dtype).max
    images[:, 5, 6] = random.integers(0, np.iinfo(dtype).max, frames)
    return images


class Replay(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="etalon_replay_")
        self.addCleanup(self.folder.cleanup)
        self.address = free_address()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def replay(self, file, *arguments):
        process = subprocess.Popen([ETALON, "replay", file, "--bind", self.address, *arguments],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        return process

    def end(self, process, status=0):
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        return out, err

    def test_every_type_and_compression_bit_for_bit(self):
        for dtype in (np.uint8, np.uint16, np.uint32):
            images = series(dtype)
            file = self.path("series.npy")
            np.save(file, images)
            for compression in ("none", "lz4", "bslz4"):
                with self.subTest(dtype=dtype.__name__, compression=compression):
                    process = self.replay(file, "--compression", compression, "--json")
                    start, *between, end = simplon.receive(self.address)
                    self.assertEqual(start["type"], "start")
                    self.assertEqual(start["image_dtype"], dtype.__name__)
                    self.assertEqual((start["image_size_y"], start["image_size_x"]), images.shape[1:])
                    self.assertEqual(start["number_of_images"], len(images))
                    self.assertEqual(start["channels"], ["threshold_1"])
                    self.assertEqual(end["series_id"], start["series_id"])
                    self.assertEqual([m["image_id"] for m in between], list(range(len(images))))
                    for message, expected in zip(between, images):
                        self.assertEqual(message["type"], "image")
                        self.assertEqual(list(message["data"]), ["threshold_1"])
                        tag = message["data"]["threshold_1"].value[1].value
                        self.assertEqual("none" if isinstance(tag, bytes) else tag.value[0], compression)
                        sent = simplon.image(message["data"]["threshold_1"])
                        self.assertEqual(sent.dtype, expected.dtype)
                        np.testing.assert_array_equal(sent, expected)
                    report = json.loads(self.end(process)[0])
                    self.assertEqual(report["schema"], "etalon.replay/1")
                    self.assertEqual(report["frames"], len(images))
                    self.assertTrue(report["complete"])

    def test_start_says_what_the_file_says(self):
        file = self.path("sim.h5")
        subprocess.run([ETALON, "simulate", "stills", "-n", "3", "--seed", "7", "--size", "120,130", "-o", file],
                       check=True, capture_output=True)
        process = self.replay(file, "--channel", "threshold_2", "--series-id", "70001")
        start, *images, end = simplon.receive(self.address)
        self.end(process)
        with h5py.File(file) as stored:
            detector = stored["/entry/instrument/detector"]
            for name, path in (("beam_center_x", "beam_center_x"), ("beam_center_y", "beam_center_y"),
                               ("pixel_size_x", "x_pixel_size"), ("count_time", "count_time"),
                               ("frame_time", "frame_time"), ("saturation_value", "saturation_value"),
                               ("sensor_thickness", "sensor_thickness")):
                self.assertAlmostEqual(start[name], float(np.ravel(detector[path][()])[0]), 12, name)
            wavelength = float(np.ravel(stored["/entry/instrument/beam/incident_wavelength"][()])[0])
            self.assertAlmostEqual(start["incident_wavelength"], wavelength, 12)
            self.assertAlmostEqual(start["incident_energy"] * wavelength, 12398.4198, 3)
            if "pixel_mask" in detector:
                np.testing.assert_array_equal(simplon.image(start["pixel_mask"]["threshold_2"]),
                                              detector["pixel_mask"][()])
            for message, expected in zip(images, stored["/entry/data/data"][...]):
                self.assertEqual(message["series_id"], 70001)
                np.testing.assert_array_equal(simplon.image(message["data"]["threshold_2"]), expected)
        self.assertEqual(len(images), 3)
        self.assertEqual(end["series_id"], 70001)

    def test_loop_goes_on_counting(self):
        images = series(np.uint16, frames=3)
        np.save(self.path("a.npy"), images)
        for more in ([], ["--preload"], ["--preload", "-T", "1"]):
            with self.subTest(more=more):
                process = self.replay(self.path("a.npy"), "--loop", "4", *more)
                start, *between, _ = simplon.receive(self.address)
                self.end(process)
                self.assertEqual(start["number_of_images"], 12)
                self.assertEqual([m["image_id"] for m in between], list(range(12)))
                for message in between:
                    np.testing.assert_array_equal(simplon.image(message["data"]["threshold_1"]),
                                                  images[message["image_id"] % 3])

    def test_a_rate_is_not_exceeded_and_said_when_not_held(self):
        np.save(self.path("a.npy"), series(np.uint16))
        for rate, impossible in (("40", False), ("1000000", True)):
            process = self.replay(self.path("a.npy"), "--loop", "4", "--rate", rate, "--json")
            list(simplon.receive(self.address))
            out, err = self.end(process)
            # The first of the 20 images goes out at once.
            self.assertLess(json.loads(out)["frames_per_s"], float(rate) * 20 / 19 + 1e-6)
            if impossible:
                self.assertIn("instead of", err)

    def test_negative_pixels_are_marked_as_on_the_detector(self):
        images = np.array([[[-2, -1, 0, 70000]] * 9], np.int32)
        np.save(self.path("a.npy"), images)
        process = self.replay(self.path("a.npy"))
        start, message, _ = simplon.receive(self.address)
        self.end(process)
        self.assertEqual(start["image_dtype"], "uint32")
        self.assertEqual(simplon.image(message["data"]["threshold_1"])[8].tolist(), [2**32 - 1, 2**32 - 1, 0, 70000])

    def test_interruption_sends_the_end(self):
        np.save(self.path("a.npy"), series(np.uint16))
        process = self.replay(self.path("a.npy"), "--loop", "1000000", "--rate", "200", "--json")
        ids = []
        for message in simplon.receive(self.address):
            if message["type"] == "image":
                ids.append(message["image_id"])
                if len(ids) == 20:
                    process.send_signal(signal.SIGINT)
        out, err = self.end(process, 130)
        report = json.loads(out)
        self.assertFalse(report["complete"])
        self.assertEqual(report["frames"], len(ids))
        self.assertEqual(ids, list(range(len(ids))))
        self.assertIn("the end was sent", err)

    def test_nobody_came(self):
        np.save(self.path("a.npy"), series(np.uint16))
        process = self.replay(self.path("a.npy"))
        self.assertIn("waiting for a client", process.stderr.readline())
        process.send_signal(signal.SIGINT)
        _, err = self.end(process, 130)
        self.assertIn("no client came", err)

    def test_refusals(self):
        np.save(self.path("f.npy"), np.zeros((2, 8, 9), np.float32))
        np.save(self.path("a.npy"), np.zeros((2, 8, 9), np.uint16))
        for arguments, status, says in ((["f.npy"], 2, "f32 pixels"), (["none.h5"], 5, "none.h5"),
                                        (["a.npy", "--compression", "zip"], 2, "'zip'"),
                                        (["a.npy", "--bind", "tcp://nowhere"], 2, "cannot be bound"),
                                        (["a.npy", "--rate", "-1"], 2, "--rate")):
            done = subprocess.run([ETALON, "replay", *arguments], cwd=self.folder.name, capture_output=True,
                                  text=True, timeout=60)
            self.assertEqual(done.returncode, status, (arguments, done.stderr))
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
