"""The stored series while it is written: another program reads it with HDF5's SWMR, and sees it grow."""
import os
import signal
import sys
import time

from common import Case, free_address, main

os.environ["HDF5_PLUGIN_PATH"] = os.path.join(os.environ["ETALON_BINARY_DIR"], "plugin")
try:
    import h5py
    import numpy as np
except ImportError:
    print("skipped: no h5py")
    sys.exit(77)

RECIPE = """
[veto]
min_peaks = 0
[reduce]
bound = "lossless"
[analyse]
kind = "none"
"""


class Live(Case):
    FRAMES = 96

    def setUp(self):
        super().setUp()
        self.source, self.detector = self.simulate(frames=self.FRAMES), free_address()
        with open(self.path("live.toml"), "w") as file:
            file.write(RECIPE)
        with h5py.File(self.source) as file:
            self.sent = file["/entry/data/data"][...]
        self.replay = self.start("replay", self.source, "--bind", self.detector, "--rate", "24")
        self.run_ = self.start("run", self.path("live.toml"), "--source", self.detector, "--out", "out", "--json")

    def opened(self):
        """The part, once it is there and has its first frames."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            names = [n for n in self.left() if n.endswith(".part.etalon") and ".h5." in n]
            try:
                file = h5py.File(self.path("out", names[0]), "r", swmr=True)
                if len(file["/entry/instrument/detector/sequence_number"]) > 0:
                    return file
                file.close()
            except (IndexError, OSError):
                pass
            time.sleep(0.05)
        self.fail("nothing to read")

    def test_it_is_seen_to_grow(self):
        with self.opened() as file:
            numbers, images = (file[n] for n in ("/entry/instrument/detector/sequence_number", "/entry/data/data"))
            seen = []
            while self.run_.poll() is None and (not seen or seen[-1] < self.FRAMES):
                for dataset in (numbers, images):
                    dataset.refresh()
                if not seen or len(numbers) > seen[-1]:
                    begin = seen[-1] if seen else 0
                    seen.append(len(numbers))
                    np.testing.assert_array_equal(images[begin:seen[-1]], self.sent[numbers[begin:seen[-1]]])
                time.sleep(0.05)
        self.assertGreaterEqual(len(seen), 4, seen)
        self.end(self.run_)
        self.end(self.replay)

    def test_our_own_commands_read_it(self):
        self.opened().close()
        self.replay.send_signal(signal.SIGSTOP)
        part = next(self.path("out", n) for n in self.left() if ".h5.part." in n)
        self.assertGreaterEqual(len(self.json("find", part)["frames"]), 16)
        series, = self.json("ls", part)["series"]
        self.assertTrue(series["is_growing"])
        self.assertGreaterEqual(series["frames"], 16)
        self.assertEqual(series["shape"], [300, 300])
        self.run_.send_signal(signal.SIGINT)
        self.run_.communicate(timeout=60)
        self.replay.kill()
        self.replay.communicate()


if __name__ == "__main__":
    main()
