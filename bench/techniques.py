#!/usr/bin/python3
"""How far each technique's data can be reduced with its science held: for each, a row a setting of ratio and gate. Serial crystallography
on the shared simulated series, scattering on real detector images of it, speckle and tomograms as Etalon's simulator and the script
make them. Prints a table; --json for programs."""
import argparse
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from scipy.ndimage import uniform_filter

DATA = Path(os.environ.get("ETALON_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data"))
ROWS = []


def row(technique, data, setting, ratio, gate, held):
    ROWS.append({"technique": technique, "data": data, "setting": setting, "ratio": ratio, "gate": gate, "held": bool(held)})
    print(f"{technique:12s} {data:30s} {setting:44s} {ratio:9.2f}  {'held  ' if held else 'BROKEN'}  {gate}", flush=True)


def etalon(*words):
    done = subprocess.run([ETALON, *map(str, words)], capture_output=True, text=True)
    if done.returncode not in (0, 4):
        sys.exit(f"{words}: {done.returncode}\n{done.stderr}")
    return done.stdout


def reduced(source, setting, *more):
    """Compresses, brings back as .npy, and says the ratio."""
    report = json.loads(etalon("compress", source, "-o", "r.eta", "--bound", setting, "--json", "-f", *more))
    etalon("decompress", "r.eta", "-o", "r.npy", "-f")
    return report["raw_bytes"] / report["bytes"], np.load("r.npy")


def judged(source, bound, half, method, more):
    """A run and the science judge's figures of it."""
    recipe = f'[find]\nmethod = "{method}"\n{more}[reduce]\nbound = "{bound}"\n[analyse]\nkind = "none"\n'
    if half:
        recipe += f'[[reduce.region]]\nkind = "peaks"\nhalf = {half}\nbound = "lossless"\n'
    Path("r.toml").write_text(recipe)
    run = json.loads(etalon("run", "r.toml", "--source", source, "--out", "out", "-f", "--json"))
    found = json.loads(etalon("verify", source, run["output"], "--science", "--method", method, "--bound", bound, "--json"))
    return run, found["science"]


def serial():
    source = DATA / "sim" / "serial" / "serial_a.h5"
    if not source.exists():
        return print("skipped: no", source)
    for bound, half in (("lossless", 0), ("abs:1", 4), ("abs:1", 8), ("abs:2", 8), ("abs:3", 8), ("abs:2", 12)):
        run, s = judged(source, bound, half, "peakfinder8", "[veto]\nmin_peaks = 15\n")
        kept = s["peaks"]["kept"] / s["peaks"]["raw"]
        row("SFX", "serial_a, 24 hits of 100", bound + (f", peaks' {2 * half + 1}² lossless" if half else ""), run["ratio_kept"],
            f"peaks kept {100 * kept:.2f} %, invented {s['peaks']['invented']}; {run['ratio_total']:.0f} with the veto", kept >= 0.999)


def profile(*words):
    text = etalon("analyse", "azimuthal", *words, "-o", "-")
    lines = [l for l in text.splitlines() if l and not l.startswith("#")]
    values = []
    for line in csv.reader(io.StringIO("\n".join(lines))):
        try:
            values.append([float(v) for v in line[:3]])
        except ValueError:
            continue
    return np.array(values)


def scattering():
    image = DATA / "detector" / "hexrd_ceria" / "ceria_50x30_740mm_000005_Pilatus2M.hdf5"
    if not image.exists():
        return print("skipped: no", image)
    with h5py.File(image) as file:
        found = []
        file.visititems(lambda name, node: found.append(node) if isinstance(node, h5py.Dataset) and node.ndim >= 2 else None)
        raw = np.squeeze(max(found, key=lambda node: node.size)[()])
    np.save("w.npy", raw)
    how = ["--distance", 0.74, "--pixel-size", "172e-6", "--energy", 60, "--centre", f"{raw.shape[1] / 2},{raw.shape[0] / 2}",
           "--splitting", "bbox", "--bins", 1000]
    before = profile("w.npy", *how)
    for setting in ("lossless", "sigma:0.5,gain=1,noise=1", "sigma:1,gain=1,noise=1", "sigma:2,gain=1,noise=1"):
        ratio, back = reduced("w.npy", setting)
        np.save("v.npy", back)
        after = profile("v.npy", *how)
        good = np.isfinite(before[:, 1]) & np.isfinite(after[:, 1]) & (before[:, 2] > 0)
        off = np.abs(after[good, 1] - before[good, 1]) / before[good, 2]
        row("WAXS", "CeO2, Pilatus 2M (real)", setting, ratio, f"|dI| / sigma: mean {off.mean():.3f}, 99 % {np.quantile(off, 0.99):.2f}",
            np.quantile(off, 0.99) <= 1)


