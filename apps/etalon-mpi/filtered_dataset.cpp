#include "filtered_dataset.hpp"

#include <mpi.h>

#include <algorithm>
#include <filesystem>

namespace etalon::mpi {
namespace {

struct Extents {
  explicit Extents(const Shape& shape) {
    std::copy(shape.extents().begin(), shape.extents().end(), values);
  }
  hsize_t values[Shape::max_rank] = {};
};

}  // namespace

void FilteredDataset::need(bool done, const char* what) const {
  if (done) return;
  Error error = h5::failure(Errc::io, path_ + ": " + name_ + ": cannot " + what);
  std::error_code unknown;  // MPI-IO does not tell why
  if (const auto space = std::filesystem::space(path_, unknown);
      !unknown && space.available < 65536)
    error.message += "; the disk is full";
  ranks_->abort(error);
}

FilteredDataset::FilteredDataset(const Ranks& ranks, const std::string& path,
                                 const std::string& name, const Shape& shape,
                                 const FilterSettings& settings)
    : ranks_(&ranks), path_(path), name_(name) {
  const h5::Lock lock;
  const h5::Id access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
  H5Pset_libver_bounds(access, H5F_LIBVER_EARLIEST, H5F_LIBVER_V110);
  H5Pset_fclose_degree(access, H5F_CLOSE_SEMI);
  file_ = h5::Id(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, access));
  need(file_.ok(), "create");

  const auto rank = static_cast<int>(shape.rank());
  const std::vector<unsigned> values = to_cd_values(settings);
  const h5::Id plist(H5Pcreate(H5P_DATASET_CREATE)), links(H5Pcreate(H5P_LINK_CREATE)),
      space(H5Screate_simple(rank, Extents(shape).values, nullptr));
  H5Pset_create_intermediate_group(links, 1);
  H5Pset_obj_track_times(plist, false);
  need(H5Pset_chunk(plist, rank, Extents(settings.chunk).values) >= 0 &&
           H5Pset_filter(plist, hdf5_filter_id, H5Z_FLAG_MANDATORY, values.size(), values.data()) >=
               0,
       "create");
  dataset_ = h5::Id(H5Dcreate2(file_, name.c_str(), h5::native_type(settings.dtype), space, links,
                               plist, H5P_DEFAULT));
  need(dataset_.ok(), "create");
  transfer_ = h5::Id(H5Pcreate(H5P_DATASET_XFER));
  need(H5Pset_dxpl_mpio(transfer_, H5FD_MPIO_COLLECTIVE) >= 0, "write");
}

void FilteredDataset::write(const Shape& origin, const ArrayView& box) {
  const h5::Lock lock;
  const h5::Id space(H5Dget_space(dataset_)),
      memory(
          H5Screate_simple(static_cast<int>(box.shape.rank()), Extents(box.shape).values, nullptr));
  if (box.count() == 0) {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  } else {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, Extents(origin).values, nullptr,
                        Extents(box.shape).values, nullptr);
  }
  need(H5Dwrite(dataset_, h5::native_type(box.dtype), memory, space, transfer_, box.data) >= 0,
       "write");
}

std::uint64_t FilteredDataset::close() {
  const h5::Lock lock;
  const std::uint64_t bytes = H5Dget_storage_size(dataset_);
  need(H5Dclose(dataset_.release()) >= 0 && H5Fclose(file_.release()) >= 0, "write");
  return bytes;
}

}  // namespace etalon::mpi
