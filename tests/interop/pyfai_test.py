"""Profiles of `etalon analyse azimuthal` against pyFAI's, with the same splitting and corrections."""
import json
import logging
import os
import subprocess
import sys
import unittest
import warnings

import common

common.need("pyFAI", "h5py", "numpy")

import h5py
import numpy as np

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
from pyFAI.azimuthalIntegrator import AzimuthalIntegrator
from pyFAI.detectors import Detector

ETALON = os.environ["ETALON"]
SPLITTINGS = ("no", "bbox", "full")
skipped = []


def etalon(*arguments):
    done = subprocess.run([ETALON, "analyse", "azimuthal", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shared(name):
    path = os.path.join(common.DATA, name)
    return path if os.path.exists(path) else None


class Setup:
    """A detector, its .poni file, and what pyFAI makes of images on it."""

    def __init__(self, folder, shape, pixel, dist, centre, rots=(0, 0, 0), wavelength=1e-10):
        self.ai = AzimuthalIntegrator(
            dist=dist, poni1=centre[0] * pixel[0], poni2=centre[1] * pixel[1], rot1=rots[0], rot2=rots[1], rot3=rots[2],
            detector=Detector(*pixel, max_shape=shape), wavelength=wavelength)
        self.poni = os.path.join(folder, "setup.poni")
        if os.path.exists(self.poni):
            os.remove(self.poni)
        self.ai.save(self.poni)

    def expected(self, image, mask, splitting, bins, unit, **more):
        return self.ai.integrate1d_ng(image, bins, unit=unit, mask=mask, error_model="poisson",
                                      method=(splitting, "csr", "cython"), **more)

    def without_beam(self, mask):
        """The same and the pixels round the beam: what goes through one is shared in another way (docs/azimuthal.md)."""
        radius = self.ai.array_from_unit(mask.shape, "center", "r_m", scale=False)
        return mask | (radius < 3 * max(self.ai.pixel1, self.ai.pixel2))

    def exact_bins(self, mask, bins, unit):
        """The bin of each pixel's centre, in double precision; -1 of masked ones."""
        y, x = np.indices(mask.shape) + 0.5
        at = np.array([y * self.ai.pixel1 - self.ai.poni1, x * self.ai.pixel2 - self.ai.poni2, np.full(mask.shape, self.ai.dist)])
        y, x, z = np.tensordot(self.ai.rotation_matrix(), at, 1)
        r = np.hypot(x, y)
        two_theta = np.arctan2(r, z)
        value = r if unit.startswith("r_") else two_theta if unit.startswith("2th") else np.sin(two_theta / 2)
        low, high = value[~mask].min(), value[~mask].max() * (1 + 2.0 ** -23)
        return np.where(mask, -1, (value - low) / ((high - low) / bins)).astype(int)

    def moved(self, mask, bins, unit):
        """Bins which pyFAI, with positions in single precision, fills with other pixels (method "no")."""
        engine = [e.engine for m, e in self.ai.engines.items() if m.split_lower == "no"][0]
        theirs = np.full(mask.size, -1)
        theirs[np.asarray(engine.indices)] = np.repeat(np.arange(bins), np.diff(engine.indptr))
        ours = self.exact_bins(mask, bins, unit).ravel()
        differ = theirs != ours
        assert differ.sum() < 2e-4 * mask.size, differ.sum()
        out = np.zeros(bins, bool)
        for where in (theirs, ours):
            out[where[differ & (where >= 0)]] = True
        return out


def profile_of(path):
    with h5py.File(path) as file:
        group = file["entry/azimuthal"]
        axis = group.attrs["axes"]
        axis = axis.decode() if isinstance(axis, bytes) else axis
        frames = file["entry/frames"]
        return {"x": group[axis][:], "intensity": group["intensity"][:], "sigma": group["intensity_errors"][:],
                "pixels": group["pixels"][:], "frames": frames["intensity"][:], "frame_sigma": frames["intensity_errors"][:]}


class Pyfai(unittest.TestCase):
    def setUp(self):
        self.holder = common.folder()
        self.folder = self.holder.name
        self.addCleanup(self.holder.cleanup)

    def same(self, got, sigma, expected, moved, what):
        """To 1e-3 of the intensity or of its sigma in every bin of a pixel or more; says how far the worst one is.

        Bins of `moved` are left out."""
        enough = (expected.count > 1) & ~moved
        self.assertGreater(enough.sum(), 0.8 * len(got), what)
        # Empty in one is empty in the other, but for shares of a pixel that are next to nothing.
        self.assertEqual(((expected.count > 0.01) & ~np.isfinite(got)).sum(), 0, what)
        scale = np.maximum(np.abs(expected.intensity), expected.sigma)[enough]
        worst = (np.abs(got - expected.intensity)[enough] / scale).max()
        self.assertLess(worst, 1e-3, what)
        worst_sigma = (np.abs(sigma - expected.sigma)[enough] / expected.sigma[enough]).max()
        self.assertLess(worst_sigma, 1e-3, what + ", sigma")
        print(f"{what}: {enough.sum()} of {len(got)} bins, intensity within {worst:.1e}, sigma within {worst_sigma:.1e}")

    def compare(self, setup, source, image, mask, what, splittings=SPLITTINGS, bins=500, unit="q_A^-1", options=(), **more):
        out, mask_file = os.path.join(self.folder, "out.h5"), os.path.join(self.folder, "mask.npy")
        mask = setup.without_beam(mask)
        np.save(mask_file, mask.astype(np.uint8))
        for splitting in splittings:
            etalon(source, "--poni", setup.poni, "--mask", mask_file, "--bins", bins, "--unit", unit, "--splitting", splitting,
                   "-o", out, "-f", *options)
            got = profile_of(out)
            images = image if image.ndim == 3 else image[None]
            self.assertEqual(got["frames"].shape, (len(images), bins))
            for i, frame in enumerate(images):
                expected = setup.expected(frame, mask, splitting, bins, unit, **more)
                np.testing.assert_allclose(got["x"], expected.radial, rtol=1e-5, atol=1e-6 * expected.radial.max())
                moved = setup.moved(mask, bins, unit) if splitting == "no" else np.zeros(bins, bool)
                self.same(got["frames"][i], got["frame_sigma"][i], expected, moved, f"{what}, {unit}, {splitting}, frame {i}")
        return got

    def made_up(self, shape=(301, 407)):
        y, x = np.indices(shape)
        r = np.hypot(y - 140.3, x - 210.7)
        image = np.random.default_rng(3).poisson(50 + 400 * np.exp(-((r % 31 - 15) / 3) ** 2)).astype(np.int32)
        mask = np.zeros(shape, bool)
        mask[100:108] = mask[:, 300:304] = True
        return image, mask

    def test_made_up_image_with_tilts_and_corrections(self):
        image, mask = self.made_up()
        source = os.path.join(self.folder, "image.npy")
        np.save(source, image)
        rng = np.random.default_rng(5)
        flat = rng.uniform(0.5, 1.5, image.shape).astype(np.float32)
        dark = rng.uniform(0, 20, image.shape).astype(np.float32)
        np.save(os.path.join(self.folder, "flat.npy"), flat)
        np.save(os.path.join(self.folder, "dark.npy"), dark)
        setup = Setup(self.folder, image.shape, (1e-4, 1.2e-4), 0.06, (140.5, 211.2), (0.2, -0.15, 0.7))
        for unit in ("q_A^-1", "q_nm^-1", "2th_deg", "2th_rad", "r_mm"):
            self.compare(setup, source, image, mask, "made up", unit=unit)
        self.compare(setup, source, image, mask, "made up, no solid angle", options=("--no-solid-angle",), correctSolidAngle=False)
        for factor in (-1, 0, 0.99):
            self.compare(setup, source, image, mask, f"made up, polarization {factor}",
                         options=("--polarization", factor), polarization_factor=factor)
        self.compare(setup, source, image, mask, "made up, flat and dark", flat=flat, dark=dark,
                     options=("--flat", os.path.join(self.folder, "flat.npy"), "--dark", os.path.join(self.folder, "dark.npy")))
        self.compare(setup, source, image, mask, "made up, many bins", bins=3000, splittings=("bbox", "full"))

    def test_dead_values(self):
        image, mask = self.made_up()
        image[np.random.default_rng(6).random(image.shape) < 0.02] = -1
        source = os.path.join(self.folder, "image.npy")
        np.save(source, image)
        setup = Setup(self.folder, image.shape, (1e-4, 1e-4), 0.06, (140.5, 211.2))
        self.compare(setup, source, image, mask, "dead values", dummy=-1)

    def test_no_splitting_is_a_histogram_in_double_precision(self):
        image, mask = self.made_up()
        source, mask_file, out = (os.path.join(self.folder, name) for name in ("image.npy", "mask.npy", "out.h5"))
        np.save(source, image)
        np.save(mask_file, mask.astype(np.uint8))
        setup = Setup(self.folder, image.shape, (1e-4, 1.2e-4), 0.06, (140.5, 211.2), (0.2, -0.15, 0.7))
        for unit in ("q_A^-1", "2th_deg", "r_mm"):
            etalon(source, "--poni", setup.poni, "--mask", mask_file, "--bins", 300, "--unit", unit, "--splitting", "no",
                   "--no-solid-angle", "-o", out, "-f")
            got, where = profile_of(out), setup.exact_bins(mask, 300, unit)
            count = np.bincount(where[where >= 0], minlength=300)
            np.testing.assert_array_equal(got["pixels"], count)
            some = count > 0
            np.testing.assert_allclose(got["intensity"][some], np.bincount(where[where >= 0], image[where >= 0], 300)[some] / count[some], rtol=1e-12)
            self.assertTrue(np.isnan(got["intensity"][~some]).all())

    def test_own_series(self):
        source = os.path.join(self.folder, "sim.h5")
        done = subprocess.run([ETALON, "simulate", "stills", "-n", "3", "--seed", "5", "-o", source], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with h5py.File(source) as file:
            images = file["entry/data/data"][:].astype(np.int32)
            detector = file["entry/instrument/detector"]
            value = lambda name: float(np.asarray(detector[name][()]).ravel()[0])
            wavelength = float(np.asarray(file["entry/instrument/beam/incident_wavelength"][()]).ravel()[0]) * 1e-10
            pixel, dist = value("x_pixel_size"), value("distance")
            centre = (value("beam_center_y"), value("beam_center_x"))
            mask = detector["pixel_mask"][:] != 0 if "pixel_mask" in detector else np.zeros(images.shape[1:], bool)
        # The file's centre has pixel centres at integers, a .poni file the corner of the first pixel at 0.
        setup = Setup(self.folder, images.shape[1:], (pixel, pixel), dist, (centre[0] + 0.5, centre[1] + 0.5), wavelength=wavelength)
        by_poni = self.compare(setup, source, images, mask, "own series", bins=400)
        out, mask_file = os.path.join(self.folder, "out.h5"), os.path.join(self.folder, "mask.npy")
        # The geometry of the file is that of the .poni file; the number of threads changes nothing.
        for threads in (1, 2, 5):
            report = json.loads(etalon(source, "--mask", mask_file, "--bins", 400, "-o", out, "-f", "--json", "-T", threads))
            self.assertEqual(report["frames"], 3)
            got = profile_of(out)
            if threads > 1:
                for name in got:
                    np.testing.assert_array_equal(got[name], before[name])
            before = got
        some = by_poni["pixels"] > 1
        np.testing.assert_allclose(got["frames"][:, some], by_poni["frames"][:, some], rtol=1e-3, atol=1e-4)
        together = setup.expected(images.sum(axis=0), setup.without_beam(mask), "full", 400, "q_A^-1")
        np.testing.assert_allclose(got["intensity"][some], together.intensity[some] / 3, rtol=1e-3)

    def test_pilatus_2m_of_ceria(self):
        source = shared("detector/hexrd_ceria/ceria_50x30_740mm_000005_Pilatus2M.hdf5")
        if source is None:
            skipped.append("Pilatus 2M")
            return
        with h5py.File(source) as file:
            image = file["imageseries/images"][0]
        setup = Setup(self.folder, image.shape, (172e-6, 172e-6), 0.74, (842.6, 773.1), (0.002, -0.003, 0.1), 1.9e-11)
        self.compare(setup, source, image, image < 0, "Pilatus 2M, CeO2", bins=1000, unit="2th_deg",
                     options=("--polarization", 0.99), polarization_factor=0.99)
        self.compare(setup, source, image, image < 0, "Pilatus 2M, CeO2", bins=2000)

    def test_pilatus_1m_of_a_map(self):
        source = shared("detector/dioptas_13id/Fe3O4C_M1_map_1_P1_E1_001.tif")
        if source is None:
            skipped.append("Dioptas map")
            return
        import fabio
        image = fabio.open(source).data
        setup = Setup(self.folder, image.shape, (172e-6, 172e-6), 0.2, (520.2, 480.9), (-0.02, 0.03, 0), 4e-11)
        self.compare(setup, source, image, image < 0, "Pilatus 1M map", bins=1200, options=("--polarization", 0.95),
                     polarization_factor=0.95)

    def test_lambda_series(self):
        source = shared("detector/dioptas_13id/testasapo1_1009_00002_m1_part00000.nxs")
        if source is None:
            skipped.append("Lambda series")
            return
        with h5py.File(source) as file:
            images = file["entry/instrument/detector/data"][:].astype(np.int32)
            mask = file["entry/instrument/detector/pixel_mask"][:]
        mask = (mask[0] if mask.ndim == 3 else mask) != 0
        setup = Setup(self.folder, images.shape[1:], (55e-6, 55e-6), 0.4, (700.3, 777.4), (0.1, 0.2, 0), 3e-11)
        self.compare(setup, source, images, mask, "Lambda", bins=300, dummy=-1)


if __name__ == "__main__":
    done = unittest.main(exit=False)
    print(f"skipped: {len(skipped)} {skipped}")
    sys.exit(0 if done.result.wasSuccessful() else 1)
