#include "analyse/powder.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace etalon {
namespace {

__extension__ typedef unsigned __int128 Wide;

}  // namespace

Powder::Powder(const SeriesInfo& info)
    : info_(info),
      mask_(info.mask()),
      sum_(info.geometry.pixels()),
      max_(sum_.size(), std::numeric_limits<std::int64_t>::min()),
      squares_(sum_.size()),
      squares_high_(size_of(info.dtype) < 4 ? 0 : sum_.size()) {}

Result<Powder> Powder::create(const SeriesInfo& info) {
  if (is_float(info.dtype) || size_of(info.dtype) > 4)
    return Error{Errc::usage, "powder: elements of type " + std::string(name_of(info.dtype)) +
                                  " are not integers of at most 32 bits"};
  Powder powder(info);
  if (powder.mask_.size() != powder.sum_.size())
    return Error{Errc::malformed, "powder: mask and image differ in size"};
  return powder;
}

// Bad pixels are summed too, and left out of every result: the loops then have no branch.
template <typename T>
void Powder::add_pixels(std::span<const T> pixels) {
  const std::size_t n = pixels.size();
  const T* const in = pixels.data();
  std::int64_t* const sum = sum_.data();
  std::int64_t* const max = max_.data();
  std::uint64_t* const squares = squares_.data();
  for (std::size_t i = 0; i < n; ++i) sum[i] += in[i];
  for (std::size_t i = 0; i < n; ++i) {
    const std::int64_t value = in[i];
    max[i] = value > max[i] ? value : max[i];
  }
  const auto square = [in](std::size_t i) {
    const std::int64_t value = in[i];
    const auto size = static_cast<std::uint64_t>(value < 0 ? -value : value);
    return size * size;
  };
  if constexpr (sizeof(T) < 4) {  // 2^32 frames of 2^32 fit
    for (std::size_t i = 0; i < n; ++i) squares[i] += square(i);
  } else {
    for (std::size_t i = 0; i < n; ++i)
      squares_high_[i] += __builtin_add_overflow(squares[i], square(i), &squares[i]) ? 1 : 0;
  }

  ++frames_;
  const double limit = info_.saturation_value;
  if (!(limit > 0 && limit <= static_cast<double>(std::numeric_limits<T>::max()))) return;
  const T saturation = static_cast<T>(std::ceil(limit));
  bool saturated = false;
  for (std::size_t i = 0; i < n; ++i) saturated |= (in[i] >= saturation) & (mask_[i] != 0);
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
  if (info_.dtype != other.info_.dtype)
    return Error{Errc::usage, "powder: series of different element types"};
  const bool wide = !squares_high_.empty();
  frames_ += other.frames_;
  saturated_frames_ += other.saturated_frames_;
  for (std::size_t i = 0; i < sum_.size(); ++i) {
    mask_[i] = mask_[i] && other.mask_[i] ? 1 : 0;
    sum_[i] += other.sum_[i];
    const bool carry = __builtin_add_overflow(squares_[i], other.squares_[i], &squares_[i]);
    if (wide) squares_high_[i] += other.squares_high_[i] + (carry ? 1 : 0);
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
    const Wide squares =
        (squares_high_.empty() ? Wide{0} : Wide{squares_high_[i]} << 64) | Wide{squares_[i]};
    out[i] = static_cast<double>(frames_ * squares - size * size) / divisor;
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
