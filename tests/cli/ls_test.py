"""etalon ls: what it says of a series that a run stored is what the run reported and the file holds."""
import json
import os
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


def etalon(*arguments, code=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done.stdout if code == 0 else done.stderr


def ls(*files):
    report = json.loads(etalon("ls", *files, "--json"))
    assert report["schema"] == "etalon.ls/1"
    return report["series"]


os.chdir(tempfile.mkdtemp())
os.environ["ETALON_STATE"] = os.path.abspath("state")
etalon("simulate", "stills", "-n", 40, "--seed", 3, "--size", "200,220", "--hit-fraction", 0.4, "-o", "sim.h5")
with open("r.toml", "w") as file:
    file.write("[veto]\nmin_peaks = 5\n[audit]\nshare = 0.5\nmin_peaks = 1\n[analyse]\nkind = \"none\"\n")
run = json.loads(etalon("run", "r.toml", "--source", "sim.h5", "--out", "out", "--json"))
source, stored = ls("sim.h5", "out/sim.h5")

with h5py.File("sim.h5") as file:
    detector = file["/entry/instrument/detector"]
    assert source["frames"] == 40 and source["shape"] == [200, 220] and source["dtype"] == "u16"
    assert source["centre"]["x"] == float(np.ravel(detector["beam_center_x"][()])[0])
    assert source["masked"] == int((detector["pixel_mask"][()] != 0).sum())
    wavelength = float(np.ravel(file["/entry/instrument/beam/incident_wavelength"][()])[0])
    assert abs(source["wavelength_angstrom"] - wavelength) < 1e-9
assert source["bytes"] == os.path.getsize("sim.h5") and source["raw_bytes"] == 40 * 200 * 220 * 2
assert not source["is_growing"] and "audit" not in source

with h5py.File("out/sim.h5") as file:
    numbers, counts = file["/entry/instrument/detector/sequence_number"][()], file["/entry/result_1/nPeaks"][()]
assert stored["frames"] == run["hits"] == len(counts) > 5
assert stored["numbers"] == [numbers[0], numbers[-1]]
assert stored["peaks"]["all"] == counts.sum() and stored["peaks"]["most"] == counts.max()
assert stored["peaks"]["least"] == counts.min() and stored["peaks"]["median"] == sorted(counts)[len(counts) // 2]
assert stored["audit"] == {"frames": run["audit"]["audited"], "hits": run["audit"]["false_rejections"]}
assert stored["audit"]["frames"] > 0

text = etalon("ls", "sim.h5", "out/sim.h5")
for words in ("sim.h5\n", "40 frames of 200 x 220 u16", "eV", "detector at", "peaks", "kept whole"):
    assert words in text, (words, text)
np.save("a.npy", np.zeros((3, 20, 30), np.uint8))
assert ls("a.npy")[0]["frames"] == 3
with open("no.h5", "w") as file:
    file.write("no HDF5")
assert "no.h5: not an HDF5 file" in etalon("ls", "no.h5", code=3)
assert "none.h5" in etalon("ls", "none.h5", code=5)

# Pictures: whole, of what the file holds; the marks are where the peaks are.
from PIL import Image

text = etalon("ls", "out/sim.h5", "--plot", "plots/of")
names = sorted(os.listdir("plots/of"))
assert names == ["sim.frame.png", "sim.hits.png", "sim.powder.png", "sim.radial.png"], names
for name in names:
    assert f"plots/of/{name}" in text
    picture = np.asarray(Image.open(f"plots/of/{name}").convert("RGB")).reshape(-1, 3)
    assert len(np.unique(picture, axis=0)) > 20, name
def marked(name):
    return int((np.asarray(Image.open(name).convert("RGB")) == (255, 70, 40)).all(axis=-1).sum())
few, most = int(np.argmin(counts)), int(np.argmax(counts))
etalon("ls", "out/sim.h5", "--plot", "plots/few", "--frame", few)
assert 0 < marked("plots/few/sim.frame.png") < marked("plots/of/sim.frame.png")
# what is there is not written over; what cannot be drawn is said
assert "exists already" in etalon("ls", "out/sim.h5", "--plot", "plots/of", code=2)
etalon("ls", "out/sim.h5", "--plot", "plots/of", "-f")
assert "no frame 1000" in etalon("ls", "out/sim.h5", "--plot", "plots/x", "--frame", 1000, code=2)
text = etalon("ls", "sim.h5", "--plot", "plots/raw")
assert "no plot" in text and not os.path.exists("plots/raw/sim.hits.png") and os.path.exists("plots/raw/sim.radial.png")
np.save("f.npy", np.ones((2, 30, 40), np.float32))
text = etalon("ls", "f.npy", "--plot", "plots/f")
assert "powder" in text and os.listdir("plots/f") == ["f.frame.png"]

# Counts of peaks that no list can hold are neither added up nor shown, and that is said; nor are names shown that would steer a terminal.
def cxi(counts, **more):
    with h5py.File("n.cxi", "w") as file:
        file["/entry/data/data"] = np.ones((len(counts), 20, 30), np.uint16)
        file["/entry_1/result_1/nPeaks"] = counts
        for name, value in more.items():
            file["/entry/instrument/detector/" + name] = value
def ls_said(*arguments):
    done = subprocess.run([ETALON, "ls", "n.cxi", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr
for counts, frame in ((np.full(3, 2**63 - 1, np.int64), 0), (np.full(3, 2**64 - 1, np.uint64), 0), (np.array([5, -1, 5], np.int32), 1), (np.array([1, 2, 1e300]), 2),
                      (np.array([np.nan, 1, 2] * 50), 0), (np.array([1, np.inf]), 1)):
    cxi(counts)
    out, err = ls_said("--json")
    assert "peaks" not in json.loads(out)["series"][0] and f"etalon: n.cxi: nPeaks: frame {frame} has no number of peaks" in err, (counts, out, err)
cxi(np.full(40, 2**32 - 1, np.uint32))
assert json.loads(ls_said("--json")[0])["series"][0]["peaks"]["all"] == 40 * (2**32 - 1)
cxi(np.ones(3, np.int32), description="a\033[2Jb")
assert "a?[2Jb" in ls_said()[0] and json.loads(ls_said("--json")[0])["series"][0]["detector"] == "a\033[2Jb"

# A name that is no text is drawn as far as it is.
os.rename("n.cxi", b"\xff.cxi")
done = subprocess.run([ETALON, "ls", b"\xff.cxi", "--plot", "plots/odd"], capture_output=True, timeout=60)
assert done.returncode == 0 and len(os.listdir("plots/odd")) >= 2, done.stderr
