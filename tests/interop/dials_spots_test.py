"""`etalon find --method dispersion` and `dispersion_extended` find what dials.find_spots finds with the
algorithm of the same name: on a simulated series, and on frames of a real detector."""
import bz2
import glob
import json
import os
import subprocess

from common import BUILD, data, folder, need

need("dials", "h5py", programs=("dials.import", "dials.find_spots"))
import h5py
import numpy as np
from dials.array_family import flex

ETALON = os.path.join(BUILD, "bin", "etalon")


def run(at, *command):
    done = subprocess.run(command, cwd=at, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def theirs(at, experiments, method, *settings, corners=((0, 0),)):
    """Rows of frame, x, y, pixels; pixel centres at integers of the whole image. `corners`: the first
    pixel, y and x, of each panel."""
    run(at, "dials.find_spots", experiments, "nproc=1", f"spotfinder.threshold.algorithm={method}",
        "spotfinder.filter.min_spot_size=3", "spotfinder.filter.max_spot_size=1000",
        "spotfinder.filter.max_separation=2", "output.reflections=found.refl", "output.log=log",
        *("spotfinder.threshold.dispersion." + setting for setting in settings))
    table = flex.reflection_table.from_file(os.path.join(at, "found.refl"))
    x, y, z = (part.as_numpy_array() for part in table["xyzobs.px.value"].parts())
    corner = np.array(corners)[table["panel"].as_numpy_array()]
    return np.stack([np.floor(z), x - 0.5 + corner[:, 1], y - 0.5 + corner[:, 0],
                     table["n_signal"].as_numpy_array()], axis=1)


def ours(at, file, method, *options):
    found = json.loads(run(at, ETALON, "find", file, "--method", method, "--json", *options))
    assert found["semantics"] == method + "/1", found["semantics"]
    rows = [(f["frame"], p["x"], p["y"], p["pixels"]) for f in found["frames"] for p in f["peaks"]]
    return np.array(rows).reshape(-1, 4)


def compare(what, mine, other, least):
    assert len(other) >= least, (what, len(other))
    free, matched, same = list(range(len(mine))), 0, 0
    for spot in other:
        near = [i for i in free if mine[i][0] == spot[0] and np.hypot(*(mine[i][1:3] - spot[1:3])) <= 1]
        if near:
            best = min(near, key=lambda i: np.hypot(*(mine[i][1:3] - spot[1:3])))
            free.remove(best)
            matched += 1
            same += np.hypot(*(mine[best][1:3] - spot[1:3])) < 1e-3 and mine[best][3] == spot[3]
    print(f"{what}: {len(other)} spots, {matched} of them found, {same} the same, {len(free)} more")
    assert matched >= 0.97 * len(other) and len(free) <= 0.03 * len(other), (what, matched, len(free))
    assert same >= 0.99 * len(other), (what, same)


METHODS = ("dispersion", "dispersion_extended")
with folder() as at:
    run(at, ETALON, "simulate", "stills", "-n", "2", "--hit-fraction", "1", "--size", "700,640", "-o", "sim.h5")
    run(at, "dials.import", "sim.h5", "output.experiments=sim.expt", "output.log=log")
    with h5py.File(os.path.join(at, "sim.h5")) as file:
        detector = file["/entry/instrument/detector"]
        corners = [detector[name]["data_origin"][()] for name in sorted(detector) if name.startswith("module_")]
    assert len(corners) == 2
    for method in METHODS:
        compare("simulated, " + method, ours(at, "sim.h5", method),
                theirs(at, "sim.expt", method, corners=corners), 50)
    compare("simulated, other settings",
            ours(at, "sim.h5", "dispersion_extended", "--kernel-size", "4,2", "--sigma-background", "4",
                 "--sigma-strong", "2", "--threshold", "3", "--min-local", "10", "--gain", "0.8"),
            theirs(at, "sim.expt", "dispersion_extended", "kernel_size=4,2", "sigma_background=4", "sigma_strong=2",
                   "global_threshold=3", "min_local=10", "gain=0.8", corners=corners), 50)

    paths = sorted(glob.glob(os.path.join(data("detector/thaumatin_grid"), "*.cbf.bz2")))
    assert len(paths) == 3
    for path in paths:
        name = os.path.basename(path)[:-4]
        with open(os.path.join(at, name), "wb") as file:
            file.write(bz2.open(path).read())
        run(at, "dials.import", name, "output.experiments=real.expt", "output.log=log")
        for method in METHODS:
            there = theirs(at, "real.expt", method)
            here = ours(at, name, method)
            there[:, 0] = here[:, 0] = 0  # one frame, whatever its number
            compare(f"{name}, {method}", here, there, 0 if name.startswith("thau_3_2_0016") else 800)
