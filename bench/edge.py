#!/usr/bin/python3
"""The whole edge over loopback: a detector that plays a series from memory in a loop (`etalon replay --preload`), `etalon
edge` (receive, find, veto, reduce with lossless peaks, ship) and `etalon collect`, all on this machine. Prints frames/s, raw
GB/s and what each stage took a frame. The cores are shared with the detector and the collector; --cores pins all of it."""
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
[[reduce.region]]
kind = "peaks"
half = 4
bound = "lossless"
"""


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
    parser.add_argument("--series", default=str(DATA / "sim" / "serial" / "serial_a.h5"), help="default: %(default)s")
    parser.add_argument("--loop", type=int, default=20, help="how often it is played (default: %(default)s)")
    parser.add_argument("--bound", default="lossless", help="of the background (default: %(default)s)")
    parser.add_argument("--check-every", type=int, default=16, help="recipe's check_every (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=0, help="of the edge; 0: one a core (default: %(default)s)")
    parser.add_argument("--cores", help="pin everything to these cores (taskset's list)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    if not os.path.exists(options.series):
        print(f"skipped: no {options.series}")
        return
    work = Path(tempfile.mkdtemp())
    env = dict(os.environ, ETALON_STATE=str(work / "state"))
    etalon = (["taskset", "-c", options.cores] if options.cores else []) + [options.etalon]
    (work / "r.toml").write_text(RECIPE.format(bound=options.bound, check_every=options.check_every))
    detector, centre = free_address(), free_address()

    def start(*words):
        return subprocess.Popen([*etalon, *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    try:
        replay = start("replay", options.series, "--bind", detector, "--preload", "--loop", str(options.loop), "--json")
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
    report, frames = reports[0], reports[0]["frames"]
    cores = len(os.sched_getaffinity(0)) if not options.cores else None
    result = {"schema": "etalon.edge_bench/1", "frames": frames, "hits": report["hits"],
              "frames_per_s": report["frames_per_s"], "GB_per_s": report["bytes_raw"] / report["seconds"] / 1e9,
              "ms_a_frame": {stage: 1e3 * s / frames for stage, s in report["stages_s"].items()},
              "latency_ms": report["latency_ms"], "conservation": report["conservation"]}
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{frames} frames, {report['hits']} hits: {result['frames_per_s']:.1f} frames/s, {result['GB_per_s']:.3f} GB/s"
          + (f", {result['GB_per_s'] / cores:.3f} GB/s a core of {cores}" if cores else ""))
    whole = sum(result["ms_a_frame"].values())
    for stage, ms in result["ms_a_frame"].items():
        print(f"  {stage:10} {ms:8.3f} ms a frame  {100 * ms / whole:5.1f} %")
    print(f"  latency    {report['latency_ms']['p50']:8.3f} ms median, {report['latency_ms']['p99']:.3f} ms p99")


if __name__ == "__main__":
    main()
