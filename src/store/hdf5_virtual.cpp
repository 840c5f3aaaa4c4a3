// Virtual datasets: which rows of which datasets they show.
#include <algorithm>

#include "store/hdf5_virtual.hpp"
#include "store/hdf5_write.hpp"

namespace etalon::h5 {
namespace {

// The rows that a selection of whole rows has; nothing for any other selection.
struct Rows {
  std::uint64_t first = 0, count = 0;
};
std::optional<Rows> rows_of(hid_t space, const Shape& shape) {
  const auto rank = static_cast<std::size_t>(std::max(0, H5Sget_simple_extent_ndims(space)));
  const hssize_t points = H5Sget_select_npoints(space);
  hsize_t begin[Shape::max_rank] = {}, last[Shape::max_rank] = {};
  if (rank != shape.rank() || rank == 0 || points <= 0 ||
      H5Sget_select_bounds(space, begin, last) < 0)
    return std::nullopt;
  hsize_t inside = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (axis > 0 && (begin[axis] != 0 || last[axis] + 1 != shape[axis])) return std::nullopt;
    inside *= last[axis] - begin[axis] + 1;
  }
  if (inside != static_cast<hsize_t>(points)) return std::nullopt;
  return Rows{begin[0], last[0] - begin[0] + 1};
}

}  // namespace

Result<std::vector<VirtualPiece>> Dataset::virtual_pieces() const {
  std::vector<VirtualPiece> pieces;
  if (!virtual_) return pieces;
  const Lock lock;
  const Id plist(H5Dget_create_plist(id_));
  std::size_t count = 0;
  if (!plist.ok() || H5Pget_virtual_count(plist, &count) < 0)
    return failure(Errc::malformed, place_ + ": virtual dataset");
  for (std::size_t i = 0; i < count; ++i) {
    const Id here(H5Pget_virtual_vspace(plist, i)), there(H5Pget_virtual_srcspace(plist, i));
    if (!here.ok() || !there.ok()) return failure(Errc::malformed, place_ + ": virtual dataset");
    const auto rows = rows_of(here, shape_);
    // All of a source has no extents here; that it has as many rows as are shown is its own matter.
    const auto from = H5Sget_select_type(there) == H5S_SEL_ALL
                          ? rows ? std::optional(Rows{0, rows->count}) : std::nullopt
                          : rows_of(there, shape_);
    VirtualPiece piece;
    if (rows && from && rows->count == from->count)
      piece = {rows->first, rows->count, from->first, {}, {}};
    piece.file = name_from(
        [&](char* to, std::size_t size) { return H5Pget_virtual_filename(plist, i, to, size); });
    piece.dataset = name_from(
        [&](char* to, std::size_t size) { return H5Pget_virtual_dsetname(plist, i, to, size); });
    pieces.push_back(std::move(piece));
  }
  H5Eclear2(H5E_DEFAULT);
  std::sort(pieces.begin(), pieces.end(),
            [](const VirtualPiece& a, const VirtualPiece& b) { return a.first < b.first; });
  return pieces;
}

Result<void> write_virtual(hid_t file, const std::string& name, DType dtype, const Shape& shape,
                           const std::vector<VirtualPiece>& pieces) {
  const Lock lock;
  ETALON_TRY(make_parents(file, name));
  const auto rank = static_cast<int>(shape.rank());
  const auto select = [&](std::uint64_t rows, std::uint64_t first, std::uint64_t count) {
    hsize_t extents[Shape::max_rank] = {}, from[Shape::max_rank] = {}, most[Shape::max_rank] = {};
    std::copy(shape.extents().begin(), shape.extents().end(), extents);
    std::copy_n(extents, rank, most);
    extents[0] = rows;
    Id space(H5Screate_simple(rank, extents, nullptr));
    from[0] = first;
    most[0] = count;
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, from, nullptr, most, nullptr) < 0) space.reset();
    return space;
  };
  const Id plist(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(plist, false);
  for (const VirtualPiece& piece : pieces) {
    if (piece.rows == 0) continue;
    const Id here = select(shape[0], piece.first, piece.rows),
             there = select(piece.source_first + piece.rows, piece.source_first, piece.rows);
    if (!here.ok() || !there.ok() ||
        H5Pset_virtual(plist, here, piece.file.c_str(), piece.dataset.c_str(), there) < 0)
      return failure(Errc::io, name + ": cannot be made of " + piece.file);
  }
  hsize_t extents[Shape::max_rank] = {};
  std::copy(shape.extents().begin(), shape.extents().end(), extents);
  const Id space(H5Screate_simple(rank, extents, nullptr));
  const Id dataset(
      H5Dcreate2(file, name.c_str(), native_type(dtype), space, H5P_DEFAULT, plist, H5P_DEFAULT));
  if (!dataset.ok()) return failure(Errc::io, name + ": cannot create");
  return {};
}

}  // namespace etalon::h5
