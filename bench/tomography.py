"""Filtered back-projection beside silx and scikit-image: slices of a phantom, all processors.

Usage: tomography.py [--etalon build/release/bin/etalon] [--columns 512] [--angles 720] [--rows 32] [--rounds 5] [--check]

In each round the programs take turns, so that all meet the same machine; the table has the medians of the rounds. Etalon is
the whole command, from its start to the slices in a file; silx (OpenCL, here mostly on processors) and scikit-image (one
processor) are called with the sinogram in memory, their filters and tables made before. The same filter for all; how far
slices differ from the phantom is beside. --check: exit 4 where Etalon is slower than one of them a slice.
"""
import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import h5py
import numpy as np

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

# Shepp and Logan's head: value, half axes, centre, turn in degrees (with Toft's contrast).
ELLIPSES = [(1, .69, .92, 0, 0, 0), (-.8, .6624, .874, 0, -.0184, 0), (-.2, .11, .31, .22, 0, -18), (-.2, .16, .41, -.22, 0, 18),
            (.1, .21, .25, 0, .35, 0), (.1, .046, .046, 0, .1, 0), (.1, .046, .046, 0, -.1, 0), (.1, .046, .023, -.08, -.605, 0),
            (.1, .023, .023, 0, -.606, 0), (.1, .023, .046, .06, -.605, 0)]


def phantom(n):
    y, x = np.mgrid[:n, :n]
    x, y = (2 * x - n + 1) / n, (2 * y - n + 1) / n
    image = np.zeros((n, n))
    for value, a, b, cx, cy, turn in ELLIPSES:
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        u, v = (x - cx) * c + (y - cy) * s, -(x - cx) * s + (y - cy) * c
        image[(u / a) ** 2 + (v / b) ** 2 <= 1] += value
    return image


def sinogram(n, angles):
    """Exact: how long each ray is in each ellipse, in pixels."""
    t = (2 * np.arange(n) - n + 1) / n
    rows = np.zeros((len(angles), n))
    for value, a, b, cx, cy, turn in ELLIPSES:
        for row, angle in zip(rows, angles):
            phi = angle - np.radians(turn)
            reach = (a * np.cos(phi)) ** 2 + (b * np.sin(phi)) ** 2
            at = t - (cx * np.cos(angle) + cy * np.sin(angle))
            row += value * a * b / reach * np.sqrt(np.maximum(reach - at ** 2, 0)) * n
    return rows


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def error(slice_, truth):
    """RMS inside the circle, after the best of the eight ways to turn and mirror: programs differ in where y points."""
    n = len(truth)
    y, x = np.mgrid[:n, :n] - (n - 1) / 2
    inside = x ** 2 + y ** 2 < (.45 * n) ** 2
    ways = [f(np.rot90(slice_, k)) for k in range(4) for f in (np.asarray, np.transpose)]
    return min(float(np.sqrt(np.mean((w - truth)[inside] ** 2))) for w in ways)


def peers(sino, angles):
    found = {}
    try:
        from silx.opencl.backprojection import Backprojection
        engine = Backprojection(sino.shape, angles=angles, filter_name="shepp-logan", profile=False)
        found["silx"] = lambda: engine.filtered_backprojection(sino)
    except Exception as e:  # no OpenCL, no silx
        print(f"silx: not here: {e}", file=sys.stderr)
    try:
        from skimage.transform import iradon
        found["scikit-image"] = lambda: iradon(sino.T, theta=np.degrees(angles), filter_name="shepp-logan")
    except ImportError as e:
        print(f"scikit-image: not here: {e}", file=sys.stderr)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument("--etalon", default=os.path.join(here, "..", "build", "release", "bin", "etalon"))
    for name, value in (("columns", 512), ("angles", 720), ("rows", 32), ("rounds", 5)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    n = options.columns
    angles = np.arange(options.angles) * np.pi / options.angles
    sino = np.ascontiguousarray(sinogram(n, angles), np.float32)
    truth = phantom(n)

    with tempfile.TemporaryDirectory() as folder:
        data, out = os.path.join(folder, "p.h5"), os.path.join(folder, "s.h5")
        with h5py.File(data, "w") as file:
            file["/exchange/data"] = np.repeat(sino[:, None, :], options.rows, axis=1)
            file["/exchange/theta"] = np.degrees(angles)

        def etalon():
            subprocess.run([options.etalon, "analyse", "tomography", data, "-o", out, "--absorption", "--keep-rings", "--centre",
                            str((n - 1) / 2), "-f"], check=True, stdout=subprocess.DEVNULL)
            with h5py.File(out) as file:
                return file["/entry/tomography/data"][0]

        work = {"etalon": etalon, **peers(sino, angles)}
        times, errors = {name: [] for name in work}, {}
        for name, call in work.items():  # caches, and kernels that are compiled at the first call
            errors[name] = error(call(), truth)
        for _ in range(options.rounds):
            for name, call in work.items():
                times[name].append(seconds(call)[0] / (options.rows if name == "etalon" else 1))
    ours = statistics.median(times["etalon"])
    print(f"{n} x {n} pixels from {options.angles} angles, {os.cpu_count()} processors")
    print(f"{'':14} {'ms a slice':>10} {'times ours':>10} {'RMS error':>10}")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:14} {1e3 * median:10.2f} {median / ours:10.1f} {errors[name]:10.4f}")
    if options.check and any(statistics.median(v) < ours for v in times.values()):
        sys.exit(4)


if __name__ == "__main__":
    main()
