// A dataset under the Etalon filter that all ranks write, through parallel HDF5.
#pragma once

#include <string>

#include "codec/hdf5_filter.hpp"
#include "ranks.hpp"
#include "store/hdf5.hpp"

namespace etalon::mpi {

// Everything here is collective. The filter runs in the rank that writes a chunk; where the chunks
// lie in the file is agreed on inside of HDF5. What fails here ends all ranks by Ranks::abort: the
// others may wait for this one, and HDF5 can neither write on nor close.
class FilteredDataset {
 public:
  // In the file at `path`, which is truncated; groups on the way to `name` are made.
  FilteredDataset(const Ranks& ranks, const std::string& path, const std::string& name,
                  const Shape& shape, const FilterSettings& settings);
  // This rank's box of whole chunks; without elements it only takes part.
  void write(const Shape& origin, const ArrayView& box);
  // What the chunks take in the file, which is then closed.
  std::uint64_t close();

 private:
  void need(bool done, const char* what) const;

  const Ranks* ranks_;
  std::string path_, name_;
  h5::Id file_, dataset_, transfer_;
};

}  // namespace etalon::mpi
