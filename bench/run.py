"""Runs the benchmark programs, prints their tables and the ratios of bench/gates.json, measured against a peer in the same run.

A gate names a program, the benchmark measured, its peer and the quantity compared:
  {"name": "...", "program": "codec_bench", "measure": "A", "peer": "B", "quantity": "real_time", "at_least": 20}
For times the ratio is peer / measure (how many times faster); for a counter it is measure / peer. A gate without "peer"
compares the counter itself. Where "at_least" is an object, {"SET": ratio, ...}, the gate holds for every set in turn, and
{set} in its texts is the set's name. With --check a ratio below "at_least", or a benchmark that failed, makes the exit
status 4; gates on data that is not there are counted as skipped.

`--only hits` is what bounds buy on frames with Bragg peaks. `--only weak_spots` is the experiment on reflections too weak to be found (docs/science.md).

`--only field` is what bounds buy on floating-point fields, beside zfp and whatever coders ETALON_FIELD_PEERS names
(NAME=SHARED_OBJECT, with commas between; bench/field_coders.hpp says what such an object holds).

`--only lossless` is the table of lossless coders on the integer detector images of ETALON_DATA: sizes, speeds, and how many
times smaller Etalon's bytes are. Medians of the repetitions; MB/s of raw data, by CPU time, on one thread; every lossless
decoder's output was compared with the images.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import field_inputs
import inputs

BENCH = Path(__file__).resolve().parent
DATA = Path(os.environ.get("ETALON_DATA", BENCH.parent.parent / "shared" / "data"))
CODERS = {"codec_bench": ["serial_a"], "lossless_bench": None}  # programs that take images: these, or all
OWN_TABLES = {*CODERS, "weak_spots_bench", "hits_bench", "field_bench"}
SPEED_PEERS = ("bitshuffle_lz4", "memcpy")
OWN = "etalon"
SERIES = {**CODERS, "hits_bench": ["serial_a"]}


def run(program, repetitions):
    """Medians by benchmark name, and the names of those that failed."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [str(program), f"--benchmark_out={out}", "--benchmark_out_format=json",
                   f"--benchmark_repetitions={repetitions}", "--benchmark_report_aggregates_only=true",
                   "--benchmark_enable_random_interleaving=true"]
        if program.name in SERIES:
            command += inputs.arguments(DATA, Path(folder), SERIES[program.name])
        if program.name == "field_bench":
            command += field_inputs.arguments(DATA, Path(folder), program.parent.parent / "bin" / "etalon")
        # Google's own report is a remark where this program makes the table.
        subprocess.run(command, check=True, stdout=sys.stderr if program.name in OWN_TABLES else None)
        text = out.read_text()
    found, failed = {}, set()
    for row in json.loads(text)["benchmarks"] if text else []:
        if row.get("error_occurred"):
            if program.name != "field_bench" or row["run_name"].startswith(OWN):  # peers do fail there
                failed.add(f"{row['run_name']}: {row['error_message']}")
        elif row.get("aggregate_name") == "median":
            found[row["run_name"]] = row
    return found, sorted(failed)


def print_coders(rows):
    """The benchmarks (de)compress/CODER/SET, a block for each set."""
    sets = {}
    for row in sorted(rows.values(), key=lambda row: row["family_index"]):  # they ran in random order
        direction, coder, name = row["run_name"].split("/")[:3]
        sets.setdefault(name, {}).setdefault(coder, {})[direction] = row
    for name, coders in sets.items():
        print(f"\n{name:<24} {'bits/px':>9} {'ratio':>10} {'encode MB/s':>12} {'decode MB/s':>12}  Etalon is")
        for coder, row in coders.items():
            size, back = row["compress"], row["decompress"]
            times = coders["etalon"]["compress"]["ratio"] / size["ratio"]
            remark = f"{times:.3f} times smaller"
            if coder.startswith("etalon"):
                speeds = [f"{size['bytes_per_second'] / peer['compress']['bytes_per_second']:.3f} and "
                          f"{back['bytes_per_second'] / peer['decompress']['bytes_per_second']:.3f} times {peer_name}"
                          for peer_name, peer in coders.items() if peer_name in SPEED_PEERS]
                remark = ", ".join(speeds) + (" as fast (encoding and decoding)" if speeds else "-")
            print(f"  {coder:<22} {size['bits_per_pixel']:>9.4f} {size['ratio']:>10.3f} {size['bytes_per_second'] / 1e6:>12.0f}"
                  f" {back['bytes_per_second'] / 1e6:>12.0f}  {remark}")


