"""etalon simulate speckle and analyse correlation: curves and two-time maps against numpy's sums by definition; the diffusion that
the speckle was made with comes back; a lossless reduction changes nothing; series with gaps, and what makes no sense, are refused."""
import csv
import json
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("needs python3-h5py and python3-numpy")
    sys.exit(77)

ETALON = os.environ["ETALON"]


def etalon(*arguments, code=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stderr


os.chdir(tempfile.mkdtemp())
etalon("simulate", "speckle", "-n", 400, "--size", "128,120", "--distance", 4, "--diffusion", 2e6, "--counts", 2, "--seed", 5, "-o", "s.h5")
report = json.loads(etalon("analyse", "correlation", "s.h5", "--q-min", 0.001, "--q-max", 0.005, "--rings", 4, "-o", "g2.csv",
                           "--two-time", "two.h5", "--plot", "plots", "--json"))
with h5py.File("s.h5") as file:
    frames = file["/entry/data/data"][()].astype(np.int64)
    detector = file["/entry/instrument/detector"]
    good = detector["pixel_mask"][()] == 0
    pixel, distance = detector["x_pixel_size"][()], detector["distance"][()]
    wavelength = file["/entry/instrument/beam/incident_wavelength"][()]
    centre_y, centre_x = detector["beam_center_y"][()], detector["beam_center_x"][()]
    diffusion = file["/entry/truth/diffusion"][0]
y, x = np.indices(good.shape)
q = 4 * np.pi / wavelength * np.sin(np.arctan(np.hypot(y - centre_y, x - centre_x) * pixel / distance) / 2)

rows = list(csv.DictReader(open("g2.csv")))
for r, ring in enumerate(report["rings"]):
    inside = good & (q >= 0.001 + 0.001 * r) & (q < 0.001 + 0.001 * (r + 1))
    assert abs(int(inside.sum()) - ring["pixels"]) <= 2, "a pixel at an edge"
    assert abs(q[inside].mean() / ring["q_per_angstrom"] - 1) < 1e-4
    if inside.sum() != ring["pixels"]:
        continue
    values = frames[:, inside]
    curve = [row for row in rows if int(row["ring"]) == r]
    assert len(curve) > 30
    for row in curve:
        lag = round(float(row["lag_s"]) / report["frame_time_s"])
        block = 1
        while lag / block > 16:
            block *= 2
        usable = len(values) // block * block
        summed = values[:usable].reshape(-1, block, values.shape[1]).sum(axis=1)
        k = lag // block
        before, after = summed[:-k], summed[k:]
        g2 = (before * after).mean() / (before.mean() * after.mean())
        assert abs(g2 - float(row["g2"])) < 1e-9, (row, g2)
        assert int(row["pairs"]) == len(before)
    with h5py.File("two.h5") as file:
        matrix = file["/entry/two_time/correlation"][r]
    mean = values.mean(axis=1)
    expected = (values @ values.T) / values.shape[1] / np.outer(mean, mean)
    np.testing.assert_allclose(matrix, expected, rtol=1e-12)
    # truth
    fit = ring["fit"]
    assert abs(fit["rate_per_s"] / (diffusion * np.mean(q[inside] ** 2)) - 1) < 0.15, (r, fit)
    assert abs(fit["contrast"] - 1) < 0.2 and abs(fit["baseline"] - 1) < 0.05, fit
assert sorted(os.listdir("plots")) == ["s.g2.png", "s.two_time.png"]

# A lossless reduction changes no digit.
with open("r.toml", "w") as file:
    file.write('[veto]\nmin_peaks = 0\n[analyse]\nkind = "none"\n')
os.environ["ETALON_STATE"] = os.path.abspath("state")
etalon("run", "r.toml", "--source", "s.h5", "--out", "out")
same = json.loads(etalon("analyse", "correlation", "out/s.h5", "--q-min", 0.001, "--q-max", 0.005, "--rings", 4, "--json"))
assert same["rings"] == report["rings"]

# what is refused
etalon("export", "s.h5", "-o", "raw.h5", "--frames", "0:20", "--filter", "deflate")
with h5py.File("raw.h5", "a") as file:
    file["/entry/instrument/detector/sequence_number"][10:] += 1
assert "missing" in etalon("analyse", "correlation", "raw.h5", code=3)
assert "all pairs" in etalon("analyse", "correlation", "s.h5", "--two-time", "t.h5", "--most-frames", 100, code=2)
np.save("a.npy", np.ones((5, 20, 20), np.uint16))
assert "frame-time" in etalon("analyse", "correlation", "a.npy", code=2)
assert "wavelength" in etalon("analyse", "correlation", "a.npy", "--frame-time", 1, code=2)
assert "no good pixel" in etalon("analyse", "correlation", "s.h5", "--q-min", 1, "--q-max", 2, code=2)
assert "exists" in etalon("analyse", "correlation", "s.h5", "-o", "g2.csv", code=2)
assert "modes" in etalon("simulate", "speckle", "-o", "x.h5", "--modes", 0, code=2)
