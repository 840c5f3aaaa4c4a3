#!/usr/bin/python3
"""Shipping over a far link: `etalon edge` and `etalon collect` on this machine, with a proxy between them that makes a round
trip of 50 ms, jitter, and losses that each hold a connection up for 200 ms; a connection has at most 1 MiB under way, as a TCP
window of that size. Prints frames/s and MB/s of chunks by the number of streams (`ship.streams`)."""
import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
from link import Link

RECIPE = """
[veto]
min_peaks = 0
[reduce]
bound = "lossless"
check_every = 0
[analyse]
kind = "none"
[ship]
window = {window}
streams = {streams}
{keys}
"""


def free_address():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{s.getsockname()[1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--etalon", default="build/release/bin/etalon", help="the program (default: %(default)s)")
    parser.add_argument("--frames", type=int, default=200, help="of the series (default: %(default)s)")
    parser.add_argument("--size", default="700,700", help="of a frame (default: %(default)s)")
    parser.add_argument("--round-trip-ms", type=float, default=50, help="default: %(default)s")
    parser.add_argument("--jitter-ms", type=float, default=5, help="default: %(default)s")
    parser.add_argument("--loss", type=float, default=0.01, help="of pieces of 16 KiB (default: %(default)s)")
    parser.add_argument("--window", type=int, default=64, help="recipe's ship.window (default: %(default)s)")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4, 8], help="default: %(default)s")
    parser.add_argument("--keys", action="store_true", help="encrypted")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    etalon = os.path.abspath(options.etalon)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, ETALON_STATE=os.path.join(folder, "state"))

        def run(*words):
            return subprocess.Popen([etalon, *words], env=env, cwd=folder, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True)

        def end(process):
            out, err = process.communicate(timeout=600)
            if process.returncode != 0:
                sys.exit(f"{process.args}: {err}")
            return out

        end(run("simulate", "stills", "-n", str(options.frames), "--size", options.size, "-o", "sim.h5"))
        end(run("keys", "keys"))
        for streams in options.streams:
            Path(folder, "r.toml").write_text(RECIPE.format(
                window=options.window, streams=streams, keys='keys = "keys"' if options.keys else ""))
            collector = free_address()
            link = Link(collector, delay_s=options.round_trip_ms / 2e3, jitter_s=options.jitter_ms / 1e3,
                        loss=options.loss)
            collect = run("collect", "r.toml", "--bind", collector, "--out", f"out{streams}", "--json")
            report = json.loads(end(run("edge", "r.toml", "--source", "sim.h5", "--connect", link.address, "--json")))
            stored = json.loads(end(collect))
            link.close()
            rows.append({"streams": streams, "frames_per_s": report["frames_per_s"],
                         "MB_per_s": report["bytes_shipped"] / report["seconds"] / 1e6, "stored": stored["hits"],
                         "losses": link.lost, "resent": report["messages_resent"], "sha256": stored["sha256"]})
    if len({row["sha256"] for row in rows}) != 1:
        sys.exit("the stored files differ")
    if options.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"round trip {options.round_trip_ms:g} ms, jitter {options.jitter_ms:g} ms, loss {options.loss:g}, "
          f"{options.frames} frames of {options.size}")
    print(f"{'streams':>8} {'frames/s':>9} {'MB/s':>7} {'losses':>7} {'sent again':>11}")
    for row in rows:
        print(f"{row['streams']:>8} {row['frames_per_s']:>9.1f} {row['MB_per_s']:>7.2f} {row['losses']:>7} "
              f"{row['resent']:>11}")


if __name__ == "__main__":
    main()