def print_weak_spots(rows):
    """The benchmarks weak_spots/BOUND/TREATMENT: how far sums over weak spots are off, as a share of the true mean."""
    print(f"\n{'bound':<8} {'treatment':<10} {'ratio':>8} {'spots':>10} {'bias':>9} {'99 % interval':>20} {'pixel offset':>13}")
    for row in sorted(rows.values(), key=lambda row: row["family_index"]):
        _, bound, treatment = row["run_name"].split("/")[:3]
        low, high = (100 * (row["bias"] + sign * row["half_width"]) for sign in (-1, 1))
        print(f"{bound:<8} {treatment:<10} {row['ratio']:>8.2f} {row['spots']:>10.0f} {100 * row['bias']:>+8.2f}%"
              f" {low:>+9.2f}..{high:+.2f}% {row['offset']:>+13.4f}"
              f"  {'within 2 %' if row['two_percent_over_worst'] >= 1 else 'biased'}")


def print_hits(rows):
    """The benchmarks CODER/BOUND/SERIES: ratios on hits with lossless boxes round their peaks."""
    series = {}
    for name, row in rows.items():
        coder, bound, where = name.split("/")[:3]
        series.setdefault(where, {}).setdefault(bound, {})[coder] = row
    for where, bounds in series.items():
        hits = next(iter(next(iter(bounds.values())).values()))["hits"]
        print(f"\n{where}: {hits:.0f} hits, lossless 9 x 9 boxes round their peaks\n"
              f"{'bound':<10} {'Etalon':>9} {'dithered':>9} {'JPEG-LS':>9} {'encode MB/s':>12} {'JPEG-LS MB/s':>13}")
        for bound, coders in sorted(bounds.items()):
            ratios = [f"{coders[c]['ratio']:.2f}" if c in coders else "-" for c in ("etalon", "dithered", "jpegls")]
            speeds = [f"{coders[c]['bytes_per_second'] / 1e6:.0f}" if c in coders else "-" for c in ("etalon", "jpegls")]
            print(f"{bound:<10} {ratios[0]:>9} {ratios[1]:>9} {ratios[2]:>9} {speeds[0]:>12} {speeds[1]:>13}")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def decibels_at_equal_size(own, peer):
    """PSNR above the peer's, where the peer's sizes lie between ours: (1 / ratio, PSNR) of one field at several bounds. Between
    two of ours PSNR is taken as linear in the size."""
    own, gains = sorted(own), []
    for size, psnr in peer:
        for (low, low_psnr), (high, high_psnr) in zip(own, own[1:]):
            if low <= size <= high and low < high:
                gains.append(low_psnr + (high_psnr - low_psnr) * (size - low) / (high - low) - psnr)
                break
    return gains


