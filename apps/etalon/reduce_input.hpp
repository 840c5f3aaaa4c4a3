// What compress, verify and find read: an array in any form, its mask, the regions asked for.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"
#include "etalon/regions.hpp"
#include "store/array_file.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {

struct ArrayInput {
  std::string path, dataset, dtype, shape;  // dtype is u16 where it is empty
};
// Whether the path holds bytes that do not say what they are: raw, or a container.
bool is_raw(const std::string& path);
// Errc::usage for what the kind of file has no use for: a dataset of anything but HDF5, a type or
// shape of anything but raw bytes.
Result<OpenOptions> open_options(const ArrayInput& input);
// Errc::usage when an output's name has the ending of another format than the one it gets: `what`
// ("HDF5", "an Etalon container"), which is of the kind `written`.
Result<void> check_ending(const std::string& output, FileKind written, const std::string& what);
// .npy, HDF5, CBF or raw; a folder or a pattern of CBF files as (frame, y, x); "-" reads .npy or
// raw bytes from standard input.
Result<Array> read_input(const ArrayInput& input);

// 1 is good. `mask` names a file (non-zero is masked) or a dataset of the input; without one, the
// input's NeXus pixel_mask is taken where it fits. Empty: none.
Result<std::vector<std::uint8_t>> read_mask(const ArrayInput& input, const std::string& mask,
                                            const Shape& shape);

// How many images of the last two axes an array has, and where the i-th lies: one on each of the
// axes before.
std::size_t images_of(const Shape& shape);
Shape image_extent(const Shape& shape);  // (1, .., y, x); of fewer than three axes the whole
Shape image_origin(const Shape& shape, std::size_t image);

// The regions asked for. Those of some kinds differ from image to image.
class RegionSet {
 public:
  static Result<RegionSet> create(const std::vector<std::string>& texts, const Shape& shape);
  // The pixels (y, x) of one of these regions, or elements of all images where it covers them.
  std::vector<std::uint8_t> members(const Region& region) const {
    return region.where.size() > ny_ * nx_ ? region.where : region.members(ny_, nx_);
  }
  // Gives relative bounds the range of the whole array.
  bool need_range() const;
  void give_range(const ValueRange& range);
  bool empty() const { return items_.empty(); }
  // Whether images differ in their peaks or in what is active.
  bool by_image() const { return by_peaks_ || by_activity_; }
  bool by_peaks() const { return by_peaks_; }
  // Whether what is active is known only when the whole array is.
  bool over_array() const { return over_array_; }
  // Of one image, whose elements are given; without regions by peaks, of any number of images, or
  // the whole array. `good` is a mask as for active_region.
  Result<std::vector<Region>> of_image(std::size_t image, const ArrayView& elements,
                                       std::span<const std::uint8_t> good) const;
  // Kinds and bounds alone: no region has members.
  std::vector<Region> without_members() const;

 private:
  enum class Members { fixed, of_peaks, of_activity };
  struct Item {
    Members members = Members::fixed;
    RegionSpec spec;
    Region fixed;
    std::size_t half = 4;
    std::map<std::size_t, std::vector<Peak>> peaks;
  };
  std::vector<Item> items_;
  std::size_t ny_ = 1, nx_ = 1;
  bool by_peaks_ = false, by_activity_ = false, over_array_ = false;
};

bool is_container(ByteSpan bytes);

}  // namespace etalon::cli
