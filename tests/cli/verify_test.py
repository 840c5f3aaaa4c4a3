"""etalon verify holds reductions to the regions and bounds that they say themselves."""
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
FOLDER = tempfile.TemporaryDirectory(prefix="etalon_verify_")
os.chdir(FOLDER.name)
os.environ["ETALON_STATE"] = os.path.join(FOLDER.name, "state")
os.environ.pop("ETALON_LEDGER", None)


def etalon(*arguments, code=0, says=""):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    assert says in done.stderr, (arguments, done.stderr)
    return done.stdout


def verdict(*arguments, code=0):
    return json.loads(etalon("verify", *arguments, "--json", code=code))


def compress(array, name, *arguments):
    np.save("c.npy", array)
    etalon("compress", "c.npy", "-o", name, "-f", *arguments)


def containers():
    """A value inside a lossless box is off by one in the reduction: its bound of 2 elsewhere does
    not excuse it, and no --region is needed to find it."""
    rng = np.random.default_rng(3)
    for dtype in ("u2", "i4", "u8", "f4"):
        original = rng.poisson(0.7, (5, 90, 110)).astype(dtype)
        np.save("original.npy", original)
        regions = ("--bound", "abs:2", "--region", "box:y=5..9,x=7..20@lossless",
                   "--region", "annulus:r=20..25,centre=55/45@abs:1")
        compress(original, "good.etalon", *regions)
        found = verdict("original.npy", "good.etalon")
        assert found["holds"] and "first_offender" not in found
        kinds = {r["kind"]: r for r in found["regions"]}
        assert list(kinds) == ["default", "box", "annulus"]
        assert [r["bound"] for r in found["regions"]] == ["abs:2", "lossless", "abs:1"]
        assert kinds["box"]["elements"] == 5 * 4 * 13 and kinds["box"]["max_error"] == 0
        y, x = np.mgrid[:90, :110]
        r2 = (y - 45) ** 2 + (x - 55) ** 2
        assert kinds["annulus"]["elements"] == 5 * ((r2 >= 400) & (r2 < 625)).sum()
        assert kinds["annulus"]["max_error"] <= 1 and 0 < kinds["default"]["max_error"] <= 2, dtype
        assert abs(sum(r["share"] for r in found["regions"]) - 1) < 1e-9

        for at, kind in (((3, 6, 8), "box"), ((0, 5, 7), "box"), ((4, 8, 19), "box")):
            broken = original.copy()
            broken[at] += 1
            compress(broken, "bad.etalon", *regions)
            place = "[%d,%d,%d]" % at
            etalon("verify", "original.npy", "bad.etalon", code=4,
                   says=place + ": region " + kind + ": error 1 exceeds lossless")
            found = verdict("original.npy", "bad.etalon", code=4)
            assert found["first_offender"] == {"place": list(at), "region": kind, "error": 1}
            assert [r["violations"] for r in found["regions"]] == [0, 1, 0]
        broken = original.copy()
        broken[2, 80, 100] += 5  # in no region
        compress(broken, "bad.etalon", *regions)
        etalon("verify", "original.npy", "bad.etalon", code=4, says="[2,80,100]: region default")
        etalon("verify", "original.npy", "bad.etalon", "--bound", "abs:7")
        etalon("verify", "original.npy", "good.etalon", "--bound", "abs:0.5", code=4)

    # Peaks differ from frame to frame; an image alone; a chunk that is coded exactly.
    original = rng.poisson(2, (4, 60, 70)).astype("u2")
    np.save("original.npy", original)
    with open("peaks.csv", "w") as file:
        file.write("frame,x,y\n1,50.2,40.8\n3,3,3\n")
    peaks = ("--bound", "abs:3", "--region", "peaks:file=peaks.csv,half=2@lossless")
    broken = original.copy()
    broken[3, 2, 2] += 1
    compress(broken, "bad.etalon", *peaks)
    etalon("verify", "original.npy", "bad.etalon", code=4, says="[3,2,2]: region peaks")
    broken = original.copy()
    broken[1, 2, 2] += 1  # no peak in this frame
    compress(broken, "bad.etalon", *peaks)
    kinds = {r["kind"]: r for r in verdict("original.npy", "bad.etalon")["regions"]}
    assert kinds["peaks"]["elements"] == 2 * 25
    np.save("image.npy", original[0])
    compress(original[0], "image.etalon", "--bound", "abs:3", "--region", "box:y=0..9,x=0..9@abs:1")
    assert verdict("image.npy", "image.etalon")["regions"][1]["elements"] == 81
    noise = rng.integers(0, 2**64, (2, 30, 40), dtype="u8")
    np.save("noise.npy", noise)
    box = ("--bound", "abs:0", "--region", "box:y=0..9,x=0..9@lossless")
    compress(noise, "noise.etalon", *box)
    found = verdict("noise.npy", "noise.etalon")
    assert [r["elements"] for r in found["regions"]] == [2 * 1200 - 162, 162]
    noise[1, 20, 20] += 1
    compress(noise, "noise.etalon", *box)
    etalon("verify", "noise.npy", "noise.etalon", code=4, says="[1,20,20]")