def print_fields(rows):
    """The benchmarks CODER/BOUND/FIELD: ratios, and how they compare. Adds rows summary/OURS/THEIRS: our ratio over
    theirs ("mean", a geometric mean, and "worst"), and our speeds over theirs ("encode", "decode")."""
    found, coders = {}, []
    for name, row in sorted(rows.items(), key=lambda item: item[1]["family_index"]):
        coder, bound, field = name.split("/")[:3]
        found.setdefault((field, bound), {})[coder] = row
        coders += [coder] if coder not in coders else []
    print(f"\n{'field':<14} {'rel':>5} " + " ".join(f"{c:>13}" for c in coders) + "   ratios; Etalon's PSNR in dB, MB/s in and out")
    for (field, bound), row in found.items():
        ratios = " ".join(f"{row[c]['ratio']:>13.3f}" if c in row else f"{'fails':>13}" for c in coders)
        own = row.get("etalon")
        remark = f"{own['psnr']:.1f}, {own['encode'] / 1e6:.0f} and {own['decode'] / 1e6:.0f}" if own else "-"
        print(f"{field:<14} {bound:>5} {ratios}   {remark}")
    for coder in coders:
        own = [row[coder] for row in found.values() if coder in row]
        beyond, lost = [row["error_over_bound"] for row in own if row["error_over_bound"] > 1], sum(row["specials_lost"] for row in own)
        if beyond or lost:
            print(f"{coder}: beyond its bound on {len(beyond)} of {len(own)}, by up to {max(beyond, default=1) - 1:.1g} of it, {lost:.0f} specials lost")
    for own in (c for c in coders if c.startswith(OWN)):
        rivals = [(row[own], max(p["ratio"] for p in theirs)) for row in found.values()
                  if own in row and (theirs := [row[c] for c in coders if not c.startswith(OWN) and c in row])]
        print(f"{own}: the smallest on {sum(mine['ratio'] >= best for mine, best in rivals)} of {len(rivals)}")
    print(f"\n{'field':<14} " + " ".join(f"{c:>22}" for c in coders if not c.startswith(OWN))
          + "   times as fast as, in and out: range over the bounds")
    for field in dict.fromkeys(f for f, _ in found):
        of, cells = [row for (f, _), row in found.items() if f == field and "etalon" in row], []
        for peer in (c for c in coders if not c.startswith(OWN)):
            ranges = []
            for q in ("encode", "decode"):
                times = [row["etalon"][q] / row[peer][q] for row in of if peer in row]
                ranges.append(f"{min(times):.2g}-{max(times):.2g}" if times else "-")
            cells.append(f"{', '.join(ranges):>22}")
        print(f"{field:<14} " + " ".join(cells))
    cells = []
    for peer in (c for c in coders if not c.startswith(OWN)):  # all bytes over all time
        both = [(row["etalon"], row[peer]) for row in found.values() if "etalon" in row and peer in row]
        seconds = [[sum(row["bytes"] / row[q] for row in side) for side in zip(*both)] for q in ("encode", "decode")] if both else []
        cells.append(f"{', '.join(f'{theirs / ours:.2g}' for ours, theirs in seconds) or '-':>22}")
    print(f"{'all bytes':<14} " + " ".join(cells))
    print(f"\n{'ours':<14} {'theirs':<12} {'times smaller':>14} {'at worst':>9} {'times as fast in':>17} {'and out':>8}"
          f" {'of':>4} {'dB at equal size':>17}")
    for own in (c for c in coders if c.startswith(OWN)):
        for peer in (c for c in coders if not c.startswith(OWN)):
            both = [(row[own], row[peer]) for row in found.values() if own in row and peer in row]
            if not both:
                continue
            times = {q: [e[q] / p[q] for e, p in both] for q in ("ratio", "encode", "decode")}
            summary = {"mean": geometric_mean(times["ratio"]), "worst": min(times["ratio"]),
                       "encode": geometric_mean(times["encode"]), "decode": geometric_mean(times["decode"])}
            gains = []
            for field in dict.fromkeys(f for f, _ in found):
                of = [row for (f, _), row in found.items() if f == field]
                points = [[(1 / row[c]["ratio"], row[c]["psnr"]) for row in of if c in row and row[c]["error_over_bound"] > 0]
                          for c in (own, peer)]
                gains += decibels_at_equal_size(*points)
            summary["decibels"] = sum(gains) / len(gains) if gains else math.nan
            rows[f"summary/{own}/{peer}"] = summary
            print(f"{own:<14} {peer:<12} {summary['mean']:>14.3f} {summary['worst']:>9.3f} {summary['encode']:>17.2f}"
                  f" {summary['decode']:>8.2f} {len(both):>4} {summary['decibels']:>+12.2f} ({len(gains)})")


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


def gates():
    for gate in json.loads((BENCH / "gates.json").read_text()):
        if not isinstance(gate["at_least"], dict):
            yield gate
            continue
        for name, least in gate["at_least"].items():
            yield {key: text.replace("{set}", name) for key, text in gate.items() if key != "at_least"} | {"at_least": least}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=Path("build/release"))
    parser.add_argument("--check", action="store_true", help="exit 4 when a ratio is below its gate")
    parser.add_argument("--only", help="run the programs whose name holds this")
    parser.add_argument("--repetitions", type=lambda n: max(2, int(n)), default=3, help="at least 2; medians are compared")
    options = parser.parse_args()

    results, failures = {}, []
    for program in sorted((options.build / "bench").glob("*_bench")):
        if options.only and options.only not in program.name:
            continue
        print(f"\n== {program.name}", flush=True)
        results[program.name], failed = run(program, options.repetitions)
        failures += failed
        if program.name in CODERS:
            print_coders(results[program.name])
        if program.name == "hits_bench":
            print_hits(results[program.name])
        if program.name == "field_bench":
            print_fields(results[program.name])
        if program.name == "weak_spots_bench":
            print_weak_spots(results[program.name])

    below = skipped = 0
    print(f"\n{'ratio':<72} {'measured':>9} {'at least':>9}")
    for gate in gates():
        if options.only and gate["program"] not in results:
            continue
        ratio = ratio_of(gate, results.get(gate["program"], {}))
        if ratio is None:
            skipped += 1
            print(f"{gate['name']:<72} {'skipped':>9} {gate['at_least']:>9}")
            continue
        good = ratio >= gate["at_least"]
        below += not good
        print(f"{gate['name']:<72} {ratio:>9.3f} {gate['at_least']:>9}{'' if good else '  BELOW'}")
    for failure in failures:
        print(f"failed: {failure}")
    print(f"{below} below their gate, {skipped} skipped, {len(failures)} failed")
    return 4 if options.check and (below or failures) else 0


if __name__ == "__main__":
    sys.exit(main())
