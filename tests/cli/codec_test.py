#!/usr/bin/python3
"""etalon compress, decompress, info, verify: round trips of every format, and what is refused."""
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
os.chdir(tempfile.mkdtemp(prefix="etalon_codec_"))


def etalon(*arguments, code=0, says="", stdin=None):
    done = subprocess.run([ETALON, *map(str, arguments)], input=stdin, capture_output=True)
    message = done.stderr.decode()
    assert done.returncode == code, (arguments, done.returncode, message)
    assert says in message, (arguments, message)
    return done.stdout


def info(path):
    return json.loads(etalon("info", path, "--json"))


rng = np.random.default_rng(5)
photons = rng.poisson(0.7, (6, 90, 110)).astype("<u2")
photons[:, 40:44] = 65535
mask = np.zeros((90, 110), np.uint32)
mask[40:44] = 1
np.save("photons.npy", photons)
photons.tofile("photons.raw")
with h5py.File("photons.h5", "w") as file:
    file["/entry/data/data"] = photons
    file["/entry/instrument/detector/pixel_mask"] = mask
    file["/entry/other"] = np.arange(24, dtype="f4").reshape(2, 3, 4)

# Every format in, every format out.
raw = ("--dtype", "u16", "--shape", "6,90,110")
for source in (["photons.npy"], ["photons.raw", *raw], ["photons.h5", "--dataset",
                                                        "/entry/data/data"]):
    etalon("compress", *source, "-o", "p.etalon", "-f", "-T", 2)
    for target in ("out.npy", "out.h5", "out.raw"):
        etalon("decompress", "p.etalon", "-o", target, "-f")
    assert np.load("out.npy").tobytes() == photons.tobytes() and np.load("out.npy").dtype == "<u2"
    with h5py.File("out.h5") as file:
        assert (file["/data"][...] == photons).all()
    assert open("out.raw", "rb").read() == photons.tobytes()

about = info("p.etalon")
assert set(about) >= {"schema", "format", "dtype", "shape", "bound", "raw_bytes", "bytes", "ratio",
                      "chunks", "regions"}
assert about["dtype"] == "u16" and about["shape"] == [6, 90, 110] and about["chunks"] == 6
assert about["raw_bytes"] == photons.nbytes and about["bytes"] == os.path.getsize("p.etalon")
assert abs(about["ratio"] - photons.nbytes / about["bytes"]) < 1e-9 and about["ratio"] > 5

# Bytes do not depend on threads or backends.
first = open("p.etalon", "rb").read()
for extra in (("-T", 1), ("-T", 3), ("--backend", "scalar")):
    etalon("compress", "photons.npy", "-o", "q.etalon", "-f", *extra)
    assert open("q.etalon", "rb").read() == first, extra

# Pipes.
packed = etalon("compress", "-", "-o", "-", stdin=open("photons.npy", "rb").read())
assert packed == first
assert etalon("decompress", "-", "-o", "-", stdin=packed) == photons.tobytes()
assert etalon("compress", "-", "-o", "-", *raw, stdin=photons.tobytes()) == first

# A box, with ends left out.
etalon("decompress", "p.etalon", "-o", "box.npy", "--box", "2:4,10:,5")
assert (np.load("box.npy") == photons[2:4, 10:, 5:6]).all()
for box in ("2:4,10:91", "4:2", "a:b", "0:1,0:1,0:1,0:1", ":,,:"):
    etalon("decompress", "p.etalon", "-o", "no.npy", "--box", box, code=2, says="box")

# Bounds and all four kinds of region.
np.save("spots.npy", (rng.random((90, 110)) < 0.01))
with open("peaks.csv", "w") as file:
    file.write("frame,x,y\n1,50.2,60.8\n4,3,3\n")
regions = ["box:y=5..9,x=7..20@lossless", "annulus:r=20..25,centre=55/45@abs:1",
           "mask:file=spots.npy@abs:0", "peaks:file=peaks.csv,half=2@lossless"]
