#!/usr/bin/python3
"""What `etalon export` writes, read by h5py with Bitshuffle's own plugin, silx and fabio, and by etalon again: pixels, peaks,
numbers, masters with virtual datasets, DECTRIS masters with numbered external links; and what is broken on purpose."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common

common.need("h5py", "bitshuffle", "silx", "fabio", "pyFAI")
BITSHUFFLE = "/usr/lib/x86_64-linux-gnu/hdf5/serial/plugins"  # of Debian's package
if not os.path.isdir(BITSHUFFLE):
    print("skipped: no", BITSHUFFLE)
    sys.exit(77)
os.environ["HDF5_PLUGIN_PATH"] += ":" + BITSHUFFLE
import h5py
import numpy as np

ETALON = os.path.join(common.BUILD, "bin", "etalon")


def etalon(*words, status=0):
    done = subprocess.run([ETALON, *map(str, words)], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
    return done


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.base = Path(cls.folder.name)
        etalon("simulate", "stills", "-n", 7, "--seed", 5, "--hit-fraction", 0.9, "-o", cls.base / "raw.h5")
        # 3 frames of a reduced series with peaks and numbers of their own
        recipe = cls.base / "recipe.toml"
        recipe.write_text(f'[source]\npath = "{cls.base}/raw.h5"\nname = "kept"\n[veto]\nmin_peaks = 1\n'
                          f'[reduce]\nbound = "lossless"\n[analyse]\nkind = "none"\n')
        etalon("run", recipe, "--out", cls.base / "out")
        cls.kept = cls.base / "out" / "kept.h5"
        with h5py.File(cls.base / "raw.h5") as file:
            cls.raw = file["/entry/data/data"][()]
        with h5py.File(cls.kept) as file:
            cls.numbers = file["/entry/instrument/detector/sequence_number"][()]
            cls.peaks = {name: file["/entry/result_1"][name][()] for name in file["/entry/result_1"]}
        assert len(cls.numbers) >= 3, cls.numbers

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def path(self, name):
        return self.base / name

    def same_series(self, file, frames=slice(None)):
        wanted = self.raw[self.numbers[frames]]
        np.testing.assert_array_equal(file["/entry/data/data"][()], wanted)
        np.testing.assert_array_equal(file["/entry_1/data_1/data"][()], wanted)
        np.testing.assert_array_equal(file["/entry/instrument/detector/sequence_number"][()], self.numbers[frames])
        counts = file["/entry_1/result_1/nPeaks"][()]
        np.testing.assert_array_equal(counts, self.peaks["nPeaks"][frames])
        for name in ("peakXPosRaw", "peakYPosRaw", "peakTotalIntensity"):
            lists, expected = file["/entry_1/result_1"][name][()], self.peaks[name][frames]
            for row, n in enumerate(counts):
                np.testing.assert_array_equal(lists[row, :n], expected[row, :n])

    def test_bitshuffle(self):
        etalon("export", self.kept, "-o", self.path("bs.h5"))
        with h5py.File(self.path("bs.h5")) as file:
            dataset = file["/entry/data/data"]
            self.assertEqual(list(dataset._filters), ["32008"])
            self.assertEqual(dataset.chunks, (1, *self.raw.shape[1:]))
            self.same_series(file)

    def test_bitshuffle_bytes_are_the_filters_own(self):
        """Bitshuffle codes the same pixels: the same chunk, byte by byte, and the same parameters."""
        etalon("export", self.path("raw.h5"), "-o", self.path("own.h5"), "-f")
        with h5py.File(self.path("theirs.h5"), "w") as file:
            file.create_dataset("data", data=self.raw, chunks=(1, *self.raw.shape[1:]), compression=32008, compression_opts=(0, 2))
        with h5py.File(self.path("own.h5")) as own, h5py.File(self.path("theirs.h5")) as theirs:
            a, b = own["/entry/data/data"], theirs["data"]
            for frame in range(len(self.raw)):
                ours, others = a.id.read_direct_chunk((frame, 0, 0)), b.id.read_direct_chunk((frame, 0, 0))
                self.assertEqual(ours[0], others[0])
                self.assertEqual(ours[1], others[1])
            self.assertEqual(list(a._filters["32008"])[2:], list(b._filters["32008"])[2:])

    def test_deflate_and_chunks(self):
        for name in ("deflate", "etalon"):
            etalon("export", self.kept, "-o", self.path(name + ".h5"), "--filter", name)
        with h5py.File(self.path("deflate.h5")) as file:
            self.same_series(file)
        # Chunks are those of the series
        with h5py.File(self.path("etalon.h5")) as copy, h5py.File(self.kept) as first:
            a, b = copy["/entry/data/data"], first["/entry/data/data"]
            for frame in range(len(self.numbers)):
                self.assertEqual(a.id.read_direct_chunk((frame, 0, 0)), b.id.read_direct_chunk((frame, 0, 0)))
            self.assertEqual(a._filters, b._filters)

    def test_some_frames(self):
        etalon("export", self.kept, "-o", self.path("some.h5"), "--frames", "1:3")
        with h5py.File(self.path("some.h5")) as file:
            self.same_series(file, slice(1, 3))
        for wrong in ("3:1", "0:1000", "1", "a:b", "2:2"):
            self.assertIn("--frames", etalon("export", self.kept, "-o", self.path("no.h5"), "--frames", wrong, status=2).stderr)
        self.assertFalse(self.path("no.h5").exists())

    def test_master(self):
        done = etalon("export", self.path("raw.h5"), "-o", self.path("master.h5"), "--frames-per-file", 3, "--filter", "deflate", "--json")
        pieces = json.loads(done.stdout)["files"]
        self.assertEqual([p["frames"] for p in pieces], [3, 3, 1])
        self.assertEqual([p["file"] for p in pieces], [f"master_{i:06}.h5" for i in (1, 2, 3)])
        with h5py.File(self.path("master.h5")) as file:
            self.assertTrue(file["/entry/data/data"].is_virtual)
            np.testing.assert_array_equal(file["/entry/data/data"][()], self.raw)
            np.testing.assert_array_equal(file["/entry/instrument/detector/sequence_number"][()], np.arange(7))
        with h5py.File(self.path("master_000002.h5")) as file:  # each is a series of its own
            np.testing.assert_array_equal(file["/entry/data/data"][()], self.raw[3:6])
            np.testing.assert_array_equal(file["/entry/instrument/detector/sequence_number"][()], [3, 4, 5])
        # moved together, read from elsewhere, by etalon
        moved = self.path("moved")
        moved.mkdir()
        for name in ["master.h5", *(p["file"] for p in pieces)]:
            (moved / name).write_bytes(self.path(name).read_bytes())
        etalon("export", moved / "master.h5", "-o", self.path("one.h5"))
        with h5py.File(self.path("one.h5")) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][()], self.raw)
        # the same numbers of peaks are found in it
        found = [json.loads(etalon("find", f, "--json").stdout)["frames"] for f in (self.path("raw.h5"), moved / "master.h5")]
        self.assertEqual(found[0], found[1])
        shown = etalon("ls", moved / "master.h5").stdout
        self.assertIn("7 frames", shown)
        # a piece that is not there is said; HDF5 would give zeros
        (moved / "master_000002.h5").unlink()
        done = etalon("export", moved / "master.h5", "-o", self.path("none.h5"), status=5)
        self.assertIn("master_000002.h5", done.stderr)
        etalon("compress", moved / "master.h5", "-o", self.path("none.eta"), status=5)
        self.assertFalse(self.path("none.h5").exists() or self.path("none.eta").exists())

    def test_master_of_chunks_is_read_in_parallel_pieces(self):
        etalon("export", self.kept, "-o", self.path("km.h5"), "--frames-per-file", 2, "--filter", "etalon")
        etalon("verify", self.path("raw.h5"), self.path("km.h5"), "--bound", "lossless")
        # and its chunks are taken over again
        etalon("export", self.path("km.h5"), "-o", self.path("back.h5"), "--filter", "etalon")
        with h5py.File(self.path("back.h5")) as copy, h5py.File(self.kept) as first:
            for frame in range(len(self.numbers)):
                self.assertEqual(copy["/entry/data/data"].id.read_direct_chunk((frame, 0, 0)),
                                 first["/entry/data/data"].id.read_direct_chunk((frame, 0, 0)))

    def test_detectors_master(self):
        """As DECTRIS file writers make it: external links data_000001, ... and no dataset of all."""
        folder = self.path("dectris")
        folder.mkdir()
        for i, part in enumerate((self.raw[:4], self.raw[4:]), 1):
            with h5py.File(folder / f"s_data_{i:06}.h5", "w") as file:
                file.create_dataset("/entry/data/data", data=part, chunks=(1, *part.shape[1:]), compression=32008, compression_opts=(0, 2))
        with h5py.File(folder / "s_master.h5", "w") as file:
            group = file.create_group("/entry/data")
            for i in (1, 2):
                group[f"data_{i:06}"] = h5py.ExternalLink(f"s_data_{i:06}.h5", "/entry/data/data")
        etalon("export", folder / "s_master.h5", "-o", self.path("d.h5"), "--filter", "deflate")
        with h5py.File(self.path("d.h5")) as file:
            np.testing.assert_array_equal(file["/entry/data/data"][()], self.raw)
        done = etalon("compress", folder / "s_master.h5", "-o", self.path("d.eta"), status=2)
        self.assertIn("data_000002", done.stderr)
        (folder / "s_data_000002.h5").unlink()
        self.assertIn("data_000002", etalon("export", folder / "s_master.h5", "-o", self.path("x.h5"), status=5).stderr)

    def test_virtual_loops(self):
        for name, of in (("self.h5", "."), ("a.h5", "b.h5"), ("b.h5", "a.h5")):
            layout = h5py.VirtualLayout((2, 8, 8), "u2")
            layout[:] = h5py.VirtualSource(of, "/entry/data/data", (2, 8, 8))
            with h5py.File(self.path(name), "w") as file:
                file.create_virtual_dataset("/entry/data/data", layout)
        for name in ("self.h5", "a.h5"):
            for command in ("export", "compress"):
                done = etalon(command, self.path(name), "-o", self.path("loop.eta" if command == "compress" else "loop.h5"), status=3)
                self.assertRegex(done.stderr, "shows itself|deep")

    def test_cxi(self):
        etalon("export", self.kept, "-o", self.path("c.cxi"), "--filter", "deflate", "-f")
        with h5py.File(self.path("c.cxi")) as file:
            self.assertEqual(file["/cxi_version"][()], 160)
            detector = file["/entry_1/instrument_1/detector_1"]
            nxmx = file["/entry/instrument/detector"]
            for name in ("distance", "x_pixel_size", "y_pixel_size"):
                self.assertAlmostEqual(detector[name][()], nxmx[name][()])
            wavelength = file["/entry/instrument/beam/incident_wavelength"][()]
            energy_ev = file["/entry_1/instrument_1/source_1/energy"][()] / 1.602176634e-19
            self.assertAlmostEqual(energy_ev * wavelength, 12398.41984, places=2)
            if "pixel_mask" in nxmx:
                np.testing.assert_array_equal(detector["mask"][()] != 0, nxmx["pixel_mask"][()] != 0)
            if "corner_position" in detector:
                corner, steps = detector["corner_position"][()], detector["basis_vectors"][()]
                # the beam meets the detector where NXmx says: x = y = 0
                centre = corner + (nxmx["beam_center_y"][()] + 0.5) * steps[0] + (nxmx["beam_center_x"][()] + 0.5) * steps[1]
                np.testing.assert_allclose(centre[:2], 0, atol=1e-9)

    def test_pyfai_reads_chunks_through_the_plugin(self):
        import fabio
        from pyFAI.azimuthalIntegrator import AzimuthalIntegrator
        with h5py.File(self.kept) as file:
            detector = file["/entry/instrument/detector"]
            pixel, distance = detector["x_pixel_size"][()], detector["distance"][()]
            y, x, mask = detector["beam_center_y"][()], detector["beam_center_x"][()], detector["pixel_mask"][()] != 0
        integrator = AzimuthalIntegrator(dist=distance, poni1=(y + 0.5) * pixel, poni2=(x + 0.5) * pixel, pixel1=pixel, pixel2=pixel, wavelength=1e-10)
        image = fabio.open(f"{self.kept}::/entry/data/data").data
        raw = self.raw[self.numbers[0]]
        np.testing.assert_array_equal(image, raw)
        (q, one), (_, other) = (integrator.integrate1d(i, 200, mask=mask, unit="q_A^-1", method=("bbox", "csr", "cython")) for i in (image, raw))
        self.assertGreater(one.max(), 0)
        np.testing.assert_array_equal(one, other)

    def test_silx_and_fabio(self):
        import fabio
        import silx.io
        etalon("export", self.kept, "-o", self.path("s.h5"), "-f")
        data = silx.io.get_data(f"silx:{self.path('s.h5')}::/entry/data/data")
        np.testing.assert_array_equal(data, self.raw[self.numbers])
        with silx.io.open(str(self.path("s.h5"))) as file:
            from silx.io import nxdata
            default = nxdata.get_default(file)
            self.assertEqual(default.signal.shape, data.shape)
        image = fabio.open(f"{self.path('s.h5')}::/entry/data/data")
        np.testing.assert_array_equal(image.data, self.raw[self.numbers[0]])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
