// Bounds, regions and masks as Python says them.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "arrays.hpp"
#include "etalon/codec.hpp"
#include "etalon/regions.hpp"

namespace etalon::python {

// Regions in their order. Those of grammar text wait for the image that they lie on.
class Regions {
 public:
  // Items are text of the region grammar, or have kind, bound, where, centres and half:
  // etalon.Region.
  static Regions from(const py::object& items);

  bool empty() const { return parts_.empty(); }
  bool by_image() const;    // differ with what is in an image
  bool over_array() const;  // or in the whole array
  bool need_range() const;
  void give_range(const ValueRange& range);
  // On an array (.., y, x). Needs no Python.
  Result<std::vector<Region>> on(const ArrayView& elements,
                                 const std::vector<std::uint8_t>& good) const;

 private:
  std::vector<std::variant<RegionSpec, Region>> parts_;
};

// What the functions that encode have in common.
struct Settings {
  CompressOptions options;  // without regions
  std::optional<Target> target;
  Regions regions;

  static Settings from(const std::string& bound, const py::object& regions, const py::object& mask,
                       bool dither, std::uint64_t seed, int level, unsigned threads);
};

// numpy.bool_ or integers, not 0 is 1; any shape.
std::vector<std::uint8_t> to_flags(const py::object& array);

}  // namespace etalon::python
