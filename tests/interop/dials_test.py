"""dials.import and dials.find_spots work on a stored file with no change, and find what they find in
the original."""
import os
import re
import subprocess

from common import folder, frames, need, tool

need("h5py", "dxtbx", programs=("dials.import", "dials.find_spots"))
import h5py
import numpy as np


def dials(at, *command):
    done = subprocess.run(command, cwd=at, capture_output=True, text=True)
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


with folder() as at:
    stack = frames(n=3, ny=300, nx=280)
    np.save(os.path.join(at, "source.npy"), stack)
    tool("store", os.path.join(at, "source.npy"), os.path.join(at, "stored.h5"), "lossless")
    # The same file with its images plain.
    with h5py.File(os.path.join(at, "stored.h5"), "r") as file, \
            h5py.File(os.path.join(at, "plain.h5"), "w") as plain:
        for name in file.attrs:
            plain.attrs[name] = file.attrs[name]
        file.copy("/entry", plain)
        del plain["/entry/data/data"]
        plain["/entry/data/data"] = stack
    found = {}
    for name in ("stored", "plain"):
        text = dials(at, "dials.import", f"{name}.h5", f"output.experiments={name}.expt",
                     f"output.log={name}.import.log")
        assert re.search(r"num (stills|images): +3", text), text
        text = dials(at, "dials.find_spots", f"{name}.expt", "nproc=1",
                     f"output.reflections={name}.refl", f"output.log={name}.log")
        found[name] = int(re.search(r"Saved (\d+) reflections", text)[1])
    assert found["stored"] == found["plain"] and found["stored"] >= 60, found

    from dxtbx.model.experiment_list import ExperimentList
    experiment = ExperimentList.from_file(os.path.join(at, "stored.expt"), check_format=False)[0]
    panel = experiment.detector[0]
    assert panel.get_image_size() == (280, 300)
    assert abs(panel.get_pixel_size()[0] - 0.075) < 1e-9
    assert abs(panel.get_distance() - 100) < 1e-6
    centre = panel.get_beam_centre_px(experiment.beam.get_s0())
    assert abs(centre[0] - 140) < 1e-3 and abs(centre[1] - 150) < 1e-3, centre
    assert abs(experiment.beam.get_wavelength() - 1) < 1e-9
