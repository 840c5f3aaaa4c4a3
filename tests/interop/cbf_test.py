"""CBF frames of a real detector: the same pixels as an independent decoder, and as dxtbx, give."""
import bz2
import glob
import os
import re

from common import data, folder, need, tool

import numpy as np


def decode(path):
    """x-CBF_BYTE_OFFSET in numpy: one pass finds where steps of each width start."""
    raw = bz2.open(path).read()
    begin = raw.index(b"\x0c\x1a\x04\xd5") + 4
    header = raw[:begin].decode("latin-1")
    field = lambda name: int(re.search(name + r": (\d+)", header)[1])
    body = raw[begin:begin + field("X-Binary-Size")]
    steps, at = [], 0
    while at < len(body):
        stop = body.find(b"\x80", at)
        stop = len(body) if stop < 0 else stop
        steps.append(np.frombuffer(body, "i1", stop - at, at).astype("i8"))
        if stop == len(body):
            break
        step, at = int.from_bytes(body[stop + 1:stop + 3], "little", signed=True), stop + 3
        if step == -32768:
            step, at = int.from_bytes(body[at:at + 4], "little", signed=True), at + 4
        steps.append(np.array([step], "i8"))
    shape = field("X-Binary-Size-Second-Dimension"), field("X-Binary-Size-Fastest-Dimension")
    return np.cumsum(np.concatenate(steps)).reshape(shape)


paths = sorted(glob.glob(os.path.join(data("detector/thaumatin_grid"), "*.cbf.bz2")))
assert paths
with folder() as at:
    out = os.path.join(at, "image.npy")
    for path in paths:
        tool("array", path, "-", out)
        image = np.load(out)
        assert np.array_equal(image, decode(path)), path
    need("dxtbx")
    import dxtbx
    plain = os.path.join(at, "frame_00001.cbf")
    with open(plain, "wb") as file:
        file.write(bz2.open(paths[-1]).read())
    theirs = dxtbx.load(plain).get_raw_data()
    theirs = theirs[0] if isinstance(theirs, tuple) else theirs
    assert np.array_equal(image, theirs.as_numpy_array())
