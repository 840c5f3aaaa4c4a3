/* Ranks write one dataset together through HDF5 alone; the filter is a plugin that HDF5 finds in
 * HDF5_PLUGIN_PATH. Usage: user_program OUT.h5 VALUES..., the filter's cd_values.
 * Frame i has the elements (31 i + 7 y + x) % 251, in chunks of two frames; the last has one. */
#include <hdf5.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { filter = 32810, frames = 13, ny = 40, nx = 50 };

static void need(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "user_program: %s\n", what);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  unsigned values[32];
  size_t count = 0;
  for (int i = 2; i < argc && count < 32; ++i) values[count++] = strtoul(argv[i], NULL, 10);

  const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
  const hid_t file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, access);
  need(file >= 0, "file");
  const hsize_t shape[3] = {frames, ny, nx}, chunk[3] = {2, ny, nx};
  const hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_chunk(plist, 3, chunk);
  need(H5Pset_filter(plist, filter, H5Z_FLAG_MANDATORY, count, values) >= 0, "filter");
  const hid_t space = H5Screate_simple(3, shape, NULL);
  const hid_t data =
      H5Dcreate2(file, "data", H5T_NATIVE_UINT16, space, H5P_DEFAULT, plist, H5P_DEFAULT);
  need(data >= 0, "dataset");

  /* Every rank its share of the chunks, which may be none. */
  const hsize_t chunks = (frames + 1) / 2;
  const hsize_t begin = 2 * (chunks * rank / ranks);
  hsize_t end = 2 * (chunks * (rank + 1) / ranks);
  if (end > frames) end = frames;
  const hsize_t start[3] = {begin, 0, 0}, extent[3] = {end - begin, ny, nx};
  const hid_t memory = H5Screate_simple(3, extent, NULL);
  if (end > begin) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, extent, NULL);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  unsigned short* elements = malloc((end - begin) * ny * nx * sizeof *elements + 1);
  for (hsize_t i = begin; i < end; ++i)
    for (int y = 0; y < ny; ++y)
      for (int x = 0; x < nx; ++x)
        elements[((i - begin) * ny + y) * nx + x] = (31 * i + 7 * y + x) % 251;
  const hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
  need(H5Dwrite(data, H5T_NATIVE_UINT16, memory, space, transfer, elements) >= 0, "write");
  free(elements);
  H5Dclose(data);
  need(H5Fclose(file) >= 0, "close");
  MPI_Finalize();
  return 0;
}
