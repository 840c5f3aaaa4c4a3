"""What `etalon receive` makes of a detector that is written from the specification."""
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(__file__))
import simplon  # leaves with 77 when something is missing

import cbor2
import h5py
import numpy as np
import zmq

ETALON = os.environ["ETALON"]
PLUGINS = os.path.join(os.environ["ETALON_BINARY_DIR"], "plugin")
Tag = cbor2.CBORTag
TYPES = {"uint8": 64, "uint16": 69, "uint32": 70}


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


def dumps(**message):
    return b"\xd9\xd9\xf7" + cbor2.dumps(message)


def start(images, channels=("threshold_1",), **more):
    _, ny, nx = images.shape
    return dumps(type="start", series_id=5, series_unique_id="u", number_of_images=len(images),
                 channels=list(channels), image_dtype=images.dtype.name, image_size_x=nx, image_size_y=ny,
                 beam_center_x=3.5, beam_center_y=4.5, pixel_size_x=75e-6, pixel_size_y=75e-6,
                 detector_translation=[0.0, 0.0, 0.2], incident_wavelength=1.5, count_time=0.002, frame_time=0.0021,
                 saturation_value=999, **more)


def image(number, pixels, channels=("threshold_1",), series=5):
    typed = lambda c: Tag(TYPES[pixels.dtype.name], (pixels + c).astype(pixels.dtype).tobytes())
    return dumps(type="image", series_id=series, series_unique_id="u", image_id=number,
                 real_time=[2, 1000], start_time=[number * 21, 10000], stop_time=[number * 21 + 20, 10000],
                 data={name: Tag(40, [list(pixels.shape), typed(c)]) for c, name in enumerate(channels)})


