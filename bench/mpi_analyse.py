"""How an analysis scales with its ranks, on simulated stills or speckle: frames/s, shares of the time, balance.

Usage: mpi_analyse.py [--build build/release] [--frames 400] [--ranks 1,2] [--rounds 3] [--kinds powder,azimuthal,index,correlation]

Jobs of all rank numbers take turns in each round, so that all meet the same machine; the table has the median round of each.
"""
import argparse
import json
import os
import subprocess
import tempfile

KINDS = {
    "powder": ["-o", "{at}/powder.h5", "-f"],
    "hits": [],
    "azimuthal": ["-o", "{at}/profiles.h5", "-f"],
    "correlation": ["--rings", "5"],
    "index": ["--cell", "79.1,79.1,37.9,90,90,90", "--point-group", "422"],
}


def job(program, ranks, kind, series, at):
    command = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks), program, "analyse", kind, series, "--json",
               *(word.format(at=at) for word in KINDS[kind])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["job"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release")
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kinds", default="powder,azimuthal,index,correlation")
    options = parser.parse_args()
    binaries = os.path.join(options.build, "bin")
    ranks = [int(n) for n in options.ranks.split(",")]
    with tempfile.TemporaryDirectory() as at:
        simulated = {"stills": ["--hit-fraction", "0.5"], "speckle": ["--size", "512,512"]}
        kinds = options.kinds.split(",")
        needed = {"speckle" if kind == "correlation" else "stills" for kind in kinds}
        for what in needed:
            subprocess.run([os.path.join(binaries, "etalon"), "simulate", what, "-n", str(options.frames), *simulated[what],
                            "-o", os.path.join(at, what + ".h5")], check=True, stdout=subprocess.DEVNULL)
        print(f"{options.frames} stills of 1065 x 1030 or speckle frames of 512 x 512, {os.cpu_count()} processors")
        print(f"{'kind':10}{'ranks':>6}{'frames/s':>10}{'speed-up':>10}{'reading':>9}{'computing':>11}{'waiting':>9}{'balance':>9}")
        for kind in kinds:
            series = os.path.join(at, "speckle.h5" if kind == "correlation" else "stills.h5")
            rounds = [[job(os.path.join(binaries, "etalon-mpi"), n, kind, series, at) for n in ranks] for _ in range(options.rounds)]
            base = None
            for i, n in enumerate(ranks):
                done = sorted((r[i] for r in rounds), key=lambda d: d["frames_per_s"])[options.rounds // 2]
                base = base or done["frames_per_s"]
                share = done["share"]
                print(f"{kind:10}{n:6}{done['frames_per_s']:10.1f}{done['frames_per_s'] / base:10.2f}{share['reading']:9.1%}"
                      f"{share['computing']:11.1%}{share['waiting']:9.1%}{done['balance']:9.2f}")


if __name__ == "__main__":
    main()
