"""A program of parallel HDF5 without a line of Etalon's loads the plugin and writes collectively."""
import os
import struct

from common import BUILD, chunks, folder, np, read, run

PROGRAM = os.path.join(BUILD, "bin", "mpi_user_program")
i, y, x = np.ogrid[:13, :40, :50]
frames = ((31 * i + 7 * y + x) % 251).astype("u2")
lossless = (1, 2, 3, 2, 40, 50, 0)
within_2 = (*lossless[:-1], 1, *struct.unpack("<II", struct.pack("<d", 2.0)))

with folder() as at:
    for name, values, bound in (("lossless", lossless, 0), ("abs", within_2, 2)):
        first = None
        for ranks in (1, 4):
            path = os.path.join(at, f"{name}{ranks}.h5")
            run(ranks, PROGRAM, path, *values)
            back = read(path)
            assert back.dtype == "u2" and back.shape == frames.shape
            error = np.abs(back.astype(int) - frames).max()
            assert error == bound, (name, ranks, error)
            first = first or chunks(path)
            assert len(first) == 7 and chunks(path) == first