RECIPE = """
[veto]
min_peaks = 5
[reduce]
bound = "abs:1"
[[reduce.region]]
kind = "peaks"
half = 4
bound = "lossless"
"""


def altered(source, target, frame, y, x, by):
    with h5py.File(source) as one, h5py.File(target, "w") as other:
        images = one["/entry/data/data"][...]
        images[frame, y, x] += by
        other["/entry/data/data"] = images


def stored_series():
    """A series that a run stored, some frames vetoed: compared by the numbers of the source."""
    frames = 16
    etalon("simulate", "stills", "-n", frames, "--size", "300,300", "--seed", 7, "-o", "sim.h5")
    with open("r.toml", "w") as file:
        file.write(RECIPE)
    report = json.loads(etalon("run", "r.toml", "--source", "sim.h5", "--out", "out", "--json"))
    stored = report["output"]
    assert 0 < report["hits"] < frames
    with h5py.File(stored) as file:
        numbers = file["/entry/instrument/detector/sequence_number"][...]
        result = file["/entry/result_1"]
        x = int(round(float(result["peakXPosRaw"][-1, 0])))
        y = int(round(float(result["peakYPosRaw"][-1, 0])))
    assert list(numbers) != list(range(len(numbers)))  # by their places they would be others

    found = verdict("sim.h5", stored)
    assert found["holds"]
    assert found["frames"] == {"original": frames, "compared": report["hits"],
                               "left_out": frames - report["hits"]}
    assert [(r["kind"], r["bound"]) for r in found["regions"]] == [("default", "abs:1"),
                                                                   ("peaks", "lossless")]
    assert [r["max_error"] for r in found["regions"]] == [1, 0]
    shares = {r["kind"]: r["share"] for r in report["regions"]}
    for region in found["regions"]:
        assert abs(region["share"] - shares[region["kind"]]) < 1e-9
    text = etalon("verify", "sim.h5", stored)
    assert "%d compared, %d of %d left out" % (report["hits"], frames - report["hits"],
                                               frames) in text

    last = int(numbers[-1])
    altered("sim.h5", "peak.h5", last, y, x, 1)
    etalon("verify", "peak.h5", stored, code=4,
           says="[%d,%d,%d]: region peaks: error" % (last, y, x))
    vetoed = next(n for n in range(frames) if n not in numbers)
    altered("sim.h5", "vetoed.h5", vetoed, y, x, 1000)
    etalon("verify", "vetoed.h5", stored)  # that frame was not stored
    altered("sim.h5", "background.h5", int(numbers[0]), 0, 0, 3)
    etalon("verify", "background.h5", stored, code=4,
           says="[%d,0,0]: region default" % numbers[0])

    etalon("verify", "sim.h5", stored, "--bound", "lossless", code=4, says="region default")
    etalon("verify", "sim.h5", stored, "--bound", "abs:1")
    etalon("verify", stored, stored)  # as many frames, the same numbers: frame by frame
    etalon("verify", stored, "sim.h5", code=4, says="the original has")
    with h5py.File("small.h5", "w") as file:
        file["/entry/data/data"] = np.zeros((frames, 300, 299), "u2")
    etalon("verify", "small.h5", stored, code=4, says="1x300x299")


def salvaged():
    """Of a damaged container all whole chunks come back in their places, and what is lost is said."""
    rng = np.random.default_rng(7)
    original = rng.poisson(0.7, (6, 60, 70)).astype("u2")
    compress(original, "whole.etalon")
    out = json.loads(etalon("verify", "whole.etalon", "--salvage", "saved.npy", "--json"))
    assert out["chunks"] == out["whole"] == 6 and out["index"] and not out["lost"]
    assert (np.load("saved.npy") == original).all()

    data = bytearray(open("whole.etalon", "rb").read())
    places = [i + 16 for i in range(len(data)) if data[i:i + 4] == b"CHNK"]
    assert len(places) == 6
    data[places[2] + 100] ^= 16
    open("damaged.etalon", "wb").write(data)
    etalon("decompress", "damaged.etalon", "-o", "no.npy", code=3, says="damaged.etalon")
    etalon("verify", "damaged.etalon", "--salvage", "saved.npy", code=2, says="saved.npy")  # it exists
    text = etalon("verify", "damaged.etalon", "--salvage", "saved.npy", "-f", code=3,
                  says="damaged.etalon: 1 chunk lost")
    assert "5 of 6 chunks" in text and "lost: chunk 2 at offset %d: " % places[2] in text, text
    saved, others = np.load("saved.npy"), [0, 1, 3, 4, 5]
    assert (saved[others] == original[others]).all() and not saved[2].any()

    open("cut.etalon", "wb").write(data[:places[4] + 50])
    text = etalon("verify", "cut.etalon", "--salvage", "saved.npy", "-f", code=3, says="cut.etalon")
    assert "no index" in text and (np.load("saved.npy")[[0, 1, 3]] == original[[0, 1, 3]]).all()
    etalon("verify", "original.npy", "--salvage", "saved.npy", "-f", code=3, says="original.npy")
    etalon("verify", "whole.etalon", code=2, says="reduced")
    etalon("verify", "whole.etalon", "whole.etalon", "--salvage", "x.npy", code=2, says="--salvage")


containers()
salvaged()
stored_series()
