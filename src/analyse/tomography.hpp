// Tomography with parallel beams: slices from projections over half a turn.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"

namespace etalon {

// A sinogram is (angles, columns): how much the beam was absorbed along each line, -log of the
// share that came through. Angles in radians; column `centre` is the axis of rotation, pixel
// centres at integers.

// -log, of shares below `least` as of these; what is not finite (dead pixels) is filled in by
// fill_dead.
void to_absorption(std::span<float> shares, std::size_t columns, float least = 1e-4F);

// What is not finite in a line of `columns` is filled in from the columns beside, and a line that
// holds nothing else with 0. How many were filled in.
std::size_t fill_dead(std::span<float> lines, std::size_t columns);

// Takes off what every projection has in a column and its neighbours have not: a column that sees
// too much or too little becomes a ring. The mean over all angles less its running median over
// `width` columns (M. Boin and A. Haibel, Opt. Express 14 (2006) 12071, with a median for their
// mean), where that is more than three times what is usual: the sample's own edges stay.
void remove_rings(std::span<float> sinogram, std::size_t columns, std::size_t width = 5);

enum class RampFilter { ramp, shepp_logan, hann };
Result<RampFilter> parse_ramp_filter(std::string_view name);  // "ramp", "shepp-logan", "hann"

// Filtered back-projection (A. Kak and M. Slaney, Principles of Computerized Tomographic Imaging,
// 1988, chapter 3): the ramp from its samples in space, projections padded to twice their length,
// linear interpolation. Thread-safe.
class BackProjection {
 public:
  // Errc::usage for less than two angles or four columns, angles that are not finite, a centre that
  // is not inside.
  static Result<BackProjection> create(std::vector<double> angles_rad, std::size_t columns,
                                       double centre, RampFilter filter);
  ~BackProjection();
  BackProjection(BackProjection&&) noexcept;
  BackProjection& operator=(BackProjection&&) noexcept;

  // (columns, columns), in absorption a pixel; the axis is at the image's centre, 0 outside the
  // circle that all projections see. The same for any order of calls.
  std::vector<float> slice(std::span<const float> sinogram) const;

 private:
  BackProjection();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Where the axis of rotation is. First from projections and the mirrored ones half a turn on, of up
// to 64 pairs that the angles have (else the middle); then so that the slice has the least below 0,
// since a wrong axis smears into negative absorption (T. Donath et al., J. Opt. Soc. Am. A 23
// (2006) 1048). Errc::usage as BackProjection::create.
Result<double> find_centre(std::span<const float> sinogram, const std::vector<double>& angles_rad,
                           std::size_t columns);

}  // namespace etalon
