#!/usr/bin/python3
"""What each bound does to merged intensities: simulated stills, as they are and as `etalon run` stores them with lossless squares
round peaks, through finding, indexing, integration and merging. Prints, for each bound, the ratio, crystals indexed, and CC1/2, CC*,
R_split and the correlation with the structure factors that the stills were made from: of all reflections, of each resolution shell
and of each class of strength."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

RECIPE = """
[veto]
min_peaks = 15
[reduce]
bound = "{bound}"
{region}
[analyse]
kind = "none"
[store]
file = "reduced.h5"
"""
REGION = """
[[reduce.region]]
kind = "peaks"
half = {half}
bound = "lossless"
"""


def etalon(*words):
    done = subprocess.run([ETALON, *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{words}: {done.returncode}\n{done.stderr}")
    return done.stdout


def figures(part):
    none = float("nan")
    return [part[name] if part[name] is not None else none for name in ("cc_half", "cc_star", "r_split", "structure_factor_cc")]


def show(label, part, more=""):
    print(f"  {label:24s} {part['reflections']:7d}  " + "  ".join(f"{v:8.5f}" for v in figures(part)) + more, flush=True)


def whole(merged):
    show("all", merged["all"])
    for shell in merged["shells"]:
        show(f"{shell['d_low']:.2f} to {shell['d_high']:.2f} A", shell)
    for i, part in enumerate(merged["strengths"]):
        show(f"strength {i + 1} of {len(merged['strengths'])}", part)


def main():
    global ETALON
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
    parser.add_argument("-n", type=int, default=2000, help="stills, all hits (default: %(default)s)")
    parser.add_argument("--half", type=int, default=4, help="of the lossless squares; 0: none (default: %(default)s)")
    parser.add_argument("--bounds", default="lossless,abs:1,abs:2,abs:3", help="with commas between (default: %(default)s)")
    parser.add_argument("--json", help="also write all figures here")
    options = parser.parse_args()
    ETALON = os.path.abspath(options.etalon)
    out = os.path.abspath(options.json) if options.json else None
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["ETALON_STATE"] = os.path.join(folder, "state")
        etalon("simulate", "stills", "-n", options.n, "--hit-fraction", 1, "--seed", 11, "-o", "raw.h5")
        print(f"{'':26s} {'reflections':>7s}  {'CC1/2':>8s}  {'CC*':>8s}  {'R_split':>8s}  {'CC(F2)':>8s}")
        for bound in options.bounds.split(","):
            region = REGION.format(half=options.half) if options.half and bound != "lossless" else ""
            Path("r.toml").write_text(RECIPE.format(bound=bound, region=region))
            run = json.loads(etalon("run", "r.toml", "--source", "raw.h5", "--out", "out", "-f", "--json"))
            crystals = json.loads(etalon("verify", "raw.h5", run["output"], "--science", "--point-group", "422", "--truth", "raw.h5",
                                         "--json"))["science"]["crystals"]
            if not rows:
                print(f"raw: {crystals['raw']} crystals of {options.n} stills")
                whole(crystals["raw_merged"])
            print(f"{bound}: {run['ratio_kept']:.1f} times, {crystals['kept']} of {crystals['raw']} crystals")
            whole(crystals["reduced_merged"])
            rows.append({"bound": bound, "half": options.half, "ratio_kept": run["ratio_kept"], "crystals": crystals})
        os.chdir("/")
    if out:
        Path(out).write_text(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
