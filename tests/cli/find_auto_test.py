"""etalon find --auto by every method: two simulated series, one weak and in photons, one strong and in units of a hundredth
of a photon; what is found is held against the spots that were simulated."""
import json
import os
import re
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError:
    print("needs python3-h5py and python3-numpy")
    sys.exit(77)

ETALON = os.environ["ETALON"]


def etalon(*arguments):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, (arguments, done.returncode, done.stderr)
    return done


def score(found, truth):
    """Of the spots of 25 photons and three times their background's noise: the share found. Of the peaks: the
    share that is near no spot at all."""
    there = recalled = peaks = invented = 0
    for frame in found["frames"]:
        x, y, photons, noise = truth[frame["frame"]]
        at = np.array([(p["x"], p["y"]) for p in frame["peaks"]]).reshape(-1, 2)
        d = np.hypot(at[:, :1] - x[None], at[:, 1:] - y[None]) if len(x) else np.full((len(at), 1), 99.0)
        peaks += len(at)
        invented += int((d.min(axis=1) > 3).sum()) if len(at) else 0
        strong = (photons > 25) & (photons > 12 * noise)
        there += int(strong.sum())
        recalled += int((d[:, strong].min(axis=0) < 3).sum()) if len(at) and strong.any() else 0
    return recalled / there, invented / max(peaks, 1)


def learned(options, method, truth):
    """The report of --auto, its score and that of the usual settings; the options it prints ask for the same."""
    words = ["--method", method]
    done = etalon("find", "--auto", *options, *words)
    found = json.loads(done.stdout)
    chosen = re.search(r"auto: (--\S+ .*)", done.stderr)
    assert chosen and "chance" in done.stderr, done.stderr
    again = json.loads(etalon("find", *options, *(words if method == "peakfinder8" else []), *chosen[1].split()).stdout)
    assert again == found
    return found, score(found, truth), chosen[1]


def check(at, name, flux, seed, gain):
    file = os.path.join(at, name + ".h5")
    etalon("simulate", "stills", "-n", 24, "--hit-fraction", 0.5, "--size", "700,640", "--flux", flux,
           "--seed", seed, "-o", file)
    with h5py.File(file) as source:
        images = source["/entry/data/data"][()]
        mask = source["/entry/instrument/detector/pixel_mask"][()] != 0
        refl = source["/entry/truth/reflections"]
        first, x, y, photons = (refl[k][()] for k in ("first", "x", "y", "photons"))
        detector = source["/entry/instrument/detector"]
        centre = (float(np.ravel(detector["beam_center_x"][()])[0]) - 0.5,
                  float(np.ravel(detector["beam_center_y"][()])[0]) - 0.5)
    raw = os.path.join(at, name + ".npy")
    scaled = images.astype(np.int64) * gain
    scaled[:, mask] = 0
    np.save(raw, scaled.astype(np.int32))
    np.save(os.path.join(at, "mask.npy"), mask.astype(np.uint8))
    truth = []
    for i in range(len(images)):
        s = slice(first[i], first[i + 1])
        inside = (x[s] > 3) & (x[s] < 636) & (y[s] > 3) & (y[s] < 696)
        inside &= np.array([not mask[max(int(b) - 3, 0):int(b) + 4, max(int(a) - 3, 0):int(a) + 4].any()
                            for a, b in zip(x[s], y[s])], bool)
        noise = np.array([np.sqrt(max(np.median(images[i][int(b) - 3:int(b) + 4, int(a) - 3:int(a) + 4]), 0.25))
                          if good else 1.0 for a, b, good in zip(x[s], y[s], inside)])
        weak = np.where(inside, photons[s], 0)  # not asked for, yet no invention
        truth.append((x[s], y[s], weak, noise))
    options = [raw, "--json", "--mask", os.path.join(at, "mask.npy"), "--centre", f"{centre[0]},{centre[1]}"]
    found, (recalled, invented), chosen = learned(options, "peakfinder8", truth)
    usual = score(json.loads(etalon("find", *options).stdout), truth)
    print(f"{name}: {chosen}: {recalled:.3f} found, {invented:.3f} invented; by default {usual[0]:.3f}, {usual[1]:.3f}")
    assert recalled >= 0.9 and invented <= 0.05, (name, recalled, invented)
    assert recalled - invented >= usual[0] - usual[1] - 0.02, (name, usual)

    # By default these know no gain; they are held against the usual settings for somebody who knows it.
    for method in ("dispersion", "dispersion_extended"):
        by, (recalled, invented), chosen = learned(options, method, truth)
        usual = score(json.loads(etalon("find", *options, "--method", method, "--gain", gain).stdout), truth)
        print(f"{name}: {chosen}: {recalled:.3f} found, {invented:.3f} invented; by default {usual[0]:.3f}, {usual[1]:.3f}")
        assert abs(by["parameters"]["gain"] / gain - 1) < 0.15, by["parameters"]
        assert recalled >= usual[0] - 0.02 and invented <= max(0.03, usual[1]), (name, method, recalled, invented, usual)
        if name == "weak":
            assert recalled > usual[0] + 0.02, (method, recalled, usual)
    # What is given is not learned.
    given = json.loads(etalon("find", "--auto", *options, "--method", "dispersion", "--gain", 2 * gain, "--min-pixels", 5).stdout)
    assert given["parameters"]["gain"] == 2 * gain and given["parameters"]["min_pixels"] == 5, given["parameters"]
    return found["parameters"]


with tempfile.TemporaryDirectory() as at:
    weak = check(at, "weak", 0.3, 3, 1)
    strong = check(at, "strong", 6, 4, 100)
    assert (strong["threshold"], strong["snr"]) != (weak["threshold"], weak["snr"]), (weak, strong)
    for option in ("--threshold", "--snr", "--sigma-background", "--sigma-strong"):
        refused = subprocess.run([ETALON, "find", "absent.h5", "--auto", option, "5"], capture_output=True, text=True)
        assert refused.returncode == 2 and "excludes" in refused.stderr, (option, refused.stderr)
