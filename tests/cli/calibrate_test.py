"""etalon calibrate: photons from raw frames, against the truth, with bounds from the noise."""
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py
    import numpy as np
except ImportError:
    print("needs python3-numpy and python3-h5py")
    sys.exit(77)

ETALON = os.environ["ETALON"]
BAD = -2**31
GAIN_OF_BITS = {0: 0, 1: 1, 3: 2}


def etalon(*arguments, code=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done.stdout if code == 0 else done.stderr


def simulate(file, ny=256, nx=512, frames=4, darks=32, energy=9.5, seed=11):
    """Raw frames as the detector makes them: noise of 13, 5 and 9 ADU in its three gains, a common
    mode of each ASIC of about 6 ADU in every frame, dead and noisy pixels, switching at 20 and 680
    photons."""
    random = np.random.default_rng(seed)
    gain = np.stack([random.normal(g, abs(g) * 0.03, (ny, nx)) for g in (40, -1.45, -0.105)])
    pedestal = np.stack([random.normal(p, 80, (ny, nx)) for p in (2860, 14900, 14700)])
    bad = random.choice([0, 1, 2], (ny, nx), p=[0.998, 0.0015, 0.0005])

    def noise(n, sigma):
        common = np.kron(random.normal(0, 6, (n, 1, nx // 256)), np.ones((1, 256, 256)))
        return common + random.normal(0, 1, (n, ny, nx)) * np.where(bad == 2, 150, sigma)

    photons = random.poisson(0.9, (frames, ny, nx))
    spots = random.random((frames, ny, nx)) < 0.01
    photons[spots] = 10 ** random.uniform(0, 3.7, spots.sum())
    used = np.where(photons < 20, 0, np.where(photons < 680, 1, 2))
    pedestal_used, gain_used = (np.choose(used, planes[:, None]) for planes in (pedestal, gain))
    adu = (pedestal_used + gain_used * energy * photons
           + noise(frames, np.choose(used, [13, 5, 9])))
    raw = np.choose(used, [0, 1, 3]) << 14 | np.clip(np.rint(adu), 0, 16383).astype(int)
    raw[:, bad == 1] = 0
    dark = np.clip(np.rint(pedestal[0] + noise(darks, 13)), 0, 16383)
    dark[:, bad == 1] = 0
    with h5py.File(file, "w") as f:
        f["entry/data/data"] = raw.astype(np.uint16)
        f["dark/g0"] = dark.astype(np.uint16)
        f["calib/gain_adu_per_keV"] = gain.astype(np.float32)
        f["calib/pedestal_g1"], f["calib/pedestal_g2"] = pedestal[1:].astype(np.float32)
        f["photon_energy_keV"] = energy
        f["truth/photons"] = photons.astype(np.uint16)
        f["truth/bad"] = bad.astype(np.uint8)


def judge(raw_file, photons, name):
    """Prints bias, RMS and misrounded share by gain, in photons, and holds them to what the noise
    in the file implies.

    The noise of a pixel in G0 is its dark frames' RMS s (median over the good pixels, with what the
    common mode adds to it). Its pedestal, the mean of n dark frames, adds s/sqrt(n); the common
    mode's mean over thousands of pixels adds nothing. In photons that is divided by the gain, and
    rounding adds 1/12 of variance where the noise reaches 1/2 photon at all. G1 and G2 have no dark
    frames in the file: their electronics are no noisier in ADU than G0's, and an ADU of theirs
    weighs more photons; so s in ADU bounds them, too, over their own gain.
    """
    with h5py.File(raw_file) as f:
        truth, raw = f["truth/photons"][()].astype(np.int64), f["entry/data/data"][()]
        bad, dark = f["truth/bad"][()], f["dark/g0"][()].astype(float)
        adu = np.abs(f["calib/gain_adu_per_keV"][()]) * f["photon_energy_keV"][()]
    good = bad == 0
    noise = np.sqrt(np.median(dark.var(0, ddof=1)[good]) * (1 + 1 / len(dark)))
    masked = (photons == BAD).all(0)
    print(f"{name}: noise {noise:.1f} ADU, {masked.sum()} bad pixels, of the {(~good).sum()} true "
          f"ones {masked[~good].sum()}, of the good ones {masked[good].sum()}")
    assert masked[bad == 1].all(), "dead pixels are masked"
    assert masked[bad == 2].mean() > 0.9, "noisy pixels are masked"
    assert masked[good].mean() < 1e-4, "good pixels are not"
    for bits, gain in GAIN_OF_BITS.items():
        which = (raw >> 14 == bits) & good & (photons != BAD)
        n = which.sum()
        assert n > 20, f"{name}: too few pixels in G{gain}"
        error = (photons - truth)[which]
        sigma = noise / np.broadcast_to(adu[gain], raw.shape)[which]  # photons, a pixel each
        bias, rms, wrong = error.mean(), math.sqrt((error**2).mean()), (error != 0).mean()
        # A normal error of sigma is rounded to something else with this probability.
        expected = np.mean([math.erfc(0.5 / s / math.sqrt(2)) for s in sigma[:20000]])
        most_rms = math.sqrt((sigma**2).mean() + (1 / 12 if expected > 1e-6 else 0))
        print(f"  G{gain}: {n} pixels, bias {bias:+.5f}, RMS {rms:.5f} (at most {most_rms:.3f}), "
              f"misrounded {wrong:.5f} (at most {expected:.5f})")
        slack = 1 + 4 / math.sqrt(2 * n)  # four standard deviations of an RMS of n values
        assert rms <= most_rms * slack
        assert wrong <= expected + 4 * math.sqrt(expected * (1 - expected) / n) + 4 / n
        # Pedestals of G0 err together by the common mode of few dark frames: less than its noise.
        assert abs(bias) <= 4 * most_rms / math.sqrt(n) + 0.1 * sigma.mean()


def calibrated(raw, folder, *more):
    out = folder / "photons.h5"
    report = json.loads(etalon("calibrate", raw, "-o", out, "-f", "--json", *more))
    with h5py.File(out) as f:
        photons = f["data"][()].astype(np.int64)
    assert report["frames"] == len(photons) and report["semantics"] == "jungfrau/1", report
    assert report["bad_pixels"] == (photons == BAD).all(0).sum(), report
    return photons


def check_camera(folder):
    """Dark and flat: shares of the open beam, against numpy, from one file and from several."""
    random = np.random.default_rng(3)
    ny, nx = 40, 50
    gain = random.uniform(0.5, 1.5, (ny, nx))
    gain[3, 4] = 0  # sees nothing
    dark = random.poisson(100, (9, ny, nx)).astype(np.uint16)
    flat = random.poisson(100 + 2000 * gain, (9, ny, nx)).astype(np.uint16)
    raw = random.poisson(100 + 800 * gain, (5, ny, nx)).astype(np.uint16)
    with h5py.File(folder / "tomo.h5", "w") as f:
        f["exchange/data"], f["exchange/data_dark"], f["exchange/data_white"] = raw, dark, flat
    np.save(folder / "dark.npy", dark)
    np.save(folder / "flat.npy", flat)
    tomo = folder / "tomo.h5"
    report = json.loads(etalon("calibrate", tomo, "-o", folder / "share.npy", "--dataset", "/exchange/data",
                               "--dark", "/exchange/data_dark", "--flat", f"{tomo}:/exchange/data_white", "--json"))
    assert report["bad_pixels"] == 1 and report["dtype"] == "f32" and report["frames"] == 5, report
    share = np.load(folder / "share.npy")
    without, beam = dark.mean(0).astype(np.float32), flat.mean(0).astype(np.float32)
    with np.errstate(divide="ignore"):
        expected = (raw.astype(np.float32) - without) * (np.float32(1) / (beam - without))
    expected[:, 3, 4] = np.nan
    np.testing.assert_array_equal(share, expected)
    assert abs(np.nanmean(share) - 0.4) < 0.005

    etalon("calibrate", tomo, "-o", folder / "again.npy", "--dataset", "/exchange/data",
           "--dark", folder / "dark.npy", "--flat", folder / "flat.npy")
    assert (folder / "again.npy").read_bytes() == (folder / "share.npy").read_bytes()

    # On the way of a run: kept whole, dead pixels in the stored mask, files in the ledger's chain.
    (folder / "r.toml").write_text("""
        [source]
        dataset = "/exchange/data"
        [calibrate]
        detector = "camera"
        dark = "dark.npy"
        flat = "tomo.h5:/exchange/data_white"
        [reduce]
        bound = "abs:0.001"
        [analyse]
        kind = "none"
        """)
    run = json.loads(etalon("run", folder / "r.toml", "--source", tomo, "--out", folder / "out", "--json"))
    assert run["frames"] == 5 and run["regions"][0]["bytes"] < run["bytes_raw"] / 2, run
    etalon("verify", folder / "share.npy", run["output"], "--bound", "abs:0.001")
    etalon("verify", folder / "share.npy", run["output"], "--bound", "abs:0.0001", code=4)
    with h5py.File(run["output"]) as f:
        mask = f["entry/instrument/detector/pixel_mask"][()]
    assert np.argwhere(mask != 0).tolist() == [[3, 4]]

    (folder / "r.toml").write_text((folder / "r.toml").read_text().replace("none", "powder"))
    assert "powder takes integers" in etalon("run", folder / "r.toml", "--source", tomo, "--out", folder / "no", code=2)

    np.save(folder / "small.npy", dark[:, 1:])
    into = ("-o", folder / "no.npy", "--dataset", "/exchange/data")
    for code, words, more in ((2, "--flat needs --dark", ("--flat", "/exchange/data_white")),
                              (2, "the images are", ("--flat", folder / "small.npy", "--dark", folder / "dark.npy")),
                              (2, "1 of 2000 pixels are brighter", ("--flat", folder / "dark.npy", "--dark", folder / "flat.npy")),
                              (2, "excludes", ("--flat", folder / "flat.npy", "--kev")),
                              (5, "none.npy", ("--flat", folder / "none.npy", "--dark", folder / "dark.npy"))):
        assert words in etalon("calibrate", tomo, *into, *more, code=code), (words, more)
    assert not (folder / "no.npy").exists()


def check_mask(folder):
    """Hot pixels are learned from the series; the finder then leaves them alone."""
    random = np.random.default_rng(4)
    images = random.poisson(0.3, (60, 50, 60)).astype(np.uint16)
    hot = [(7, 9), (7, 10), (30, 41)]
    for y, x in hot:
        images[random.random(60) < 0.8, y, x] += 40
    images[:3, 20:22, 20:22] += 50  # a spot that stays for three frames is none
    np.save(folder / "hot.npy", images)
    report = json.loads(etalon("mask", folder / "hot.npy", "-o", folder / "bad.npy", "--threshold", 5, "--json"))
    assert report["hot"] == report["masked"] == 3 and report["frames"] == 60, report
    bad = np.load(folder / "bad.npy")
    assert bad.dtype == np.uint8 and np.argwhere(bad).tolist() == [list(p) for p in hot]
    with_hot = json.loads(etalon("find", folder / "hot.npy", "--json"))
    without = json.loads(etalon("find", folder / "hot.npy", "--json", "--mask", folder / "bad.npy"))
    count = [sum(len(f["peaks"]) for f in r["frames"]) for r in (with_hot, without)]
    assert count[0] > 20 and count[1] == 3, count
    # Above in exactly half of the frames is not more than half.
    assert json.loads(etalon("mask", folder / "hot.npy", "-o", folder / "bad.npy", "-f", "--threshold", 5,
                             "--share", 100, "--json"))["hot"] == 0
    assert "exists" in etalon("mask", folder / "hot.npy", "-o", folder / "bad.npy", code=2)
    (folder / "a.geom").write_text("res = 1e4\na/min_fs = 0\na/max_fs = 59\na/min_ss = 2\na/max_ss = 49\n"
                                   "a/corner_x = 0\na/corner_y = 0\na/fs = x\na/ss = y\n")
    report = json.loads(etalon("mask", folder / "hot.npy", "-o", folder / "bad.npy", "-f", "--frames", 0,
                               "--geometry", folder / "a.geom", "--json"))
    assert report["geometry"] == report["masked"] == 120 and report["hot"] == 0, report


def main(folder):
    check_camera(folder)
    check_mask(folder)
    raw = folder / "raw.h5"
    simulate(raw)
    photons = calibrated(raw, folder, "--common-mode", "asics",
                         "--save-constants", folder / "constants.h5")
    judge(raw, photons, "simulated")
    for mode in "none", "rows", "columns":
        judge(raw, calibrated(raw, folder, "--common-mode", mode), "simulated, " + mode)

    # The constants that were written say the same, also with the dark frames beside them.
    again = calibrated(raw, folder, "--common-mode", "asics", "--constants", folder / "constants.h5")
    assert (again == photons).all()
    dark = folder / "dark.h5"
    with h5py.File(raw) as f, h5py.File(dark, "w") as d:
        d["entry/data/data"] = f["dark/g0"][()]
    again = calibrated(raw, folder, "--common-mode", "asics", "--constants", folder / "constants.h5",
                       "--dark", dark, "--energy-kev", 9.5)
    assert (again == photons).all()

    # Twice the energy, half the photons; keV are photons before rounding.
    etalon("calibrate", raw, "-o", folder / "kev.npy", "--kev", "--common-mode", "asics")
    kev = np.load(folder / "kev.npy")
    good = photons != BAD
    assert kev.dtype == np.float32 and np.isnan(kev[~good]).all()
    assert np.abs(kev[good] / 9.5 - photons[good]).max() <= 0.5 + 1e-3
    whole, half = calibrated(raw, folder), calibrated(raw, folder, "--energy-kev", 19)
    assert np.abs(2 * half[good] - whole[good]).max() <= 1.5

    # Every backend gives the same bytes.
    for backend in json.loads(etalon("version", "--json"))["backends"]:
        etalon("--backend", backend, "calibrate", raw, "-o", folder / "b.npy", "-f",
               "--common-mode", "asics")
        assert (np.load(folder / "b.npy") == photons).all(), backend

    etalon("calibrate", raw, "-o", folder / "photons_asics.h5", "--common-mode", "asics")

    # A recipe does the same on its way: what is stored is the photons.
    recipe = folder / "raw.toml"
    recipe.write_text("""[source]
path = "raw.h5"
[calibrate]
detector = "jungfrau"
common_mode = "asics"
[analyse]
kind = "none"
""")
    report = json.loads(etalon("run", recipe, "--out", folder / "run", "--json"))
    assert report["frames"] == len(photons), report
    with h5py.File(report["output"]) as f:
        assert f["entry/data/data"].dtype == np.int32 and len(f["entry/data/data"]) == len(photons)
        mask = f["entry/instrument/detector/pixel_mask"][()]
        assert ((mask != 0) == (photons == BAD).all(0)).all()
    etalon("verify", folder / "photons_asics.h5", report["output"], "--bound", "lossless")

    # How it refuses.
    out = folder / "no.h5"
    assert "keV" in etalon("calibrate", raw, "-o", out, "--energy-kev", -3, code=2)
    assert "asics" in etalon("calibrate", raw, "-o", out, "--common-mode", "pixels", code=2)
    assert "tile" in etalon("calibrate", raw, "-o", out, "--asic", "100,100", code=2)
    etalon("calibrate", raw, "-o", folder / "b.npy", code=2)  # exists
    etalon("calibrate", raw, "-o", out, "--constants", folder / "none.h5", code=5)
    assert "/gain/g0" in etalon("calibrate", raw, "-o", out, "--constants", dark, code=5)
    np.save(folder / "other.npy", np.zeros((2, 256, 256), np.uint16))
    assert "256x512" in etalon("calibrate", folder / "other.npy", "-o", out, "--constants",
                               folder / "constants.h5", code=3)
    with h5py.File(folder / "constants.h5", "a") as f:
        del f["pedestal/g1"]
        f["pedestal/g1"] = np.zeros((3, 5), np.float32)
    assert "/pedestal/g1" in etalon("calibrate", raw, "-o", out, "--constants",
                                    folder / "constants.h5", code=3)
    assert not out.exists()
    size = raw.stat().st_size
    etalon("calibrate", raw, "-o", raw, "-f", code=2)
    etalon("calibrate", raw, "-o", out, "--save-constants", raw, "-f", code=2)
    assert raw.stat().st_size == size and not out.exists()

    data = Path(os.environ.get("ETALON_DATA",
                               Path(os.environ["ETALON_SOURCE_DIR"]) / "../shared/data"))
    shared = data / "sim/jungfrau_raw/raw_a.h5"
    if not shared.exists():
        print("skipped: no sim/jungfrau_raw/raw_a.h5")
        return
    judge(shared, calibrated(shared, folder, "--common-mode", "asics"), "raw_a")


with tempfile.TemporaryDirectory() as folder:
    main(Path(folder))
