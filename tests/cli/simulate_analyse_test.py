"""etalon simulate, find and analyse, judged by h5py and NumPy from outside."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

ETALON = os.environ["ETALON"]


def etalon(*args, status=0):
    done = subprocess.run([ETALON, *args], capture_output=True, text=True, check=False)
    assert done.returncode == status, (args, done.returncode, done.stderr)
    if status:
        assert done.stdout == "" and done.stderr != "", (args, done.stdout, done.stderr)
    return done.stdout


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def simulate(path, *more):
    return json.loads(etalon("simulate", "stills", "-o", path, "--json", *more))


def simulated_file(folder):
    path = os.path.join(folder, "sim.h5")
    report = simulate(path, "-n", "24", "--seed", "7")
    assert report["schema"] == "etalon.simulate/1" and report["frames"] == 24
    with h5py.File(path) as file:
        images, truth = file["entry/data/data"], file["entry/truth"]
        assert images.shape == (24, 1065, 1030) and images.dtype == np.uint16
        is_hit = truth["is_hit"][:].astype(bool)
        assert is_hit.sum() == report["hits"] > 0 and not is_hit.all()
        first = truth["reflections/first"][:]
        assert first[0] == 0 and first[-1] == len(truth["reflections/hkl"]) == report["spots"]
        assert ((np.diff(first) > 0) == is_hit).all()
        assert truth["a_matrix"].attrs["units"] in ("1/angstrom", b"1/angstrom")

        # Ewald from the file alone: q = A hkl; x and y from the direction of k + q.
        wavelength = file["entry/instrument/beam/incident_wavelength"][()]
        detector = file["entry/instrument/detector"]
        pixels = detector["distance"][()] / detector["x_pixel_size"][()]
        for i in np.flatnonzero(is_hit):
            rows = slice(first[i], first[i + 1])
            q = truth["reflections/hkl"][rows] @ truth["a_matrix"][i].T
            k = q + [0, 0, 1 / wavelength]
            x = detector["beam_center_x"][()] + pixels * k[:, 0] / k[:, 2]
            y = detector["beam_center_y"][()] + pixels * k[:, 1] / k[:, 2]
            assert np.abs(x - truth["reflections/x"][rows]).max() < 1e-3
            assert np.abs(y - truth["reflections/y"][rows]).max() < 1e-3
    return path, is_hit


def same_bytes(folder):
    one, two, other = (os.path.join(folder, name) for name in ("a.h5", "b.h5", "c.h5"))
    small = ["-n", "5", "--size", "200,160", "--cell", "40,50,60,90,100,90"]
    simulate(one, *small, "--seed", "3", "-T", "1")
    simulate(two, *small, "--seed", "3", "-T", "3")
    simulate(other, *small, "--seed", "4")
    assert digest(one) == digest(two) != digest(other)


def peaks_tell_hits(path, is_hit):
    found = json.loads(etalon("find", path, "--threshold", "8", "--snr", "5", "--json"))
    counts = np.array([len(frame["peaks"]) for frame in found["frames"]])
    assert ((counts >= 15) == is_hit).all(), counts
    assert counts[~is_hit].max() <= 2 and np.median(counts[is_hit]) >= 40, counts


def powder(folder, path):
    out = os.path.join(folder, "powder.h5")
    report = json.loads(etalon("analyse", "powder", path, "-o", out, "--json", "-T", "2"))
    assert report["schema"] == "etalon.analyse/1" and report["kind"] == "powder"
    assert report["frames"] == 24 and "hits" not in report
    with h5py.File(path) as file, h5py.File(out) as result:
        images = file["entry/data/data"][:]
        good = file["entry/instrument/detector/pixel_mask"][:] == 0
        group = result["entry/powder"]
        assert report["good_pixels"] == good.sum() and group["frames"][()] == 24
        assert (group["sum"][:] == np.where(good, images.sum(0, dtype=np.int64), 0)).all()
        assert (group["max"][:] == np.where(good, images.max(0), 0)).all()
        assert np.allclose(group["mean"][:], np.where(good, images.mean(0), 0))
        assert np.allclose(group["variance"][:], np.where(good, images.var(0, ddof=1), 0))
    etalon("analyse", "powder", path, "-o", out, status=2)  # exists
    before = digest(out)
    etalon("analyse", "powder", path, "-o", out, "-f")
    assert digest(out) == before


def misuse(folder, path):
    nowhere = os.path.join(folder, "nowhere.h5")
    etalon("simulate", "stills", "-n", "1", "-o", path, status=2)  # exists
    for wrong in (["--size", "7"], ["--size", "0,5"], ["--cell", "1,2,3"], ["--hit-fraction", "2"],
                  ["--hit-fraction", "nan"], ["-n", "-1"]):
        etalon("simulate", "stills", "-o", nowhere, *wrong, status=2)
    for kind in ("simulate", "analyse"):
        etalon(kind, status=2)
        etalon(kind, "nonsense", status=2)
    assert "stills" in etalon("simulate", "--help") and "powder" in etalon("analyse", "--help")
    etalon("analyse", "hits", nowhere, status=5)
    etalon("analyse", "hits", path, status=5)  # no peaks stored
    torn = os.path.join(folder, "torn.h5")
    with open(path, "rb") as whole, open(torn, "wb") as part:
        part.write(whole.read(100000))
    etalon("analyse", "powder", torn, "-o", nowhere, status=3)
    assert not os.path.exists(nowhere)
    leftovers = [name for name in os.listdir(folder) if "nowhere" in name]
    assert not leftovers, leftovers


def main():
    with tempfile.TemporaryDirectory() as folder:
        path, is_hit = simulated_file(folder)
        same_bytes(folder)
        peaks_tell_hits(path, is_hit)
        powder(folder, path)
        misuse(folder, path)


main()
