// What compress and verify read: an array in any form, its mask, and the regions asked for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"
#include "etalon/regions.hpp"

namespace etalon::cli {

struct ArrayInput {
  std::string path, dataset, dtype = "u16", shape;
};
// .npy, HDF5, CBF or raw; "-" reads .npy or raw bytes from standard input.
Result<Array> read_input(const ArrayInput& input);

// 1 is good. `mask` names a file (non-zero is masked) or a dataset of the input; without one, the
// input's NeXus pixel_mask is taken where it fits. Empty: none.
Result<std::vector<std::uint8_t>> read_mask(const ArrayInput& input, const std::string& mask,
                                            const Shape& shape);

// Regions whose members are known for every frame.
class RegionSet {
 public:
  static Result<RegionSet> create(const std::vector<std::string>& texts, const Shape& shape);
  // Whether frames differ in their peaks.
  bool by_frame() const { return by_frame_; }
  std::vector<Region> of_frame(std::size_t frame) const;

 private:
  struct Item {
    RegionSpec spec;
    Region fixed;
    std::size_t half = 4;
    std::map<std::size_t, std::vector<Peak>> peaks;
  };
  std::vector<Item> items_;
  std::size_t ny_ = 1, nx_ = 1;
  bool by_frame_ = false;
};

bool is_container(ByteSpan bytes);

}  // namespace etalon::cli
