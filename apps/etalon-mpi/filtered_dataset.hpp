// A dataset under the Etalon filter that all ranks write, through parallel HDF5.
#pragma once

#include <string>

#include "codec/hdf5_filter.hpp"
#include "ranks.hpp"
#include "store/hdf5.hpp"

namespace etalon::mpi {

// Everything here is collective. The filter runs in the rank that writes a chunk; where the chunks
// lie in the file is agreed on inside of HDF5. A write or close that fails on one rank leaves the
// others waiting: end the program with Ranks::abort.
class FilteredDataset {
 public:
  // In the file at `path`, which is truncated; groups on the way to `name` are made.
  static Result<FilteredDataset> create(const Ranks& ranks, const std::string& path,
                                        const std::string& name, const Shape& shape,
                                        const FilterSettings& settings);
  // This rank's box of whole chunks; no elements: it only takes part.
  Result<void> write(const Shape& origin, const ArrayView& box);
  // What the chunks take in the file, which is then closed.
  Result<std::uint64_t> close();

 private:
  std::string place_;
  h5::Id file_, dataset_, transfer_;
};

}  // namespace etalon::mpi
