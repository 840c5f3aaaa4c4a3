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
    # h5py calls a filter optional: a chunk that it refuses is stored as it is. A mandatory one fails.
    program = """
import h5py, os, sys, numpy
flag = getattr(h5py.h5z, sys.argv[3])
with h5py.File(sys.argv[1], "w") as f:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((1, 40, 50))
    plist.set_filter(32810, flag, eval(sys.argv[2]))
    space = h5py.h5s.create_simple((2, 40, 50))
    d = h5py.h5d.create(f.id, b"a", h5py.h5t.NATIVE_UINT16, space, plist)
    try:
        d.write(h5py.h5s.ALL, h5py.h5s.ALL, numpy.full((2, 40, 50), 5, "u2"))
        f.flush()
        print("stored", d.get_storage_size())
    except Exception as e:
        print("refused:", e, flush=True)
        os._exit(0)  # HDF5 crashes when it closes a file that it cannot write, whatever the filter
"""
    for options in bad:
        for flag in ("FLAG_OPTIONAL", "FLAG_MANDATORY"):
            done = subprocess.run([sys.executable, "-c", program, path, repr(options), flag],
                                  capture_output=True, text=True)
            assert done.returncode == 0, (options, done)
            if flag == "FLAG_MANDATORY":
                assert done.stdout.startswith("refused"), (options, done)
                continue
            assert done.stdout == "stored 8000\n", (options, done)
            tool("array", path, "/a", out)
            assert np.array_equal(np.load(out), np.full((2, 40, 50), 5, "u2")), options
