#include "analyse/powder.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>

namespace etalon {

Powder::Powder(const SeriesInfo& info)
    : info_(info),
      mask_(info.mask()),
      sum_(info.geometry.pixels()),
      max_(sum_.size(), std::numeric_limits<std::int64_t>::min()),
      squares_(sum_.size()) {}

Result<Powder> Powder::create(const SeriesInfo& info) {
  if (is_float(info.dtype) || size_of(info.dtype) > 4)
    return Error{Errc::usage, "powder: elements of type " + std::string(name_of(info.dtype)) +
                                  " are not integers of at most 32 bits"};
  Powder powder(info);
  if (powder.mask_.size() != powder.sum_.size())
    return Error{Errc::malformed, "powder: mask and image differ in size"};
  return powder;
}

template <typename T>
void Powder::add_pixels(std::span<const T> pixels) {
  const double limit = info_.saturation_value;
  const bool known = limit > 0 && limit <= static_cast<double>(std::numeric_limits<T>::max());
  const auto saturation = known ? static_cast<std::int64_t>(limit) : 0;
  bool saturated = false;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    if (!mask_[i]) continue;
    const auto value = static_cast<std::int64_t>(pixels[i]);
    const auto size = static_cast<std::uint64_t>(value < 0 ? -value : value);
    sum_[i] += value;
    squares_[i] += size * size;
    max_[i] = std::max(max_[i], value);
    saturated = saturated || (known && value >= saturation);
  }
  ++frames_;
  saturated_frames_ += saturated ? 1 : 0;
}

Result<void> Powder::add(const ArrayView& image) {
  const Shape shape{info_.geometry.ny, info_.geometry.nx};
  if (image.dtype != info_.dtype || !(image.shape == shape))
    return Error{Errc::usage, "powder: image of " + to_string(image.shape) + " " +
                                  std::string(name_of(image.dtype)) + " in a series of " +
                                  to_string(shape) + " " + std::string(name_of(info_.dtype))};
  visit(image.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) add_pixels(image.as<T>());
  });
  return {};
}

Result<void> Powder::merge(const Powder& other) {
  if (info_.geometry.ny != other.info_.geometry.ny || info_.geometry.nx != other.info_.geometry.nx)
    return Error{Errc::usage, "powder: series of different image sizes"};
  frames_ += other.frames_;
  saturated_frames_ += other.saturated_frames_;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    mask_[i] = mask_[i] && other.mask_[i] ? 1 : 0;
    sum_[i] += other.sum_[i];
    squares_[i] += other.squares_[i];
    max_[i] = std::max(max_[i], other.max_[i]);
  }
  return {};
}

std::uint64_t Powder::good_pixels() const {
  return static_cast<std::uint64_t>(
      std::count_if(mask_.begin(), mask_.end(), [](std::uint8_t good) { return good != 0; }));
}

std::vector<std::int64_t> Powder::sum() const {
  std::vector<std::int64_t> out(sum_.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = mask_[i] ? sum_[i] : 0;
  return out;
}

std::vector<std::int64_t> Powder::max() const {
  std::vector<std::int64_t> out(max_.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = mask_[i] && frames_ > 0 ? max_[i] : 0;
  return out;
}

std::vector<double> Powder::mean() const {
  std::vector<double> out(sum_.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    if (mask_[i] && frames_ > 0)
      out[i] = static_cast<double>(sum_[i]) / static_cast<double>(frames_);
  return out;
}

std::vector<double> Powder::variance() const {
  std::vector<double> out(sum_.size());
  if (frames_ < 2) return out;
  const double divisor = static_cast<double>(frames_) * static_cast<double>(frames_ - 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!mask_[i]) continue;
    const Wide size = static_cast<std::uint64_t>(sum_[i] < 0 ? -sum_[i] : sum_[i]);
    out[i] = static_cast<double>(frames_ * squares_[i] - size * size) / divisor;
  }
  return out;
}

double Powder::mean_of_good_pixels() const {
  double total = 0;
  for (std::size_t i = 0; i < sum_.size(); ++i)
    if (mask_[i]) total += static_cast<double>(sum_[i]);
  const double n = static_cast<double>(frames_) * static_cast<double>(good_pixels());
  return n > 0 ? total / n : 0;
}

}  // namespace etalon
