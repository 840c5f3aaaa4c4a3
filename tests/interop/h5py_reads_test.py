"""h5py and h5dump read what Etalon stored."""
import os
import re
import subprocess

from common import folder, frames, need, tool

need("h5py", programs=("h5dump",))
import h5py
import numpy as np

with folder() as at:
    stored = os.path.join(at, "stored.h5")
    source = os.path.join(at, "source.npy")
    for dtype in ("u1", "u2", "u4", "i4", "f4"):
        original = frames(dtype="u2") % 200 if dtype == "u1" else frames(dtype="u2")
        original = original.astype(dtype)
        if dtype == "f4":
            original = original * np.float32(0.1)
            original[0, 0, :3] = [np.nan, np.inf, -0.0]
        np.save(source, original)
        for bound in ("lossless", "abs:2"):
            if dtype == "f4" and bound != "lossless":
                bound = "abs:0.5"
            tool("store", source, stored, bound)
            with h5py.File(stored, "r") as file:
                images = file["/entry/data/data"]
                assert images.shape == original.shape and images.dtype == original.dtype
                assert list(images._filters) == ["32810"], images._filters
                back = images[...]
                if bound == "lossless":
                    assert back.tobytes() == original.tobytes(), (dtype, bound)
                else:
                    limit = float(bound.split(":")[1])
                    finite = np.isfinite(original)
                    error = np.abs(back.astype("f8") - original.astype("f8"))[finite].max()
                    assert error <= limit, (dtype, bound, error)
                    assert error > 0, "nothing was rounded: the bound did not arrive"
                    assert np.array_equal(np.isnan(back), np.isnan(original))
                # A part of it, across chunks.
                part = images[1:3, 10:20, 30:40]
                assert part.tobytes() == back[1:3, 10:20, 30:40].tobytes()

                results = file["/entry_1/result_1"]
                assert list(results["nPeaks"][:]) == [0, 1, 2, 0]
                assert np.array_equal(results["peakXPosRaw"][2], [2.25, 2.25])
                assert np.array_equal(results["peakYPosRaw"][1], [1.5, 0])
                assert results["peakTotalIntensity"][1, 0] == 100
                detector = file["/entry/instrument/detector"]
                assert list(detector["sequence_number"][:]) == [0, 2, 4, 6]
                assert detector["distance"].attrs["units"] in ("m", b"m")
                assert file["/entry/definition"][()] == b"NXmx"

    # h5dump prints the same elements, and -p shows the filter.
    text = subprocess.run(["h5dump", "-p", "-d", "/entry/data/data", "-s", "2,5,7", "-c", "1,1,4",
                           stored], capture_output=True, text=True, check=True).stdout
    assert "FILTER_ID 32810" in text, text
    printed = [float(v) for v in re.search(r"\(2,5,7\): (.*)", text)[1].split(",")]
    with h5py.File(stored, "r") as file:
        assert np.allclose(printed, file["/entry/data/data"][2, 5, 7:11], rtol=1e-5), printed

    # Without the plugin the failure is an error of HDF5, not wrong elements.
    bare = {k: v for k, v in os.environ.items() if k != "HDF5_PLUGIN_PATH"}
    bare["HDF5_PLUGIN_PATH"] = at
    failed = subprocess.run(["h5dump", "-d", "/entry/data/data", stored], env=bare,
                            capture_output=True, text=True)
    assert failed.returncode != 0 or "unable to print data" in failed.stderr
