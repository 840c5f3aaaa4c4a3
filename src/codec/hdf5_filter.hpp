// The HDF5 filter without HDF5: what the plugin and the store's own registration both call.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/codec.hpp"
#include "etalon/result.hpp"

namespace etalon {

// HDF5 filter id of Etalon chunks, from the range for private use until one is assigned.
inline constexpr int hdf5_filter_id = 32810;
inline constexpr const char* hdf5_filter_name = "etalon: error-bounded arrays";

// A filter cannot ask HDF5 what it filters, so its cd_values say it:
//   version (1), dtype, rank, extents of a chunk..., bound kind, then the bound's doubles as low
//   and high 32 bits (left out when lossless), then the level (5 where left out), then 1 for dither
//   (0 where left out).
struct FilterSettings {
  DType dtype = DType::u16;
  Shape chunk;
  Bound bound;  // of elements in no region; each chunk says itself what holds for it
  int level = default_level;
  // The seed of a chunk is its checksum: a filter does not know which chunk it has. The dataset has
  // the type that elements come back as, dithered_dtype: signed, if they are integers.
  bool dither = false;
};
std::vector<unsigned> to_cd_values(const FilterSettings& settings);
Result<FilterSettings> parse_cd_values(std::span<const unsigned> values);

// An H5Z_func_t: `buffer` is replaced by one from malloc of *buffer_size bytes, and the number of
// bytes in it is returned; 0 on any failure, with the buffer untouched and the reason in `why`
// where that is given. Never throws.
std::size_t run_hdf5_filter(unsigned flags, std::size_t cd_count, const unsigned* cd_values,
                            std::size_t bytes, std::size_t* buffer_size, void** buffer,
                            std::string* why = nullptr) noexcept;

}  // namespace etalon
