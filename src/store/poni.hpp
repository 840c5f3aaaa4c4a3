// pyFAI's .poni files: where a flat detector is (Kieffer and Karkoulis, J. Phys. Conf. Ser. 425
// (2013) 202012; pyFAI's "Geometry" page).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

// The point of normal incidence (PONI) is where the line from the sample that is perpendicular to
// the detector meets it. Axis 1 runs along a column of the image (y), axis 2 along a row (x), axis
// 3 along the beam; pixel (0, 0) is at a corner, so the centre of its area is at half a pixel.
struct Poni {
  double distance_m = 0;  // from the sample to the PONI
  double poni1_m = 0, poni2_m = 0;
  // Of the detector, in radians: about axis 1, then 2 (both left-handed), then 3.
  double rot1 = 0, rot2 = 0, rot3 = 0;
  double wavelength_m = 0;            // 0: not said
  double pixel1_m = 0, pixel2_m = 0;  // 0: not said
  std::optional<std::size_t> ny, nx;  // images that it is for
  std::string detector;               // by name; may be empty
};

// Versions 1 and 2: "Key: value" a line, # begins a comment, of repeated keys the last one counts,
// unknown ones are passed over. Errc::malformed names line and reason, also for what makes the
// detector no flat one (a spline file) and for an orientation other than 3, the usual one.
Result<Poni> parse_poni(std::string_view text);
Result<Poni> read_poni(const std::string& path);

// The same as a place for the one panel of (ny, nx) images. The pixel sizes are the file's own,
// else those of its detector's family (Pilatus, Eiger), else of `known`; the wavelength is the
// file's own, else that of `known`. Errc::usage for images of other extents, or when no pixel size
// is known.
Result<Geometry> geometry_of(const Poni& poni, const Geometry& known);

}  // namespace etalon
