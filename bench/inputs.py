"""The integer detector images of the shared data set, as arguments NAME=PATH[@DATASET] of the programs that code them. What
Etalon's readers do not open (TIFF, sparse frame caches, a detector's message) is written as .npy first."""
import numpy as np

FRAMES = 10  # taken from each frame cache: all are alike

# Name, file under ETALON_DATA, dataset of an HDF5 file.
FILES = [
    ("serial_a", "sim/serial/serial_a.h5", "entry/data/data"),
    ("jungfrau_raw", "sim/jungfrau_raw/raw_a.h5", "entry/data/data"),
    ("jungfrau_dark", "sim/jungfrau_raw/raw_a.h5", "dark/g0"),
    ("pilatus6m_0002", "detector/thaumatin_grid/thau_3_2_0002.cbf.bz2", None),
    ("pilatus6m_0011", "detector/thaumatin_grid/thau_3_2_0011.cbf.bz2", None),
    ("pilatus6m_0016", "detector/thaumatin_grid/thau_3_2_0016.cbf.bz2", None),
    ("pilatus2m_ceria", "detector/hexrd_ceria/ceria_50x30_740mm_000005_Pilatus2M.hdf5", "imageseries/images"),
    ("pilatus1m_tiff", "detector/dioptas_13id/Fe3O4C_M1_map_1_P1_E1_001.tif", None),
    ("lambda_0", "detector/dioptas_13id/testasapo1_1009_00002_m1_part00000.nxs", "entry/instrument/detector/data"),
    ("lambda_1", "detector/dioptas_13id/testasapo1_1009_00002_m1_part00001.nxs", "entry/instrument/detector/data"),
    ("eiger2_16m", "detector/eiger_stream2/image.cbor", None),
    ("ge_ruby", "detector/hexrd_ruby/mruby-0129_0004-ff1_0_0.npz", None),
    ("ge_dac", "detector/hexrd_dac_ge/LT1_Ne_zr001_00000-fc_GE2.npz", None),
]


def tiff(path):
    from PIL import Image
    return np.asarray(Image.open(path))


def frame_cache(path):
    """HEXRD's: row, column and value of the pixels above a threshold, frame by frame."""
    cache = np.load(path)
    images = np.zeros((FRAMES, *cache["shape"]), cache["0_data"].dtype)
    for i in range(FRAMES):
        images[i, cache[f"{i}_row"], cache[f"{i}_col"]] = cache[f"{i}_data"]
    return images


def stream2(path):
    """An image message of DECTRIS stream v2 (CBOR tags: 40 array, 69 u16, 56500 compressed)."""
    import bitshuffle
    import cbor2
    with open(path, "rb") as file:
        message = cbor2.load(file, tag_hook=lambda _, tag: tag)
    shape, elements = next(iter(message["data"].values())).value
    codec, size, data = elements.value.value
    assert (elements.tag, elements.value.tag, codec) == (69, 56500, "bslz4")
    # 8 bytes length, 4 bytes block size, both big-endian, as in the HDF5 filter
    block = int.from_bytes(data[8:12], "big") // size
    return bitshuffle.decompress_lz4(np.frombuffer(data[12:], np.uint8), tuple(shape), np.dtype("<u2"), block)


CONVERTED = {".tif": tiff, ".npz": frame_cache, ".cbor": stream2}


def arguments(data, folder, only=None):
    """NAME=PATH[@DATASET] of the files that are there; what is converted is written to `folder`."""
    found = []
    for name, file, dataset in FILES:
        path = data / file
        if not path.exists() or (only is not None and name not in only):
            continue
        if path.suffix in CONVERTED:
            array = CONVERTED[path.suffix](path)
            path = folder / f"{name}.npy"
            np.save(path, array)
        found.append(f"{name}={path}" + (f"@{dataset}" if dataset else ""))
    return found
