#!/usr/bin/python3
"""How far each technique's data can be reduced with its science held: for each, a row a setting of ratio and gate. Serial crystallography
on the shared simulated series, scattering on real detector images of it, speckle and tomograms as Etalon's simulator and the script
make them. The settings are those of the recipes in examples/, and others beside them. Prints a table; --json for programs."""
import argparse
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import h5py
import numpy as np
from scipy.ndimage import uniform_filter

DATA = Path(os.environ.get("ETALON_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data"))
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
LEAST = {"SFX": 20, "rotation MX": 10, "WAXS": 10, "XPCS": 20, "tomography": 4}  # times, of the recipes
ROWS = []


def row(technique, data, setting, ratio, gate, held, is_recipe):
    ROWS.append({"technique": technique, "data": data, "setting": setting, "ratio": ratio, "gate": gate, "held": bool(held), "recipe": is_recipe})
    print(f"{technique:12s} {data:30s} {setting:44s} {ratio:9.2f}  {'held  ' if held else 'BROKEN'}  {gate}{'  (the recipe)' if is_recipe else ''}",
          flush=True)


def skip(what):
    print("skipped: no", what)
    if options.only:
        sys.exit(77)


def etalon(*words):
    done = subprocess.run([ETALON, *map(str, words)], capture_output=True, text=True)
    if done.returncode not in (0, 4):
        sys.exit(f"{words}: {done.returncode}\n{done.stderr}")
    return done.stdout


def run(name, source, bound=None, half=None):
    """A run of a technique's recipe, as it is or with other bounds (half 0: of all pixels): its report, and what to call it."""
    text = (EXAMPLES / f"{name}.toml").read_text()
    if bound:
        text = re.sub(r'(\[reduce\]\nbound = )"[^"]*"', rf'\1"{bound}"', text)
    if half == 0:
        text = re.sub(r'\[\[reduce\.region\]\][^\[]*', "", text)
    elif half:
        text = re.sub(r"half = \d+", f"half = {half}", text)
    read = tomllib.loads(text)["reduce"]
    squares = "".join(f", peaks' {2 * region['half'] + 1}² lossless" for region in read.get("region", []))
    Path("r.toml").write_text(text)
    report = json.loads(etalon("run", "r.toml", "--source", source, "--out", "out", "-f", "--json"))
    return report, read["bound"] + squares


def settings(*others):
    """The recipe's own first; only that with --recipes."""
    return [(None, None)] + ([] if options.recipes else list(others))


def judged(source, report, method, *more):
    return json.loads(etalon("verify", source, report["output"], "--science", "--method", method, "--json", *more))["science"]


def serial():
    source = DATA / "sim" / "serial" / "serial_a.h5"
    if not source.exists():
        return skip(source)
    for bound, half in settings(("lossless", 0), ("abs:1", 4), ("abs:1", 8), ("abs:2", 8), ("abs:3", 8)):
        report, setting = run("serial", source, bound, half)
        s = judged(source, report, "peakfinder8", "--point-group", "422", "--cell", "79.15,79.15,36.28,90,90,90")
        kept = s["peaks"]["kept"] / s["peaks"]["raw"]
        crystals = s["crystals"]
        raw, now = (crystals[name]["all"]["cc_half"] for name in ("raw_merged", "reduced_merged"))
        indexed = crystals["kept"] / crystals["raw"]
        row("SFX", "serial_a, 24 hits of 100", setting, report["ratio_kept"], f"peaks kept {100 * kept:.2f} %, "
            f"invented {s['peaks']['invented']}, indexed {100 * indexed:.0f} %, CC1/2 {now - raw:+.4f}; "
            f"{report['ratio_total']:.0f} with the veto", kept >= 0.999 and indexed >= 0.99 and now >= raw - 0.01, bound is None)


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
        return skip(image)
    how = ["--distance", 0.74, "--pixel-size", "172e-6", "--energy", 60, "--centre", "737.5,839.5", "--splitting", "bbox", "--bins", 1000]
    before = profile(image, *how)
    sigma = "sigma:{},gain=1,noise=1".format
    for bound, half in settings(("lossless", None), (sigma(1), None), (sigma(2), None)):
        report, setting = run("waxs", image, bound, half)
        after = profile(report["output"], *how)
        good = np.isfinite(before[:, 1]) & np.isfinite(after[:, 1]) & (before[:, 2] > 0)
        off = np.abs(after[good, 1] - before[good, 1]) / before[good, 2]
        row("WAXS", "CeO2, Pilatus 2M (real)", setting, report["ratio_kept"],
            f"|dI| / sigma: mean {off.mean():.3f}, 99 % {np.quantile(off, 0.99):.2f}", np.quantile(off, 0.99) <= 1, bound is None)


