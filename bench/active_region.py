"""Draws docs/img/active-region.png: a turbulent layer beside quiet flow, compressed once with one tight bound everywhere and
once with that bound where the field is active and a loose one elsewhere. All numbers are those of the run.

Usage: python3 bench/active_region.py [--etalon build/release/bin/etalon] [--out docs/img/active-region.png]
       [--quantile 0.8] [--tight 1e-4] [--loose 1e-2] [--size 256]
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402
from matplotlib.colors import ListedColormap, LogNorm  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]


class Trial:
    """The field compressed and decompressed again."""

    def __init__(self, etalon, folder, field, *options):
        packed, back = folder / "f.etalon", folder / "back.npy"
        subprocess.run([etalon, "compress", folder / "f.npy", "-o", packed, "-f", *options], check=True, capture_output=True)
        subprocess.run([etalon, "verify", folder / "f.npy", packed], check=True, capture_output=True)  # bounds hold
        subprocess.run([etalon, "decompress", packed, "-o", back, "-f"], check=True, capture_output=True)
        info = subprocess.run([etalon, "info", packed, "--json"], check=True, capture_output=True).stdout
        self.info = json.loads(info)
        self.errors = np.abs(np.load(back).astype("f8") - field) / float(np.ptp(field))

    @property
    def megabytes(self):
        return self.info["bytes"] / 1e6


def power(value):
    """1e-4 as 10 to the -4, where it is such a power."""
    exponent = round(np.log10(value))
    return f"$10^{{{exponent}}}$" if np.isclose(value, 10.0**exponent) else f"{value:g}"


def draw(field, region, tight, mixed, options, out):
    """The slice in the middle, walls at the top and the bottom."""
    middle = field.shape[0] // 2
    figure, axes = plt.subplots(2, 2, figsize=(9, 7.4), dpi=100, sharex=True, sharey=True, constrained_layout=True)
    box = {"extent": (0, 1, 0, 1), "origin": "lower", "interpolation": "nearest"}
    raw = field.nbytes / 1e6
    share = mixed.info["regions"][1]["share"]

    shown = axes[0, 0].imshow(field[middle], cmap="viridis", **box)
    axes[0, 0].set_title(f"Field: streamwise velocity\n{' × '.join(map(str, field.shape))} float32, {raw:.1f} MB")
    figure.colorbar(shown, ax=axes[0, 0], label="velocity / laminar velocity at the centre", shrink=0.85)

    axes[0, 1].imshow(region[middle], cmap=ListedColormap(["#d9dfe6", "#b5432f"]), vmin=0, vmax=1, **box)
    axes[0, 1].set_title(f"Region found: active, {100 * share:.0f} % of the elements\n"
                         f"red within {power(options.tight)} of the range, grey within {power(options.loose)}")

    norm = LogNorm(min(options.tight / 10, options.loose / 1000), options.loose)
    for axis, trial, name in ((axes[1, 0], tight, f"bound {power(options.tight)} everywhere"),
                              (axes[1, 1], mixed, f"{power(options.tight)} where active, {power(options.loose)} elsewhere")):
        shown = axis.imshow(np.maximum(trial.errors[middle], norm.vmin), cmap="magma", norm=norm, **box)
        axis.set_title(f"Errors, {name}\n{trial.megabytes:.2f} MB: {raw / trial.megabytes:.1f} times smaller")
        axis.set_xlabel("x, along the flow (distance of the walls)")
    figure.colorbar(shown, ax=axes[1, :], label="|error| / range of the field", shrink=0.85, extend="min")
    for axis in axes[:, 0]:
        axis.set_ylabel("z, from wall to wall")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, bbox_inches="tight", pad_inches=0.15)
    shrink(out)


def shrink(path):
    """A palette is enough."""
    from PIL import Image
    Image.open(path).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--etalon", type=Path, default=ROOT / "build/release/bin/etalon")
    parser.add_argument("--out", type=Path, default=ROOT / "docs/img/active-region.png")
    parser.add_argument("--quantile", type=float, default=0.8)
    parser.add_argument("--tight", type=float, default=1e-4)
    parser.add_argument("--loose", type=float, default=1e-2)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shape = ",".join([str(options.size)] * 3)
        subprocess.run([options.etalon, "simulate", "field", "--kind", "turbulence", "--shape", shape, "-o", folder / "f.npy"],
                       check=True, capture_output=True)
        # Images of (z, x): each holds the walls' layers and the quiet between them.
        field = np.ascontiguousarray(np.load(folder / "f.npy").transpose(1, 0, 2))
        np.save(folder / "f.npy", field)
        loose, active = f"rel:{options.loose:g}", f"active:quantile={options.quantile:g},over=array"
        tight = Trial(options.etalon, folder, field, "--bound", f"rel:{options.tight:g}")
        mixed = Trial(options.etalon, folder, field, "--bound", loose, "--region", f"{active}@rel:{options.tight:g}")
        # Kept exactly, the region shows itself: elsewhere hardly an error is 0.
        region = Trial(options.etalon, folder, field, "--bound", loose, "--region", f"{active}@lossless").errors == 0
        draw(field, region, tight, mixed, options, options.out)
        for trial in (tight, mixed):
            print(f"{trial.info['bytes']} bytes, ratio {trial.info['ratio']:.2f}")
            for r in trial.info["regions"]:
                print(f"  {r['kind']}: {r['bound']}, {100 * r['share']:.2f} % of the elements, max error {r['max_error']:g}")
        print(options.out, options.out.stat().st_size, "bytes")


main()
