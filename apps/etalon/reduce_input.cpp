#include "reduce_input.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "analyse/places.hpp"
#include "frame/image_shape.hpp"
#include "store/file.hpp"

namespace etalon::cli {
namespace {

// Extents of the last two axes.
std::pair<std::size_t, std::size_t> image_of(const Shape& shape) {
  const std::size_t rank = shape.rank();
  return {rank >= 2 ? shape[rank - 2] : 1, rank >= 1 ? shape[rank - 1] : 1};
}

std::vector<std::uint8_t> non_zero(const Array& array) {
  std::vector<std::uint8_t> set(array.count());
  visit(array.dtype(), [&](auto zero) {
    const auto values = array.as<decltype(zero)>();
    for (std::size_t i = 0; i < set.size(); ++i) set[i] = values[i] != 0;
  });
  return set;
}

bool parse_field(std::string_view text, double& value) {
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  return status == std::errc{} && end == text.data() + text.size();
}

// A box that reaches beyond the image is a mistake in its numbers.
Result<void> box_inside(const RegionSpec& box, std::size_t ny, std::size_t nx) {
  for (const auto& [key, extent] : {std::pair("y", ny), std::pair("x", nx)}) {
    const std::string_view range = box.get(key);
    double end = 0;
    if (!parse_field(range.substr(range.find("..") + 2), end) || end > static_cast<double>(extent))
      return Error{Errc::usage, "region box: " + std::string(key) + "=" + std::string(range) +
                                    ": lies beyond images of " + to_string(Shape{ny, nx})};
  }
  return {};
}

}  // namespace

bool is_raw(const std::string& path) {
  return path == "-" || (!is_folder_or_pattern(path) && file_kind(path) == FileKind::raw);
}

Result<OpenOptions> open_options(const ArrayInput& input) {
  const auto refuse = [&](const std::string& reason) {
    return Error{Errc::usage, input.path + ": " + reason};
  };
  const bool hdf5 = input.path != "-" && file_kind(input.path) == FileKind::hdf5;
  if (!input.dataset.empty() && !hdf5)
    return refuse("is no HDF5 file: --dataset " + input.dataset + " has no meaning");
  if (!(input.dtype.empty() && input.shape.empty()) && !is_raw(input.path))
    return refuse("says its type and shape itself: --dtype and --shape are for raw bytes");
  OpenOptions open;
  open.dataset = input.dataset;
  if (!input.dtype.empty()) {
    ETALON_ASSIGN(open.dtype, parse_dtype(input.dtype));
  }
  if (!input.shape.empty()) {
    // ":,512,512" as in --box: the first extent is what the bytes make of it.
    open.any_length = input.shape.front() == ':';
    ETALON_ASSIGN(open.shape,
                  parse_shape(open.any_length ? "0" + input.shape.substr(1) : input.shape));
    if (open.any_length && open.shape.rank() < 3)
      return Error{Errc::usage,
                   "shape '" + input.shape + "': ':' is for series of three axes or more"};
  }
  return open;
}

Result<void> check_ending(const std::string& output, FileKind written, const std::string& what) {
  const FileKind kind = ending_kind(output);
  if ((kind == written || kind == FileKind::raw) && foreign_ending(output).empty()) return {};
  return Error{Errc::usage,
               output + ": what is written is " + what + ", and the ending says another format"};
}

Result<Array> read_input(const ArrayInput& input) {
  ETALON_ASSIGN(const OpenOptions open, open_options(input));
  return read_array(input.path, open);
}

Result<std::vector<std::uint8_t>> read_mask(const ArrayInput& input, const std::string& mask,
                                            const Shape& shape) {
  const auto [ny, nx] = image_of(shape);
  std::vector<std::uint8_t> good;
  if (mask.empty()) {
    // A hint only: a file without a mask, or with one that does not fit, goes without; the reader
    // tells of the latter.
    if (input.path == "-" || file_kind(input.path) != FileKind::hdf5) return good;
    OpenOptions open;
    open.dataset = input.dataset;
    open.any_mask = true;
    const auto series = open_series(input.path, open);
    if (!series.ok()) return good;
    const auto& pixels = (*series)->info().pixel_mask;
    if (pixels.size() == ny * nx) good = mask_from_nexus(pixels);
    return good;
  }
  std::error_code ignored;
  const bool inside = mask.front() == '/' && !std::filesystem::exists(mask, ignored);
  OpenOptions open;
  if (inside) open.dataset = mask;
  ETALON_ASSIGN(const Array array, read_array(inside ? input.path : mask, open));
  if (!is_image_of(array.shape(), ny, nx))
    return Error{Errc::usage, "--mask " + mask + ": " + to_string(array.shape()) +
                                  " does not fit images of " + to_string(Shape{ny, nx})};
  good = non_zero(array);
  for (std::uint8_t& g : good) g = g == 0;
  return good;
}

Result<RegionSet> RegionSet::create(const std::vector<std::string>& texts, const Shape& shape) {
  RegionSet set;
  std::tie(set.ny_, set.nx_) = image_of(shape);
  for (const std::string& text : texts) {
    Item item;
    ETALON_ASSIGN(item.spec, parse_region(text));
    const std::string file(item.spec.get("file"));
    if (item.spec.kind == "box") {
      ETALON_TRY(box_inside(item.spec, set.ny_, set.nx_));
      ETALON_ASSIGN(item.fixed, box_region(item.spec, set.ny_, set.nx_));
    } else if (item.spec.kind == "annulus") {
      ETALON_ASSIGN(item.fixed, annulus_region(item.spec, set.ny_, set.nx_));
    } else if (item.spec.kind == "mask") {
      ETALON_ASSIGN(const Array array, read_array(file));
      if (!is_image_of(array.shape(), set.ny_, set.nx_))
        return Error{Errc::usage, file + ": " + to_string(array.shape()) +
                                      " does not fit images of " +
                                      to_string(Shape{set.ny_, set.nx_})};
      item.fixed = {"mask", item.spec.bound, non_zero(array)};
    } else if (item.spec.kind == "active") {
      set.by_activity_ = true;
      set.over_array_ = set.over_array_ || item.spec.get("over") == "array";
      item.members = Members::of_activity;
    } else {
      ETALON_ASSIGN(const PlaceTable table, PlaceTable::read(file));
      if (const auto half = item.spec.get("half"); !half.empty())
        std::from_chars(half.data(), half.data() + half.size(), item.half);
      if (table.by_frame() && shape.rank() != 3 && table.frames().size() > 1)
        return Error{Errc::usage, file + ": peaks of several frames need an array of three axes"};
      const bool of_frames = table.by_frame() && shape.rank() == 3;
      std::vector<Peak> all;
      for (const auto& [frame, places] : table.frames()) {
        std::vector<Peak>& peaks = of_frames ? item.peaks[frame] : all;
        for (const Place& place : places) {
          Peak peak;
          peak.x = static_cast<float>(place.x);
          peak.y = static_cast<float>(place.y);
          peaks.push_back(peak);
        }
      }
      if (of_frames) {
        set.by_peaks_ = true;
        item.members = Members::of_peaks;
      } else {
        item.fixed = peaks_region(all, item.half, set.ny_, set.nx_, item.spec.bound);
      }
    }
    set.items_.push_back(std::move(item));
  }
  return set;
}

bool RegionSet::need_range() const {
  return std::any_of(items_.begin(), items_.end(), [](const Item& item) {
    CompressOptions options;
    options.bound = item.spec.bound;
    return needs_range(options);
  });
}

void RegionSet::give_range(const ValueRange& range) {
  for (Item& item : items_) {
    CompressOptions options;
    options.bound = item.spec.bound;
    item.spec.bound = item.fixed.bound = with_ranges(std::move(options), range).bound;
  }
}

Result<std::vector<Region>> RegionSet::of_image(std::size_t image, const ArrayView& elements,
                                                std::span<const std::uint8_t> good) const {
  std::vector<Region> regions;
  for (const Item& item : items_) {
    switch (item.members) {
      case Members::fixed:
        regions.push_back(item.fixed);
        break;
      case Members::of_peaks: {
        const auto found = item.peaks.find(image);
        const std::vector<Peak> none;
        regions.push_back(peaks_region(found == item.peaks.end() ? none : found->second, item.half,
                                       ny_, nx_, item.spec.bound));
        break;
      }
      case Members::of_activity: {
        ETALON_ASSIGN(Region region, active_region(item.spec, elements, good));
        regions.push_back(std::move(region));
        break;
      }
    }
  }
  return regions;
}

std::vector<Region> RegionSet::without_members() const {
  std::vector<Region> regions;
  for (const Item& item : items_) regions.push_back({item.spec.kind, item.spec.bound});
  return regions;
}

std::size_t images_of(const Shape& shape) {
  return shape.rank() < 3 ? 1 : Shape(shape.extents().first(shape.rank() - 2)).count();
}

Shape image_extent(const Shape& shape) {
  Shape extent = shape;
  for (std::size_t axis = 0; axis + 2 < shape.rank(); ++axis) extent[axis] = 1;
  return extent;
}

Shape image_origin(const Shape& shape, std::size_t image) {
  Shape origin = shape;
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    const bool counts = axis + 2 < shape.rank();
    origin[axis] = counts ? image % shape[axis] : 0;
    if (counts) image /= shape[axis];
  }
  return origin;
}

bool is_container(ByteSpan bytes) {
  return bytes.size() >= 6 && std::memcmp(bytes.data(), "Etalon", 6) == 0;
}

}  // namespace etalon::cli
