"""The HDF5 filter under every bound, level, rank and type: set from h5py and from h5repack, with the same
chunks; what a filter cannot do is refused in both, with the reason."""
import os
import shutil
import subprocess
import sys
import tempfile

from common import DTYPES, assert_within, counts, noise, np

try:
    import h5py
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)
if shutil.which("h5repack") is None:
    print("skipped: no program h5repack")
    sys.exit(77)

import etalon

# Shapes that chunks do not divide.
SHAPES = {1: ((701,), (200,)), 2: ((33, 41), (16, 41)), 3: ((5, 20, 30), (2, 20, 17)),
          4: ((3, 4, 12, 11), (1, 3, 12, 11)), 5: ((2, 3, 4, 5, 9), (2, 2, 4, 5, 4)),
          6: ((2, 3, 2, 3, 5, 7), (1, 2, 2, 3, 5, 4))}
BOUNDS = ["lossless", "abs:1", "abs:0.5", "rel:0.01,range=0..60", "pwrel:0.05",
          "sigma:1,gain=2,noise=3"]


def stored(dataset):
    """Every chunk's bytes; each must have gone through the filter."""
    chunks = {}
    for i in range(dataset.id.get_num_chunks()):
        at = dataset.id.get_chunk_info(i).chunk_offset
        mask, chunks[at] = dataset.id.read_direct_chunk(at)
        assert mask == 0, (dataset.name, at)
    return chunks


def repack(source, to, name, chunk, values, *more):
    settings = ",".join(map(str, (etalon.Filter.id, 0, len(values), *values)))
    return subprocess.run(
        ["h5repack", *more, "-l", f"{name}:CHUNK={'x'.join(map(str, chunk))}",
         "-f", f"{name}:UD={settings}", source, to], capture_output=True, text=True, check=False)


with tempfile.TemporaryDirectory() as folder:
    plain, written, repacked = (os.path.join(folder, n) for n in ("p.h5", "w.h5", "r.h5"))
    cases = {}
    with h5py.File(plain, "w") as plain_file, h5py.File(written, "w") as file:
        for rank, (shape, chunk) in SHAPES.items():
            for t, dtype in enumerate(DTYPES):
                array = noise(shape, dtype) if dtype[0] == "f" else counts(shape, dtype)
                for b, bound in enumerate(BOUNDS):
                    level = 1 + (rank + t + b) % 9
                    name = f"{rank}_{dtype}_{b}"
                    settings = etalon.Filter(bound, dtype=dtype, chunks=chunk, level=level)
                    dataset = file.create_dataset(name, data=array, **settings)
                    stored(dataset)
                    assert_within(array, dataset[...], bound)
                    cases[name] = (array, bound, chunk, settings["compression_opts"])
                    plain_file[name] = array

    # h5repack, one type of each kind: its option takes one dataset's settings a file.
    some = [n for n in cases if n.split("_")[1] in ("u2", "i4", "f4")]
    for name in some:
        array, bound, chunk, values = cases[name]
        with h5py.File(os.path.join(folder, "one.h5"), "w") as file:
            file[name] = array
        done = repack(os.path.join(folder, "one.h5"), repacked, name, chunk, values)
        assert done.returncode == 0, (name, done)
        with h5py.File(repacked) as file, h5py.File(written) as other:
            assert stored(file[name]) == stored(other[name]), name
            assert_within(array, file[name][...], bound)

    # Dither: the mean of what rounding would erase stays, and unsigned elements become signed.
    weak = np.random.default_rng(7).poisson(0.3, (4, 120, 130)).astype("u2")
    with h5py.File(written, "w") as file:
        for dtype in ("u1", "u2", "i2", "i4", "f4", "f8"):
            array = weak.astype(dtype)
            dataset = file.create_dataset(dtype, data=array,
                                          **etalon.Filter("abs:3", data=array, dither=True))
            back = dataset[...]
            assert back.dtype == {"u1": "i2", "u2": "i4"}.get(dtype, dtype)
            assert np.abs(back.astype(float) - array).max() <= 3
            assert abs(back.mean() - 0.3) < 0.05, (dtype, back.mean())
            assert len({*stored(dataset).values()}) == 4
    again = etalon.Filter("abs:3", data=weak, dither=True)
    with h5py.File(plain, "w") as file:
        file["a"] = weak.astype("i4")
    done = repack(plain, repacked, "a", again["chunks"], again["compression_opts"])
    assert done.returncode == 0, done
    with h5py.File(repacked) as file, h5py.File(written) as other:
        assert stored(file["a"]) == stored(other["u2"])

    # What a filter cannot do. Python says so before there is a dataset.
    def refused(words, *arguments, **settings):
        try:
            etalon.Filter(*arguments, chunks=(8, 9), **settings)
        except etalon.EtalonError as error:
            assert words in str(error), error
            return
        raise AssertionError(f"{arguments} {settings} was not refused")

    refused("range=A..B", "rel:0.01", dtype="f4")
    for target in ("psnr:60", "ratio:10"):
        refused("a target needs the whole array", target, dtype="f4")
    refused("abs and rel bounds only", "pwrel:0.1", dtype="f4", dither=True)
    refused("64 bits", "abs:1", dtype="i8", dither=True)

    # h5repack gets it from HDF5's error stack, and its exit code tells.
    head = (1, 7, 3, *again["chunks"])
    no_range = (*head, 2, *map(int, np.array([0.01, 0, 0]).view("u4")))
    for values, words in ((no_range, "range=A..B"),
                          ((*head, 5), "targets (psnr, ratio) need the whole array"),
                          ((1, 7, 3, 1, 2, 3, 0), "are not the 62400 bytes of a chunk")):
        done = repack(plain, repacked, "a", again["chunks"], values, "-E")
        assert done.returncode != 0 and words in done.stderr, (values, done)
