#!/usr/bin/python3
"""How soon an urgent job starts while a background job runs: median and 99th percentile of the latency that
`etalon jobs` shows (from the call of submit to the moment before the job's execve), of the whole `etalon submit` command,
and, for scale, of starting the same process directly."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
    parser.add_argument("-n", type=int, default=100, help="urgent jobs (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    work = tempfile.mkdtemp()
    env = dict(os.environ, ETALON_STATE=os.path.join(work, "state"))

    def etalon(*words):
        return subprocess.run([options.etalon, *words], env=env, check=True, capture_output=True, text=True).stdout

    command, latency, direct = [], [], []
    try:
        busy = etalon("submit", "--", sys.executable, "-c", "while True: pass").strip()
        while json.loads(etalon("jobs", "--json", busy))["state"] != "running":
            time.sleep(0.01)
        for _ in range(options.n):
            start = time.monotonic()
            number = etalon("submit", "--urgent", "--", "true").strip()
            command.append(time.monotonic() - start)
            job = {}
            while job.get("ended_s") is None:
                job = json.loads(etalon("jobs", "--json", number))
            latency.append(job["latency_s"])
            start = time.monotonic()
            subprocess.run(["true"], check=True)
            direct.append(time.monotonic() - start)
            while json.loads(etalon("jobs", "--json", busy))["state"] != "running":
                time.sleep(0.01)  # it has resumed: the next one has somebody to suspend
        suspensions = json.loads(etalon("jobs", "--json", busy))["suspensions"]
        etalon("jobs", "--cancel", busy)
        etalon("job-daemon", "--stop")
    finally:
        shutil.rmtree(work, ignore_errors=True)

    rows = {"submit to first instruction": latency, "etalon submit, whole command": command, "direct start and end": direct}
    if options.json:
        print(json.dumps({"schema": "etalon.queue_bench/1", "jobs": options.n, "suspensions": suspensions,
                          "seconds": {name: {"median": percentile(v, .5), "p99": percentile(v, .99)}
                                      for name, v in rows.items()}}, indent=2))
        return
    print(f"{options.n} urgent jobs, a background job suspended {suspensions} times")
    for name, values in rows.items():
        print(f"{name:32} median {1e3 * percentile(values, .5):7.1f} ms   p99 {1e3 * percentile(values, .99):7.1f} ms")


main()
