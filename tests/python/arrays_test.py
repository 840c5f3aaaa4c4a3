"""compress, decompress, encode_chunk, decode_chunk, info: every type, what is refused, no copies."""
import doctest
import json
import mmap
import os
import subprocess
import sys
import tempfile
import threading
import tracemalloc
import unittest

from common import DTYPES, assert_within, counts, noise, np

import etalon

BOUNDS = ["lossless", "abs:1", "rel:1e-3", "pwrel:0.05", "sigma:1,gain=2,noise=3"]


def peak_of(call):
    """The result, and the bytes that NumPy had allocated at the most."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class RoundTrips(unittest.TestCase):
    def test_every_type_and_bound(self):
        for dtype in DTYPES:
            array = noise((3, 40, 50), dtype) if dtype[0] == "f" else counts((3, 40, 50), dtype)
            for bound in BOUNDS:
                with self.subTest(dtype=dtype, bound=bound):
                    packed = etalon.compress(array, bound)
                    self.assertIsInstance(packed, bytes)
                    back = etalon.decompress(packed)
                    self.assertEqual(back.dtype, array.dtype)
                    assert_within(array, back, bound)
                    said = etalon.info(packed)
                    self.assertEqual((said["dtype"], said["shape"]), (array.dtype, array.shape))

    def test_every_rank(self):
        for shape in ((), (7,), (4, 5), (2, 4, 5), (2, 3, 4, 5), (2, 1, 2, 3, 4, 5), (0, 4, 5),
                      (3, 0)):
            array = counts(shape)
            back = etalon.decompress(etalon.compress(array))
            self.assertEqual(back.shape, shape)
            self.assertEqual(back.tobytes(), array.tobytes())
            if array.size:
                chunk = etalon.decode_chunk(etalon.encode_chunk(array))
                self.assertEqual((chunk.shape, chunk.tobytes()), (shape, array.tobytes()))

    def test_bytes_are_those_of_the_command_line(self):
        program = os.environ["ETALON"]
        for shape in ((40, 50), (6, 40, 50), (2, 3, 40, 50)):
            array = counts(shape)
            with tempfile.TemporaryDirectory() as folder:
                source, packed = os.path.join(folder, "a.npy"), os.path.join(folder, "a.etalon")
                np.save(source, array)
                for options, arguments in (
                        ({}, []), ({"bound": "rel:0.1"}, ["--bound", "rel:0.1"]),
                        ({"bound": "abs:2", "dither": True, "seed": 5},
                         ["--bound", "abs:2", "--dither", "--seed", "5"]),
                        ({"bound": "abs:2", "regions": ["active:quantile=0.8@rel:0.01",
                                                        "box:y=0..9,x=0..9@lossless"]},
                         ["--bound", "abs:2", "--region", "active:quantile=0.8@rel:0.01",
                          "--region", "box:y=0..9,x=0..9@lossless"]),
                        ({"level": 1}, ["-1"]), ({"bound": "abs:1", "level": 9},
                                                 ["--bound", "abs:1", "-9"]),
                        ({"bound": "ratio:9"}, ["--bound", "ratio:9"])):
                    subprocess.run([program, "compress", source, "-o", packed, "-f", *arguments],
                                   check=True, stderr=subprocess.DEVNULL)
                    with open(packed, "rb") as file:
                        for threads in (1, 3):
                            file.seek(0)
                            self.assertEqual(etalon.compress(array, threads=threads, **options),
                                             file.read(), (shape, options))

    def test_dither_makes_unsigned_types_signed(self):
        array = counts((200, 300), rate=0.5)
        back = etalon.decompress(etalon.compress(array, "abs:3", dither=True, seed=7))
        self.assertEqual(back.dtype, np.int32)
        error = back - array.astype("i4")
        self.assertEqual(abs(error).max(), 3)
        self.assertLess(abs(error.mean()), 0.05)
        other = etalon.compress(array, "abs:3", dither=True, seed=8)
        self.assertNotEqual(other, etalon.compress(array, "abs:3", dither=True, seed=7))

    def test_targets(self):
        array = noise((100, 120))[1:]
        packed = etalon.compress(array, "psnr:60")
        back = etalon.decompress(packed)
        rms = np.sqrt(((back - array) ** 2).mean())
        self.assertGreaterEqual(20 * np.log10((array.max() - array.min()) / rms), 60)
        self.assertTrue(etalon.info(packed)["bound"].startswith("abs:"))
        with self.assertRaises(etalon.EtalonError) as caught:
            etalon.compress(np.random.default_rng(1).bytes(10 ** 4) and
                            np.random.default_rng(1).random(1000), "ratio:1e6")
        self.assertEqual(caught.exception.code, "check")

    def test_chunks_and_boxes(self):
        array = counts((5, 40, 50))
        packed = etalon.compress(array, chunk=(2, 16, 16))
        self.assertEqual(etalon.info(packed)["chunk_shape"], (2, 16, 16))
        self.assertEqual(etalon.info(packed)["chunks"], 3 * 3 * 4)
        for box in (slice(1, 3), (slice(None), slice(-5, None)), (slice(2, 2),),
                    (slice(1, 3), slice(7, 20), slice(0, 33))):
            part = etalon.decompress(packed, box=box)
            np.testing.assert_array_equal(part, array[box])
        for box in ((slice(None),) * 4, slice(0, 4, 2)):
            with self.assertRaises(etalon.EtalonError):
                etalon.decompress(packed, box=box)

    def test_documentation_holds(self):
        self.assertEqual(doctest.testmod(etalon).failed, 0)
        self.assertGreater(doctest.testmod(etalon).attempted, 3)


class Regions(unittest.TestCase):
    def test_every_form(self):
        array = counts((3, 60, 70))
        where = np.zeros((60, 70), bool)
        where[20:30, 5:9] = True
        regions = ["box:y=0..9,x=0..10@lossless", etalon.mask_region(where, "abs:1"),
                   etalon.peaks_region([(40, 41), (59, 0)], half=2),
                   "annulus:r=20..22,centre=35/30@abs:2", "active:quantile=0.95@lossless"]
        packed = etalon.compress(array, "abs:4", regions=regions)
        said = etalon.info(packed)["regions"]
        self.assertEqual([r["kind"] for r in said],
                         ["default", "box", "mask", "peaks", "annulus", "active"])
        self.assertEqual([r["bound"] for r in said],
                         ["abs:4", "lossless", "abs:1", "lossless", "abs:2", "lossless"])
        self.assertEqual(sum(r["elements"] for r in said), array.size)
        self.assertAlmostEqual(said[5]["share"], 0.05, delta=0.02)
        error = abs(etalon.decompress(packed) - array.astype(int))
        self.assertEqual(error[:, :9, :10].max(), 0)
        ring = np.hypot(*(np.mgrid[:60, :70] - np.array([30, 35])[:, None, None]))
        ring = (ring >= 20) & (ring < 22)
        self.assertLessEqual(error[:, where & ~ring].max(), 1)
        self.assertLessEqual(error[:, ring].max(), 2)
        self.assertEqual(error[:, 38:43, 39:44].max(), 0)
        self.assertEqual(error[:, 57:, :3].max(), 0)
        self.assertLessEqual(error.max(), 4)
        chunk = etalon.encode_chunk(array, "abs:4", regions=regions)
        self.assertEqual(abs(etalon.decode_chunk(chunk) - array.astype(int))[:, :9, :10].max(), 0)

    def test_mask_is_true_where_pixels_are_bad(self):
        array = counts((60, 70))
        array[20:24] = 65535
        bad = np.zeros((60, 70), bool)
        bad[20:24] = True
        seen = etalon.info(etalon.compress(array, regions=["active:quantile=0@abs:1"], mask=bad))
        blind = etalon.info(etalon.compress(array, regions=["active:quantile=0@abs:1"]))
        self.assertEqual(seen["regions"][1]["elements"], 56 * 70)
        self.assertEqual(blind["regions"][1]["elements"], 60 * 70)

    def test_regions_of_volumes(self):
        array = np.cumsum(np.random.default_rng(5).normal(size=(5, 40, 50)), 2)
        inside = np.zeros(array.shape, bool)
        inside[1:3, 5:20, 7:30] = True
        packed = etalon.compress(array, "abs:0.5", regions=[etalon.mask_region(inside, "abs:0.001")])
        off = abs(etalon.decompress(packed) - array)
        self.assertLessEqual(off[inside].max(), 0.001)
        self.assertGreater(off[~inside].max(), 0.1)
        self.assertEqual(etalon.info(packed)["regions"][1]["elements"], inside.sum())

    def test_active_regions_of_volumes(self):
        array = np.cumsum(np.random.default_rng(3).normal(size=(5, 40, 50)), 2)
        for over, chunk in (("image", None), ("array", None), ("array", (2, 40, 50)),
                            ("array", (3, 16, 20))):
            active = f"active:quantile=0.8,over={over}@abs:0.001"
            packed = etalon.compress(array, "abs:0.5", regions=[active], chunk=chunk)
            report = etalon.info(packed)["regions"][1]
            self.assertAlmostEqual(report["elements"] / array.size, 0.2, delta=0.01)
            off = abs(etalon.decompress(packed) - array)
            self.assertLessEqual(off.max(), 0.5)
            self.assertGreater((off <= 0.001).mean(), 0.2)

    def test_refusals(self):
        array = counts((3, 60, 70))
        for regions, code in ((["box:y=0..9@lossless"], "usage"), (["disc@abs:1"], "usage"),
                              (["peaks:file=p.csv@abs:1"], "usage"),
                              ([etalon.mask_region(np.zeros((5, 5), bool), "abs:1")], "usage"),
                              ([etalon.peaks_region([(60, 0)])], "usage"),
                              ([etalon.Region("x" * 40, "abs:1", where=np.ones((60, 70)))],
                               "usage")):
            with self.assertRaises(etalon.EtalonError) as caught:
                etalon.compress(array, regions=regions)
            self.assertEqual(caught.exception.code, code)
        for regions in ("box:y=0..9,x=0..9@abs:1", [3], [etalon.peaks_region([(1, 2, 3)])],
                        [etalon.peaks_region([(-1, 2)])]):
            with self.assertRaises((TypeError, AttributeError, ValueError, RuntimeError)):
                etalon.compress(array, regions=regions)
        with self.assertRaises(etalon.EtalonError):
            etalon.compress(array, mask=np.zeros((4, 4)))


class Memory(unittest.TestCase):
    def test_arrays_in_c_order_are_used_where_they_lie(self):
        array = counts((8, 256, 256))
        plain, peak = peak_of(lambda: etalon.compress(array))
        self.assertLess(peak, array.nbytes // 2 + len(plain))
        readonly = array.view()
        readonly.flags.writeable = False
        self.assertEqual(etalon.compress(readonly), plain)
        self.assertEqual(etalon.compress(memoryview(array)), plain)

    def test_any_other_array_is_copied(self):
        array = counts((8, 256, 256))
        plain = etalon.compress(array)
        turned = np.asfortranarray(array)
        packed, peak = peak_of(lambda: etalon.compress(turned))
        self.assertEqual(packed, plain)
        self.assertGreaterEqual(peak, array.nbytes)
        double = np.repeat(array, 2, axis=2)
        self.assertEqual(etalon.compress(double[:, :, ::2]), plain)
        self.assertEqual(etalon.compress(array[::-1][::-1]), plain)
        self.assertEqual(etalon.compress(array.astype(">u2")), plain)
        shifted = np.frombuffer(b"x" + array.tobytes(), "u1")[1:].view("<u2").reshape(array.shape)
        self.assertFalse(shifted.flags.aligned)
        self.assertEqual(etalon.compress(shifted), plain)
        self.assertEqual(etalon.compress([[1, 2], [3, 4]]),
                         etalon.compress(np.array([[1, 2], [3, 4]])))

    def test_elements_are_written_into_the_array_that_is_returned(self):
        array = counts((8, 256, 256))
        for pack, unpack in ((etalon.compress, etalon.decompress),
                             (etalon.encode_chunk, etalon.decode_chunk)):
            packed = pack(array)
            back, peak = peak_of(lambda: unpack(packed))
            self.assertTrue(back.flags.owndata and back.flags.writeable and back.flags.c_contiguous)
            self.assertLess(peak, array.nbytes * 5 // 4)
            room = np.full_like(array, 9)
            address = room.ctypes.data
            same, peak = peak_of(lambda: unpack(packed, out=room))
            self.assertIs(same, room)
            self.assertEqual(same.ctypes.data, address)
            self.assertLess(peak, array.nbytes // 4)
            np.testing.assert_array_equal(room, array)
            for wrong in (np.empty((8, 256, 255), "u2"), np.empty((8, 256, 256), "i2"),
                          np.empty((8, 256, 256), ">u2"), np.empty((8, 256, 512), "u2")[:, :, ::2]):
                with self.assertRaises(etalon.EtalonError) as caught:
                    unpack(packed, out=wrong)
                self.assertEqual(caught.exception.code, "usage")
            room.flags.writeable = False
            with self.assertRaises(etalon.EtalonError):
                unpack(packed, out=room)
            with self.assertRaises(TypeError):
                unpack(packed, out=[1, 2])

    def test_a_box_owns_its_elements(self):
        array = counts((3, 30, 40))
        part = etalon.decompress(etalon.compress(array), box=(slice(1, 2), slice(3, 9)))
        part += 1  # it may be written
        np.testing.assert_array_equal(part, array[1:2, 3:9] + 1)

    def test_bytes_may_lie_anywhere(self):
        array = counts((3, 30, 40))
        packed = etalon.compress(array)
        with tempfile.TemporaryFile() as file:
            file.write(packed)
            file.flush()
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
                np.testing.assert_array_equal(etalon.decompress(mapped), array)
        for form in (bytearray, memoryview, lambda b: np.frombuffer(b, "u1")):
            np.testing.assert_array_equal(etalon.decompress(form(packed)), array)
        with self.assertRaises(BufferError):
            etalon.decompress(memoryview(packed)[::2])
        with self.assertRaises(TypeError):
            etalon.decompress("text")


class Failures(unittest.TestCase):
    def test_types_that_are_not_supported(self):
        for dtype in ("f2", "c8", "?", "S4", "M8[s]", "O", "g", [("a", "u2")]):
            with self.assertRaises(TypeError, msg=dtype):
                etalon.compress(np.zeros(4, dtype))

    def test_arguments_without_sense(self):
        array = counts((3, 30, 40))
        for call in (lambda: etalon.compress(array, "abs:-1"),
                     lambda: etalon.compress(array, "near"),
                     lambda: etalon.compress(array, chunk=(1, 2)),
                     lambda: etalon.compress(array, chunk=(0, 30, 40)),
                     lambda: etalon.compress(array, "sigma:1", dither=True),
                     lambda: etalon.compress(np.zeros((1,) * 7)),
                     lambda: etalon.compress(array, level=0),
                     lambda: etalon.encode_chunk(array, level=10),
                     lambda: etalon.encode_chunk(array, "psnr:50"),
                     lambda: etalon.encode_chunk(array, "rel:0.1")):
            with self.assertRaises(etalon.EtalonError) as caught:
                call()
            self.assertEqual(caught.exception.code, "usage")
            self.assertGreater(len(str(caught.exception)), 10)
        with self.assertRaises(TypeError):
            etalon.compress(array, 3)
        with self.assertRaises(TypeError):
            etalon.compress(array, "lossless", ["box:y=0..9,x=0..9@abs:1"])  # keywords only

    def test_damage_is_malformed_wherever_it_is(self):
        array = counts((3, 30, 40))
        for packed, unpack in ((etalon.compress(array), etalon.decompress),
                               (etalon.encode_chunk(array), etalon.decode_chunk)):
            for bad in (b"", b"Etc", b"Etalon", packed[:-1], packed[:len(packed) // 2],
                        packed + b"\0"):
                with self.assertRaises(etalon.EtalonError) as caught:
                    unpack(bad)
                self.assertEqual(caught.exception.code, "malformed")
            for at in range(0, len(packed), 7):
                spoilt = bytearray(packed)
                spoilt[at] ^= 0x10
                with self.assertRaises(etalon.EtalonError, msg=at) as caught:
                    unpack(spoilt)
                self.assertEqual(caught.exception.code, "malformed")
            with self.assertRaises(etalon.EtalonError):
                etalon.info(packed[:20])


class Threads(unittest.TestCase):
    def test_others_run_while_the_codec_works(self):
        array = counts((40, 1024, 1024))
        packed = etalon.compress(array)
        room = np.empty_like(array)
        # Without a switch interval another thread runs only where the lock is let go.
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e6)
        try:
            for work in (lambda: etalon.compress(array, threads=1),
                         lambda: etalon.decompress(packed, threads=1, out=room),
                         lambda: etalon.encode_chunk(array)):
                state, ready, seen = {}, threading.Lock(), []
                ready.acquire()

                def watch():
                    ready.acquire()
                    seen.append(state.get("done", False))

                watcher = threading.Thread(target=watch)
                watcher.start()
                ready.release()
                work()
                state["done"] = True
                watcher.join()
                self.assertEqual(seen, [False])
        finally:
            sys.setswitchinterval(before)

    def test_many_at_once_are_as_one_after_the_other(self):
        arrays = [counts((4, 100, 130), seed=s) for s in range(8)]
        wanted = [etalon.compress(a, "abs:1", regions=["active:quantile=0.9@lossless"])
                  for a in arrays]
        failed = []

        def work(i):
            for _ in range(5):
                packed = etalon.compress(arrays[i], "abs:1", threads=1 + i % 3,
                                         regions=["active:quantile=0.9@lossless"])
                back = etalon.decompress(packed, threads=1 + i % 2)
                if packed != wanted[i] or abs(back - arrays[i].astype(int)).max() > 1:
                    failed.append(i)

        crew = [threading.Thread(target=work, args=(i,)) for i in range(8)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        self.assertEqual(failed, [])


if __name__ == "__main__":
    unittest.main()
