#include "options.hpp"

#include <algorithm>
#include <thread>

namespace etalon::python {
namespace {

Bound& bound_of(std::variant<RegionSpec, Region>& part) {
  return std::visit([](auto& p) -> Bound& { return p.bound; }, part);
}

CompressOptions alone(const Bound& bound) {
  CompressOptions options;
  options.bound = bound;
  return options;
}

Region to_region(const py::handle& item) {
  Region region;
  region.kind = item.attr("kind").cast<std::string>();
  region.bound = value_of(parse_bound(item.attr("bound").cast<std::string>()));
  region.half = item.attr("half").cast<std::uint32_t>();
  if (const py::object where = item.attr("where"); !where.is_none()) region.where = to_flags(where);
  const py::object centres = item.attr("centres");
  if (centres.is_none()) return region;
  for (const py::handle centre : centres) {
    const auto yx = centre.cast<py::sequence>();
    if (yx.size() != 2) throw py::type_error("centres are pairs of y and x");
    region.centres.push_back(
        {py::int_(yx[0]).cast<std::uint32_t>(), py::int_(yx[1]).cast<std::uint32_t>()});
  }
  return region;
}

}  // namespace

Regions Regions::from(const py::object& items) {
  Regions regions;
  if (items.is_none()) return regions;
  if (py::isinstance<py::str>(items))
    throw py::type_error("regions are a list: one text of the grammar or one Region each");
  for (const py::handle item : items) {
    if (!py::isinstance<py::str>(item)) {
      regions.parts_.emplace_back(to_region(item));
      continue;
    }
    RegionSpec spec = value_of(parse_region(item.cast<std::string>()));
    if (!spec.get("file").empty())
      raise({Errc::usage, "region " + spec.kind +
                              ": files are not read here; use etalon.mask_region or "
                              "etalon.peaks_region"});
    regions.parts_.emplace_back(std::move(spec));
  }
  return regions;
}

bool Regions::by_image() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) {
    const auto* spec = std::get_if<RegionSpec>(&part);
    return spec != nullptr && spec->kind == "active";
  });
}

bool Regions::over_array() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) {
    const auto* spec = std::get_if<RegionSpec>(&part);
    return spec != nullptr && spec->get("over") == "array";
  });
}

bool Regions::need_range() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) {
    return needs_range(alone(std::visit([](const auto& p) { return p.bound; }, part)));
  });
}

void Regions::give_range(const ValueRange& range) {
  for (auto& part : parts_) {
    Bound& bound = bound_of(part);
    bound = with_ranges(alone(bound), range).bound;
  }
}

Result<std::vector<Region>> Regions::on(const ArrayView& elements,
                                        const std::vector<std::uint8_t>& good) const {
  const Shape& shape = elements.shape;
  const std::size_t rank = shape.rank();
  const std::size_t ny = rank >= 2 ? shape[rank - 2] : 1, nx = rank >= 1 ? shape[rank - 1] : 1;
  std::vector<Region> regions;
  for (const auto& part : parts_) {
    if (const Region* region = std::get_if<Region>(&part)) {
      regions.push_back(*region);
      continue;
    }
    const RegionSpec& spec = *std::get_if<RegionSpec>(&part);
    auto made = spec.kind == "active" ? active_region(spec, elements, good)
                : spec.kind == "box"  ? box_region(spec, ny, nx)
                                      : annulus_region(spec, ny, nx);
    if (!made.ok()) return std::move(made).error();
    regions.push_back(std::move(*made));
  }
  return regions;
}

Settings Settings::from(const std::string& bound, const py::object& regions, const py::object& mask,
                        bool dither, std::uint64_t seed, int level, unsigned threads) {
  Settings settings;
  if (names_target(bound))
    settings.target = value_of(parse_target(bound));
  else
    settings.options.bound = value_of(parse_bound(bound));
  settings.regions = Regions::from(regions);
  if (!mask.is_none()) {
    settings.options.mask = to_flags(mask);
    for (std::uint8_t& flag : settings.options.mask) flag = flag == 0;
  }
  settings.options.dither = dither;
  settings.options.seed = seed;
  settings.options.level = level;
  settings.options.threads =
      threads == 0 ? std::max(1U, std::thread::hardware_concurrency()) : threads;
  return settings;
}

std::vector<std::uint8_t> to_flags(const py::object& array) {
  const auto flags = py::array_t<bool, py::array::c_style | py::array::forcecast>::ensure(array);
  if (!flags) throw py::error_already_set();
  return {flags.data(), flags.data() + flags.size()};
}

}  // namespace etalon::python
