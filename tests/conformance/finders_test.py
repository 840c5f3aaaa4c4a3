"""The independent finders of formats/finders.py find the peaks that are written, to the last bit."""
import glob
import os
import sys

try:
    import numpy as np
except ImportError:
    print("needs python3-numpy")
    sys.exit(77)

FORMATS = os.path.join(os.environ["ETALON_SOURCE_DIR"], "formats")
sys.path.insert(0, FORMATS)
import finders

paths = sorted(glob.glob(os.path.join(FORMATS, "finders", "*.json")))
assert len(paths) >= 20, len(paths)
peaks = 0
for path in paths:
    case, found = finders.find(path)
    written = [[np.float32(p[k]) for k in ("x", "y", "intensity", "max", "sigma", "snr")] + [p["pixels"]]
               for p in case["peaks"]]
    assert len(found) == len(written), (path, len(found), len(written))
    for ours, theirs in zip(found, written):
        assert ours == theirs, (path, ours, theirs)
    peaks += len(found)
assert peaks > 100, peaks
print(len(paths), "cases,", peaks, "peaks")
