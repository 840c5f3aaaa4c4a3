// The dispersion spot finders of DIALS (Winter et al., Acta Cryst. D74 (2018) 85-97): spots where
// counts scatter more than Poisson statistics allow. README.md here is the definition, to the bit.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// Change when peaks may change.
inline constexpr std::string_view dispersion_semantics = "dispersion/1";
inline constexpr std::string_view dispersion_extended_semantics = "dispersion_extended/1";

// The defaults are those of DIALS.
struct DispersionParameters {
  bool extended = true;  // a spot's own pixels take no part in its background
  std::array<std::uint32_t, 2> kernel_size{3, 3};  // half-widths of the window: rows, columns
  float sigma_background = 6;   // dispersion of a window with a spot, in standard deviations
  float sigma_strong = 3;       // of a spot's pixel above the mean
  float threshold = 0;          // a spot's pixels are above, in the units of the image
  float gain = 1;               // units of the image a photon
  std::uint32_t min_local = 2;  // fewest good pixels of a window; 0: all of them
  std::uint32_t min_pixels = 3;
  std::uint32_t max_pixels = 1000;
  float max_separation = 2;  // pixels between the centre of mass and the largest pixel
  float min_radius = 0;      // pixels from the beam centre; nearer ones are left out
  float max_radius = 1e9F;   // farther ones are left out

  bool operator==(const DispersionParameters&) const = default;
};

// What one geometry and mask need (shared between copies) and scratch for one thread. Not
// thread-safe: give each thread a copy.
class Dispersion {
 public:
  // Errc::usage for a mask of another size, a panel outside the image, or senseless parameters.
  static Result<Dispersion> create(const Geometry& geometry, const Mask& mask,
                                   const DispersionParameters& parameters);
  ~Dispersion();
  Dispersion(const Dispersion&);
  Dispersion& operator=(const Dispersion&);
  Dispersion(Dispersion&&) noexcept;
  Dispersion& operator=(Dispersion&&) noexcept;

  // Peaks of one (y, x) image, in the order of their first pixel (row major, panel by panel).
  // u8 u16 u32 i16 i32 f32; Errc::malformed for other types and shapes.
  Result<std::vector<Peak>> find(const ArrayView& image);

 private:
  struct Impl;
  explicit Dispersion(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
