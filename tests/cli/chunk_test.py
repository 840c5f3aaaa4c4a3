"""etalon compress --chunk and decompress --preview: any shape of chunks, every N-th element, as numpy has them."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(missing)
    sys.exit(77)

ETALON = os.environ["ETALON"]
FOLDER = tempfile.TemporaryDirectory(prefix="etalon_chunk_")
os.chdir(FOLDER.name)
rng = np.random.default_rng(23)


def etalon(*arguments, code=0, says="", stdin=None):
    done = subprocess.run([ETALON, *map(str, arguments)], input=stdin, capture_output=True)
    message = done.stderr.decode()
    assert done.returncode == code and says in message, (arguments, done.returncode, message)
    return done.stdout


def smooth(shape, dtype):
    x = sum(np.sin(0.2 * (a + 1) * i) for a, i in enumerate(np.indices(shape)))
    return (100 * x + rng.normal(0, 1, shape) + 400).astype(dtype)


def info(path):
    return json.loads(etalon("info", path, "--json"))


def read(*options):
    etalon("decompress", "a.etalon", "-o", "out.npy", "-f", *options)
    return np.load("out.npy")


CASES = [
    ((3000,), "f4", "700"), ((3000,), "u2", "1"),
    ((61, 83), "f8", "16,16"), ((61, 83), "u1", "100,10"),
    ((20, 31, 43), "f4", "8,16,16"), ((20, 31, 43), "u2", "3,31,43"), ((20, 31, 43), "i4", "1,5,43"),
    ((20, 31, 43), "f4", "7,99,99"), ((20, 31, 43), "f4", "1,31,43"),
    ((3, 8, 21, 17), "f4", "1,4,21,17"), ((3, 8, 21, 17), "f8", "2,3,10,9"), ((3, 8, 21, 17), "u2", "1,1,7,17"),
    ((3, 2, 5, 9, 11), "f4", "1,2,5,9,11"), ((3, 2, 5, 9, 11), "f4", "1,1,2,9,5"),
    ((3, 2, 4, 5, 6, 7), "f8", "1,1,2,5,6,7"), ((3, 2, 4, 5, 6, 7), "f4", "2,2,2,2,2,2"),
]
for shape, dtype, chunk in CASES:
    a = smooth(shape, dtype)
    np.save("a.npy", a)
    bound = ("--bound", "abs:0.5" if np.dtype(dtype).kind == "f" else "abs:2")
    etalon("compress", "a.npy", "-o", "a.etalon", "-f", *bound, "--chunk", chunk, "-T", 2)
    data = open("a.etalon", "rb").read()
    etalon("compress", "a.npy", "-o", "b.etalon", "-f", *bound, "--chunk", chunk, "-T", 1)
    assert open("b.etalon", "rb").read() == data, (shape, chunk)
    etalon("verify", "a.npy", "a.etalon")
    extents = [min(c, n) for c, n in zip(map(int, chunk.split(",")), shape)]
    grid = [-(-n // c) for c, n in zip(extents, shape)]
    assert info("a.etalon")["chunks"] == np.prod(grid), (shape, chunk)
    # Read once, of a length that is not known: the same chunks.
    if len(shape) >= 3:
        piped = etalon("compress", "-", "-o", "-", *bound, "--chunk", chunk, "--dtype", np.dtype(dtype).str,
                       "--shape", ":," + ",".join(map(str, shape[1:])), stdin=a.tobytes())
        open("p.etalon", "wb").write(piped)
        etalon("verify", "a.npy", "p.etalon")
        assert info("p.etalon")["chunks"] == info("a.etalon")["chunks"]
        etalon("compress", "-", "-o", "-", "--chunk", chunk, "--dtype", np.dtype(dtype).str, "--shape",
               ":," + ",".join(map(str, shape[1:])), stdin=a.tobytes()[:-a.itemsize], code=3)

    whole = read()
    box = tuple(slice(n // 3, n - n // 5) for n in shape)
    text = ",".join(f"{s.start}:{s.stop}" for s in box)
    for step in (2, 3, 8):
        every = (slice(None, None, step),) * len(shape)
        assert read("--preview", step).tobytes() == whole[every].tobytes(), (shape, chunk, step)
        assert read("--preview", step, "--box", text).tobytes() == whole[box][every].tobytes(), (shape, chunk, step)
    etalon("decompress", "a.etalon", "-o", "out.h5", "-f", "--preview", 2)
    with h5py.File("out.h5") as file:
        assert (file["/data"][...] == whole[(slice(None, None, 2),) * len(shape)]).all()

# The default says itself; chunks of its shape make the same bytes.
a = smooth((20, 31, 43), "f4")
np.save("a.npy", a)
etalon("compress", "a.npy", "-o", "a.etalon", "-f", "--bound", "rel:1e-3")
etalon("compress", "a.npy", "-o", "b.etalon", "-f", "--bound", "rel:1e-3", "--chunk", "20,31,43")
assert open("a.etalon", "rb").read() == open("b.etalon", "rb").read()

# With targets, dither, regions and masks.
etalon("compress", "a.npy", "-o", "a.etalon", "-f", "--bound", "psnr:50", "--chunk", "10,16,16")
assert info("a.etalon")["chunks"] == 2 * 2 * 3
counts = rng.poisson(3, (6, 40, 50)).astype("u2")
np.save("c.npy", counts)
etalon("compress", "c.npy", "-o", "d.etalon", "-f", "--bound", "abs:2", "--dither", "--chunk", "2,20,50")
etalon("verify", "c.npy", "d.etalon")
etalon("decompress", "d.etalon", "-o", "d.npy", "-f")
error = np.load("d.npy") - counts.astype("i4")
assert (error[:2, :20] != error[2:4, :20]).any() and abs(error.mean()) < 0.1  # each chunk has its own dither
region = ("--region", "box:y=5..9,x=7..20@lossless")
active = ("--region", "active:quantile=0.9@lossless")
etalon("compress", "c.npy", "-o", "c.etalon", "-f", "--bound", "abs:2", *region, "--chunk", "3,40,50")
assert info("c.etalon")["regions"][1]["max_error"] == 0 and info("c.etalon")["chunks"] == 2
etalon("compress", "c.npy", "-o", "c.etalon", "-f", "--bound", "abs:2", *active, "--chunk", "1,40,50")
mask = np.zeros((40, 50), "u1")
np.save("m.npy", mask)
refuse = {"code": 2, "says": "--chunk"}
# Regions and masks are cut as images are.
for regions in (region, active):
    etalon("compress", "c.npy", "-o", "c.etalon", "-f", "--bound", "abs:2", *regions, "--mask", "m.npy",
           "--chunk", "3,16,20")
    etalon("verify", "c.npy", "c.etalon")
    assert info("c.etalon")["chunks"] == 2 * 3 * 3 and info("c.etalon")["regions"][1]["max_error"] == 0
    etalon("decompress", "c.etalon", "-o", "c3.npy", "-f")
    off = abs(np.load("c3.npy").astype("i4") - counts)
    assert off.max() == 2 and (regions is active or not off[:, 5:9, 7:20].any())
for wrong in ("3,20", "3,20,50,1", "0,20,50", "3,-1,50", "a,b,c", "3,,50"):
    etalon("compress", "c.npy", "-o", "no.etalon", "--chunk", wrong, **refuse)
for wrong in ("0", "-1", "half"):
    etalon("decompress", "c.etalon", "-o", "no.npy", "--preview", wrong, code=2)
assert not os.path.exists("no.etalon") and not os.path.exists("no.npy")
# The mask that a file brings along does not forbid parts of images.
with h5py.File("c.h5", "w") as file:
    file["/entry/data/data"] = counts
    file["/entry/instrument/detector/pixel_mask"] = np.ones((40, 50), np.uint32)
etalon("compress", "c.h5", "-o", "c.etalon", "-f", "--chunk", "3,20,20")
etalon("decompress", "c.etalon", "-o", "c2.npy")
assert (np.load("c2.npy") == counts).all()
