"""TIFF files as detectors and cameras write them, made by Pillow: alone, of several pages, as a series."""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    from PIL import Image
except ImportError:
    print("needs python3-numpy and python3-pil")
    sys.exit(77)

ETALON = os.environ["ETALON"]
DATA = Path(os.environ.get("ETALON_DATA") or Path(os.environ["ETALON_SOURCE_DIR"]) / ".." / "shared" / "data")


def etalon(*arguments, code=0):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == code, (arguments, done.returncode, done.stderr)
    return done.stdout if code == 0 else done.stderr


def back(folder, file):
    etalon("compress", file, "-o", folder / "a.etalon", "-f")
    etalon("decompress", folder / "a.etalon", "-o", folder / "a.npy", "-f")
    return np.load(folder / "a.npy")


def main(folder):
    random = np.random.default_rng(2)
    for dtype in (np.uint8, np.uint16, np.int32, np.float32):
        image = random.poisson(30, (70, 90)).astype(dtype)
        for compression in ("raw", "tiff_lzw", "tiff_deflate", "packbits"):
            file = folder / f"{np.dtype(dtype).name}_{compression}.tif"
            Image.fromarray(image).save(file, compression=compression)
            stored = back(folder, file)
            assert stored.dtype == dtype and np.array_equal(stored, image), file

    pages = random.poisson(5, (4, 40, 50)).astype(np.uint16)
    first, *rest = (Image.fromarray(page) for page in pages)
    first.save(folder / "pages.tiff", save_all=True, append_images=rest)
    assert np.array_equal(back(folder, folder / "pages.tiff"), pages)
    assert json.loads(etalon("info", folder / "pages.tiff", "--json"))["shape"] == [4, 40, 50]
    (folder / "scan.dat").write_bytes((folder / "pages.tiff").read_bytes())  # known by its first bytes
    assert np.array_equal(back(folder, folder / "scan.dat"), pages)

    # A folder is a series in name order: peaks are where they are in the array.
    images = random.poisson(1, (3, 120, 130)).astype(np.uint16)
    images[1, 60:62, 30:32] += 80
    (folder / "series").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / "series" / f"run_{i:03}.tif")
    np.save(folder / "series.npy", images)
    for source in (folder / "series", folder / "series" / "run_*.tif"):
        found = json.loads(etalon("find", source, "--json"))
        assert found["frames"] == json.loads(etalon("find", folder / "series.npy", "--json"))["frames"]
        assert len(found["frames"][1]["peaks"]) == 1
    assert np.array_equal(back(folder, folder / "series"), images)

    Image.fromarray(images[0, 1:]).save(folder / "series" / "run_003.tif")
    assert "run_003.tif" in etalon("find", folder / "series", "--json", code=3)
    Image.fromarray(random.integers(0, 255, (9, 9, 3)).astype(np.uint8)).save(folder / "photo.tif")
    assert "3 numbers a pixel" in etalon("info", folder / "photo.tif", code=3)
    whole = (folder / "uint16_tiff_lzw.tif").read_bytes()
    (folder / "cut.tif").write_bytes(whole[:len(whole) // 2])
    assert "cut.tif: TIFF" in etalon("info", folder / "cut.tif", code=3)

    real = DATA / "detector" / "dioptas_13id" / "Fe3O4C_M1_map_1_P1_E1_001.tif"
    if real.exists():
        pillow = np.asarray(Image.open(real))
        assert np.array_equal(back(folder, real), pillow) and pillow.shape == (1043, 981)


with tempfile.TemporaryDirectory() as folder:
    main(Path(folder))
