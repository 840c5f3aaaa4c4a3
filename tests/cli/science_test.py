"""etalon verify --science and etalon tune: what a reduction does to the science, on simulated stills."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(missing)
    sys.exit(77)

ETALON = os.environ["ETALON"]
FOLDER = tempfile.TemporaryDirectory(prefix="etalon_science_")
os.chdir(FOLDER.name)
os.environ["ETALON_STATE"] = os.path.join(FOLDER.name, "state")
os.environ.pop("ETALON_LEDGER", None)
FRAMES, HIT = 40, ("--min-peaks", 5)


def etalon(*arguments, code=0, says=()):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
    for words in [says] if isinstance(says, str) else says:
        assert words in done.stderr, (arguments, words, done.stderr)
    return done.stdout


def compress(name, *arguments):
    etalon("compress", "sim.h5", "-o", name, "-f", *arguments)


def judged(reduced, *arguments, code=0, raw="sim.h5"):
    return json.loads(etalon("verify", raw, reduced, "--science", *HIT, *arguments, "--json", code=code))["science"]


def nothing_lost():
    compress("same.etalon")
    found = judged("same.etalon", "--predicted", "sim.h5", "--keep", "peaks==1,weak_bias==0,hits>=100%")
    peaks = json.loads(etalon("find", "sim.h5", "--json", *HIT))
    listed = sum(len(f["peaks"]) for f in peaks["frames"])
    assert listed > 50 and peaks["hits"] > 5
    assert found["frames"] == {"raw": FRAMES, "compared": FRAMES, "left_out": 0}
    assert found["peaks"] == {"raw": listed, "reduced": listed, "kept": listed, "lost": 0, "invented": 0}
    assert found["hits"]["kept"] == [f["frame"] for f in peaks["frames"] if f["hit"]]
    assert found["hits"]["lost"] == found["hits"]["invented"] == []
    assert found["strong"]["bias_sigma"] == found["strong"]["scatter_sigma"] == found["radial"]["chi2"] == 0
    assert 0 < found["strong"]["judged"] <= found["strong"]["spots"] == listed
    assert found["weak"]["bias"] == found["weak"]["half_width_99"] == 0 and found["weak"]["raw_mean"] > 0
    assert found["keep"] == {"condition": "peaks == 1 and weak_bias == 0 and hits >= 1", "holds": True, "broken": []}
    # The places as a list of numbers are the same places.
    with h5py.File("sim.h5") as file:
        truth = file["/entry/truth/reflections"]
        first, x, y = truth["first"][...], truth["x"][...], truth["y"][...]
    with open("weak.csv", "w") as file:
        file.write("x,frame,y\n")
        for frame in range(FRAMES):
            for k in range(first[frame], first[frame + 1]):
                file.write("%r,%d,%r\n" % (float(x[k]), frame, float(y[k])))
    assert judged("same.etalon", "--predicted", "weak.csv")["weak"] == found["weak"]
    text = etalon("verify", "sim.h5", "same.etalon", "--science", *HIT)
    assert "100.000 % kept" in text and "weak spots      not judged" in text and "chi2 0 " in text
    assert judged("same.etalon")["weak"] is None


def harm_is_seen():
    compress("rough.etalon", "--bound", "abs:8")
    found = judged("rough.etalon", "--predicted", "sim.h5")
    peaks, metrics = found["peaks"], found["metrics"]
    assert peaks["lost"] > 0.1 * peaks["raw"] and peaks["kept"] + peaks["lost"] == peaks["raw"]
    assert peaks["kept"] + peaks["invented"] == peaks["reduced"]
    assert metrics["peaks"] == peaks["kept"] / peaks["raw"] < 0.9
    assert found["strong"]["bias_sigma"] < -1 and metrics["strong_bias"] == -found["strong"]["bias_sigma"]
    assert found["weak"]["bias"] < -0.5 and metrics["weak_bias"] > 0.5 and metrics["radial_chi2"] > 100
    etalon("verify", "sim.h5", "rough.etalon", "--science", *HIT, "--keep", "peaks>=0.999", code=4,
           says=["rough.etalon: does not keep the science: peaks >= 0.999: is 0."])
    assert not judged("rough.etalon", "--keep", "radial_chi2<1,peaks>0", code=4)["keep"]["holds"]
    # A bound that does not hold comes first, and the report is printed all the same.
    done = etalon("verify", "sim.h5", "rough.etalon", "--bound", "abs:7", "--science", "--json",
                  "--keep", "peaks>2", code=4, says="exceeds abs:7")
    assert not json.loads(done)["holds"] and not json.loads(done)["science"]["keep"]["holds"]


def dither_keeps_sums():
    etalon("find", "sim.h5", "--csv")
    with open("peaks.csv", "w") as file:
        file.write(etalon("find", "sim.h5", "--csv"))
    regions = ("--region", "peaks:file=peaks.csv,half=4@lossless")
    compress("plain.etalon", "--bound", "abs:2", *regions)
    compress("dither.etalon", "--bound", "abs:2", "--dither", *regions)
    dither = judged("dither.etalon", "--predicted", "sim.h5")
    plain = judged("plain.etalon", "--predicted", "sim.h5")
    for found in (plain, dither):  # strong spots lie in lossless boxes
        assert found["strong"]["scatter_sigma"] < 0.05 and found["metrics"]["peaks"] > 0.8
    weak = dither["weak"]
    assert abs(weak["bias"]) <= 1.6 * weak["half_width_99"] < 0.4, weak
    assert plain["weak"]["bias"] < -0.3 and plain["metrics"]["radial_chi2"] > 100 > dither["metrics"]["radial_chi2"]
    # The same images as HDF5 and .npy, signed and wider, judge the same.
    etalon("decompress", "dither.etalon", "-o", "dither.h5")
    etalon("decompress", "dither.etalon", "-o", "dither.npy")
    for name in ("dither.h5", "dither.npy"):
        assert judged(name, "--predicted", "sim.h5", "--bound", "abs:2") == dither, name
    # Masked pixels are not looked at.
    mask = np.ones((300, 300), "u1")
    mask[150:, :] = 0
    np.save("mask.npy", mask)
    half = judged("dither.etalon", "--predicted", "sim.h5", "--mask", "mask.npy")
    assert 0 < half["peaks"]["raw"] < dither["peaks"]["raw"] and half["weak"]["judged"] < weak["judged"]


RECIPE = """
[veto]
min_peaks = 9
[reduce]
bound = "abs:1"
[[reduce.region]]
kind = "peaks"
half = 4
bound = "lossless"
"""


def vetoed_series():
    with open("r.toml", "w") as file:
        file.write(RECIPE)
    report = json.loads(etalon("run", "r.toml", "--source", "sim.h5", "--out", "out", "--json"))
    found = judged(report["output"], "--predicted", "sim.h5")
    with h5py.File(report["output"]) as file:
        kept = file["/entry/instrument/detector/sequence_number"][...].tolist()
    hits = found["hits"]
    assert 0 < len(kept) < len(hits["kept"]) + len(hits["lost"])
    assert found["frames"] == {"raw": FRAMES, "compared": len(kept), "left_out": FRAMES - len(kept)}
    assert hits["kept"] == kept and hits["left_out"] == len(hits["lost"]) > 0
    assert found["strong"]["bias_sigma"] == 0
    text = etalon("verify", "sim.h5", report["output"], "--science", *HIT)
    assert "%d of the lost hits were left out" % hits["left_out"] in text


def every_method_judges():
    """What is kept, lost and a hit is what `find` with the same options finds in either file."""
    etalon("decompress", "rough.etalon", "-o", "rough.h5", "-f")
    for words in (("--method", "dispersion", "--sigma-strong", 2, "--min-pixels", 2),
                  ("--method", "dispersion_extended", "--threshold", 3),
                  ("--max-elongation", 1.5)):
        found = judged("rough.etalon", *words)
        before, after = (json.loads(etalon("find", name, "--json", *HIT, *words, *more)) for name, more in
                         (("sim.h5", ()), ("rough.h5", ("--centre", CENTRE, "--mask", "bad.npy"))))
        count = [sum(len(f["peaks"]) for f in found_by["frames"]) for found_by in (before, after)]
        assert [found["peaks"]["raw"], found["peaks"]["reduced"]] == count and count[0] > 20, (words, found, count)
        assert len(found["hits"]["kept"]) + len(found["hits"]["lost"]) == before["hits"], words
        assert found["finder"] == before["semantics"], words
    text = etalon("verify", "sim.h5", "same.etalon", "--science", *HIT, "--method", "dispersion")
    assert "dispersion/1, threshold 0, sigmas 6 and 3" in text, text


def refusals():
    for keep, says in (("peaks>", "column 7"), ("peeks>=1", "'peeks' does not exist; there are: "),
                       ("peaks>=1,", "column 10"), ("weak_bias<=1", "--predicted"), ("", "--keep")):
        etalon("verify", "sim.h5", "same.etalon", *(["--science"] if keep else []), "--keep", keep or "peaks>=1",
               code=2, says=says)
    science = ("verify", "sim.h5", "same.etalon", "--science")
    etalon("verify", "sim.h5", "same.etalon", "--snr", 3, code=2, says="--science")
    etalon(*science, "--gain", 0, code=2, says="gain")
    etalon(*science, "--snr", -1, code=2, says="snr")
    etalon(*science, "--method", "guess", code=2, says="verify: --method: 'guess'")
    etalon(*science, "--method", "dispersion", "--kernel-size", "0,3", code=2, says="kernel_size")
    etalon("verify", "sim.h5", "same.etalon", "--method", "dispersion", code=2, says="--science")
    etalon(*science, "--centre", "7", code=2, says="--centre")
    etalon("verify", "-", "same.etalon", "--science", code=2, says="names")
    etalon(*science, "--predicted", "absent.csv", code=5, says="absent.csv")
    with open("bad.csv", "w") as file:
        file.write("frame,x,y\n0,1,2\n0,1,nan\n")
    etalon(*science, "--predicted", "bad.csv", code=3, says="bad.csv: line 3")
    etalon(*science, "--predicted", "dither.h5", code=3, says="reflections")
    np.save("blank.npy", np.zeros((2, 40, 40), "u2"))
    etalon("compress", "blank.npy", "-o", "blank.etalon")
    etalon("verify", "blank.npy", "blank.etalon", "--science", "--keep", "peaks>=0.9", code=4, says="cannot be judged")


def tune(*arguments, code=0, says=()):
    return json.loads(etalon("tune", "sim.h5", *HIT, *arguments, "--json", code=code, says=says))


def tune_finds_settings():
    keep = ("--predicted", "sim.h5", "--sample", 0, "--keep", "peaks>=0.97,strong_scatter<=0.1,weak_bias<=0.4,radial_chi2<=10")
    found = tune(*keep, "--target", "ratio=13")
    assert found["schema"] == "etalon.tune/1" and found["met"] and found["sampled"] == found["frames"] == FRAMES
    tried, best = found["tried"], found["best"]
    assert tried[0]["bound"] == "lossless" and tried[0]["keeps"] and tried[0]["metrics"]["peaks"] == 1
    assert len({(t["bound"], t["dither"], tuple(t["regions"])) for t in tried}) == len(tried) > 8
    for t in tried:  # what keeps and what breaks is what the numbers say
        m = t["metrics"]
        holds = (m["peaks"] >= 0.97 and m["strong_scatter"] <= 0.1 and m["weak_bias"] <= 0.4
                 and m["radial_chi2"] <= 10)
        assert t["keeps"] == holds == (not t["broken"]), t
    assert best["ratio"] == max(t["ratio"] for t in tried if t["keeps"]) > 13
    assert best["dither"] and max(t["ratio"] for t in tried) > best["ratio"]

    # The commands that it prints give what it promised, to the byte.
    find, compress_line = best["commands"]
    find_words = find.split()
    assert find_words[:3] == ["etalon", "find", "sim.h5"] and find_words[-2] == ">"
    with open(find_words[-1], "w") as file:
        file.write(etalon(*find_words[1:-2]))
    report = json.loads(etalon(*compress_line.split()[1:], "--json"))
    assert abs(report["ratio"] / best["ratio"] - 1) < 1e-12, (report, best)
    science = judged("sim.etalon", *keep[:2], *keep[4:])
    assert science["keep"]["holds"] and science["metrics"] == best["metrics"]

    # Threads do not matter; a sample of frames does as it says.
    some = (*keep, "--bound", "abs:1", "--bound", "abs:2", "-T")
    assert tune(*some, 1) == tune(*some, 3)
    part = tune("--sample", 7, "--keep", "peaks>=0", "--bound", "abs:1")
    assert part["sampled"] == 7 and {t["bound"] for t in part["tried"]} == {"abs:1"}
    assert part["target_ratio"] is None and part["met"]

    # A recipe says it where it can; a region of the user's goes into every line.
    box = "box:y=10..40,x=10..50@lossless"
    plain = tune("--keep", "peaks>=0.5", "--bound", "sigma:1", "--region", box)
    assert not plain["best"]["dither"] and box in plain["best"]["commands"][-1]
    assert box in plain["best"]["regions"]
    recipe = plain["best"]["recipe"]
    assert 'bound = "sigma:1' in recipe and 'kind = "box"' in recipe and 'y = "10..40"' in recipe
    with open("tuned.toml", "w") as file:
        file.write(recipe)
    ran = json.loads(etalon("run", "tuned.toml", "--source", "sim.h5", "--out", "tuned", "--json"))
    assert [r["kind"] for r in ran["regions"]][:2] == ["default", "box"]

    text = etalon("tune", "sim.h5", *HIT, *some, 0)
    assert "<- best" in text and "  " + compress_line + "\n" in text and "breaks peaks" in text


def tune_takes_every_method():
    words = ("--method", "dispersion_extended", "--sigma-strong", 4, "--kernel-size", "2,3", "--max-elongation", 4)
    best = tune(*words, "--keep", "peaks>=0.9,strong_scatter<=0.1", "--bound", "sigma:1", "--sample", 0)["best"]
    # The commands find the same peaks; so does the recipe.
    find, compress_line = best["commands"]
    assert "--method dispersion_extended --sigma-strong 4 --kernel-size 2,3 --max-elongation 4" in find
    with open(find.split()[-1], "w") as file:
        file.write(etalon(*find.split()[1:-2]))
    report = json.loads(etalon(*compress_line.split()[1:], "-f", "--json"))
    assert abs(report["ratio"] / best["ratio"] - 1) < 1e-12, (report, best)
    assert 'method = "dispersion_extended"' in best["recipe"] and "kernel_size = [2, 3]" in best["recipe"]
    with open("method.toml", "w") as file:
        file.write(best["recipe"].replace("sigma:1", "abs:1"))
    ran = json.loads(etalon("run", "method.toml", "--source", "sim.h5", "--out", "method", "--json"))
    in_squares = judged(ran["output"], *words)
    assert in_squares["peaks"]["raw"] > 20 and in_squares["metrics"]["strong_scatter"] < 0.05, in_squares
    etalon("tune", "sim.h5", "--method", "guess", code=2, says="tune: --method")


def tune_says_when_none_exists():
    found = tune("--keep", "peaks>=0.97,strong_bias<=0.5", "--target", "ratio=100000", "--bound", "abs:1", code=4,
                 says=["no settings keep the science at a ratio of 100000", "what keeps it best", "reaches "])
    assert not found["met"] and found["best"]["ratio"] < 100000 and found["best"]["keeps"]
    bounds = [word for bound in ("abs:3", "abs:1", "lossless", "abs:2") for word in ("--bound", bound)]
    none = tune("--keep", "peaks>1", *bounds, code=4, says=["no settings keep the science", "peaks > 1: is 1"])
    assert none["best"] is None and not none["met"] and not any(t["keeps"] for t in none["tried"])
    # From the tightest; two of each kind, then the kind is left.
    assert [t["bound"] for t in none["tried"]] == ["lossless"] + ["abs:1", "abs:2"] * 4
    # Too few spots to show that dither does no harm are said to be that.
    few = tune("--keep", "weak_bias<=0.06", "--predicted", "sim.h5", "--bound", "abs:1", "--sample", 0, code=4,
               says=["no settings keep the science; with abs:1 dithered", "weak_bias would hold"])
    assert [t["undecided"] for t in few["tried"]] == [t["dither"] for t in few["tried"]] == [True, True, False, False]


def tune_refuses():
    for words, says in ((("--keep", "peaks>"), "--keep 'peaks>': column 7"), (("--keep", "weak_bias<1"), "--predicted"),
                        (("--keep", "speed>1"), "'speed' does not exist"), (("--target", "ratio"), "ratio=X"),
                        (("--target", "ratio=0"), "ratio=X"), (("--target", "psnr=30"), "ratio=X"),
                        (("--target", "ratio=3=4"), "ratio=X"), (("--bound", "abs:x"), "abs"),
                        (("--bound", "rel:0.1"), "range"), (("--bound", "ratio:3"), "ratio"),
                        (("--region", "box:y=1..2@abs:1"), "box"), (("--dtype", "u16"), "--dtype"),
                        (("--gain", -1), "gain"), (("--sample", -1), "--sample")):
        etalon("tune", "sim.h5", *words, code=2, says=says)
    etalon("tune", "-", code=2, says="name")
    etalon("tune", "absent.h5", code=5, says="absent.h5")
    np.save("none.npy", np.zeros((0, 40, 40), "u2"))
    etalon("tune", "none.npy", code=2, says="no frames")


etalon("simulate", "stills", "-n", FRAMES, "--size", "300,300", "--seed", 7, "--hit-fraction", 0.5, "-o", "sim.h5")
with h5py.File("sim.h5") as file:
    detector = file["/entry/instrument/detector"]
    CENTRE = ",".join(repr(float(np.ravel(detector["beam_center_" + axis][()])[0])) for axis in "xy")
    np.save("bad.npy", (detector["pixel_mask"][()] != 0).astype("u1"))
nothing_lost()
harm_is_seen()
dither_keeps_sums()
vetoed_series()
every_method_judges()
refusals()
tune_finds_settings()
tune_takes_every_method()
tune_says_when_none_exists()
tune_refuses()
