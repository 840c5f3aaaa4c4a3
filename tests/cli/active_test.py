#!/usr/bin/python3
"""Active regions: a turbulent field with a quiet interior keeps its boundary, verified per region."""
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
os.chdir(tempfile.mkdtemp(prefix="etalon_active_"))


def etalon(*arguments, code=0, says=""):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True)
    message = done.stderr.decode()
    assert done.returncode == code, (arguments, done.returncode, message)
    assert says in message, (arguments, message)
    return done.stdout


def region(report, kind):
    return next(r for r in report["regions"] if r["kind"] == kind)


def turbulence(seed, n):
    """A k^(-11/6) random field outside of a disc, calm inside of it."""
    rng = np.random.default_rng(seed)
    k = np.hypot(np.fft.fftfreq(n)[:, None] * n, np.fft.fftfreq(n)[None] * n)
    k[0, 0] = 1
    noise = np.fft.fft2(rng.normal(size=(n, n))) * k ** (-11 / 6)
    field = np.fft.ifft2(noise).real
    field /= field.std()
    y, x = np.mgrid[:n, :n] - n / 2
    return (np.where(np.hypot(y, x) < n / 3, 1e-3 * field, field)).astype("f4"), np.hypot(y, x)


def activity(image, window=5):
    """The definition: standard deviation in a window plus the gradient's magnitude."""
    padded = np.pad(image.astype("f8"), window // 2, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (window, window))
    dy, dx = np.gradient(image.astype("f8"))
    return np.nanstd(windows, axis=(2, 3)) + np.hypot(dy, dx)


n = 200
fields, radius = zip(*(turbulence(seed, n) for seed in range(4)))
fields, radius = np.stack(fields), radius[0]
np.save("field.npy", fields)
span = float(fields.max()) - float(fields.min())

# The active quarter is held to 1e-5 of the range, the rest to 1e-2, image by image.
active = ["--region", "active:quantile=0.75,window=5@rel:1e-5"]
etalon("compress", "field.npy", "-o", "a.etalon", "--bound", "rel:1e-2", *active)
etalon("compress", "field.npy", "-o", "b.etalon", "--bound", "rel:1e-2", *active, "-T", 1)
assert open("a.etalon", "rb").read() == open("b.etalon", "rb").read()
about = json.loads(etalon("info", "a.etalon", "--json"))
assert [r["kind"] for r in about["regions"]] == ["default", "active"]
share = region(about, "active")
assert abs(share["share"] - 0.25) < 1e-4 and share["bytes"] > 0
assert share["bound"].startswith("rel:1e-05,range=") and 0 < share["max_error"] <= 1e-5
assert b"active" in etalon("info", "a.etalon")

etalon("decompress", "a.etalon", "-o", "a.npy")
error = np.abs(np.load("a.npy").astype("f8") - fields)
assert error.max() <= 1e-2 * span
inside = np.stack([a > np.quantile(a, 0.75) * 1.0001 for a in map(activity, fields)])
assert 0.24 < inside.mean() <= 0.25 and error[inside].max() <= 1e-5 * span
# Nothing happens in the interior: the default's bound shows there.
interior = radius < n / 3 - 4
assert not inside[:, interior].any() and (error[:, interior] > 1e-5 * span).mean() > 0.5

verdict = json.loads(etalon("verify", "field.npy", "a.etalon", "--json"))
assert verdict["holds"] and [r["violations"] for r in verdict["regions"]] == [0, 0]
assert region(verdict, "active")["elements"] == round(0.25 * fields.size)
# The demand may come from the command line: the same members are found in the original.
again = json.loads(etalon("verify", "field.npy", "a.npy", "--bound", "rel:1e-2", *active, "--json"))
for key in ("elements", "max_error", "violations"):
    assert region(again, "active")[key] == region(verdict, "active")[key], key
spoilt = np.load("a.npy")
where = np.unravel_index(np.argmax(inside[2]), (n, n))
spoilt[2][where] += 1e-3 * span
np.save("spoilt.npy", spoilt)
etalon("verify", "field.npy", "spoilt.npy", "--bound", "rel:1e-2", *active, code=4,
       says=f"[2,{where[0]},{where[1]}]: region active")

# A grown region covers more; two axes and four work as three do.
etalon("compress", "field.npy", "-o", "g.etalon", "--bound", "rel:1e-2", "--region",
       "active:quantile=0.75,window=5,grow=3@rel:1e-5")
grown = json.loads(etalon("info", "g.etalon", "--json"))
assert region(grown, "active")["share"] > share["share"] + 0.02
np.save("one.npy", fields[1])
np.save("four.npy", fields.reshape(2, 2, n, n))
for name in ("one", "four"):
    etalon("compress", name + ".npy", "-o", name + ".etalon", "--bound", "rel:1e-2", *active)
    etalon("decompress", name + ".etalon", "-o", "out.npy", "-f")
    etalon("verify", name + ".npy", name + ".etalon")
    report = json.loads(etalon("verify", name + ".npy", "out.npy", "--bound", "rel:1e-2", *active,
                               "--json"))
    assert report["holds"] and abs(region(report, "active")["share"] - 0.25) < 1e-4
assert json.loads(etalon("info", "four.etalon", "--json"))["chunks"] == 1
# A target finds the bound of the rest.
etalon("compress", "field.npy", "-o", "t.etalon", "--bound", "psnr:60", *active)
report = json.loads(etalon("verify", "field.npy", "t.etalon", "--json"))
assert report["holds"] and 60 <= report["psnr_db"] < 61.2, report

# Over the whole array: images in which more happens have more of it.
scaled = fields * np.float32([1, 2, 4, 0.01])[:, None, None]
np.save("scaled.npy", scaled)
over = ["--region", "active:quantile=0.75,window=5,over=array@rel:1e-5"]
etalon("compress", "scaled.npy", "-o", "over.etalon", "--bound", "rel:1e-2", *over)
etalon("verify", "scaled.npy", "over.etalon")
etalon("decompress", "over.etalon", "-o", "over.npy")
report = json.loads(etalon("verify", "scaled.npy", "over.npy", "--bound", "rel:1e-2", *over,
                           "--json"))
assert report["holds"] and abs(region(report, "active")["share"] - 0.25) < 1e-4, report
every = np.stack([activity(image) for image in scaled])
members = every >= np.quantile(every, 0.75)
assert members[2].mean() > 0.4 and not members[3].any()
tight = np.abs(np.load("over.npy") - scaled) <= 1e-5 * (scaled.max() - scaled.min())
assert tight[members].mean() > 0.999 and tight[~members].mean() < 0.5
etalon("compress", "scaled.npy", "-o", "x.etalon", "--region", "active:quantile=1,over=frame@abs:1",
       code=2, says="over=frame: expected image or array")

# A detector's gap is no activity: with the mask, the spot is what is active.
image = np.full((3, 60, 70), 3, "u2")
image[:, 20:24] = 65535
for i in range(3):
    image[i, 40 + i, 50] = 9
gap = np.zeros((60, 70), "u4")
gap[20:24] = 1
with h5py.File("gap.h5", "w") as file:
    file["/entry/data/data"] = image
    file["/entry/instrument/detector/pixel_mask"] = gap
np.save("gap.npy", image)
np.save("mask.npy", gap)
spot = ["--region", "active:quantile=0@lossless"]
for source in (["gap.h5"], ["gap.npy", "--mask", "mask.npy"]):
    etalon("compress", *source, "-o", "gap.etalon", "-f", "--bound", "abs:2", *spot)
    found = region(json.loads(etalon("info", "gap.etalon", "--json")), "active")
    assert abs(found["share"] - 25 / 4200) < 1e-9, found
    etalon("decompress", "gap.etalon", "-o", "back.npy", "-f")
    etalon("verify", *source, "back.npy", "--bound", "abs:2", *spot)

# Nothing active, nothing finite, one pixel.
for name, array in (("flat", np.full((40, 50), 0.1)), ("nan", np.full((9, 9), np.nan, "f4")),
                    ("pixel", np.ones((1, 1), "u1")), ("pixels", np.ones((5, 1, 1), "i4")),
                    ("line", np.arange(30, dtype="i2")), ("none", np.zeros((0, 8, 8), "u2")),
                    ("scalar", np.array(3.5))):
    np.save(name + ".npy", array)
    etalon("compress", name + ".npy", "-o", "x.etalon", "-f", "--bound", "abs:1", "--region",
           "active:quantile=0.5@lossless")
    etalon("decompress", "x.etalon", "-o", "x.npy", "-f")
    back = np.load("x.npy")
    assert back.shape == array.shape
    assert np.array_equal(np.isnan(back), np.isnan(array))
    assert not array.size or np.isnan(array).all() or np.abs(back - array.astype("f8")).max() <= 1
    etalon("verify", name + ".npy", "x.etalon")

etalon("compress", "field.npy", "-o", "no", "--region", "active:quantile=2@abs:1", code=2,
       says="a number from 0 to 1")
etalon("compress", "field.npy", "-o", "no", "--region", "active@abs:1", code=2,
       says="active needs quantile=")

# In a recipe, each kept frame has its own.
recipe = """
[source]
path = "frames.h5"
[find]
centre = [60, 50]
[veto]
min_peaks = 0
[reduce]
bound = "abs:3"
check_every = 1
[[reduce.region]]
kind = "active"
quantile = 0.9
window = 7
grow = 1
bound = "lossless"
"""
rng = np.random.default_rng(9)
frames = rng.poisson(2, (5, 100, 120)).astype("u2")
for i in range(5):
    frames[i, 10 * i:10 * i + 20, 30:60] += rng.poisson(50, (20, 30)).astype("u2")
with h5py.File("frames.h5", "w") as file:
    file["/entry/data/data"] = frames
open("r.toml", "w").write(recipe)
os.environ["ETALON_STATE"] = os.path.join(os.getcwd(), "state")
report = json.loads(etalon("run", "r.toml", "--out", "run", "--json"))
stored = report["output"]
found = region(json.loads(etalon("info", stored, "--json")), "active")
assert found["bound"] == "lossless" and found["max_error"] == 0 and 0.1 <= found["share"] < 0.3
etalon("verify", "frames.h5", stored)
etalon("verify", "frames.h5", stored, "--bound", "abs:3", "--region",
       "active:quantile=0.9,window=7,grow=1@lossless")
