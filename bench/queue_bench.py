#!/usr/bin/python3
"""How soon an urgent job starts while a background job fills the machine: median and 99th percentile of the latency that
`etalon jobs` shows (from the call of submit to the moment before the job's execve), of the whole `etalon submit` command,
and, for scale, of starting the same process directly. Local runner, or a Slurm of its own (one node, two processors).

The background job computes a chain of numbers all the time; in the end it is told to stop and its result is compared with
an undisturbed computation of as many steps."""
import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "jobs"))
import slurm_cluster

BACKGROUND = """
import os, sys
steps, total = 0, 1
while steps % 10000 or not os.path.exists(sys.argv[1]):
    steps += 1
    total = (total * 6364136223846793005 + steps) % 2**64
print(steps, total)
"""


def chain(steps):
    total = 1
    for step in range(1, steps + 1):
        total = (total * 6364136223846793005 + step) % 2**64
    return total


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(options, env, work):
    place = ["--runner", options.runner]
    fill = ["--option=-n2"] if options.runner == "slurm" else []

    def etalon(*words):
        return subprocess.run([options.etalon, *words], env=env, check=True, capture_output=True, text=True).stdout

    def job(number):
        return json.loads(etalon("jobs", *place, "--json", number))

    def until(number, *states):
        while (now := job(number))["state"] not in states:
            time.sleep(0.01)
        return now

    stop = os.path.join(work, "stop")
    busy = etalon("submit", *place, *fill, "--", sys.executable, "-c", BACKGROUND, stop).strip()
    until(busy, "running")
    command, latency, direct = [], [], []
    for _ in range(options.n):
        start = time.monotonic()
        number = etalon("submit", *place, *fill, "--urgent", "--", "true").strip()
        command.append(time.monotonic() - start)
        latency.append(until(number, "done")["latency_s"])
        start = time.monotonic()
        subprocess.run(["true"], check=True)
        direct.append(time.monotonic() - start)
        until(busy, "running")  # it has resumed: the next one has somebody to suspend
        time.sleep(options.pause)
    with open(stop, "w"):
        pass
    end = until(busy, "done", "failed", "cancelled", "lost")
    steps, total = map(int, etalon("jobs", *place, "--output", busy).split())
    if end["state"] != "done" or total != chain(steps):
        sys.exit(f"the background job's result is not that of an undisturbed one: {end}, {steps} steps, {total}")
    return end["suspensions"] + end["requeues"], steps, {
        "submit to first instruction": latency, "etalon submit, whole command": command, "direct start and end": direct}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
    parser.add_argument("-n", type=int, default=100, help="urgent jobs (default: %(default)s)")
    parser.add_argument("--runner", choices=["local", "slurm"], default="local", help="(default: %(default)s)")
    parser.add_argument("--mode", choices=["SUSPEND", "REQUEUE"], default="SUSPEND",
                        help="what Slurm does with background jobs (default: %(default)s)")
    parser.add_argument("--scheduling", default=slurm_cluster.FAST, help="Slurm's SchedulerParameters (default: %(default)s)")
    parser.add_argument("--pause", type=float, default=None,
                        help="seconds between urgent jobs (default: 0, with Slurm 2.5, since a suspension takes it 2 s)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    options.etalon = os.path.abspath(options.etalon)
    if options.pause is None:
        options.pause = 2.5 if options.runner == "slurm" else 0
    if options.runner == "slurm" and slurm_cluster.missing():
        sys.exit("not installed: " + " ".join(slurm_cluster.missing()))
    work = tempfile.mkdtemp()
    env = dict(os.environ, ETALON=options.etalon, ETALON_STATE=os.path.join(work, "state"))
    try:
        with contextlib.ExitStack() as stack:
            if options.runner == "slurm":
                cluster = stack.enter_context(slurm_cluster.Cluster(options.mode, options.scheduling))
                env.update(cluster.environment)
            interruptions, steps, rows = measure(options, env, work)
        if options.runner == "local":
            subprocess.run([options.etalon, "job-daemon", "--stop"], env=env, check=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)

    if options.json:
        print(json.dumps({"schema": "etalon.queue_bench/2", "runner": options.runner, "jobs": options.n,
                          "interruptions": interruptions, "background_steps": steps,
                          "seconds": {name: {"median": percentile(v, .5), "p99": percentile(v, .99), "max": max(v)}
                                      for name, v in rows.items()}}, indent=2))
        return
    print(f"{options.runner}: {options.n} urgent jobs; the background job was interrupted {interruptions} times, and its "
          f"result after {steps} steps is that of an undisturbed one")
    for name, v in rows.items():
        print(f"{name:32} median {1e3 * percentile(v, .5):7.1f} ms   p99 {1e3 * percentile(v, .99):7.1f} ms   "
              f"max {1e3 * max(v):7.1f} ms")


main()
