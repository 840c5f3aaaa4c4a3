#include "kernels/finder/finder.hpp"

#include "kernels/finder/ice_rings.hpp"

namespace etalon {
namespace {

struct Method {
  FindMethod method;
  std::string_view name, semantics;
};
constexpr Method methods[] = {
    {FindMethod::peakfinder8, "peakfinder8", peakfinder8_semantics},
    {FindMethod::dispersion, "dispersion", dispersion_semantics},
    {FindMethod::dispersion_extended, "dispersion_extended", dispersion_extended_semantics}};

}  // namespace

std::string_view name_of(FindMethod method) {
  return methods[static_cast<std::size_t>(method)].name;
}

std::string_view semantics_of(FindMethod method) {
  return methods[static_cast<std::size_t>(method)].semantics;
}

std::vector<std::string> find_method_names() {
  std::vector<std::string> names;
  for (const Method& m : methods) names.emplace_back(m.name);
  return names;
}

Result<FindMethod> parse_find_method(std::string_view name) {
  for (const Method& m : methods)
    if (name == m.name) return m.method;
  return Error{Errc::usage, "'" + std::string(name) +
                                "': expected peakfinder8, dispersion or dispersion_extended"};
}

Result<Finder> Finder::create(const Geometry& geometry, const Mask& mask,
                              const FinderSettings& settings) {
  if (!(settings.max_elongation == 0 || settings.max_elongation >= 1))
    return Error{Errc::usage, "max_elongation: expected 0, or 1 or more"};
  Mask looked_at = mask;
  if (settings.ice_rings != 0) ETALON_TRY(mask_ice_rings(geometry, settings.ice_rings, looked_at));
  ETALON_ASSIGN(Finder finder, create_plain(geometry, looked_at, settings));
  if (settings.max_elongation != 0) {
    finder.max_elongation_ = settings.max_elongation;
    finder.elongation_ = std::make_shared<const Elongation>(geometry, std::move(looked_at));
  }
  return finder;
}

Result<Finder> Finder::create_plain(const Geometry& geometry, const Mask& mask,
                                    const FinderSettings& settings) {
  if (settings.method == FindMethod::peakfinder8) {
    ETALON_ASSIGN(PeakFinder8 finder, PeakFinder8::create(geometry, mask, settings.parameters));
    return Finder(Any(std::move(finder)));
  }
  DispersionParameters parameters = settings.dispersion;
  parameters.extended = settings.method == FindMethod::dispersion_extended;
  ETALON_ASSIGN(Dispersion finder, Dispersion::create(geometry, mask, parameters));
  return Finder(Any(std::move(finder)));
}

Result<std::vector<Peak>> Finder::find(const ArrayView& image) {
  auto peaks = std::visit([&](auto& finder) { return finder.find(image); }, finder_);
  if (peaks.ok() && elongation_)
    std::erase_if(*peaks,
                  [&](const Peak& peak) { return (*elongation_)(image, peak) > max_elongation_; });
  return peaks;
}

}  // namespace etalon
