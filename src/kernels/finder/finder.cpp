#include "kernels/finder/finder.hpp"

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
  return std::visit([&](auto& finder) { return finder.find(image); }, finder_);
}

}  // namespace etalon
