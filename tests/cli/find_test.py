"""etalon find: what it prints, in each form, and how it refuses."""
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
except ImportError:
    print("needs python3-numpy")
    sys.exit(77)

ETALON = os.environ["ETALON"]


def etalon(*arguments, code=0, environment=None):
    done = subprocess.run([ETALON, "find", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done.stdout if code == 0 else done.stderr


def series(frames=6, ny=240, nx=260):
    """Poisson background of one photon; odd frames hold 20 spots of 2 x 2 pixels in a grid."""
    images = np.random.default_rng(5).poisson(1, (frames, ny, nx)).astype(np.uint16)
    spots = [(y, x) for y in range(30, 230, 50) for x in range(20, 250, 48)]
    for frame in range(1, frames, 2):
        for y, x in spots:
            images[frame, y:y + 2, x:x + 2] += 60
    return images, spots


def check_geometry(folder):
    """The same image cut into four panels and piled up, one of them turned by 180 degrees."""
    ny, nx, cy, cx = 240, 260, 118.3, 131.6
    y, x = np.mgrid[:ny, :nx]
    image = np.random.default_rng(8).poisson(1 + 40 * np.exp(-np.hypot(y - cy, x - cx) / 25)).astype(np.uint16)
    spots = [(sy, sx) for sy in (30, 60, 160, 200) for sx in (25, 90, 170, 230)]
    for sy, sx in spots:
        image[sy:sy + 2, sx:sx + 2] += 60
    np.save(folder / "whole.npy", image[None])
    piled, lines = [], ["res = 13333.333", "clen = 0.1", "photon_energy = 9000"]
    for i, (y0, x0) in enumerate((a, b) for a in (0, 120) for b in (0, 130)):
        panel, turned = image[y0:y0 + 120, x0:x0 + 130], i == 2
        piled.append(panel[::-1, ::-1] if turned else panel)
        corner = (x0 - cx - 0.5 + 130 * turned, y0 - cy - 0.5 + 120 * turned)
        sign = "-" if turned else "+"
        for key, value in (("min_fs", 0), ("max_fs", 129), ("min_ss", 120 * i), ("max_ss", 120 * i + 119),
                           ("corner_x", corner[0]), ("corner_y", corner[1]), ("fs", sign + "x"), ("ss", sign + "y")):
            lines.append(f"p{i}/{key} = {value}")
    lines += ["badspot/panel = p3", "badspot/min_fs = 95", "badspot/max_fs = 105",
              "badspot/min_ss = 435", "badspot/max_ss = 445"]  # (200, 230) of the whole
    np.save(folder / "piled.npy", np.concatenate(piled)[None])
    (folder / "a.geom").write_text("\n".join(lines) + "\n")

    whole = json.loads(etalon(folder / "whole.npy", "--json", "--centre", f"{cx},{cy}"))["frames"][0]["peaks"]
    found = json.loads(etalon(folder / "piled.npy", "--json", "--geometry", folder / "a.geom"))["frames"][0]["peaks"]
    assert len(whole) == len(spots) and len(found) == len(spots) - 1, (len(whole), len(found))

    def in_whole(peak):
        i, sy, sx = int(peak["y"] // 120), peak["y"] % 120, peak["x"]
        if i == 2:
            sy, sx = 119 - sy, 129 - sx
        return (i // 2 * 120 + sy, i % 2 * 130 + sx)

    rest = {(round(p["y"], 2), round(p["x"], 2)): p for p in whole}
    for peak in found:
        y, x = in_whole(peak)
        same = rest.pop((round(y, 2), round(x, 2)))
        assert same["pixels"] == peak["pixels"] and abs(same["intensity"] - peak["intensity"]) < 0.5, (same, peak)
    (left,) = rest  # the masked one
    assert abs(left[0] - 200.5) < 0.6 and abs(left[1] - 230.5) < 0.6, left

    # Without the geometry the ring of background is torn apart.
    torn = json.loads(etalon(folder / "piled.npy", "--json"))["frames"][0]["peaks"]
    assert len(torn) != len(found)
    assert "places say" in etalon(folder / "piled.npy", "--geometry", folder / "a.geom", "--centre", "1,2", code=2)
    assert "the images are" in etalon(folder / "whole.npy", "--geometry", folder / "a.geom", code=2)
    (folder / "bad.geom").write_text("p0/min_fs = ten\n")
    assert "line 1" in etalon(folder / "whole.npy", "--geometry", folder / "bad.geom", code=3)
    etalon(folder / "whole.npy", "--geometry", folder / "none.geom", code=5)


def main(folder):
    check_geometry(folder)
    images, spots = series()
    file = folder / "series.npy"
    np.save(file, images)

    found = json.loads(etalon(file, "--json"))
    assert found["schema"] == "etalon.find/1" and found["method"] == "peakfinder8", found
    assert found["semantics"] == "peakfinder8/1"
    assert [f["frame"] for f in found["frames"]] == list(range(6))
    assert [f["hit"] for f in found["frames"]] == [False, True] * 3
    assert found["hits"] == 3 and found["hit_rate"] == 0.5
    for frame in found["frames"][1::2]:
        assert len(frame["peaks"]) == len(spots)
        for peak, (y, x) in zip(frame["peaks"], spots):  # both row major
            assert abs(peak["x"] - x - 0.5) < 0.6 and abs(peak["y"] - y - 0.5) < 0.6, (peak, y, x)
            assert peak["pixels"] >= 4 and 150 < peak["intensity"] < 350 and peak["snr"] > 5

    lines = etalon(file, "--csv").splitlines()
    assert lines[0] == "frame,x,y,intensity,max,sigma,snr,pixels"
    assert len(lines) == 1 + 3 * len(spots)
    assert float(lines[1].split(",")[1]) == round(found["frames"][1]["peaks"][0]["x"], 4)
    assert "3 hits in 6 frames" in etalon(file).splitlines()[-1]

    # Neither threads nor backends change a byte.
    csv = etalon(file, "--csv", "-T", 1)
    assert csv == etalon(file, "--csv", "-T", 5)
    backends = json.loads(subprocess.run([ETALON, "version", "--json"], capture_output=True).stdout)["backends"]
    for backend in backends:
        assert csv == etalon(file, "--csv", environment={"ETALON_BACKEND": backend}), backend

    # Raw files, masks, limits.
    raw = folder / "series.raw"
    raw.write_bytes(images.tobytes())
    assert csv == etalon(raw, "--csv", "--dtype", "u16", "--shape", "6,240,260")
    mask = np.zeros((240, 260), np.uint8)
    mask[:, :130] = 1
    np.save(folder / "mask.npy", mask)
    right = json.loads(etalon(file, "--json", "--mask", folder / "mask.npy", "--min-peaks", 5))
    assert right["hits"] == 3 and all(p["x"] > 129 for f in right["frames"] for p in f["peaks"])
    assert json.loads(etalon(file, "--json", "--max-pixels", 3))["hits"] == 0
    near = json.loads(etalon(file, "--json", "--centre", "130,120", "--max-radius", 80))
    assert all(np.hypot(p["x"] - 130, p["y"] - 120) < 81 for f in near["frames"] for p in f["peaks"])
    assert any(f["peaks"] for f in near["frames"])

    # The dispersion finders: the same spots, and settings of their own.
    for method in ("dispersion", "dispersion_extended"):
        other = json.loads(etalon(file, "--json", "--method", method))
        assert other["semantics"] == method + "/1" and other["parameters"]["min_pixels"] == 3, other["parameters"]
        assert other["parameters"]["threshold"] == 0 and other["parameters"]["kernel_size"] == [3, 3]
        for frame, same in zip(other["frames"], found["frames"]):
            assert len(frame["peaks"]) == len(same["peaks"]), (method, frame["frame"])
            for a, b in zip(frame["peaks"], same["peaks"]):
                assert abs(a["x"] - b["x"]) < 0.5 and abs(a["y"] - b["y"]) < 0.5
        csv_here = etalon(file, "--csv", "--method", method)
        for backend in backends:
            assert csv_here == etalon(file, "--csv", "--method", method, environment={"ETALON_BACKEND": backend})
        assert json.loads(etalon(file, "--json", "--method", method, "--threshold", 500))["hits"] == 0
        assert json.loads(etalon(file, "--json", "--method", method, "--min-pixels", 30))["hits"] == 0
    etalon(file, "--method", "dispersion", "--kernel-size", "0,3", code=2)
    etalon(file, "--method", "dispersion", "--kernel-size", "3", code=2)
    etalon(file, "--auto", "--threshold", 3, code=2)
    etalon(file, "--max-elongation", 0.5, code=2)
    assert "wavelength" in etalon(file, "--ice-rings", 0.002, code=2)

    # Refusals.
    assert "peakfinder8" in etalon(file, "--method", "guess", code=2)
    for senseless in (["--centre", "7"], ["--centre", "a,b"], ["--snr", -1], ["--min-pixels", 9, "--max-pixels", 3],
                      ["--json", "--csv"], ["--local-radius", 0], ["--no-such-flag"]):
        etalon(file, *senseless, code=2)
    assert "fit" in etalon(file, "--mask", file, code=2)
    etalon(folder / "absent.npy", code=5)
    etalon(file, "--mask", folder / "absent.npy", code=5)
    broken = folder / "broken.npy"
    broken.write_bytes(file.read_bytes()[:-1000])
    assert "broken.npy" in etalon(broken, code=3)

    # Ctrl-C, as soon as there is output: exit 130.
    big = folder / "big.npy"
    np.save(big, np.repeat(images, 200, axis=0))
    process = subprocess.Popen([ETALON, "find", str(big), "--csv", "-T", "1"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env={**os.environ, "ETALON_BACKEND": "scalar"})
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b"interrupted after" in err, (process.returncode, err)


with tempfile.TemporaryDirectory() as name:
    main(Path(name))
