"""etalon analyse tomography: a phantom's projections as counts of a camera come back as its slice, beside numpy's own back-projection,
and do so after a reduction; the real tooth's axis; what is missing or does not fit is said."""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    from scipy.ndimage import uniform_filter
except ImportError:
    print("needs python3-h5py, python3-numpy, python3-scipy")
    sys.exit(77)

ETALON = os.environ["ETALON"]
DATA = os.environ.get("ETALON_DATA") or os.path.join(os.environ["ETALON_SOURCE_DIR"], "..", "shared", "data")


def etalon(*arguments, code=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


def ssim(a, b):
    """Wang et al. 2004, windows of 7 x 7, within the circle."""
    low, high = a.min(), a.max()
    c1, c2, mean = (0.01 * (high - low)) ** 2, (0.03 * (high - low)) ** 2, lambda v: uniform_filter(v, 7)
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma ** 2, mean(b * b) - mb ** 2, mean(a * b) - ma * mb
    s = (2 * ma * mb + c1) * (2 * cov + c2) / ((ma ** 2 + mb ** 2 + c1) * (va + vb + c2))
    return s[20:-20, 20:-20].mean()


os.chdir(tempfile.mkdtemp())
columns, axis, theta = 200, 96.3, np.arange(0, 180, 0.75)
theta_of_all = theta
# discs: (value, radius, x, y) in pixels
discs = [(0.02, 80, 0, 0), (-0.012, 20, 30, 10), (0.02, 8, -35, 25), (-0.02, 12, -20, -40), (0.01, 4, 45, -30)]
s = np.arange(columns) - axis
t = np.deg2rad(theta)[:, None]
line = sum(v * 2 * np.sqrt(np.maximum(r * r - (s - x * np.cos(t) - y * np.sin(t)) ** 2, 0)) for v, r, x, y in discs)
fine = (np.arange(columns * 4) + 0.5) / 4 - 0.5 - (columns - 1) / 2
inside = sum(v * ((fine[None, :] - x) ** 2 + (-fine[:, None] - y) ** 2 < r * r) for v, r, x, y in discs)
truth = inside.reshape(columns, 4, columns, 4).mean(axis=(1, 3))

random = np.random.default_rng(1)
beam, dark = 30000 * (1 + 0.1 * np.sin(np.arange(columns) / 9)), 100
gain = random.normal(1, 0.01, columns)
def shots(share, n=None):
    return (random.poisson(beam * share) * gain + dark).astype(np.uint16)
with h5py.File("p.h5", "w") as file:
    rows = np.stack([shots(np.exp(-line)) for _ in range(3)], axis=1)
    file["/exchange/data"] = rows
    file["/exchange/data_dark"] = np.full((4, 3, columns), dark, np.uint16)
    file["/exchange/data_white"] = np.stack([np.stack([shots(1.0) for _ in range(3)]) for _ in range(20)])
    file["/exchange/theta"] = theta
report = json.loads(etalon("analyse", "tomography", "p.h5", "-o", "s.h5", "--plot", "plots", "--json"))
assert report["shape"] == [3, columns, columns] and abs(report["rotation_axis"] - axis) < 0.3, report
with h5py.File("s.h5") as file:
    slices = file["/entry/tomography/data"][()].astype(float)
circle = np.hypot(*np.meshgrid(np.arange(columns) - 99.5, np.arange(columns) - 99.5)) < 75
for one in slices:
    assert np.abs(one - truth)[circle].mean() < 0.0016, np.abs(one - truth)[circle].mean()
    assert abs(one[circle].mean() / truth[circle].mean() - 1) < 0.02
assert os.listdir("plots") == ["p.slice.png"]

# By other means: numpy's transforms and interpolation, the same definition.
with h5py.File("p.h5") as file:
    d, f, r = file["/exchange/data_dark"][()].mean(0)[1], file["/exchange/data_white"][()].mean(0)[1], file["/exchange/data"][:, 1]
sinogram = -np.log((r - d) / (f - d))
with h5py.File("absorption.h5", "w") as file:
    file["/exchange/data"], file["/exchange/theta"] = sinogram[:, None].astype(np.float32), theta
etalon("analyse", "tomography", "absorption.h5", "-o", "a.h5", "--absorption", "--keep-rings", "--filter", "ramp", "--centre", axis)
with h5py.File("a.h5") as file:
    ours = file["/entry/tomography/data"][0].astype(float)
ramp = np.zeros(512)
k = np.arange(1, 257, 2)
ramp[0] = 0.25
ramp[k] = ramp[-k] = -1 / (np.pi * k) ** 2
filtered = np.fft.ifft(np.fft.fft(sinogram, 512, axis=1) * np.fft.fft(ramp).real, axis=1).real[:, :columns]
y, x = (columns - 1) / 2 - np.arange(columns)[:, None], np.arange(columns)[None, :] - (columns - 1) / 2
theirs = sum(np.interp(x * np.cos(a) + y * np.sin(a) + axis, np.arange(columns), q) for a, q in zip(np.deg2rad(theta), filtered)) * np.pi / len(theta)
assert np.abs(ours - theirs)[circle].max() < 2e-5, np.abs(ours - theirs)[circle].max()

# After a reduction within one standard deviation of the counting noise: the same picture.
etalon("compress", "p.h5", "--dataset", "/exchange/data", "-o", "p.eta", "--bound", "sigma:1,gain=1,noise=0")
etalon("decompress", "p.eta", "-o", "p.npy")
shutil.copy("p.h5", "q.h5")
with h5py.File("q.h5", "a") as file:
    file["/exchange/data"][...] = np.load("p.npy")
etalon("analyse", "tomography", "q.h5", "-o", "r.h5", "--centre", report["rotation_axis"])
with h5py.File("r.h5") as file:
    reduced = file["/entry/tomography/data"][()].astype(float)
raw_likeness, likeness = ssim(truth, slices[0]), ssim(truth, reduced[0])
assert likeness > raw_likeness - 0.05, (raw_likeness, likeness)

etalon("analyse", "tomography", "p.h5", "-o", "one.h5", "--rows", "1:2", "-T", 1, "--centre", report["rotation_axis"])
with h5py.File("one.h5") as file:
    assert (file["/entry/tomography/data"][0] == slices[1].astype(np.float32)).all()

# Projections alone, with what is beside them in another file: the same slices.
with h5py.File("p.h5") as file, h5py.File("alone.h5", "w") as alone:
    alone["/exchange/data"] = file["/exchange/data"][()]
beside = [word for option, name in (("--dark", "data_dark"), ("--flat", "data_white"), ("--theta", "theta"))
          for word in (option, os.path.abspath("p.h5") + ":/exchange/" + name)]
etalon("analyse", "tomography", "alone.h5", "-o", "b.h5", *beside, "--centre", report["rotation_axis"])
with h5py.File("b.h5") as file:
    assert (file["/entry/tomography/data"][()] == slices.astype(np.float32)).all()

for words, code, said in ((("--dark", "none.h5:/exchange/data_dark"), 5, "none.h5"), (("--flat", "p.h5:/no"), 5, "/no"),
                          (("--theta", "alone.h5:/exchange/data"), 3, "alone.h5"), (("--rows", "2:9"), 2, "--rows"), (("--centre", 500), 2, "axis"), (("--filter", "x"), 2, "filter"),
                          (("--data", "/no"), 5, "/no"), (("--theta", "/exchange/data"), 3, "angles"),
                          (("--flat", "/exchange/theta"), 3, "theta"), (("--dark", "/exchange/data_white"), 2, "flat")):
    assert said in etalon("analyse", "tomography", "p.h5", "-o", "n.h5", *words, code=code), words
    assert not os.path.exists("n.h5")

# What a file may hold instead of projections and what is beside them.
def scan(name="bad.h5", **datasets):
    everything = {"data": rows[:40, :1], "data_dark": np.full((1, 1, columns), dark, np.uint16), "data_white": np.full((1, 1, columns), 30000 + dark, np.uint16),
                  "theta": np.arange(40) * 4.5} | datasets
    with h5py.File(name, "w") as file:
        for key, value in everything.items():
            if value is not None:
                file["/exchange/" + key] = value
    return name
def huge(path, shape):
    with h5py.File(scan(**{path: None}), "a") as file:
        file.create_dataset("/exchange/" + path, shape, np.uint16, chunks=(1, 1, 32))
    return "bad.h5"
def refused(said, code=3, words=()):
    err = etalon("analyse", "tomography", "bad.h5", "-o", "n.h5", *words, code=code)
    assert said in err and "bad.h5" in err, err
    assert not os.path.exists("n.h5")
for data in (np.ones((40, 200)), np.ones((40, 1, 1, 200)), np.ones((1, 1, 200)), np.ones((40, 0, 200)), np.ones((40, 1, 3)), np.ones((40, 1, 0)), np.ones((0, 1, 200)), np.uint16(1), "text"):
    scan(data=data)
    refused("/exchange/data")
for theta, said in ((np.r_[np.nan, np.arange(39)], "angle 0 is no angle"), (np.r_[np.arange(39), 1e300], "angle 39 is no angle"), (np.arange(39), "no list of 40 angles"), ("text", "/exchange/theta")):
    scan(theta=theta)
    refused(said)
scan(theta=None)
refused("/exchange/theta", code=5)
for path, shape in (("data", (1 << 60, 1, 32)), ("data", (40, 1 << 40, 32)), ("data", (1 << 33, 1 << 33, 64)), ("data", (40, 1, 1 << 40)), ("data_dark", (1 << 40, 1, columns)), ("data_white", (1 << 62, 1, columns))):
    huge(path, shape)
    refused("/exchange/" + path)
with h5py.File(scan(data=None), "a") as file:
    file["/exchange/data"], file["/exchange/a"] = h5py.SoftLink("/exchange/a"), h5py.SoftLink("/exchange/data")
refused("/exchange/data", code=5)
with h5py.File(scan(data_dark=None), "a") as file:
    file["/exchange/data_dark"] = h5py.ExternalLink("gone.h5", "/dark")
refused("gone.h5", code=5)
# Angles in radians are taken as such; an unknown unit is none.
for unit, factor, code in (("rad", np.pi / 180, 0), ("degrees", 1, 0), ("turns", 1 / 360, 3)):
    with h5py.File(scan("unit.h5", data=rows[:, :1], theta=theta_of_all * factor), "a") as file:
        file["/exchange/theta"].attrs["units"] = unit
    etalon("analyse", "tomography", "unit.h5", "-o", "unit." + unit + ".h5", "--centre", axis, code=code)
with h5py.File("unit.rad.h5") as a, h5py.File("unit.degrees.h5") as b:
    assert np.abs(a["/entry/tomography/data"][()] - b["/entry/tomography/data"][()]).max() < 1e-6
# Pixels that are not finite are filled in, and of absorptions that is said.
broken = sinogram[:, None].astype(np.float32)
broken[3, 0, 50], broken[7, 0, 60:63], broken[9, 0, 70] = np.nan, np.inf, -np.inf
with h5py.File("broken.h5", "w") as file:
    file["/exchange/data"], file["/exchange/theta"] = broken, theta_of_all
done = subprocess.run([ETALON, "analyse", "tomography", "broken.h5", "-o", "broken.slices.h5", "--absorption", "--keep-rings", "--filter", "ramp", "--centre", str(axis)], capture_output=True, text=True)
assert done.returncode == 0 and "5 absorptions not finite" in done.stderr, done.stderr
with h5py.File("broken.slices.h5") as file:
    assert np.abs(file["/entry/tomography/data"][0] - ours)[circle].max() < 2e-3
for data, words in ((rows[:40, :1].astype(np.float32), ()), (np.ones((40, 1, columns)), ("--absorption",))):
    data[17] = np.nan
    scan(data=data)
    refused("projection 17: no value is finite", words=words)
with h5py.File(scan("light.h5", data=rows[:, :1].astype(np.float32), theta=theta_of_all), "a") as file:
    file["/exchange/data"][5, 0, 20:22] = np.inf, -np.inf
etalon("analyse", "tomography", "light.h5", "-o", "light.slices.h5", "--centre", axis)
with h5py.File("light.slices.h5") as file:
    assert np.isfinite(file["/entry/tomography/data"][()]).all()
# Angles in the golden ratio are never quite half a turn apart: the axis is found, and not by pairs that are none.
golden = (np.arange(len(theta_of_all)) * 111.246118) % 180
t = np.deg2rad(golden)[:, None]
line = sum(v * 2 * np.sqrt(np.maximum(r * r - (s - x * np.cos(t) - y * np.sin(t)) ** 2, 0)) for v, r, x, y in discs)
with h5py.File("golden.h5", "w") as file:
    file["/exchange/data"], file["/exchange/theta"] = line[:, None].astype(np.float32), golden
report = json.loads(etalon("analyse", "tomography", "golden.h5", "-o", "golden.slices.h5", "--absorption", "--json"))
assert abs(report["rotation_axis"] - axis) < 0.3, report

# A disk that is full, as far as a limit is one: said with the name, and nothing is left.
def little():
    resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
done = subprocess.run([ETALON, "analyse", "tomography", "p.h5", "-o", "full.h5", "--centre", str(axis)], capture_output=True, text=True, preexec_fn=little)
assert done.returncode == 1 and "full.h5: " in done.stderr and "File too large" in done.stderr, done
assert not [n for n in os.listdir() if n.startswith("full.h5")]

tooth = os.path.join(DATA, "detector", "tomo_tomopy", "tooth.h5")
if os.path.exists(tooth):
    report = json.loads(etalon("analyse", "tomography", tooth, "-o", "tooth.h5", "--rows", ":1", "--json"))
    assert 295 < report["rotation_axis"] < 297, report
else:
    print("without the tooth:", tooth)
