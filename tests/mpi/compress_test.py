"""The same dataset for every number of ranks, the one that serial HDF5 writes, within its bound."""
import json
import os
import subprocess

from common import chunks, etalon_mpi, folder, h5py, np, read

ETALON = os.environ["ETALON"]
rng = np.random.default_rng(5)


def walk(shape, dtype):
    return np.cumsum(rng.normal(size=shape), axis=-1).astype(dtype)


# Array, bound, chunk, what the bound allows. None divides evenly; the last has fewer chunks than
# ranks.
field = walk((37, 50, 61), "f4")
span = float(field.max()) - float(field.min())
special = walk((9, 30, 31), "f8")
special[0, 0, :5] = np.nan, np.inf, -np.inf, -0.0, 5e-324
counts = rng.poisson(3, (7, 60, 70)).astype("u2")
CASES = {
    "rank3": (field, "rel:1e-3", "10,25,61", 1e-3 * span),
    "ranged": (field, "rel:1e-3,range=0..50", "37,50,7", 0.05),
    "rank1": (walk((1003,), "i4"), "abs:1", "300", 1),
    "rank2": (rng.poisson(40, (90, 110)).astype("u4"), "sigma:1,gain=1,noise=2", "40,64",
              lambda x: np.sqrt(x + 4)),
    "rank6": (walk((3, 2, 3, 4, 5, 6), "f8"), "pwrel:0.01", "2,2,2,3,5,6",
              lambda x: 0.01 * np.abs(x)),
    "special": (special, "lossless", "4,30,31", 0),
    "series": (counts, "abs:2", None, 2),
    "few": (walk((4, 20, 20), "f4"), "abs:0.1", "2,20,20", float(np.float32(0.1))),
}


def whole_chunk(array, at, beyond):
    """The elements of a chunk; those beyond the array's end come from `beyond`."""
    inside = array[tuple(slice(a, a + n) for a, n in zip(at, beyond.shape))]
    whole = beyond.copy()
    whole[tuple(slice(0, n) for n in inside.shape)] = inside
    return whole


def same_for_all_ranks(at, name, array, bound, chunk, allowed):
    source = os.path.join(at, name + ".npy")
    np.save(source, array)
    first, reports = None, []
    for ranks in (1, 2, 3, 4):
        path = os.path.join(at, f"{name}{ranks}.h5")
        reports.append(json.loads(etalon_mpi(
            ranks, "compress", source, "-o", path, "--bound", bound, "--json",
            *(["--chunk", chunk] if chunk else []))))
        assert reports[-1]["ranks"] == ranks
        stored = chunks(path)
        first = first or stored
        assert stored == first, (name, ranks)
    assert reports[0]["bytes"] == sum(map(len, first.values()))
    assert reports[0]["ratio"] == array.nbytes / reports[0]["bytes"]

    back = read(path)
    assert back.dtype == array.dtype and back.shape == array.shape
    odd = ~np.isfinite(array.astype("f8"))
    assert back[odd].tobytes() == array[odd].tobytes()
    x, y = array[~odd].astype("f8"), back[~odd].astype("f8")
    assert (np.abs(x - y) <= (allowed(x) if callable(allowed) else allowed)).all(), name
    if allowed == 0:
        assert back.tobytes() == array.tobytes()

    # Serial HDF5 makes the same chunks of the same elements. Beyond the array's end are HDF5's
    # zeros, which parallel HDF5 has written and read back before a chunk's first elements come.
    with h5py.File(path, "r") as file:
        settings = {"chunks": file["data"].chunks, "compression": 32810,
                    "compression_opts": file["data"]._filters["32810"]}
    serial_path = os.path.join(at, "serial.h5")
    with h5py.File(serial_path, "w") as serial:
        serial.create_dataset("data", data=np.zeros(settings["chunks"], array.dtype), **settings)
    beyond = read(serial_path)
    with h5py.File(serial_path, "w") as serial:
        for offset, stored in first.items():
            one = serial.create_dataset(",".join(map(str, offset)), **settings,
                                        data=whole_chunk(array, offset, beyond))
            assert one.id.read_direct_chunk((0,) * array.ndim) == (0, stored), (name, offset)
    # What is judged by the serial program and by four ranks.
    for command in ([ETALON], None):
        arguments = ["verify", source, path, "--bound", bound]
        if command:
            subprocess.run(command + arguments, check=True, capture_output=True)
        else:
            said = json.loads(etalon_mpi(4, *arguments, "--json"))
            assert said["holds"] and said["elements"] == array.size and said["violations"] == 0


