// Raw frames of a detector with three switching gains to photons. README.md here is the definition,
// to the bit.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "frame/gain_constants.hpp"
#include "frame/geometry.hpp"

namespace etalon::jungfrau {

inline constexpr std::string_view semantics = "jungfrau/1";  // changes when a photon may change
inline constexpr std::int32_t bad_photons = std::numeric_limits<std::int32_t>::min();
inline constexpr std::int64_t least_common_pixels = 32;

enum class CommonMode { none, rows, columns, asics };
Result<CommonMode> parse_common_mode(std::string_view name);
std::string_view name_of(CommonMode mode);

struct Options {
  CommonMode common_mode = CommonMode::none;
  std::size_t asic_ny = 256, asic_nx = 256;  // groups of the common mode end at these borders
};

// In the kernel's units, (y, x) row major, a plane for each gain.
struct Constants {
  std::size_t ny = 0, nx = 0;
  float energy_kev = 0;
  std::array<std::vector<std::int32_t>, 3> pedestal;   // 1/64 ADU
  std::array<std::vector<float>, 3> photons_per_unit;  // 0: not to be used
};

// Errc::usage for planes of another size and an energy that is not between 0.01 and 1000 keV.
Result<Constants> make_constants(const GainConstants& measured, double energy_kev);

// Constants are shared between copies, the rest is scratch. Not thread-safe: give each thread a
// copy.
class Converter {
 public:
  // Errc::usage when ASICs of these extents (rows 1 to 512) do not tile the image.
  static Result<Converter> create(Constants constants, const Options& options);

  const Constants& constants() const { return *constants_; }
  // Other pedestals of one gain, in 1/64 ADU, from now on and in this copy only. Errc::usage for
  // another number of them.
  Result<void> set_pedestal(unsigned gain, std::span<const std::int32_t> pedestal);
  // A u16 (y, x) image into an i32 (photons) or f32 (keV) image of the same extents;
  // Errc::malformed for other types and shapes.
  Result<void> convert(const ArrayView& raw, const MutableArrayView& out);

 private:
  void find_common(const std::uint16_t* raw, std::size_t y0);

  std::shared_ptr<const Constants> constants_;
  Options options_;
  std::vector<std::int32_t> sums_, counts_;  // by column
  std::vector<std::int32_t> common_;         // by column, of the rows at work
};

}  // namespace etalon::jungfrau
