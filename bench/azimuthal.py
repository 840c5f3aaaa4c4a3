"""Azimuthal integration beside pyFAI: frames of a Pilatus 2M, geometry and matrix made before, image in memory.

Usage: azimuthal.py [--build build/release] [--bins 1000] [--rounds 7] [--check]

In each round pyFAI's sparse-matrix method (CSR in Cython, on all processors, which is its fastest without a GPU) and
azimuthal_bench take turns, so that both meet the same machine; the table has the medians of the rounds. "call" is
integrate1d_ng(safe=False), what a user calls; "engine" is the integrator's own method below it, without checks. Ratios are
times over Etalon's on all processors. --check: exit 4 where a ratio over "engine" is below 5.
"""
import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

logging.disable(logging.WARNING)
warnings.simplefilter("ignore")
from pyFAI.azimuthalIntegrator import AzimuthalIntegrator
from pyFAI.detectors import Detector

SHAPE, PIXEL = (1679, 1475), 172e-6
GATE = 5


def milliseconds(work, repeat=5):
    """The median of some."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times)


def etalon(program, image, poni, bins, splitting, sigma):
    name = f"/{splitting}/{'sigma' if sigma else 'plain'}/"
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run([program, image, poni, str(bins), f"--benchmark_filter=auto{name}", "--benchmark_min_time=0.2",
                        f"--benchmark_out={out.name}", "--benchmark_out_format=json"], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        rows = json.load(open(out.name))["benchmarks"]
    return {row["name"].split("/")[3]: row["real_time"] for row in rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--bins", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    program = os.path.join(options.build, "bench", "azimuthal_bench")
    ai = AzimuthalIntegrator(dist=0.74, poni1=0.145, poni2=0.133, rot1=0.002, rot2=-0.003, wavelength=1.9e-11,
                             detector=Detector(PIXEL, PIXEL, max_shape=SHAPE))
    image = np.random.default_rng(1).poisson(100, SHAPE).astype(np.int32)
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        np.save(os.path.join(folder, "image.npy"), image)
        ai.save(os.path.join(folder, "setup.poni"))
        files = os.path.join(folder, "image.npy"), os.path.join(folder, "setup.poni")
        print(f"{SHAPE[0]} x {SHAPE[1]} pixels, {options.bins} bins, {os.cpu_count()} processors; milliseconds a frame")
        print(f"{'splitting':10}{'':8}{'pyFAI call':>12}{'engine':>10}{'Etalon':>10}{'1 thread':>10}{'x call':>9}{'x engine':>9}")
        for splitting in ("no", "bbox", "full"):
            for sigma in (False, True):
                model = {"error_model": "poisson"} if sigma else {}
                call = lambda: ai.integrate1d_ng(image, options.bins, unit="q_A^-1", method=(splitting, "csr", "cython"), safe=False, **model)
                call()
                engine = [e.engine for m, e in ai.engines.items() if m.split_lower == splitting][0]
                solid = ai.solidAngleArray(SHAPE)
                inner = lambda: engine.integrate_ng(image, solidangle=solid, poissonian=True if sigma else None)
                rounds = []
                for _ in range(options.rounds):
                    ours = etalon(program, *files, options.bins, splitting, sigma)
                    rounds.append((milliseconds(call), milliseconds(inner), ours["all"], ours["one"]))
                theirs, below, ours, one = (statistics.median(column) for column in zip(*rounds))
                what = "sigma" if sigma else "plain"
                print(f"{splitting:10}{what:8}{theirs:12.1f}{below:10.1f}{ours:10.2f}{one:10.2f}{theirs / ours:9.1f}{below / ours:9.1f}")
                if below / ours < GATE:
                    missed.append(f"{splitting}, {what}: {below / ours:.1f} < {GATE}")
    for line in missed:
        print("missed:", line)
    return 4 if missed and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
