"""etalon.Filter: h5py writes and reads through the HDF5 plugin that was built."""
import os
import sys
import tempfile

from common import DTYPES, assert_within, counts, noise, np

try:
    import h5py
except ImportError as missing:
    print("skipped:", missing)
    sys.exit(77)

import etalon

assert os.path.exists(os.path.join(os.environ["HDF5_PLUGIN_PATH"], "libh5etalon.so"))

with tempfile.TemporaryDirectory() as folder:
    name = os.path.join(folder, "f.h5")
    arrays = {d: noise((4, 60, 70), d) if d[0] == "f" else counts((4, 60, 70), d) for d in DTYPES}
    bounds = ["lossless", "abs:1", "rel:0.01,range=0..30", "pwrel:0.05", "sigma:1,gain=2,noise=3"]
    with h5py.File(name, "w") as file:
        for dtype, array in arrays.items():
            for bound in bounds:
                file.create_dataset(f"{dtype}/{bound}", data=array,
                                    **etalon.Filter(bound, data=array))
        for level in (1, 9):
            file.create_dataset(f"level/{level}", data=arrays["u2"],
                                **etalon.Filter("abs:1", data=arrays["u2"], level=level))
        growing = file.create_dataset("growing", (0, 60, 70), "u2", maxshape=(None, 60, 70),
                                      **etalon.Filter("abs:2", dtype="u2", chunks=(2, 60, 70)))
        growing.resize(4, axis=0)
        growing[...] = arrays["u2"]
    with h5py.File(name) as file:
        for dtype, array in arrays.items():
            for bound in bounds:
                dataset = file[f"{dtype}/{bound}"]
                assert dataset.chunks == (1, 60, 70)
                assert dataset._filters.keys() == {str(etalon.Filter.id)}
                assert_within(array, dataset[...], bound)
                # What is stored is a chunk of ours.
                for i in range(4):
                    mask, chunk = dataset.id.read_direct_chunk((i, 0, 0))
                    assert mask == 0
                    said = etalon.info(chunk)
                    assert said["dtype"] == dataset.dtype and said["bound"] == bound, said
                    assert etalon.decode_chunk(chunk).tobytes() == dataset[i:i + 1].tobytes()
        stored = []
        for level in (1, 9):
            dataset = file[f"level/{level}"]
            assert_within(arrays["u2"], dataset[...], "abs:1")
            stored.append(dataset.id.get_storage_size())
            _, chunk = dataset.id.read_direct_chunk((0, 0, 0))
            assert chunk == etalon.encode_chunk(arrays["u2"][:1], "abs:1", level=level)
        assert stored[1] < stored[0], stored
        assert file["growing"].chunks == (2, 60, 70)
        assert_within(arrays["u2"], file["growing"][...], "abs:2")

    # Chunks that were encoded elsewhere may be put in as they are.
    with h5py.File(name, "w") as file:
        dataset = file.create_dataset("d", (4, 60, 70), "u2", **etalon.Filter(
            "abs:3", dtype="u2", chunks=(1, 60, 70)))
        for i, image in enumerate(arrays["u2"]):
            chunk = etalon.encode_chunk(image[None], "abs:3",
                                        regions=["box:y=0..9,x=0..9@lossless"])
            dataset.id.write_direct_chunk((i, 0, 0), chunk)
    with h5py.File(name) as file:
        error = abs(file["d"][...] - arrays["u2"].astype(int))
        assert error.max() == 3 and error[:, :9, :9].max() == 0

settings = etalon.Filter("abs:1", dtype="f4", chunks=(1, 8, 9))
assert len(settings) == 3 and dict(settings)["compression"] == etalon.Filter.id
for bad, kind in ((lambda: etalon.Filter("abs:1"), TypeError),
                  (lambda: etalon.Filter("abs:1", dtype="f2", chunks=(1, 8)), TypeError),
                  (lambda: etalon.Filter("rel:1", dtype="f4", chunks=(1, 8)), etalon.EtalonError),
                  (lambda: etalon.Filter("psnr:1", dtype="f4", chunks=(1, 8)), etalon.EtalonError),
                  (lambda: etalon.Filter(dtype="f4", chunks=(8,), level=10), etalon.EtalonError),
                  (lambda: etalon.Filter("abs:1", dtype="f4", chunks=()), etalon.EtalonError)):
    try:
        bad()
    except kind:
        continue
    raise AssertionError("not refused")
