"""etalon simulate field, judged by h5py and NumPy from outside."""

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


def etalon(*args, status=0, says=()):
    done = subprocess.run([ETALON, *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == status, (args, done.returncode, done.stderr)
    for word in says:
        assert word in done.stderr, (args, word, done.stderr)
    return done.stdout


def field(kind, path, *more):
    return json.loads(etalon("simulate", "field", "--kind", kind, "-o", path, "--json", *more))


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def turbulence():
    shape = ["--shape", "48,32,40"]
    report = field("turbulence", "t.npy", *shape, "--dtype", "f64", "--layer", 0.1, "--intensity", 0.2)
    assert report["schema"] == "etalon.simulate/1" and report["semantics"] == "turbulence/1"
    assert report["shape"] == [48, 32, 40] and report["dtype"] == "f64" and report["seed"] == 1
    u = np.load("t.npy")
    assert u.shape == (48, 32, 40) and u.dtype == np.float64
    z = (np.arange(48) + 0.5) / 48
    spread = (u - (4 * z * (1 - z))[:, None, None]).std(axis=(1, 2))
    assert spread[2] > 0.1 and spread[-3] > 0.1 and spread[24] < 1e-4, spread
    field("turbulence", "t.h5", *shape, "--layer", 0.1, "--intensity", 0.2)
    with h5py.File("t.h5") as file:
        assert file["data"].dtype == np.float32 and (file["data"][:] == u.astype("f4")).all()


def vlasov():
    for shape in ((16, 32), (12, 16, 16), (8, 8, 16, 16), (6, 6, 12, 12, 12), (6, 6, 6, 8, 8, 8)):
        text = ",".join(map(str, shape))
        report = field("vlasov", "v.npy", "-f", "--shape", text, "--time", 0.5, "--dtype", "f64")
        assert report["shape"] == list(shape) and report["semantics"] == "vlasov/1"
        f = np.load("v.npy")
        velocities = tuple(range(len(shape) // 2, len(shape)))
        cell = np.prod([12 / shape[axis] for axis in velocities])
        density = f.sum(axis=velocities) * cell
        assert abs(density.mean() - 1) < 1e-12 and 1e-4 < density.std() < 0.1, shape
    field("vlasov", "s.raw", "--shape", "16,32", "--time", 0.5, "--start", "two-stream", "--seed", 2)
    f = np.fromfile("s.raw", "<f4").reshape(16, 32)
    assert f[:, 16].mean() < 0.1 * f.max()  # two beams, and few between


def same_bytes():
    for kind, shape in (("turbulence", "20,24,28"), ("vlasov", "6,6,8,9,10")):
        one, two, other = (f"{kind}.{name}" for name in ("a.npy", "b.npy", "c.npy"))
        field(kind, one, "--shape", shape, "-T", 1)
        field(kind, two, "--shape", shape, "-T", 3)
        field(kind, other, "--shape", shape, "--seed", 2)
        assert digest(one) == digest(two) != digest(other)
    etalon("compress", "vlasov.a.npy", "-o", "v.etalon", "--bound", "rel:1e-3")
    etalon("verify", "vlasov.a.npy", "v.etalon")


def misuse():
    t, v = (["simulate", "field", "-o", "no.npy", "--kind", kind] for kind in ("turbulence", "vlasov"))
    etalon("simulate", "field", "-o", "no.npy", status=2, says=["--kind"])
    etalon("simulate", "field", "-o", "no.npy", "--kind", "weather", status=2)
    etalon("simulate", "field", "-o", "t.npy", "--kind", "turbulence", status=2, says=["t.npy"])
    etalon(*t, "--time", 3, status=2, says=["--time", "turbulence"])
    etalon(*v, "--layer", 0.1, status=2, says=["--layer", "vlasov"])
    for verb, wrong in ((t, ["--shape", "9,9"]), (t, ["--shape", "9,0,9"]), (t, ["--layer", "nan"]),
                        (t, ["--intensity", -1]), (t, ["--dtype", "u16"]), (t, ["--shape", "many"]),
                        (t, ["--shape", "99999999,99999999,99999999"]), (v, ["--shape", "9"]),
                        (v, ["--shape", "9,2"]), (v, ["--start", "later"]), (v, ["--time", -1]),
                        (v, ["--time-step", 0]), (v, ["--amplitude", 2]), (v, ["--wavenumber", 0])):
        etalon(*verb, *wrong, status=2)
    assert not [name for name in os.listdir(".") if name.startswith("no")], os.listdir(".")


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        turbulence()
        vlasov()
        same_bytes()
        misuse()


main()
