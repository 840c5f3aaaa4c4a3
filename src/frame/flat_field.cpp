#include "frame/flat_field.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace etalon {

Result<FlatField> FlatField::create(std::span<const float> dark, std::span<const float> flat,
                                    float least_share) {
  if (dark.size() != flat.size())
    return Error{Errc::usage, "flat field: " + std::to_string(dark.size()) + " dark pixels, " +
                                  std::to_string(flat.size()) + " flat ones"};
  std::vector<float> beam;
  for (std::size_t i = 0; i < dark.size(); ++i)
    if (const float seen = flat[i] - dark[i]; seen > 0 && std::isfinite(seen)) beam.push_back(seen);
  if (beam.empty()) return Error{Errc::usage, "flat field: no pixel is brighter than in the dark"};
  const auto middle = beam.begin() + static_cast<std::ptrdiff_t>(beam.size() / 2);
  std::nth_element(beam.begin(), middle, beam.end());
  const float least = least_share * *middle;

  FlatField out;
  out.dark_.assign(dark.begin(), dark.end());
  for (std::size_t i = 0; i < dark.size(); ++i) {
    const float seen = flat[i] - dark[i];
    const bool good = seen > 0 && seen >= least && std::isfinite(seen);
    out.mask_.push_back(good);
    out.gain_.push_back(good ? 1 / seen : std::numeric_limits<float>::quiet_NaN());
  }
  return out;
}

}  // namespace etalon
