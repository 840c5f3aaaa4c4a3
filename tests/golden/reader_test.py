#!/usr/bin/python3
"""formats/reader.py reads the golden files and fresh streams bit for bit, and refuses the bad ones."""
import glob
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
except ImportError:
    print("numpy is not installed")
    sys.exit(77)

root = os.environ["ETALON_SOURCE_DIR"]
sys.path.insert(0, os.path.join(root, "formats"))
import reader  # noqa: E402


def load(path):
    with open(path, "rb") as file:
        return file.read()


def check_good(folder, least=25):
    names = sorted(glob.glob(os.path.join(folder, "*.etalon")))
    assert len(names) >= least, names
    for name in names:
        got = reader.read(load(name))
        beside = name[:-7] + ".npy"
        if not os.path.exists(beside):  # large, and all zeros
            assert got.size > 1 << 17 and not got.any(), name
            continue
        want = np.load(beside)
        assert got.dtype == want.dtype and got.shape == want.shape, (name, got.dtype, got.shape)
        assert got.tobytes() == want.tobytes(), name
    return len(names)


count = check_good(os.path.join(root, "formats", "golden"))
count += check_good(os.path.join(root, "formats", "golden", "earlier"), 17)
with tempfile.TemporaryDirectory() as folder:
    for seed in ("1", "77"):
        subprocess.run([sys.argv[1], folder, seed], check=True)
        count += check_good(folder)
bad = sorted(glob.glob(os.path.join(root, "formats", "golden", "bad", "*.etalon")))
assert len(bad) >= 25, bad
for name in bad:
    try:
        reader.read(load(name))
    except reader.Malformed:
        continue
    raise AssertionError(name + " was not refused")
print(count, "good and", len(bad), "bad streams")
