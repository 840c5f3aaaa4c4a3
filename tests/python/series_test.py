"""etalon.SeriesEncoder: the bytes of compress, in bounded memory, whatever the sink does."""
import io
import os
import tempfile
import threading
import unittest

from common import counts, noise, np

import etalon


def series(frames, *arguments, **options):
    """The container of frames, and the encoder."""
    sink = io.BytesIO()
    with etalon.SeriesEncoder(sink, frames.dtype, frames.shape[1:], *arguments, **options) as out:
        for frame in frames:
            out.add(frame)
    return sink.getvalue(), out


class Bytes(unittest.TestCase):
    def test_are_those_of_compress(self):
        frames = counts((11, 50, 60))
        bad = np.zeros((50, 60), bool)
        bad[3:5] = True
        for options in ({}, {"bound": "abs:2"}, {"level": 1}, {"bound": "abs:1", "dither": True, "seed": 3},
                        {"bound": "abs:2", "mask": bad,
                         "regions": ["active:quantile=0.9,grow=1@lossless",
                                     etalon.peaks_region([(20, 20)])]}):
            wanted = etalon.compress(frames, chunk=(1, 50, 60), **options)
            for threads in (1, 2, 5):
                packed, encoder = series(frames, threads=threads, **options)
                self.assertEqual(packed, wanted)
                self.assertEqual((encoder.frames, encoder.chunks, encoder.bytes),
                                 (11, 11, len(packed)))

    def test_of_every_kind_of_frame(self):
        for frames in (noise((5, 30, 40)), counts((5, 7), "i8"), counts((4, 2, 3, 20, 20), "u1")):
            packed, _ = series(frames, frames_per_chunk=2)
            self.assertEqual(packed, etalon.compress(frames, chunk=(2, *frames.shape[1:])))
            self.assertEqual(etalon.decompress(packed).tobytes(), frames.tobytes())

    def test_with_outer_axes(self):
        frames = counts((12, 30, 40))
        packed, _ = series(frames, "abs:1", outer=(3, 2))
        self.assertEqual(packed, etalon.compress(frames.reshape(2, 3, 2, 30, 40), "abs:1",
                                                 chunk=(1, 1, 1, 30, 40)))

    def test_frames_may_have_regions_of_their_own(self):
        frames = counts((6, 50, 60))
        sink = io.BytesIO()
        with etalon.SeriesEncoder(sink, "u2", (50, 60), "abs:3", threads=2) as out:
            for i, frame in enumerate(frames):
                out.add(frame, regions=[etalon.peaks_region([(8 * i, 5)], half=3)] if i % 2 else [])
        error = abs(etalon.decompress(sink.getvalue()) - frames.astype(int))
        for i in range(6):
            square = error[i, max(8 * i - 3, 0):8 * i + 4, 2:9]
            self.assertEqual(square.max() == 0, i % 2 == 1)
        self.assertEqual(error.max(), 3)

    def test_frames_that_are_not_in_c_order_are_copied(self):
        frames = counts((5, 40, 50))
        turned = np.ascontiguousarray(frames.transpose(0, 2, 1)).transpose(0, 2, 1)
        self.assertEqual(series(turned)[0], series(frames)[0])

    def test_the_frame_may_change_when_it_was_added(self):
        frames = counts((8, 100, 100))
        room = np.empty((100, 100), "u2")
        sink = io.BytesIO()
        with etalon.SeriesEncoder(sink, "u2", (100, 100), threads=3) as out:
            for frame in frames:
                room[...] = frame
                out.add(room)
                room[...] = 0
        np.testing.assert_array_equal(etalon.decompress(sink.getvalue()), frames)


class Files(unittest.TestCase):
    def test_appear_when_they_are_complete(self):
        frames = counts((4, 30, 40))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s.etalon")
            with etalon.SeriesEncoder(path, "u2", (30, 40)) as out:
                for frame in frames:
                    out.add(frame)
                    self.assertFalse(os.path.exists(path))
            with open(path, "rb") as file:
                np.testing.assert_array_equal(etalon.decompress(file.read()), frames)
            self.assertEqual(os.listdir(folder), ["s.etalon"])
            with self.assertRaises(KeyError):
                with etalon.SeriesEncoder(os.path.join(folder, "t"), "u2", (30, 40)) as out:
                    out.add(frames[0])
                    raise KeyError
            with self.assertRaises(etalon.EtalonError):
                etalon.SeriesEncoder(os.path.join(folder, "t"), "u2", (30, 40), "abs:-1")
            with self.assertRaises(etalon.EtalonError):
                with etalon.SeriesEncoder(os.path.join(folder, "t"), "u2", (30, 40),
                                          outer=(3,)) as out:
                    out.add(frames[0])
            self.assertEqual(os.listdir(folder), ["s.etalon"])


