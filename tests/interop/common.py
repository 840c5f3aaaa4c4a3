"""What the interop tests share: where things are, made-up frames, skipping."""
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np

BUILD = os.environ["ETALON_BINARY_DIR"]
PLUGINS = os.path.join(BUILD, "plugin")
LIBRARY = os.path.join(PLUGINS, "libh5etalon.so")
TOOL = os.path.join(BUILD, "bin", "interop_store")
DATA = os.environ.get("ETALON_DATA") or os.path.join(
    os.environ["ETALON_SOURCE_DIR"], "..", "shared", "data")

# Read by HDF5 when it looks for its first filter, so before h5py is imported.
os.environ["HDF5_PLUGIN_PATH"] = PLUGINS


def need(*modules, programs=()):
    for name in modules:
        if importlib.util.find_spec(name) is None:
            print("skipped: no python module", name)
            sys.exit(77)
    for name in programs:
        if shutil.which(name) is None:
            print("skipped: no program", name)
            sys.exit(77)


def data(name):
    path = os.path.join(DATA, name)
    if not os.path.exists(path):
        print("skipped: no", name)
        sys.exit(77)
    return path


def tool(*arguments):
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def folder():
    return tempfile.TemporaryDirectory(prefix="etalon_interop_")


def frames(n=4, ny=256, nx=320, dtype="u2", seed=1):
    """Photon counts with a few strong spots, (frame, y, x)."""
    rng = np.random.default_rng(seed)
    stack = rng.poisson(3, (n, ny, nx))
    for image in stack:
        for y, x in zip(rng.integers(8, ny - 8, 30), rng.integers(8, nx - 8, 30)):
            image[y - 1:y + 2, x - 1:x + 2] += rng.poisson([[80, 200, 80], [200, 900, 200],
                                                            [80, 200, 80]])
    return stack.astype(dtype)
