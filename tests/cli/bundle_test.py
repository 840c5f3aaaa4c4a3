#!/usr/bin/python3
"""Bundles: particles, sparse matrices, meshes of every format and masked grids there and back, read by the tools they come from."""
import json
import os
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import scipy.io
    import scipy.sparse
except ImportError as missing:
    print(missing)
    sys.exit(77)
try:
    import meshio
except ImportError:
    meshio = None
try:
    import netCDF4
except ImportError:
    netCDF4 = None

ETALON = os.environ["ETALON"]
ROOT = os.environ["ETALON_SOURCE_DIR"]
DATA = os.environ.get("ETALON_DATA", os.path.join(ROOT, "..", "shared", "data"))
os.chdir(tempfile.mkdtemp(prefix="etalon_bundle_"))
skipped = []


def etalon(*arguments, code=0, says=""):
    done = subprocess.run([ETALON, *map(str, arguments)], capture_output=True)
    message = done.stderr.decode()
    assert done.returncode == code, (arguments, done.returncode, message)
    assert says in message, (arguments, message)
    return done.stdout


def load(path):
    with open(path, "rb") as file:
        return file.read()


def there_and_back(path, *options):
    """Through a bundle, which verify holds; what info says of it."""
    back = "back_" + os.path.basename(path)
    etalon("compress", path, "-o", "b.etalon", "-f", *options)
    etalon("decompress", "b.etalon", "-o", back, "-f")
    assert json.loads(etalon("verify", path, "b.etalon", "--json"))["holds"]
    return back, json.loads(etalon("info", "b.etalon", "--json"))


def exactly(path, *options):
    back, info = there_and_back(path, *options)
    assert info["exact"] and load(back) == load(path), (path, info)
    return info


rng = np.random.default_rng(3)

# Particles in clumps, in random order.
centres = rng.uniform(0, 100, (20, 3))
pos = (centres[rng.integers(0, 20, 20000)] + rng.normal(0, 1, (20000, 3))).astype("f4")
particles = {"x": pos[:, 0].copy(), "y": pos[:, 1].copy(), "z": pos[:, 2].copy(),
             "v": np.sin(pos / 9).astype("f4"), "id": rng.permutation(20000).astype("i8")}
np.savez("p.npz", **particles)
np.savez_compressed("q.npz", **particles)
exactly("p.npz")
exactly("q.npz")
for options in ([], ["--positions", "x,y,z", "--reorder", "undone"]):
    for name in ("p.npz", "q.npz"):
        back, info = there_and_back(name, "--bound", "abs:1e-3", "--array", "v@abs:1e-2", *options)
        got = np.load(back)
        assert (got["id"] == particles["id"]).all() and not info["reordered"]
        assert np.abs(got["x"].astype("f8") - particles["x"]).max() <= 1e-3
        assert 1e-3 < np.abs(got["v"].astype("f8") - particles["v"]).max() <= 1e-2
plain = os.path.getsize("b.etalon")
back, info = there_and_back("p.npz", "--bound", "abs:1e-3", "--positions", "x,y,z", "--reorder",
                            "declared")
got = np.load(back)
assert info["reordered"] and os.path.getsize("b.etalon") < plain
place = np.argsort(particles["id"])[got["id"]]
assert (place != np.arange(20000)).any() and (np.sort(got["id"]) == np.arange(20000)).all()
assert np.abs(got["z"].astype("f8") - particles["z"][place]).max() <= 1e-3
etalon("compress", "p.npz", "-o", "c.etalon", "--reorder", "undone", code=2, says="--positions")
etalon("compress", "p.npz", "-o", "c.etalon", "--array", "no@abs:1", code=2, says="no")

# Sparse matrices.
matrix = scipy.sparse.random(3000, 3000, 0.003, "csr", dtype="f8", random_state=4)
for form in ("csr", "csc", "coo"):
    own = matrix.asformat(form)
    scipy.sparse.save_npz("m.npz", own)
    exactly("m.npz")
    back, info = there_and_back("m.npz", "--bound", "rel:1e-3")
    again = scipy.sparse.load_npz(back)
    assert again.format == form and (again != 0).nnz == (own != 0).nnz
    assert (again.tocsr().indices == own.tocsr().indices).all()
    assert abs(again - own).max() <= 1e-3 * (own.data.max() - own.data.min())

# A mesh of triangles whose nodes are in random order.
n = 60
grid = np.arange(n * n).reshape(n, n)
triangles = np.concatenate([np.stack([grid[:-1, :-1], grid[1:, :-1], grid[:-1, 1:]], -1),
                            np.stack([grid[1:, 1:], grid[:-1, 1:], grid[1:, :-1]], -1)]).reshape(-1, 3)
shuffle = rng.permutation(n * n)
nodes = np.empty((n * n, 3))
nodes[shuffle] = np.stack([*np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n)), 0 * grid],
                          -1).reshape(-1, 3)
