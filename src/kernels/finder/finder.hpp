// The peak finders behind one interface: what recipes and the command line choose by name.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kernels/dispersion/dispersion.hpp"
#include "kernels/finder/elongation.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"

namespace etalon {

enum class FindMethod { peakfinder8, dispersion, dispersion_extended };

std::string_view name_of(FindMethod method);
// All names, the default first.
std::vector<std::string> find_method_names();
// Errc::usage for other names.
Result<FindMethod> parse_find_method(std::string_view name);

struct FinderSettings {
  FindMethod method = FindMethod::peakfinder8;
  PeakParameters parameters;        // of peakfinder8
  DispersionParameters dispersion;  // `extended` is as the method says
  // Off when 0. 1/Å², of 1/d²: pixels so near to a ring of hexagonal ice are left out.
  double ice_rings = 0;
  // Off when 0. Peaks on a feature that is more times as long as wide are left out: streaks.
  double max_elongation = 0;
};

// One finder for one geometry and mask. Not thread-safe: give each thread a copy.
class Finder {
 public:
  // Errc::usage as the finders themselves, and where ice rings are asked for and nobody knows where
  // they are.
  static Result<Finder> create(const Geometry& geometry, const Mask& mask,
                               const FinderSettings& settings);

  // Peaks of one (y, x) image, in the order of their first pixel (row major, panel by panel).
  // u8 u16 u32 i16 i32 f32; Errc::malformed for other types and shapes.
  Result<std::vector<Peak>> find(const ArrayView& image);

 private:
  using Any = std::variant<PeakFinder8, Dispersion>;
  static Result<Finder> create_plain(const Geometry& geometry, const Mask& mask,
                                     const FinderSettings& settings);
  explicit Finder(Any finder) : finder_(std::move(finder)) {}

  Any finder_;
  double max_elongation_ = 0;
  std::shared_ptr<const Elongation> elongation_;  // where that is not 0
};

// Name and version of the definition; changes when peaks may change.
std::string_view semantics_of(FindMethod method);

}  // namespace etalon