def correlation():
    etalon("simulate", "speckle", "-n", 1000, "--size", "192,192", "--counts", 0.1, "--diffusion", 1e6, "--seed", 3, "-o", "sp.h5", "-f")
    def taus(file):
        found = json.loads(etalon("analyse", "correlation", file, "--q-min", 0.001, "--q-max", 0.0045, "--rings", 4, "--json"))["rings"]
        return np.array([r["fit"]["rate_per_s"] if "fit" in r else np.nan for r in found]), np.array([r["fit"]["rate_sigma"] if "fit" in r else np.nan for r in found])
    rate, sigma = taus("sp.h5")
    for setting in ("lossless", "abs:1"):
        ratio, back = reduced("sp.h5", setting)
        shutil.copy("sp.h5", "sq.h5")
        with h5py.File("sq.h5", "a") as file:
            file["/entry/data/data"][...] = back
        try:
            off = np.abs(taus("sq.h5")[0] - rate) / sigma
        except SystemExit:
            off = np.full(4, np.inf)
        row("XPCS", "speckle, 0.1 photons a pixel", setting, ratio, f"rates off by at most {np.nanmax(off):.2g} of their errors", np.all(off <= 1))


def ssim(a, b):
    low, high = a.min(), a.max()
    c1, c2, mean = (0.01 * (high - low)) ** 2, (0.03 * (high - low)) ** 2, lambda v: uniform_filter(v, 7)
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean(a * a) - ma ** 2, mean(b * b) - mb ** 2, mean(a * b) - ma * mb
    return ((2 * ma * mb + c1) * (2 * cov + c2) / ((ma ** 2 + mb ** 2 + c1) * (va + vb + c2)))[20:-20, 20:-20].mean()


def tomography():
    columns, axis, theta = 400, 199.2, np.arange(0, 180, 0.4)
    discs = [(0.01, 160, 0, 0), (-0.006, 40, 60, 20), (0.01, 16, -70, 50), (-0.01, 24, -40, -80), (0.005, 8, 90, -60), (0.004, 5, 20, 110)]
    s, t = np.arange(columns) - axis, np.deg2rad(theta)[:, None]
    line = sum(v * 2 * np.sqrt(np.maximum(r * r - (s - x * np.cos(t) - y * np.sin(t)) ** 2, 0)) for v, r, x, y in discs)
    fine = (np.arange(columns * 4) + 0.5) / 4 - 0.5 - (columns - 1) / 2
    truth = sum(v * ((fine[None, :] - x) ** 2 + (-fine[:, None] - y) ** 2 < r * r) for v, r, x, y in discs).reshape(columns, 4, columns, 4).mean(axis=(1, 3))
    random = np.random.default_rng(1)
    data = np.stack([random.poisson(20000 * np.exp(-line)).astype(np.uint16) for _ in range(8)], axis=1)
    with h5py.File("t.h5", "w") as file:
        file["/exchange/data"], file["/exchange/theta"] = data, theta
        file["/exchange/data_dark"] = np.zeros((2, 8, columns), np.uint16)
        file["/exchange/data_white"] = random.poisson(20000, (20, 8, columns)).astype(np.uint16)
    def slices(name):
        etalon("analyse", "tomography", name, "-o", "s.h5", "--centre", axis, "-f")
        with h5py.File("s.h5") as file:
            return file["/entry/tomography/data"][0].astype(float)
    first = ssim(truth, slices("t.h5"))
    for setting in ("lossless", "sigma:0.25,gain=1,noise=0", "sigma:0.5,gain=1,noise=0", "sigma:1,gain=1,noise=0", "sigma:2,gain=1,noise=0"):
        ratio, back = reduced("t.h5", setting, "--dataset", "/exchange/data")
        shutil.copy("t.h5", "u.h5")
        with h5py.File("u.h5", "a") as file:
            file["/exchange/data"][...] = back
        likeness = ssim(truth, slices("u.h5"))
        row("tomography", "phantom, 20 000 photons", setting, ratio, f"SSIM to the phantom {likeness:.4f}, raw {first:.4f}", likeness >= first - 0.01)


def rotation():
    frames = sorted((DATA / "detector" / "thaumatin_grid").glob("*.cbf.bz2"))
    if not frames:
        return print("skipped: no thaumatin frames")
    for bound, half in (("lossless", 0), ("sigma:0.5,gain=1,noise=1", 4), ("sigma:1,gain=1,noise=1", 4), ("sigma:1,gain=1,noise=1", 7)):
        run, s = judged(str(frames[0].parent / "*.cbf.bz2"), bound, half, "dispersion", "[veto]\nmin_peaks = 0\n")
        kept = s["peaks"]["kept"] / s["peaks"]["raw"]
        row("rotation MX", "thaumatin, Pilatus 6M (real)", bound + (f", peaks' {2 * half + 1}² lossless" if half else ""), run["ratio_kept"],
            f"spots kept {100 * kept:.2f} % of {s['peaks']['raw']}, invented {s['peaks']['invented']}", kept >= 0.99)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
parser.add_argument("--json", help="also write the rows here")
TECHNIQUES = {f.__name__: f for f in (serial, rotation, scattering, correlation, tomography)}
parser.add_argument("--only", choices=TECHNIQUES, help="one of them")
options = parser.parse_args()
ETALON = os.path.abspath(options.etalon)
out = os.path.abspath(options.json) if options.json else None
os.chdir(tempfile.mkdtemp())
os.environ["ETALON_STATE"] = os.path.abspath("state")
print(f"{'technique':12s} {'data':30s} {'setting':44s} {'ratio':>9s}  gate")
for name, technique in TECHNIQUES.items():
    if options.only in (None, name):
        technique()
if out:
    Path(out).write_text(json.dumps(ROWS, indent=2))