np.save("spots.npy", np.load("spots.npy").astype("u1"))
wanted = [x for r in regions for x in ("--region", r)]
etalon("compress", "photons.h5", "-o", "r.etalon", "--dataset", "/entry/data/data",
       "--bound", "abs:2", *wanted)
etalon("decompress", "r.etalon", "-o", "r.npy")
error = np.abs(np.load("r.npy").astype(int) - photons)
assert error.max() == 2 and not error[:, 5:9, 7:20].any()
assert not error[1, 59:64, 48:53].any() and not error[4, 1:6, 1:6].any()
about = info("r.etalon")
assert [r["kind"] for r in about["regions"]] == ["default", "box", "annulus", "mask", "peaks"]
assert [r["bound"] for r in about["regions"]] == ["abs:2", "lossless", "abs:1", "abs:0", "lossless"]
assert abs(sum(r["share"] for r in about["regions"]) - 1) < 1e-9
assert all(r["max_error"] <= 2 and r["bytes"] >= 0 for r in about["regions"])

verdict = json.loads(etalon("verify", "photons.npy", "r.etalon", *wanted, "--json"))
assert verdict["holds"] and [r["max_error"] for r in verdict["regions"]][1] == 0
etalon("verify", "photons.npy", "r.npy", "--bound", "abs:2", *wanted)
etalon("verify", "photons.npy", "r.npy", "--bound", "abs:2")
etalon("verify", "photons.npy", "r.npy", "--bound", "abs:1", code=4, says="region default")
etalon("verify", "photons.npy", "r.npy", code=4, says="exceeds lossless")
broken = photons.copy()
broken[3, 6, 8] += 1
np.save("broken.npy", broken)
etalon("verify", "photons.npy", "broken.npy", "--bound", "abs:2", *wanted, code=4,
       says="[3,6,8]: region box: error 1")
etalon("verify", "photons.npy", "box.npy", code=4, says="2x80x1")

# The mask is a hint: the array comes back whole under any.
for given in ("/entry/instrument/detector/pixel_mask", "mask.npy"):
    np.save("mask.npy", mask)
    etalon("compress", "photons.h5", "--dataset", "/entry/data/data", "-o", "m.etalon", "-f",
           "--mask", given)
    etalon("verify", "photons.npy", "m.etalon")
etalon("compress", "photons.npy", "-o", "no", "--mask", "box.npy", code=2, says="does not fit")

# Floats, NaN and all.
field = np.cumsum(rng.normal(size=(40, 50)), axis=1).astype("f4")
field[3, 4], field[5, 6], field[7, 8] = np.nan, np.inf, -0.0
np.save("field.npy", field)
for bound, limit in (("lossless", 0), ("abs:0.05", 0.05)):
    etalon("compress", "field.npy", "-o", "f.etalon", "-f", "--bound", bound)
    etalon("decompress", "f.etalon", "-o", "f.npy", "-f")
    back = np.load("f.npy")
    usual = np.isfinite(field)
    assert np.abs(back[usual].astype("f8") - field[usual]).max() <= limit
    assert back[~usual].tobytes() == field[~usual].tobytes() and np.signbit(back[7, 8])
    etalon("verify", "field.npy", "f.etalon")

# Bounds of every kind, and targets.
for name, bound in (("photons", "rel:1e-2"), ("photons", "pwrel:0.1"), ("photons", "sigma:1"),
                    ("photons", "sigma:1,gain=2,noise=3"), ("photons", "ratio:10"),
                    ("field", "rel:1e-3"), ("field", "pwrel:1e-3"), ("field", "psnr:50"),
                    ("field", "sigma:0.1,noise=1")):
    etalon("compress", name + ".npy", "-o", "b.etalon", "-f", "--bound", bound)
    verdict = json.loads(etalon("verify", name + ".npy", "b.etalon", "--json"))
    assert verdict["holds"], (name, bound)
    if bound.startswith("psnr"):
        assert verdict["psnr_db"] >= 50
    elif bound.startswith("ratio"):
        assert info("b.etalon")["ratio"] >= 10
    else:
        assert info("b.etalon")["bound"].split(":")[0] == bound.split(":")[0]