def correlation():
    etalon("simulate", "speckle", "-n", 1000, "--size", "192,192", "--counts", 0.1, "--diffusion", 1e6, "--seed", 3, "-o", "sp.h5", "-f")
    def taus(file):
        found = json.loads(etalon("analyse", "correlation", file, "--q-min", 0.001, "--q-max", 0.0045, "--rings", 4, "--json"))["rings"]
        return np.array([r["fit"]["rate_per_s"] if "fit" in r else np.nan for r in found]), np.array([r["fit"]["rate_sigma"] if "fit" in r else np.nan for r in found])
    rate, sigma = taus("sp.h5")
    for bound, half in settings(("abs:1", None)):
        report, setting = run("xpcs", "sp.h5", bound, half)
        try:
            off = np.abs(taus(report["output"])[0] - rate) / sigma
        except SystemExit:
            off = np.full(4, np.inf)
        row("XPCS", "speckle, 0.1 photons a pixel", setting, report["ratio_kept"],
            f"rates off by at most {np.nanmax(off):.2g} of their errors", np.all(off <= 1), bound is None)


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
    data = np.stack([random.poisson(20000 * np.exp(-line)).astype(np.uint16) for _ in range(32)], axis=1)
    with h5py.File("t.h5", "w") as file:
        file["/exchange/data"], file["/exchange/theta"] = data, theta
        file["/exchange/data_dark"] = np.zeros((2, 32, columns), np.uint16)
        file["/exchange/data_white"] = random.poisson(20000, (20, 32, columns)).astype(np.uint16)
    def slices(name, *more):
        etalon("analyse", "tomography", name, "-o", "s.h5", "--centre", axis, "--rows", "0:1", "-f", *more)
        with h5py.File("s.h5") as file:
            return file["/entry/tomography/data"][0].astype(float)
    first = ssim(truth, slices("t.h5"))
    beside = [word for option, name in (("dark", "data_dark"), ("flat", "data_white"), ("theta", "theta"))
              for word in (f"--{option}", f"t.h5:/exchange/{name}")]
    noise = "sigma:{},gain=1,noise=0".format
    for bound, half in settings(("lossless", None), (noise(0.5), None), (noise(1), None), (noise(2), None)):
        report, setting = run("tomography", "t.h5", bound, half)
        likeness = ssim(truth, slices(report["output"], "--data", "/entry/data/data", *beside))
        row("tomography", "phantom, 20 000 photons", setting, report["ratio_kept"],
            f"SSIM to the phantom {likeness:.4f}, raw {first:.4f}", likeness >= first - 0.01, bound is None)


def rotation():
    frames = DATA / "detector" / "thaumatin_grid"
    if not frames.exists():
        return skip(frames)
    noise = "sigma:{},gain=1,noise=1".format
    for bound, half in settings(("lossless", 0), (noise(1), 4), (noise(1), 7)):
        report, setting = run("thaumatin", frames / "*.cbf.bz2", bound, half)
        s = judged(frames / "*.cbf.bz2", report, "dispersion")
        kept = s["peaks"]["kept"] / s["peaks"]["raw"]
        row("rotation MX", "thaumatin, Pilatus 6M (real)", setting, report["ratio_kept"],
            f"spots kept {100 * kept:.2f} % of {s['peaks']['raw']}, invented {s['peaks']['invented']}", kept >= 0.99, bound is None)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
parser.add_argument("--json", help="also write the rows here")
TECHNIQUES = {f.__name__: f for f in (serial, rotation, scattering, correlation, tomography)}
parser.add_argument("--only", choices=TECHNIQUES, help="one of them")
parser.add_argument("--recipes", action="store_true", help="only the settings of examples/*.toml")
parser.add_argument("--check", action="store_true", help="exit 1 when a recipe's gate does not hold, or its ratio is too small")
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
if options.check:
    sys.exit(any(r["recipe"] and not (r["held"] and r["ratio"] >= LEAST[r["technique"]]) for r in ROWS))
