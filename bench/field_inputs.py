"""Floating-point fields, as arguments NAME=PATH of field_bench: those of the shared data set, which are written as .npy, and
those that `etalon simulate field` makes."""
import subprocess

import numpy as np


def floats(path, offset, shape):
    return np.frombuffer(path.read_bytes(), "<f4", offset=offset).reshape(shape)


def hdf5(path, dataset):
    import h5py
    with h5py.File(path) as file:
        return file[dataset][:]


def hdf5_squeezed(path, dataset):
    return np.squeeze(hdf5(path, dataset))


def netcdf(path, variable):
    from scipy.io import netcdf_file
    with netcdf_file(path, mmap=False) as file:
        values = file.variables[variable][:]
        return values.astype(values.dtype.newbyteorder("="))


def gkeyll(path):
    """Eight coefficients a cell of 64 x 32 cells, at the end of the file."""
    cells = path.read_bytes()[-64 * 32 * 8 * 8:]
    return np.frombuffer(cells, "<f8").reshape(64, 32, 8)


def turbulence(n, seed):
    """A random-phase field whose amplitudes fall as k^(-11/6)."""
    k, kz = np.fft.fftfreq(n, 1 / n), np.fft.rfftfreq(n, 1 / n)
    k2 = k[:, None, None]**2 + k[None, :, None]**2 + kz[None, None, :]**2
    k2[0, 0, 0] = 1
    modes = np.fft.rfftn(np.random.default_rng(seed).standard_normal((n, n, n))) * k2**(-11 / 12)
    modes[0, 0, 0] = 0
    field = np.fft.irfftn(modes, s=(n, n, n))
    return field / field.std()


# Name, file under ETALON_DATA, how it is read.
FILES = [
    ("wmag91", "fields/sperr/wmag91.float", floats, 0, (91, 91, 91)),
    ("vorticity", "fields/sperr/vorticity.512_512", floats, 0, (512, 512)),
    ("etopo60", "fields/ferret/etopo60.cdf", netcdf, "ROSE"),
    # sites by time, z, y, x; of each four matrices of 3 x 3 complex numbers
    ("lattice", "fields/lattice_qcd/lat.sample.l8888", floats, 96, (8, 8, 8, 8, 4, 18)),
    ("tooth", "detector/tomo_tomopy/tooth.h5", hdf5, "exchange/data"),
    ("xrd", "detector/tomo_savu/xrd_test.nxs", hdf5_squeezed, "entry1/xrd_entry/instrument/detector/data"),
    ("gs2_phi_t", "fields/gyrokinetics/gs2.out.nc", hdf5, "phi_t"),
    ("gs2_phi_corr", "fields/gyrokinetics/gs2.out.nc", hdf5, "phi_corr_2pi"),
    ("gkeyll", "fields/gkeyll/twostream-f-p2.gkyl", gkeyll),
    ("openpmd_Br", "fields/openpmd/example-femm-thetaMode.h5", hdf5, "data/1/meshes/B/r"),
    ("openpmd_Bz", "fields/openpmd/example-femm-thetaMode.h5", hdf5, "data/1/meshes/B/z"),
]
MADE = [
    ("layer", "--kind", "turbulence"),
    ("vlasov_4d", "--kind", "vlasov", "--shape", "32,32,40,40", "--start", "two-stream", "--dtype", "f64"),
    ("vlasov_5d", "--kind", "vlasov"),
    ("vlasov_6d", "--kind", "vlasov", "--shape", "12,12,12,12,12,12", "--start", "two-stream"),
]


def arguments(data, folder, etalon):
    """NAME=PATH of the files that are there and of what is made; all are written to `folder`."""
    arrays = {name: read(data / file, *how) for name, file, read, *how in FILES if (data / file).exists()}
    arrays["turb"] = turbulence(256, 1).astype(np.float32)
    arrays["turb_f64"] = turbulence(96, 2)
    found = []
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array.astype(array.dtype.newbyteorder("<")))
        found.append(f"{name}={folder / name}.npy")
    for name, *options in MADE:
        path = folder / f"{name}.npy"
        subprocess.run([etalon, "simulate", "field", *options, "-o", path], check=True, stdout=subprocess.DEVNULL)
        found.append(f"{name}={path}")
    return found
