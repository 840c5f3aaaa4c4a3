"""etalon analyse azimuthal: what it writes, what it says, what it refuses. Truth is a histogram in NumPy."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import h5py
    import numpy as np
    from PIL import Image
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

ETALON = os.environ["ETALON"]
PONI = """poni_version: 2
Detector: Detector
Detector_config: {"pixel1": 0.0001, "pixel2": 0.0001, "max_shape": [120, 150]}
Distance: 0.1
Poni1: 0.0061
Poni2: 0.0072
Rot1: 0
Rot2: 0
Rot3: 0
Wavelength: 1e-10
"""


class Azimuthal(unittest.TestCase):
    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="etalon_azimuthal_")
        self.addCleanup(holder.cleanup)
        self.folder = holder.name
        rng = np.random.default_rng(2)
        self.images = rng.poisson(20, (21, 120, 150)).astype(np.uint16)
        self.images[:, 40:44] = 65535  # a gap
        self.images[3, 80, 100] = 65535
        np.save(self.path("images.npy"), self.images)
        Path(self.path("a.poni")).write_text(PONI)

    def path(self, name):
        return os.path.join(self.folder, name)

    def text(self, name):
        return Path(self.path(name)).read_text()

    def run_it(self, *arguments, status=0):
        done = subprocess.run([ETALON, "analyse", "azimuthal", *map(str, arguments)], capture_output=True, text=True)
        self.assertEqual(done.returncode, status, done.stderr)
        if status:
            self.assertEqual(done.stdout, "")
            self.assertIn("etalon: ", done.stderr)
        return done

    def integrate(self, out, *more, status=0):
        return self.run_it(self.path("images.npy"), "--poni", self.path("a.poni"), "--unit", "r_mm", "--bins", "40",
                           "--splitting", "no", "--no-solid-angle", "-o", out, *more, status=status)

    def expected(self):
        """(frame, bin), with r from 0.0 of the beam; the gap has no pixels."""
        y, x = np.indices(self.images.shape[1:]) + 0.5
        r = 1e3 * np.hypot(y * 1e-4 - 0.0061, x * 1e-4 - 0.0072)
        low, high = r.min(), r.max() * (1 + 2.0 ** -23)
        where = ((r - low) / ((high - low) / 40)).astype(int)
        centres = low + (np.arange(40) + 0.5) * (high - low) / 40
        good = self.images != 65535
        count = np.array([np.bincount(where[g], minlength=40) for g in good])
        signal = np.array([np.bincount(where[g], image[g], 40) for image, g in zip(self.images, good)])
        return centres, signal, count

    def test_hdf5_has_a_profile_of_each_frame_and_of_all(self):
        out = self.path("out.h5")
        said = self.integrate(out)
        self.assertIn("21 frames in 40 bins", said.stdout)
        centres, signal, count = self.expected()
        with h5py.File(out) as file:
            together, frames = file["entry/azimuthal"], file["entry/frames"]
            np.testing.assert_allclose(together["r"][:], centres, rtol=1e-12)
            self.assertEqual(together["r"].attrs["units"], b"mm" if isinstance(together["r"].attrs["units"], bytes) else "mm")
            np.testing.assert_allclose(frames["intensity"][:], signal / count, rtol=1e-12)
            np.testing.assert_array_equal(frames["frame"][:], np.arange(21))
            np.testing.assert_array_equal(frames["r"][:], together["r"][:])
            np.testing.assert_array_equal(together["pixels"][:], count.sum(axis=0))
            np.testing.assert_allclose(together["intensity"][:], signal.sum(axis=0) / count.sum(axis=0), rtol=1e-12)
            self.assertTrue((together["intensity_errors"][:] < frames["intensity_errors"][:].min(axis=0)).all())
            np.testing.assert_allclose(frames["intensity_errors"][:] * count, np.sqrt(signal), rtol=0.02)

    def test_text_forms_hold_the_same_numbers(self):
        centres, signal, count = self.expected()
        mean = signal.sum(axis=0) / count.sum(axis=0)
        for name, columns in (("a.csv", 3), ("a.xy", 2), ("a.xye", 3)):
            self.integrate(self.path(name))
            separator = "," if name == "a.csv" else None
            table = np.genfromtxt(self.path(name), delimiter=separator, skip_header=1)
            self.assertEqual(table.shape, (40, columns))
            np.testing.assert_allclose(table[:, 0], centres, rtol=1e-8)
            np.testing.assert_allclose(table[:, 1], mean, rtol=1e-8)
        self.assertEqual(self.text("a.csv").splitlines()[0], "r_mm,intensity,sigma")
        said = self.integrate("-")
        self.assertEqual(said.stdout, self.text("a.csv"))
        self.assertIn("21 frames", said.stderr)
        self.integrate(self.path("b.csv"), "--no-sigma")
        self.assertEqual(self.text("b.csv").splitlines()[0], "r_mm,intensity")

    def test_plots(self):
        self.integrate(self.path("a.png"), "--log")
        self.integrate(self.path("a.csv"), "--plot", self.path("b.png"))
        for name in ("a.png", "b.png"):
            pixels = np.asarray(Image.open(self.path(name)).convert("RGB")).astype(int)
            self.assertEqual(pixels.shape, (600, 960, 3))
            line = np.abs(pixels - (0, 114, 178)).sum(axis=2) < 60
            self.assertGreater(line.any(axis=0).sum(), 700)  # the curve crosses the plot

    def test_json_and_several_files(self):
        np.save(self.path("one.npy"), self.images[0])
        report = json.loads(self.run_it(self.path("images.npy"), self.path("one.npy"), "--poni", self.path("a.poni"), "--json",
                                        "-o", self.path("a.h5")).stdout)
        self.assertEqual((report["schema"], report["kind"], report["frames"]), ("etalon.analyse/1", "azimuthal", 22))
        self.assertEqual((report["bins"], report["unit"], report["splitting"]), (1000, "q_A^-1", "full"))
        with h5py.File(self.path("a.h5")) as file:
            self.assertEqual(file["entry/frames/intensity"].shape, (22, 1000))

    def test_geometry_by_options_is_that_of_the_poni_file(self):
        self.run_it(self.path("images.npy"), "--poni", self.path("a.poni"), "-o", self.path("a.csv"))
        # The centre of pixel (0, 0) is half a pixel from the corner where a .poni file has 0.
        self.run_it(self.path("images.npy"), "--centre", "71.5,60.5", "--distance", "0.1", "--pixel-size", "1e-4",
                    "--energy", "12.398419843320026", "-o", self.path("b.csv"))
        a, b = (np.genfromtxt(self.path(n), delimiter=",", skip_header=1) for n in ("a.csv", "b.csv"))
        np.testing.assert_allclose(a[:, 0], b[:, 0], rtol=1e-7)
        np.testing.assert_allclose(a[:, 1:], b[:, 1:], rtol=2e-3)
        # Nobody says where the beam is: the middle, with a remark, whether or not the distance is given.
        said = self.run_it(self.path("images.npy"), "--distance", "0.1", "--pixel-size", "1e-4", "--energy", "12.4", "-o",
                           self.path("c.csv"))
        self.assertIn("no beam centre", said.stderr)
        self.run_it(self.path("images.npy"), "--centre", "74.5,59.5", "--distance", "0.1", "--pixel-size", "1e-4", "--energy",
                    "12.4", "-o", self.path("d.csv"))
        self.assertEqual(self.text("c.csv"), self.text("d.csv"))

    def test_masks_and_ranges(self):
        mask = np.zeros((120, 150), np.uint8)
        mask[:60] = 1
        np.save(self.path("mask.npy"), mask)
        self.integrate(self.path("a.h5"), "--mask", self.path("mask.npy"), "--range", "1,5", "--valid", "0,60000")
        with h5py.File(self.path("a.h5")) as file:
            r, pixels = file["entry/azimuthal/r"][:], file["entry/azimuthal/pixels"][:]
        self.assertAlmostEqual(r[0], 1.05, 5)
        self.assertAlmostEqual(r[-1], 4.95, 5)
        y, x = np.indices((120, 150)) + 0.5
        rr = 1e3 * np.hypot(y * 1e-4 - 0.0061, x * 1e-4 - 0.0072)
        inside = (rr >= 1) & (rr < 5 * (1 + 2.0 ** -23)) & (y > 60)
        self.assertEqual(pixels.sum(), (inside[None] & (self.images != 65535)).sum())

    def test_refusals(self):
        self.integrate(self.path("a.csv"))
        self.integrate(self.path("a.csv"), status=2)
        self.integrate(self.path("a.csv"), "-f")
        self.integrate(self.path("a.txt"), status=2)
        self.integrate(self.path("images.npy"), "-f", status=2)
        self.integrate(self.path("b.csv"), "--plot", self.path("b.jpg"), status=2)
        image = self.path("images.npy")
        self.run_it(image, "--poni", self.path("a.poni"), status=2)
        said = self.run_it(image, "-o", self.path("c.csv"), status=2)
        self.assertIn("--distance --pixel-size --energy, or --poni", said.stderr)
        self.run_it(image, "--poni", self.path("none.poni"), "-o", self.path("c.csv"), status=5)
        self.run_it(self.path("none.npy"), "--poni", self.path("a.poni"), "-o", self.path("c.csv"), status=5)
        for more in (("--unit", "furlong"), ("--splitting", "half"), ("--bins", "0"), ("--range", "5,1"), ("--range", "900,901"),
                     ("--polarization", "2"), ("--distance", "1"), ("--flat", image)):
            self.integrate(self.path("c.csv"), *more, status=2)
        Path(self.path("a.poni")).write_text(PONI.replace("Distance: 0.1", "Distance: far"))
        said = self.integrate(self.path("c.csv"), status=3)
        self.assertIn("a.poni: line 4: Distance: 'far'", said.stderr)
        Path(self.path("a.poni")).write_text(PONI.replace("120, 150", "121, 150"))
        self.integrate(self.path("c.csv"), status=2)
        self.assertFalse(os.path.exists(self.path("c.csv")))


if __name__ == "__main__":
    unittest.main()
