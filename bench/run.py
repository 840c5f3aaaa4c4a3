"""Runs the benchmark programs, prints their tables and the ratios of bench/gates.json, measured against a peer in the same run.

A gate names a program, the benchmark measured, its peer and the quantity compared:
  {"name": "...", "program": "codec_bench", "measure": "A", "peer": "B", "quantity": "real_time", "at_least": 20}
For times the ratio is peer / measure (how many times faster); for a counter it is measure / peer. A gate without "peer"
compares the counter itself. With --check a ratio below "at_least" makes the exit status 4; gates on data that is not
there are counted as skipped.
"""
import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).resolve().parent


def run(program, repetitions):
    with tempfile.NamedTemporaryFile(suffix=".json") as out:
        subprocess.run(
            [str(program), f"--benchmark_out={out.name}", "--benchmark_out_format=json",
             f"--benchmark_repetitions={repetitions}", "--benchmark_report_aggregates_only=true",
             "--benchmark_enable_random_interleaving=true"], check=True)
        text = Path(out.name).read_text()
    found = {}
    for row in json.loads(text)["benchmarks"] if text else []:
        if row.get("aggregate_name") == "median" and not row.get("error_occurred"):
            found[row["run_name"]] = row
    return found


def pick(rows, name):
    """Benchmark names carry suffixes such as /real_time: the gate's name is the whole or what comes before one."""
    for key, row in rows.items():
        if key == name or key.startswith(name + "/"):
            return row
    return None


def ratio_of(gate, rows):
    measure = pick(rows, gate["measure"])
    if measure is None:
        return None
    quantity = gate.get("quantity", "real_time")
    if "peer" not in gate:
        return measure.get(quantity)
    peer = pick(rows, gate["peer"])
    if peer is None or quantity not in measure or quantity not in peer:
        return None
    if quantity in ("real_time", "cpu_time"):
        return peer[quantity] / measure[quantity]
    return measure[quantity] / peer[quantity]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build/release"))
    parser.add_argument("--check", action="store_true", help="exit 4 when a ratio is below its gate")
    parser.add_argument("--only", help="run the programs whose name holds this")
    parser.add_argument("--repetitions", type=lambda n: max(2, int(n)), default=3, help="at least 2; medians are compared")
    options = parser.parse_args()

    gates = json.loads((BENCH / "gates.json").read_text())
    results = {}
    for program in sorted((options.build / "bench").glob("*_bench")):
        if options.only and options.only not in program.name:
            continue
        print(f"\n== {program.name}", flush=True)
        results[program.name] = run(program, options.repetitions)

    failed = skipped = 0
    print(f"\n{'ratio':<64} {'measured':>9} {'at least':>9}")
    for gate in gates:
        if gate["program"] not in results:
            if options.only:
                continue
        ratio = ratio_of(gate, results.get(gate["program"], {}))
        if ratio is None:
            skipped += 1
            print(f"{gate['name']:<64} {'skipped':>9} {gate['at_least']:>9}")
            continue
        good = ratio >= gate["at_least"]
        failed += not good
        print(f"{gate['name']:<64} {ratio:>9.3f} {gate['at_least']:>9}{'' if good else '  BELOW'}")
    print(f"{failed} below their gate, {skipped} skipped")
    return 4 if options.check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
