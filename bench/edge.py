#!/usr/bin/python3
"""The whole edge over loopback: a detector that plays a series from memory in a loop (`etalon replay --preload`), `etalon
edge` (receive, find, veto, reduce, ship) and `etalon collect`, all on this machine. Hits are kept without loss, or with
--bound beside lossless peaks. Prints frames/s, raw GB/s and what each stage took a frame. The cores are shared with the
detector and the collector; --cores pins all of it. With --load 0.9 the detector then plays at that share of the measured
rate for --seconds, and the fast loop's latencies are printed: from a frame's arrival until its rules were followed and its
actions published."""
import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

DATA = Path(os.environ.get("ETALON_DATA", Path(__file__).resolve().parent.parent.parent / "shared" / "data"))
RECIPE = """
[veto]
min_peaks = 15
[reduce]
bound = "{bound}"
check_every = {check_every}
[analyse]
kind = "none"
"""
PEAKS = """
[[reduce.region]]
kind = "peaks"
half = 4
bound = "lossless"
"""


FAST = """
[fast]
publish = "{address}"
budget_ms = {budget_ms}
[[fast.rule]]
when = "saturated_pixels > 50"
action = "attenuate"
parameters = {{ factor = 0.5 }}
hold_frames = 1000
[[fast.rule]]
when = "peaks >= 15"
action = "continue"
"""


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


def play(options, recipe, more):
    """One run; the reports of edge, collector and detector."""
    work = Path(tempfile.mkdtemp())
    env = dict(os.environ, ETALON_STATE=str(work / "state"))
    etalon = (["taskset", "-c", options.cores] if options.cores else []) + [options.etalon]
    (work / "r.toml").write_text(recipe)
    detector, centre = free_address(), free_address()

    def start(*words):
        return subprocess.Popen([*etalon, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    try:
        replay = start("replay", options.series, "--bind", detector, "--preload", *more, "--json")
        collect = start("collect", str(work / "r.toml"), "--bind", centre, "--out", str(work / "out"), "--json")
        edge = start("edge", str(work / "r.toml"), "--source", detector, "--connect", centre, "-T", str(options.threads),
                     "--json")
        reports = []
        for process in (edge, collect, replay):
            out, _ = process.communicate(timeout=3600)
            if process.returncode != 0:
                sys.exit(f"{' '.join(process.args)}: exit code {process.returncode}")
            reports.append(json.loads(out))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return reports


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
    parser.add_argument("--series", default=str(DATA / "sim" / "serial" / "serial_a.h5"), help="default: %(default)s")
    parser.add_argument("--loop", type=int, default=20, help="how often it is played (default: %(default)s)")
    parser.add_argument("--bound", default="lossless", help="of the background (default: %(default)s)")
    parser.add_argument("--check-every", type=int, default=16, help="recipe's check_every (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="of the edge; 0: one a core (default: %(default)s)")
    parser.add_argument("--cores", help="pin everything to these cores (taskset's list)")
    parser.add_argument("--load", type=float, help="share of the measured rate for the fast loop, 0.9 for instance")
    parser.add_argument("--seconds", type=float, default=60, help="of the fast loop's run (default: %(default)s)")
    parser.add_argument("--budget-ms", type=float, default=100, help="of the fast loop (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if not os.path.exists(options.series):
        print(f"skipped: no {options.series}")
        return
    recipe = RECIPE.format(bound=options.bound, check_every=options.check_every)
    recipe += PEAKS if options.bound != "lossless" else ""
    reports = play(options, recipe, ["--loop", str(options.loop)])
    report, frames = reports[0], reports[0]["frames"]
    cores = len(os.sched_getaffinity(0)) if not options.cores else None
    result = {"schema": "etalon.edge_bench/1", "frames": frames, "hits": report["hits"],
              "frames_per_s": report["frames_per_s"], "GB_per_s": report["bytes_raw"] / report["seconds"] / 1e9,
              "ms_a_frame": {stage: 1e3 * s / frames for stage, s in report["stages_s"].items()},
              "latency_ms": report["latency_ms"], "conservation": report["conservation"]}
    if options.load:
        rate = options.load * report["frames_per_s"]
        loops = max(1, round(rate * options.seconds / (frames / options.loop)))
        fast = recipe + FAST.format(address=free_address(), budget_ms=options.budget_ms)
        loaded = play(options, fast, ["--loop", str(loops), "--rate", f"{rate:.3f}"])[0]
        result["fast"] = {"load": options.load, "rate": rate, "frames": loaded["frames"], "seconds": loaded["seconds"],
                          "conservation": loaded["conservation"], **loaded["fast"]}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{frames} frames, {report['hits']} hits: {result['frames_per_s']:.1f} frames/s, {result['GB_per_s']:.3f} GB/s"
          + (f", {result['GB_per_s'] / cores:.3f} GB/s a core of {cores}" if cores else ""))
    whole = sum(result["ms_a_frame"].values())
    for stage, ms in result["ms_a_frame"].items():
        print(f"  {stage:10} {ms:8.3f} ms a frame  {100 * ms / whole:5.1f} %")
    print(f"  latency    {report['latency_ms']['p50']:8.3f} ms median, {report['latency_ms']['p99']:.3f} ms p99")
    if options.load:
        fast = result["fast"]
        print(f"fast loop at {100 * options.load:.0f} % load, {fast['rate']:.1f} frames/s for {fast['seconds']:.0f} s, "
              f"{fast['frames']} frames, {fast['actions']} actions:")
        print("  " + ", ".join(f"{name} {ms:.2f} ms" for name, ms in fast["latency_ms"].items())
              + f"; {fast['over_budget']} frames later than {fast['budget_ms']:g} ms; lost: {fast['conservation']['lost']}")


if __name__ == "__main__":
    main()