def damaged_image(number, pixels, series=5):
    """Whole but for its compressed pixels: one lz4 block that is none."""
    size = pixels.size * pixels.itemsize
    block = bytes([0xF0]) + b"\xff" * (size // 2)
    payload = struct.pack(">QII", size, size, len(block)) + block
    typed = Tag(TYPES[pixels.dtype.name], Tag(56500, ["lz4", 0, payload]))
    return dumps(type="image", series_id=series, series_unique_id="u", image_id=number,
                 data={"threshold_1": Tag(40, [list(pixels.shape), typed])})


END = dumps(type="end", series_id=5, series_unique_id="u")


class Receive(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="etalon_receive_")
        self.addCleanup(self.folder.cleanup)
        self.output = os.path.join(self.folder.name, "series.h5")
        self.images = np.random.default_rng(1).poisson(2, (6, 40, 50)).astype(np.uint16)

    def play(self, messages, status=0, more=("--settle", "0.3")):
        """The report, and what is said to standard error, after these messages."""
        address = free_address()
        with zmq.Context() as context, context.socket(zmq.PUSH) as detector:
            detector.setsockopt(zmq.LINGER, 5000)
            detector.bind(address)
            process = subprocess.Popen([ETALON, "receive", "--connect", address, "-o", self.output, "--json", *more],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for message in messages:
                if isinstance(message, float):
                    time.sleep(message)
                else:
                    detector.send(message)
            out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, err)
        report = json.loads(out)
        a = report["accounts"]
        self.assertEqual(a["messages"], a["starts"] + a["images"] + a["ends"] + a["corrupt"])
        self.assertEqual(a["images"], a["stored"] + a["damaged"] + a["duplicate"] + a["late"] + a["unexpected"])
        return report, err

    def stored(self, path=None):
        os.environ["HDF5_PLUGIN_PATH"] = PLUGINS
        done = subprocess.run([sys.executable, "-c", f"""
import h5py, numpy, sys
f = h5py.File({path or self.output!r})
numpy.savez({self.path('read.npz')!r}, images=f['/entry/data/data'][...],
            numbers=f['/entry/instrument/detector/sequence_number'][...],
            centre=f['/entry/instrument/detector/beam_center_x'][()])
"""], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        with np.load(self.path("read.npz")) as read:
            return read["images"], read["numbers"].tolist(), read["centre"]

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def body(self, order):
        return [image(i, self.images[i]) for i in order]

    def test_a_whole_series_bit_for_bit(self):
        for dtype in (np.uint8, np.uint16, np.uint32):
            self.images = self.images.astype(dtype)
            report, _ = self.play([start(self.images), *self.body(range(6)), END], more=("-f",))
            self.assertEqual(report["accounts"]["stored"], 6)
            images, numbers, centre = self.stored()
            self.assertEqual(images.dtype, dtype)
            np.testing.assert_array_equal(images, self.images)
            self.assertEqual(numbers, list(range(6)))
            self.assertEqual(float(np.ravel(centre)[0]), 3.5)

    def test_order_is_restored_and_duplicates_go(self):
        report, _ = self.play([start(self.images), *self.body([1, 0, 0, 3, 5, 4, 3, 2]), END])
        self.assertEqual(report["accounts"]["duplicate"], 2)
        self.assertEqual(report["accounts"]["out_of_order"], 3)
        np.testing.assert_array_equal(self.stored()[0], self.images)

    def test_start_lost_in_a_connect_race(self):
        report, err = self.play([*self.body(range(6)), END])
        self.assertFalse(report["start"])
        self.assertEqual(report["accounts"]["before_start"], 6)
        self.assertIn("no start message", err)
        np.testing.assert_array_equal(self.stored()[0], self.images)

    def test_every_other_image_stolen(self):
        report, err = self.play([start(self.images), *self.body([0, 2, 4]), END], 4)
        self.assertEqual((report["accounts"]["missing"], report["accounts"]["not_sent"]), (2, 1))
        self.assertIn("second client", err)
        images, numbers, _ = self.stored()
        self.assertEqual(numbers, [0, 2, 4])
        np.testing.assert_array_equal(images, self.images[::2])

    def test_the_end_overtakes_data(self):
        report, _ = self.play([start(self.images), *self.body([0, 1]), END, 0.4, *self.body([5, 2, 3, 4])],
                              more=("--settle", "20"))
        self.assertEqual(report["accounts"]["after_end"], 4)
        np.testing.assert_array_equal(self.stored()[0], self.images)

    def test_corrupt_and_foreign_messages(self):
        good = self.body(range(6))
        bad = [good[1][:len(good[1]) // 2], b"", b"hello", image(1, self.images[1], series=6),
               image(1, self.images[1][:20]), image(17, self.images[1])]
        report, err = self.play([start(self.images), good[0], *bad, *good[1:], END], 4)
        self.assertEqual((report["accounts"]["corrupt"], report["accounts"]["unexpected"]), (3, 3))
        self.assertIn("last corrupt message", err)
        np.testing.assert_array_equal(self.stored()[0], self.images)

    def test_a_damaged_image_is_counted_and_the_rest_is_stored(self):
        for first in (0, 3):
            messages = self.body(range(6))
            messages[first] = damaged_image(first, self.images[first])
            report, err = self.play([start(self.images), *messages, END], 4, more=("-f", "--settle", "0.3"))
            self.assertEqual((report["accounts"]["damaged"], report["accounts"]["stored"]), (1, 5))
            self.assertIn(f"image {first}: data.threshold_1: lz4", err)
            kept = [i for i in range(6) if i != first]
            images, numbers, _ = self.stored()
            self.assertEqual(numbers, kept)
            np.testing.assert_array_equal(images, self.images[kept])

    def test_several_channels(self):
        channels = ("threshold_1", "threshold_2")
        report, _ = self.play([start(self.images, channels),
                               *[image(i, self.images[i], channels) for i in range(6)], END])
        self.assertEqual([os.path.basename(p) for p in report["outputs"]],
                         ["series.threshold_1.h5", "series.threshold_2.h5"])
        np.testing.assert_array_equal(self.stored(report["outputs"][0])[0], self.images)
        np.testing.assert_array_equal(self.stored(report["outputs"][1])[0], self.images + 1)

    def test_placeholders_in_the_start(self):
        _, err = self.play([start(self.images, pixel_mask={"threshold_1": b"\0\0\0\0"}), *self.body(range(6)), END])
        self.assertIn("start: pixel_mask.threshold_1: no multi-dimensional array", err)

    def test_silence(self):
        report, err = self.play([start(self.images), *self.body([0, 1])], 1, more=("--silence-limit", "1"))
        self.assertFalse(report["ended"])
        self.assertIn("silence", err)
        self.assertEqual(self.stored()[1], [0, 1])

    def test_what_replay_plays(self):
        address = free_address()
        source = self.path("a.npy")
        np.save(source, self.images)
        player = subprocess.Popen([ETALON, "replay", source, "--bind", address], stderr=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL)
        subprocess.run([ETALON, "receive", "--connect", address, "-o", self.output], check=True, timeout=60,
                       capture_output=True)
        self.assertEqual(player.wait(timeout=60), 0)
        np.testing.assert_array_equal(self.stored()[0], self.images)


if __name__ == "__main__":
    unittest.main(verbosity=2)
