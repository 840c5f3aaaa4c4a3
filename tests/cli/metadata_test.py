"""What a file says of its images and cannot be taken: a mask that does not fit is an error unless there is another one, other values are
told of on standard error, once, by every command that reads frames; a DECTRIS master's mask counts."""
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
DETECTOR = "/entry/instrument/detector/"


def etalon(*arguments, code=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, (arguments, done.returncode, done.stdout[-500:], done.stderr)
    return done.stdout, done.stderr


def series(name, mask=None, where=DETECTOR + "pixel_mask", **metadata):
    with h5py.File(name, "w") as file:
        file["/entry/data/data"] = np.random.default_rng(1).poisson(5, (4, 60, 70)).astype(np.uint16)
        for key, value in ({"distance": 0.1, "x_pixel_size": 75e-6, "y_pixel_size": 75e-6, "beam_center_x": 30.0, "beam_center_y": 33.0} | metadata).items():
            file[DETECTOR + key] = value
        file["/entry/instrument/beam/incident_wavelength"] = 1.0
        if mask is not None:
            file[where] = mask
    return name


os.chdir(tempfile.mkdtemp())
np.save("none.npy", np.zeros((60, 70), np.uint8))
np.save("side.npy", np.zeros((70, 60), np.uint8))
powder = ("analyse", "powder", "a.h5", "-o", "p.h5", "-f")
find = ("find", "a.h5", "--json")
azimuthal = ("analyse", "azimuthal", "a.h5", "-o", "az.h5", "-f")
index = ("analyse", "index", "a.h5", "--cell", "79,79,38,90,90,90", "--point-group", "422")
export = ("export", "a.h5", "-o", "e.h5", "-f")
with open("r.toml", "w") as file:
    file.write('[source]\npath = "a.h5"\n[veto]\nmin_peaks = 0\n[analyse]\nkind = "none"\n')
os.environ["ETALON_STATE"] = os.path.abspath("state")
run = ("run", "r.toml", "--out", "out", "-f")
place = f"a.h5: {DETECTOR}pixel_mask"

# A mask of other images, of floats, or whose link leads nowhere.
for mask, reason, missing in ((np.ones((60, 71), np.uint32), "is of 60x71 and no mask of images of 60x70", False),
                              (np.ones((70, 60), np.uint32), "is of 70x60 and no mask of images of 60x70", False),
                              (np.ones((60, 70), np.float32), "is of f32 and no mask", False),
                              (h5py.ExternalLink("gone.h5", "/mask"), "gone.h5", True)):
    series("a.h5", mask)
    for words in (powder, find, azimuthal, index, export, run, ("analyse", "correlation", "a.h5", "-o", "c.h5"), ("replay", "a.h5", "--bind", "ipc://nowhere")):
        err = etalon(*words, code=5 if missing else 3)[1]
        assert f"{place}: " in err and reason in err, (words, err)
    assert not any(os.path.exists(n) for n in ("p.h5", "az.h5", "e.h5", "c.h5", "out/a.h5"))
    # Another mask, or none wanted: left out, and said once.
    for words in ((*find, "--mask", "none.npy"), (*azimuthal, "--mask", "none.npy"), (*index, "--mask", "none.npy"), ("ls", "a.h5"), ("ls", "a.h5", "a.h5", "--json"),
                  ("compress", "a.h5", "-o", "a.etalon", "-f"), ("mask", "a.h5", "-o", "bad.npy", "-f", "--threshold", 50)):
        err = etalon(*words)[1]
        assert err.count(f"etalon: {place}: ") == 1 and reason in err and "left out" in err, (words, err)
    for name in ("az.h5", "a.etalon", "bad.npy"):
        os.remove(name)
with open("r.toml", "a") as file:
    file.write("[calibrate]\npixel_mask = false\n")
assert f"etalon: {place}: " in etalon(*run)[1]
assert "does not fit images of 60x70" in etalon(*find, "--mask", "side.npy", code=2)[1]
assert "does not fit images of 60x70" in etalon("compress", "a.h5", "-o", "x.etalon", "--mask", "side.npy", code=2)[1]

# Masks as they come: integers of any width, booleans of h5py, beside the detector as DECTRIS masters have them.
bad = np.zeros((60, 70), bool)
bad[3:5, 7:20] = True
for mask, where in ((bad.astype(np.uint32), "pixel_mask"), (bad.astype(np.int64) << 40, "pixel_mask"), (bad, "pixel_mask"), (bad[None], "pixel_mask"),
                    (bad.astype(np.uint32) * 2, "detectorSpecific/pixel_mask")):
    series("a.h5", mask, DETECTOR + where)
    out, err = etalon("ls", "a.h5", "--json")
    assert json.loads(out)["series"][0]["masked"] == 26 and err == "", (where, out, err)

# Masks that a CrystFEL geometry names are not read, which is said.
series("a.h5")
with open("g.geom", "w") as file:
    file.write("clen = 0.1\nres = 13333\nmask = /mask\nmask_file = elsewhere.h5\nmask_good = 0\nflag_morethan = 60000\np0/min_fs = 0\np0/max_fs = 69\np0/min_ss = 0\np0/max_ss = 59\n"
               "p0/corner_x = -35\np0/corner_y = -30\np0/fs = x\np0/ss = y\np0/mask = /other\n")
err = etalon(*find, "--geometry", "g.geom")[1]
assert err.count("etalon: g.geom: mask, mask_file, flag_morethan: not taken") == 1, err

# Other values are told of by whatever reads frames, and the rest goes on.
series("a.h5", distance="far", x_pixel_size=np.nan, beam_center_x=np.array([np.inf]), sequence_number=np.arange(3), description=4)
with h5py.File("a.h5", "a") as file:
    file["/entry/instrument/beam/incident_wavelength"].attrs["units"] = "furlong\033[2J"
said = (DETECTOR + "distance: is no number", DETECTOR + "x_pixel_size: is not finite", DETECTOR + "beam_center_x: is not finite",
        DETECTOR + "sequence_number: 3 values for 4 frames", DETECTOR + "description: is no text", "/entry/instrument/beam/incident_wavelength: no unit 'furlong?[2J' is known")
for words in (powder, find, ("ls", "a.h5"), export, run, ("compress", "a.h5", "-o", "a.etalon", "-f"), ("mask", "a.h5", "-o", "bad.npy", "-f", "--threshold", 50)):
    err = etalon(*words)[1]
    for text in said:
        assert err.count(f"etalon: a.h5: {text}") == 1, (words, text, err)
series("a.h5")
for words in (powder, find, ("ls", "a.h5"), export, run):
    assert "left out" not in etalon(*words)[1], words

# What never ends is no geometry.
for words in (("find", "a.h5", "--geometry"), ("analyse", "azimuthal", "a.h5", "-o", "r.h5", "--poni")):
    err = etalon(*words, "/dev/zero", code=3)[1]
    assert "/dev/zero: more than 64 MiB" in err, err