wide = photons.astype("i8")
etalon("compress", "photons.npy", "-o", "d.etalon", "--bound", "abs:2", "--dither", "--seed", "3")
etalon("decompress", "d.etalon", "-o", "d.npy")
back = np.load("d.npy")
assert back.dtype == np.int32 and np.abs(back - wide).max() == 2
assert json.loads(etalon("verify", "photons.npy", "d.etalon", "--json"))["holds"]
etalon("compress", "photons.npy", "-o", "no", "--bound", "sigma:1", "--dither", code=2, says="dither")

# Levels: bounds hold at all of them, and the bytes do not depend on threads.
for name, bound in (("photons", "lossless"), ("photons", "abs:1"), ("field", "abs:0.05"),
                    ("field", "rel:1e-3"), ("field", "lossless"), ("field", "pwrel:0.1")):
    sizes = {}
    for level in range(1, 10):
        kept = set()
        for threads in (1, 3):
            etalon("compress", name + ".npy", "-o", "l.etalon", "-f", "--bound", bound,
                   "-%d" % level, "-T", threads)
            kept.add(open("l.etalon", "rb").read())
        etalon("verify", name + ".npy", "l.etalon")
        assert len(kept) == 1, (name, bound, level)
        sizes[level] = len(kept.pop())
    etalon("compress", name + ".npy", "-o", "l.etalon", "-f", "--bound", bound)
    assert os.path.getsize("l.etalon") == sizes[5] >= sizes[9], (name, bound, sizes)
    assert name == "field" or sizes[1] > sizes[5], (name, bound, sizes)
assert b"-9" in etalon("compress", "--help")
etalon("compress", "photons.npy", "-o", "no", "-0", code=2)

# What does not exist yet, and what makes no sense, is refused as such.
for bound in ("pwrel:1", "rel:1,range=2..1", "sigma:1,gain=-1", "psnr", "ratio:0"):
    etalon("compress", "photons.npy", "-o", "no", "--bound", bound, code=2)
for arguments in (["--bound", "abs:-1"], ["--bound", "abs:nan"], ["--bound", "2"],
                  ["--region", "box:y=0..5@abs:1"], ["--region", "disc:r=1@abs:1"],
                  ["--region", "box:y=0..5,x=0..5"], ["--dtype", "f16"], ["--shape", "a"],
                  ["--nonsense"]):
    etalon("compress", "photons.npy", "-o", "no", *arguments, code=2)
etalon("compress", "photons.raw", "-o", "no", code=2, says="--shape")
etalon("compress", "photons.raw", "-o", "no", "--dtype", "u16", "--shape", "6,90,111", code=3)
etalon("compress", "missing.npy", "-o", "no", code=5, says="missing.npy")
etalon("compress", "photons.npy", "-o", "no", "--region", "peaks:file=none.csv@abs:1", code=5)
etalon("compress", "photons.npy", "-o", "no", "--region", "peaks:file=photons.raw@abs:1", code=3)
etalon("compress", "photons.h5", "-o", "no", "--dataset", "/nothing", code=5)
assert not os.path.exists("no")

# Nothing is overwritten without -f.
before = open("p.etalon", "rb").read()
etalon("compress", "photons.npy", "-o", "p.etalon", code=2, says="exists already")
etalon("decompress", "p.etalon", "-o", "out.npy", code=2, says="exists already")
assert open("p.etalon", "rb").read() == before

# Damage: exit 3, and no output is left.
for name, damage in (("cut", before[:-1]), ("half", before[:len(before) // 2]), ("none", b""),
                     ("flip", before[:500] + bytes([before[500] ^ 4]) + before[501:]),
                     ("text", b"hello, this is no container")):
    open(name + ".etalon", "wb").write(damage)
    etalon("decompress", name + ".etalon", "-o", "damaged.npy", code=3, says=name + ".etalon")
    etalon("info", name + ".etalon", code=3, says=name + ".etalon")
    assert not [f for f in os.listdir(".") if f.startswith("damaged")], os.listdir(".")
etalon("decompress", "missing.etalon", "-o", "damaged.npy", code=5)
print("ok")