with folder() as at:
    for name, case in CASES.items():
        same_for_all_ranks(at, name, *case)

    # Decompressed by one and by four, to bytes and to .npy.
    for ranks in (1, 4):
        for name in ("rank3", "rank6", "special"):
            path = os.path.join(at, name + "3.h5")
            plain = os.path.join(at, f"back{ranks}")
            etalon_mpi(ranks, "decompress", path, "-o", plain + ".npy", "-f")
            assert np.load(plain + ".npy").tobytes() == read(path).tobytes()
            etalon_mpi(ranks, "decompress", path, "-o", plain + ".raw", "-f")
            with open(plain + ".raw", "rb") as file:
                assert file.read() == read(path).tobytes()

    # Other inputs, another place for the output, another level: the same elements.
    raw, h5 = os.path.join(at, "f.raw"), os.path.join(at, "f.h5")
    field.tofile(raw)
    with h5py.File(h5, "w") as file:
        file["a"] = counts
        file.create_dataset("deep/b", data=field, chunks=(5, 50, 61), compression="gzip")
    out = os.path.join(at, "out.h5")
    bound = ["--bound", "rel:1e-3", "--chunk", "10,25,61"]
    etalon_mpi(3, "compress", raw, "--dtype", "f32", "--shape", "37,50,61", "-o", out, *bound,
               "--output-dataset", "/entry/data/field")
    assert chunks(out, "/entry/data/field") == chunks(os.path.join(at, "rank33.h5"))
    etalon_mpi(4, "compress", h5, "--dataset", "/deep/b", "-o", out, "-f", *bound)
    assert chunks(out) == chunks(os.path.join(at, "rank33.h5"))
    etalon_mpi(2, "compress", h5, "--dataset", "/deep/b", "-o", out, "-f", "-1", *bound)
    assert chunks(out) != chunks(os.path.join(at, "rank33.h5"))
    assert "0 beyond" in etalon_mpi(4, "verify", h5, out, "--dataset", "/deep/b")

    # Dithered: signed elements, the same for all, whose mean is the array's.
    weak = rng.poisson(0.3, (9, 60, 70)).astype("u2")
    source = os.path.join(at, "weak.npy")
    np.save(source, weak)
    for ranks in (1, 4):
        etalon_mpi(ranks, "compress", source, "-o", os.path.join(at, f"weak{ranks}.h5"),
                   "--bound", "abs:2", "--dither")
    back = read(os.path.join(at, "weak4.h5"))
    assert chunks(os.path.join(at, "weak1.h5")) == chunks(os.path.join(at, "weak4.h5"))
    assert back.dtype == "i4" and np.abs(back - weak.astype("i4")).max() == 2
    assert abs(back.mean() - weak.mean()) < 0.05
    etalon_mpi(3, "verify", source, os.path.join(at, "weak4.h5"), "--bound", "abs:2")
    assert "abs and rel bounds only" in etalon_mpi(
        2, "compress", source, "-o", out, "-f", "--bound", "pwrel:0.1", "--dither", code=2)

    # A bound that does not hold names the first element that breaks it, whoever has it.
    wrong = field.copy()
    wrong[20, 3, 4] += 1
    wrong[36, 1, 2] += 1
    np.save(os.path.join(at, "wrong.npy"), wrong)
    for ranks in (1, 4):
        said = etalon_mpi(ranks, "verify", os.path.join(at, "rank3.npy"),
                          os.path.join(at, "wrong.npy"), "--bound", "abs:0.5", code=4)
        assert "[20,3,4]: is the first of 2 elements" in said, said
