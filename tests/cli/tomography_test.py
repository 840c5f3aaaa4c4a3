"""etalon analyse tomography: a phantom's projections as counts of a camera come back as its slice, beside numpy's own back-projection,
and do so after a reduction; the real tooth's axis; what is missing or does not fit is said."""
import json
import os
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

tooth = os.path.join(DATA, "detector", "tomo_tomopy", "tooth.h5")
if os.path.exists(tooth):
    report = json.loads(etalon("analyse", "tomography", tooth, "-o", "tooth.h5", "--rows", ":1", "--json"))
    assert 295 < report["rotation_axis"] < 297, report
else:
    print("without the tooth:", tooth)
