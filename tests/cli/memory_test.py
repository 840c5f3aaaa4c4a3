#!/usr/bin/python3
"""A series larger than the memory that is taken: compress and decompress go through image by image."""
import hashlib
import json
import os
import shutil
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
folder = tempfile.mkdtemp(prefix="etalon_memory_")
os.chdir(folder)
ny, nx, images = 1024, 1024, 256  # 512 MiB of u16
raw_bytes = 2 * ny * nx * images
limit_bytes = 200 << 20
if shutil.disk_usage(folder).free < 6 * raw_bytes:
    print("not enough room for", 6 * raw_bytes, "bytes in", folder)
    sys.exit(77)


# A process begins with the peak of the one that started it: a small one stands between.
RUNNER = """
import os, sys
pid = os.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], 'w') as file:
    file.write(str(usage.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def etalon(*arguments, stdin=None, stdout=None, code=0, says=""):
    """Runs it and holds its peak memory to the limit."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", RUNNER, "peak", ETALON,
                           *map(str, arguments)], stdin=stdin, stdout=stdout,
                          stderr=subprocess.PIPE)
    message = done.stderr.decode()
    assert done.returncode == code, (arguments, done.returncode, message)
    assert says in message, (arguments, message)
    peak = int(open("peak").read()) * 1024
    print(f"{peak >> 20:5d} MiB  {' '.join(map(str, arguments))}", flush=True)
    assert peak < limit_bytes, (arguments, peak)


def digest(path, skip=0):
    sha = hashlib.sha256()
    with open(path, "rb") as file:
        file.seek(skip)
        while block := file.read(1 << 20):
            sha.update(block)
    return sha.hexdigest()


rng = np.random.default_rng(2)
some = rng.poisson(1.2, (4, ny, nx)).astype("<u2")
sha = hashlib.sha256()
with open("s.raw", "wb") as file:
    for i in range(images):
        some[i % 4, 0, 0] = i
        file.write(some[i % 4].tobytes())
        sha.update(some[i % 4].tobytes())
original = sha.hexdigest()
with open("s.npy", "wb") as file:
    np.lib.format.write_array_header_1_0(
        file, {"descr": "<u2", "fortran_order": False, "shape": (images, ny, nx)})
    header = file.tell()
    with open("s.raw", "rb") as source:
        shutil.copyfileobj(source, file, 1 << 20)

# Every way in, every number of threads: the same bytes.
raw = ("--dtype", "u16", "--shape", f":,{ny},{nx}")
etalon("compress", "s.npy", "-o", "one.etalon", "-T", 1)
etalon("compress", "s.npy", "-o", "two.etalon", "-T", 2)
packed = digest("one.etalon")
assert packed == digest("two.etalon")
os.remove("two.etalon")
with open("s.raw", "rb") as source:
    etalon("compress", "-", *raw, "-o", "pipe.etalon", stdin=source)
assert packed == digest("pipe.etalon")
os.remove("pipe.etalon")
for chunk in ((1, ny, nx), (16, 256, nx)):
    with h5py.File("s.h5", "w") as file:
        data = file.create_dataset("data", (images, ny, nx), "u2", chunks=chunk)
        for i in range(0, images, 16):
            data[i:i + 16] = np.fromfile("s.raw", "<u2", 16 * ny * nx, offset=2 * i * ny * nx
                                         ).reshape(16, ny, nx)
    etalon("compress", "s.h5", "-o", "h.etalon", "-f")
    assert packed == digest("h.etalon")
os.remove("s.h5")
os.remove("h.etalon")

# A range wants two passes; a pipe has one.
etalon("compress", "s.npy", "-o", "r.etalon", "--bound", "rel:0.01", "--region",
       "box:y=0..9,x=0..9@lossless")
about = json.loads(subprocess.run([ETALON, "info", "r.etalon", "--json"], capture_output=True,
                                  check=True).stdout)
assert about["bound"] == f"rel:0.01,range=0..{images - 1}" and about["chunks"] == images
with open("s.raw", "rb") as source:
    etalon("compress", "-", *raw, "-o", "no.etalon", "--bound", "rel:0.01", stdin=source, code=2,
           says="range=A..B")
    source.seek(0)
    etalon("compress", "-", *raw, "-o", "r2.etalon", "--bound", f"rel:0.01,range=0..{images - 1}",
           "--region", "box:y=0..9,x=0..9@lossless", stdin=source)
assert digest("r.etalon") == digest("r2.etalon")
assert not os.path.exists("no.etalon")

# And back.
etalon("info", "one.etalon", stdout=subprocess.DEVNULL)
etalon("decompress", "one.etalon", "-o", "back.raw")
assert digest("back.raw") == original
etalon("decompress", "one.etalon", "-o", "back.npy", "-T", 1)
assert digest("back.npy") == digest("s.npy")
etalon("decompress", "one.etalon", "-o", "back.h5")
with h5py.File("back.h5") as file:
    sha = hashlib.sha256()
    for i in range(0, images, 16):
        sha.update(file["data"][i:i + 16].tobytes())
    assert file["data"].dtype == "u2" and sha.hexdigest() == original
etalon("decompress", "one.etalon", "-o", "box.npy", "--box", "100:200,5:1000,7:9")
wanted = np.load("s.npy", mmap_mode="r")[100:200, 5:1000, 7:9]
assert np.array_equal(np.load("box.npy"), wanted)

# Chunks that cut images: as many images are held as a chunk is thick. Every 16th element, of both.
with open("s.raw", "rb") as source:
    etalon("compress", "-", *raw, "-o", "cut.etalon", "--chunk", "8,256,512", stdin=source)
etalon("decompress", "cut.etalon", "-o", "back.raw", "-f")
assert digest("back.raw") == original
wanted = np.load("s.npy", mmap_mode="r")[::16, ::16, ::16]
for name in ("one.etalon", "cut.etalon"):
    etalon("decompress", name, "-o", "few.npy", "--preview", 16, "-f")
    assert np.array_equal(np.load("few.npy"), wanted), name
os.chdir("/")
shutil.rmtree(folder)