cells = shuffle[triangles]
heat = np.exp(-4 * ((nodes[:, 0] - .4)**2 + nodes[:, 1]**2))
if meshio:
    mesh = meshio.Mesh(nodes, [("triangle", cells)], point_data={"heat": heat},
                       cell_data={"number": [np.arange(len(cells))]})
    forms = {"a.vtk": {"file_format": "vtk", "binary": False},
             "b.vtk": {"file_format": "vtk", "binary": True},
             "c.vtk": {"file_format": "vtk42", "binary": True},
             "d.vtk": {"file_format": "vtk42", "binary": False},
             "e.vtu": {"file_format": "vtu", "binary": False},
             "f.vtu": {"file_format": "vtu", "binary": True, "compression": None},
             "g.vtu": {"file_format": "vtu", "binary": True, "compression": "zlib"},
             "h.exo": {"file_format": "exodus"}, "i.su2": {"file_format": "su2"}}
    for name, how in forms.items():
        if name.endswith("exo") and netCDF4 is None:
            continue
        source = meshio.Mesh(nodes[:, :2], mesh.cells) if name.endswith("su2") else mesh
        meshio.write(name, source, **how)
        if load(name)[:4] == b"\x89HDF":
            continue  # netCDF-4 goes the way of HDF5
        back, info = there_and_back(name)
        assert info["unpacked"] == (name == "g.vtu") and info["exact"] == (name != "g.vtu"), info
        back, info = there_and_back(name, "--bound", "abs:1e-4")
        assert info["ratio"] > (1 if name == "g.vtu" else 2), (name, info["ratio"])
        again = meshio.read(back)
        assert np.abs(again.points - source.points).max() <= 1e-4, name
        assert (again.cells[0].data == cells).all(), name
        if source is mesh:
            assert 0 < np.abs(again.point_data["heat"] - heat).max() <= 1e-4, name
else:
    skipped.append("meshio")

# netCDF classic, records with padding.
for version in (1, 2):
    with scipy.io.netcdf_file("r.nc", "w", version=version) as file:
        file.createDimension("time", None)
        file.createDimension("n", 7)
        for name, kind in (("a", "f"), ("b", "h"), ("c", "d")):
            file.createVariable(name, kind, ("time", "n"))[:5] = rng.normal(0, 50, (5, 7)).astype(kind)
    exactly("r.nc")
    back, _ = there_and_back("r.nc", "--bound", "abs:0.5")
    with scipy.io.netcdf_file(back, mmap=False) as got, scipy.io.netcdf_file("r.nc", mmap=False) as want:
        assert (got.variables["b"][:] == want.variables["b"][:]).all()
        assert 0 < np.abs(got.variables["c"][:] - want.variables["c"][:]).max() <= 0.5
if netCDF4:
    with netCDF4.Dataset("s.nc", "w", format="NETCDF3_64BIT_DATA") as file:
        file.createDimension("n", 9)
        file.createVariable("k", "i8", ("n",))[:] = np.arange(9)
        file.createVariable("v", "f8", ("n",))[:] = np.linspace(0, 1, 9)
    exactly("s.nc")
else:
    skipped.append("netCDF4")

# A masked grid: what does not count costs next to nothing and spoils no neighbour.
y, x = np.mgrid[:200, :200] / 200
field = (np.sin(7 * x) * np.cos(5 * y)).astype("f4")
valid = (x - .5)**2 + (y - .5)**2 < .16
nan, fill = field.copy(), field.copy()
nan[~valid], fill[~valid] = np.nan, -9999
np.save("nan.npy", nan)
np.save("fill.npy", fill)
np.save("field.npy", field)
np.save("valid.npy", valid.astype("u1"))
for name, how in (("nan.npy", "nan"), ("fill.npy", "fill:-9999"), ("nan.npy", "valid.npy")):
    want = np.load(name)
    back, info = there_and_back(name, "--valid", how, "--bound", "abs:1e-4")
    got = np.load(back)
    assert got[~valid].tobytes() == want[~valid].tobytes()
    assert 0 < np.abs(got[valid].astype("f8") - want[valid]).max() <= 1e-4
    masked = os.path.getsize("b.etalon")
    etalon("compress", name, "-o", "c.etalon", "-f", "--bound", "abs:1e-4")
    etalon("compress", "field.npy", "-o", "d.etalon", "-f", "--bound", "abs:1e-4")
    print(how, masked, os.path.getsize("c.etalon"), "whole", os.path.getsize("d.etalon"))
    # Half of it is valid; where is told as well, and what is beside it is foretold from fewer.
    assert masked < 2.5 * os.path.getsize("d.etalon")
back, info = there_and_back("field.npy", "--valid", "valid.npy", "--bound", "abs:1e-4")
assert np.isnan(np.load(back)[~valid]).all() and not info["exact"]
np.savez("amr.npz", **{"patch%d" % i: nan[20 * i:20 * i + 64] for i in range(5)})
back, info = there_and_back("amr.npz", "--valid", "nan", "--bound", "abs:1e-3")
assert (np.isnan(np.load(back)["patch3"]) == np.isnan(nan[60:124])).all()

# Damage is refused.
good = load("b.etalon")
for at in (9, 20, 45, len(good) - 5):
    with open("bad.etalon", "wb") as file:
        file.write(good[:at] + bytes([good[at] ^ 1]) + good[at + 1:])
    etalon("info", "bad.etalon", code=3)
    etalon("decompress", "bad.etalon", "-o", "bad.out", code=3)

# Shared data.
for path in ("mesh/exodus/noh.exo", "mesh/su2/mesh_NACA0012_inv.su2"):
    whole = os.path.join(DATA, path)
    if not os.path.exists(whole):
        skipped.append(path)
        continue
    exactly(whole)
    there_and_back(whole, "--bound", "rel:1e-4")
for name in skipped:
    print("skipped:", name)