class Failures(unittest.TestCase):
    def test_name_the_frame(self):
        frames = counts((3, 30, 40))
        for frame, said in ((frames[0, 1:], "frame 1"), (frames[0].astype("u1"), "frame 1")):
            out = etalon.SeriesEncoder(io.BytesIO(), "u2", (30, 40))
            out.add(frames[0])
            with self.assertRaisesRegex(etalon.EtalonError, said) as caught:
                out.add(frame)
            self.assertEqual(caught.exception.code, "usage")
            with self.assertRaises(etalon.EtalonError):  # it stays
                out.finish()

    def test_a_sink_that_raises_raises_that(self):
        class Full(io.RawIOBase):
            room = 2000

            def write(self, data):
                self.room -= len(data)
                if self.room < 0:
                    raise OSError(28, "No space left")

        for threads in (1, 3):
            with self.assertRaisesRegex(OSError, "No space left"):
                with etalon.SeriesEncoder(Full(), "u2", (60, 70), threads=threads) as out:
                    for frame in counts((20, 60, 70)):
                        out.add(frame)

    def test_a_sink_may_not_call_back(self):
        class Loop(io.RawIOBase):
            said = []

            def write(self, data):
                if len(self.said) == 0 and hasattr(self, "out"):
                    self.said.append(self.out.frames)
                    self.out.add(counts((30, 40)))

        sink = Loop()
        sink.out = etalon.SeriesEncoder(sink, "u2", (30, 40), threads=1)
        with self.assertRaisesRegex(etalon.EtalonError, "within its own write"):
            sink.out.add(counts((30, 40)))
        self.assertEqual(sink.said, [1])

    def test_what_makes_no_sense(self):
        for options in ({"bound": "psnr:3"}, {"bound": "rel:0.1"}, {"frame": (1,) * 6},
                        {"dtype": "u8", "bound": "abs:1", "dither": True}, {"outer": (0,)},
                        {"frames_per_chunk": 0},
                        {"regions": ["active:quantile=0,over=array@abs:1"]}):
            arguments = {"dtype": "u2", "frame": (30, 40), **options}
            with self.assertRaises(etalon.EtalonError, msg=options) as caught:
                etalon.SeriesEncoder(io.BytesIO(), **arguments)
            self.assertEqual(caught.exception.code, "usage")
        with self.assertRaises(TypeError):
            etalon.SeriesEncoder(io.BytesIO(), "f2", (30, 40))
        out = etalon.SeriesEncoder(io.BytesIO(), "u2", (30, 40))
        out.finish()
        with self.assertRaises(etalon.EtalonError):
            out.add(counts((30, 40)))


class Threads(unittest.TestCase):
    def test_may_add_at_the_same_time(self):
        frames = counts((40, 60, 70))
        frames[:, 0, 0] = np.arange(40)
        sink = io.BytesIO()
        with etalon.SeriesEncoder(sink, "u2", (60, 70), threads=2) as out:
            def work(part):
                for frame in frames[part::4]:
                    out.add(frame)

            crew = [threading.Thread(target=work, args=(p,)) for p in range(4)]
            for thread in crew:
                thread.start()
            for thread in crew:
                thread.join()
        back = etalon.decompress(sink.getvalue())
        self.assertEqual(sorted(back[:, 0, 0]), list(range(40)))
        for frame in back:
            np.testing.assert_array_equal(frame, frames[frame[0, 0]])

    def test_the_sink_gets_the_lock_while_another_thread_waits(self):
        # The sink lets another thread run, which asks the encoder for its count meanwhile.
        class Slow(io.RawIOBase):
            def write(self, data):
                gate.wait(0.01)

        gate = threading.Event()
        out = etalon.SeriesEncoder(Slow(), "u2", (60, 70), threads=2)
        seen = []

        def ask():
            while not gate.is_set():
                seen.append(out.frames)

        asker = threading.Thread(target=ask)
        asker.start()
        for frame in counts((30, 60, 70)):
            out.add(frame)
        out.finish()
        gate.set()
        asker.join()
        self.assertEqual(seen, sorted(seen))
        self.assertEqual(out.frames, 30)


if __name__ == "__main__":
    unittest.main()
