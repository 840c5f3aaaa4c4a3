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
  if (2 * beam.size() < dark.size() || beam.empty())
    return Error{Errc::usage, "flat field: " + std::to_string(beam.size()) + " of " +
                                  std::to_string(dark.size()) +
                                  " pixels are brighter than in the dark"};
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

Result<void> FlatField::apply(const ArrayView& raw, const MutableArrayView& out) const {
  if (raw.shape.count() != dark_.size() || out.shape.count() != dark_.size())
    return Error{Errc::usage, "flat field: of " + std::to_string(dark_.size()) +
                                  " pixels, the image is " + to_string(raw.shape)};
  if (out.dtype != DType::f32) return Error{Errc::usage, "flat field: the result is f32"};
  const std::span<float> to = out.as<float>();
  visit(raw.dtype, [&](auto zero) {
    const auto from = raw.as<decltype(zero)>();
    for (std::size_t i = 0; i < from.size(); ++i)
      to[i] = (static_cast<float>(from[i]) - dark_[i]) * gain_[i];
  });
  return {};
}

}  // namespace etalon
