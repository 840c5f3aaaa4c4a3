"""Where a stored file says that panels are, dxtbx finds them too: pixel by pixel where the CrystFEL
geometry of the recipe put them."""
import os
import subprocess

from common import BUILD, folder, need

need("h5py", "dxtbx")
import numpy as np

ETALON = os.path.join(BUILD, "bin", "etalon")
GEOMETRY = """
res = 10000
clen = 0.1
photon_energy = 9500
a/min_fs = 0
a/max_fs = 79
a/min_ss = 0
a/max_ss = 59
a/corner_x = -85.5
a/corner_y = -62.25
a/fs = x
a/ss = y
b/min_fs = 0
b/max_fs = 79
b/min_ss = 60
b/max_ss = 119
b/corner_x = 90
b/corner_y = 12.5
b/fs = -0.6x +0.8y
b/ss = -0.8x -0.6y +0.001z
b/coffset = 0.002
"""
RECIPE = """
[calibrate]
geometry = "a.geom"
[veto]
min_peaks = 0
[reduce]
bound = "lossless"
"""


def expected(panel, fs, ss):
    """Metres, McStas axes; corners of pixels."""
    if panel == 0:
        return np.array([-85.5 + fs, -62.25 + ss, 0.1 * 1e4]) / 1e4
    return np.array([90 - 0.6 * fs - 0.8 * ss, 12.5 + 0.8 * fs - 0.6 * ss, 0.102 * 1e4 + 0.001 * ss]) / 1e4


with folder() as at:
    subprocess.run([ETALON, "simulate", "stills", "-n", "2", "--size", "120,80", "-o", "source.h5"], cwd=at,
                   check=True, capture_output=True)
    for name, text in (("a.geom", GEOMETRY), ("r.toml", RECIPE)):
        with open(os.path.join(at, name), "w") as file:
            file.write(text)
    done = subprocess.run([ETALON, "run", "r.toml", "--source", "source.h5", "--out", "out"], cwd=at,
                          capture_output=True, text=True,
                          env=dict(os.environ, ETALON_STATE=os.path.join(at, "state")))
    assert done.returncode == 0, done.stderr

    import dxtbx
    detector = dxtbx.load(os.path.join(at, "out", "source.h5")).get_detector()
    assert len(detector) == 2
    for k, panel in enumerate(detector):
        assert panel.get_image_size() == (80, 60)
        for fs, ss in ((0, 0), (80, 0), (0, 60), (33.25, 41.5)):
            # dxtbx's laboratory turns McStas' by 180 degrees about y; millimetres, on the sensor's face
            # (get_pixel_lab_coord takes off the parallax of its thickness).
            size = panel.get_pixel_size()
            x, y, z = np.array(panel.get_lab_coord((fs * size[0], ss * size[1]))) / 1e3
            difference = np.array([-x, y, -z]) - expected(k, fs, ss)
            assert np.abs(difference).max() < 1e-7, (k, fs, ss, (x, y, z), expected(k, fs, ss))
    print("panels lie where the geometry put them")
