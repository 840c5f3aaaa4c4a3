#!/usr/bin/python3
"""formats/golden/bundles: good ones decode to the file beside them, here and in formats/reader.py; bad ones are refused by both."""
import glob
import os
import subprocess
import sys
import tempfile

try:
    import numpy  # noqa: F401
except ImportError:
    print("numpy is not installed")
    sys.exit(77)

root = os.environ["ETALON_SOURCE_DIR"]
sys.path.insert(0, os.path.join(root, "formats"))
import reader  # noqa: E402


def load(path):
    with open(path, "rb") as file:
        return file.read()


folder = os.path.join(root, "formats", "golden", "bundles")
out = os.path.join(tempfile.mkdtemp(prefix="etalon_golden_"), "out.npy")
good = sorted(glob.glob(os.path.join(folder, "*.etalon")))
assert len(good) >= 8, good
for name in good:
    want = load(name[:-7])
    assert reader.Bundle(load(name)).file == want, name
    subprocess.run([os.environ["ETALON"], "decompress", name, "-o", out, "-f"], check=True,
                   capture_output=True)
    assert load(out) == want, name
bad = sorted(glob.glob(os.path.join(folder, "bad", "*.etalon")))
assert len(bad) >= 8, bad
for name in bad:
    done = subprocess.run([os.environ["ETALON"], "decompress", name, "-o", out, "-f"],
                          capture_output=True)
    assert done.returncode == 3, (name, done)
    reason = os.path.basename(name)[:-7].split("_")[0]
    assert reason in done.stderr.decode(), (name, done.stderr)
    try:
        reader.Bundle(load(name))
    except reader.Malformed:
        continue
    raise AssertionError(name + " was not refused")
print(len(good), "good and", len(bad), "bad bundles")
