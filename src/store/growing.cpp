#include "store/growing.hpp"

#include <algorithm>

namespace etalon::h5 {
namespace {

// At least one element an axis: HDF5 has no chunks without.
void to_hsize(const Shape& shape, hsize_t least, hsize_t* to) {
  for (std::size_t i = 0; i < shape.rank(); ++i) to[i] = std::max<hsize_t>(shape[i], least);
}

// What the filter's own code would make of {block size 0, LZ4}, which it does where it is
// installed: its version, the element's size, then these. Optional, since else HDF5 wants to have
// it to create the dataset.
Result<void> set_bitshuffle(hid_t plist, DType dtype, const std::string& name) {
  constexpr H5Z_filter_t bitshuffle = 32008;
  constexpr unsigned lz4 = 2;
  const bool installed = H5Zfilter_avail(bitshuffle) > 0;
  H5Eclear2(H5E_DEFAULT);
  const std::vector<unsigned> values =
      installed ? std::vector<unsigned>{0, lz4}
                : std::vector<unsigned>{0, 3, static_cast<unsigned>(size_of(dtype)), 0, lz4};
  if (H5Pset_filter(plist, bitshuffle, H5Z_FLAG_OPTIONAL, values.size(), values.data()) < 0)
    return failure(Errc::missing, name + ": Bitshuffle filter");
  return {};
}

}  // namespace

Result<Growing> Growing::create(hid_t file, const std::string& name, DType dtype,
                                const Shape& chunk, const Options& options) {
  const Lock lock;
  Growing grown;
  grown.name_ = name;
  grown.extents_ = chunk;
  // Images keep their extents; lists of unknown length begin with none.
  const bool image = chunk.rank() == 3;
  for (std::size_t i = 0; i < chunk.rank(); ++i)
    if (i == 0 || !image) grown.extents_[i] = 0;
  hsize_t now[Shape::max_rank] = {}, most[Shape::max_rank], chunks[Shape::max_rank] = {};
  std::fill(std::begin(most), std::end(most), H5S_UNLIMITED);
  to_hsize(grown.extents_, 0, now);
  to_hsize(chunk, 1, chunks);
  if (image) std::copy(now + 1, now + chunk.rank(), most + 1);
  const auto rank = static_cast<int>(chunk.rank());
  const Id space(H5Screate_simple(rank, now, most)), plist(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_chunk(plist, rank, chunks);
  H5Pset_obj_track_times(plist, false);
  if (options.deflate && (H5Pset_shuffle(plist) < 0 || H5Pset_deflate(plist, 1) < 0))
    return failure(Errc::missing, name + ": deflate");
  if (options.etalon != nullptr) {
    const std::vector<unsigned> values = to_cd_values(*options.etalon);
    if (H5Pset_filter(plist, hdf5_filter_id, H5Z_FLAG_MANDATORY, values.size(), values.data()) < 0)
      return failure(Errc::missing, name + ": Etalon filter");
  }
  if (options.bitshuffle) ETALON_TRY(set_bitshuffle(plist, dtype, name));
  ETALON_TRY(make_parents(file, name));
  grown.id_ = Id(
      H5Dcreate2(file, name.c_str(), native_type(dtype), space, H5P_DEFAULT, plist, H5P_DEFAULT));
  if (!grown.id_.ok()) return failure(Errc::io, name + ": cannot create");
  if (!options.units.empty()) ETALON_TRY(set_attribute(grown.id_, "units", options.units));
  return grown;
}

Result<void> Growing::grow_to(std::size_t rows, const Shape& shape) {
  extents_[0] = rows;
  for (std::size_t i = 1; i < shape.rank(); ++i) extents_[i] = std::max(extents_[i], shape[i]);
  hsize_t extents[Shape::max_rank] = {};
  to_hsize(extents_, 0, extents);
  if (H5Dset_extent(id_, extents) < 0) return failure(Errc::io, name_ + ": cannot grow");
  return {};
}

Result<void> Growing::append(const ArrayView& rows) {
  const Lock lock;
  hsize_t start[Shape::max_rank] = {extents_[0]}, count[Shape::max_rank] = {};
  to_hsize(rows.shape, 0, count);
  ETALON_TRY(grow_to(extents_[0] + rows.shape[0], rows.shape));
  if (rows.count() == 0) return {};
  const auto rank = static_cast<int>(rows.shape.rank());
  const Id memory(H5Screate_simple(rank, count, nullptr)), space(H5Dget_space(id_));
  if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, nullptr, count, nullptr) < 0 ||
      H5Dwrite(id_, native_type(rows.dtype), memory, space, H5P_DEFAULT, rows.data) < 0)
    return failure(Errc::io, name_ + ": cannot write");
  return {};
}

Result<void> Growing::append_chunk(std::span<const std::byte> bytes) {
  const Lock lock;
  const hsize_t at[Shape::max_rank] = {extents_[0]};
  ETALON_TRY(grow_to(extents_[0] + 1, extents_));
  if (H5Dwrite_chunk(id_, H5P_DEFAULT, 0, at, bytes.size(), bytes.data()) < 0)
    return failure(Errc::io, name_ + ": cannot write");
  return {};
}

}  // namespace etalon::h5
