"""h5py writes through the filter, and Etalon reads it; wrong settings fail and do no harm."""
import os
import struct
import subprocess
import sys

from common import folder, frames, need, tool

need("h5py")
import h5py
import numpy as np

DTYPES = {"u1": 1, "u2": 2, "u4": 3, "u8": 4, "i1": 5, "i2": 6, "i4": 7, "i8": 8, "f4": 9, "f8": 10}


def settings(dtype, chunk, bound=None):
    values = (1, DTYPES[dtype], len(chunk), *chunk)
    return values + ((0,) if bound is None else (1, *struct.unpack("<II", struct.pack("<d", bound))))


def write(path, array, chunk, options):
    with h5py.File(path, "w") as file:
        file.create_dataset("a/b", data=array, chunks=chunk, compression=32810,
                            compression_opts=options)


rng = np.random.default_rng(3)
with folder() as at:
    path, out = os.path.join(at, "w.h5"), os.path.join(at, "w.npy")
    cases = [(d, (3, 40, 50), (1, 40, 50)) for d in DTYPES]
    cases += [("u2", (100,), (30,)), ("f4", (33, 47), (16, 16)), ("i4", (2, 3, 4, 5, 6, 7), (1, 2, 2, 5, 6, 4))]
    for dtype, shape, chunk in cases:
        array = (rng.normal(0, 40, shape) + 60).clip(0, 120).astype(dtype)
        write(path, array, chunk, settings(dtype, chunk))
        tool("array", path, "/a/b", out)
        back = np.load(out)
        assert back.dtype == array.dtype and back.tobytes() == array.tobytes(), (dtype, shape)
        with h5py.File(path, "r") as file:
            assert file["a/b"][...].tobytes() == array.tobytes()

    array = frames(dtype="i4")
    write(path, array, (1, 256, 320), settings("i4", (1, 256, 320), 3.0))
    tool("array", path, "-", out)
    error = np.abs(np.load(out) - array).max()
    assert 0 < error <= 3, error

    # Each in a process of its own, so that a crash shows as what it is.
    good = settings("u2", (1, 40, 50), 1.0)
    bad = [(), good[:1], good[:5], good[:-1], (2, *good[1:]), (1, 99, *good[2:]), (1, 2, 0, *good[3:]),
           (1, 2, 7, *good[3:]), (1, 2, 3, 1, 40, 51, 0), (1, 2, 3, 0, 40, 50, 0), (1, 3, *good[2:]),
           (1, 2, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1, 0), (1, 2, 3, 1, 40, 50, 77),
           settings("u2", (1, 40, 50), float("nan")), settings("u2", (1, 40, 50), -1.0)]
    program = """
import h5py, sys, numpy
f = h5py.File(sys.argv[1], "w")
try:
    f.create_dataset("a", data=numpy.ones((2, 40, 50), "u2"), chunks=(1, 40, 50), compression=32810,
                     compression_opts=eval(sys.argv[2]))
    f.flush()
except Exception as e:
    print("refused:", e)
    import os; os._exit(9)
"""
    for options in bad:
        done = subprocess.run([sys.executable, "-c", program, path, repr(options)],
                              capture_output=True, text=True)
        assert done.returncode == 9 and "refused" in done.stdout, (options, done)
