#include "analyse/error_spectrum.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/exact_math.hpp"
#include "base/fft.hpp"

namespace etalon {
namespace {

// So many lines are transformed side by side, half of them as imaginary parts: power summed over
// lines needs no telling them apart, |Z_k|^2 + |Z_-k|^2 = 2 (|X_k|^2 + |Y_k|^2) for Z of X + i Y.
constexpr std::size_t lanes = 16;

class SegmentSums {
 public:
  SegmentSums(const PairRows& block, std::size_t axis, AxisSpectrum& into)
      : block_(block),
        into_(into),
        n_(into.segment),
        extent_(block.shape()[axis]),
        lines_(block.shape().count() / extent_),
        pieces_((extent_ - n_ + n_ / 2 - 1) / (n_ / 2) + 1),
        fft_(n_),
        signal_(n_ * lanes),
        error_(n_ * lanes),
        work_(n_ * lanes),
        line_(n_),
        window_(n_) {
    for (std::size_t a = axis + 1; a < block.shape().rank(); ++a) stride_ *= block.shape()[a];
    for (std::size_t j = 0; j < n_; ++j)
      window_[j] =
          0.5 - 0.5 * exact::sincos_turns(static_cast<double>(j) / static_cast<double>(n_)).second;
  }

  void add_all() {
    const std::size_t all = lines_ * pieces_;
    for (std::size_t first = 0; first < all; first += lanes)
      add_segments(first, std::min(lanes, all - first));
  }

 private:
  // Number j of a line lies where the transform of its half has it.
  static std::size_t place(std::size_t n, std::size_t j, std::size_t lane) {
    return lane / (lanes / 2) * n * (lanes / 2) + j * (lanes / 2) + lane % (lanes / 2);
  }

  void add_segments(std::size_t first, std::size_t count) {
    std::fill(signal_.begin(), signal_.end(), 0.0);
    std::fill(error_.begin(), error_.end(), 0.0);
    for (std::size_t lane = 0; lane < count; ++lane) {
      const std::size_t line = (first + lane) % lines_, piece = (first + lane) / lines_;
      const std::size_t start = pieces_ == 1 ? 0 : (extent_ - n_) * piece / (pieces_ - 1);
      const std::size_t at = line / stride_ * stride_ * extent_ + line % stride_ + start * stride_;
      block_.errors(at, stride_, n_, line_.data());
      if (std::any_of(line_.begin(), line_.end(), [](double e) { return std::isnan(e); })) {
        ++into_.left_out;
        continue;
      }
      put(lane, error_);
      block_.values(at, stride_, n_, line_.data());
      put(lane, signal_);
      ++into_.segments;
    }
    add_power(signal_, into_.signal);
    add_power(error_, into_.error);
  }

  void put(std::size_t lane, std::vector<double>& to) {
    double mean = 0;
    for (const double v : line_) mean += v;
    mean /= static_cast<double>(n_);
    for (std::size_t j = 0; j < n_; ++j) to[place(n_, j, lane)] = (line_[j] - mean) * window_[j];
  }

  void add_power(std::vector<double>& lines, std::vector<double>& power) {
    constexpr std::size_t half = lanes / 2;
    double *re = lines.data(), *im = re + n_ * half;
    fft_.transform(re, im, work_.data(), half, Direction::forward);
    for (std::size_t k = 0; k < n_; ++k) {
      double sum = 0;
      for (std::size_t l = 0; l < half; ++l)
        sum += re[k * half + l] * re[k * half + l] + im[k * half + l] * im[k * half + l];
      power[std::min(k, n_ - k)] += k == 0 || 2 * k == n_ ? sum : sum / 2;
    }
  }

  const PairRows& block_;
  AxisSpectrum& into_;
  std::size_t n_, extent_, lines_, pieces_, stride_ = 1;
  Fft fft_;
  std::vector<double> signal_, error_, work_, line_, window_;
};

}  // namespace

std::vector<AxisSpectrum::Shell> AxisSpectrum::shells() const {
  std::vector<Shell> all;
  if (segments == 0) return all;
  const auto n = static_cast<double>(segment);
  const double scale = 1 / (static_cast<double>(segments) * 0.375 * n);  // sum(w^2) = 3 n / 8
  const std::size_t last = segment / 2;
  for (std::size_t k = 1; k < last;) {
    Shell shell{static_cast<double>(k) / n, 0, 0, 0};
    const std::size_t first = k;
    // The end of a half octave from 2^(s/2) to 2^((s+1)/2): k^2 < 2^(s+1).
    const std::size_t end_square = std::size_t{2} << (std::bit_width(k * k) - 1);
    for (; k < last && k * k < end_square; ++k) {
      shell.signal += signal[k];
      shell.error += error[k];
    }
    if (k == last) {
      shell.signal += signal[k];
      shell.error += error[k];
      ++k;
    }
    shell.high = static_cast<double>(k - 1) / n;
    shell.signal *= scale / static_cast<double>(k - first);
    shell.error *= scale / static_cast<double>(k - first);
    all.push_back(shell);
  }
  return all;
}

std::optional<double> AxisSpectrum::reaches_signal_at() const {
  for (const Shell& shell : shells())
    if (shell.error > 0 && shell.error >= shell.signal) return shell.low;
  return std::nullopt;
}

void ErrorSpectrum::add(const PairRows& block) {
  const Shape& shape = block.shape();
  axes_.resize(shape.rank());
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] < least_axis) continue;
    AxisSpectrum& own = axes_[axis];
    own.segment = std::min(most_segment, std::bit_floor(shape[axis]));
    own.signal.resize(own.segment / 2 + 1);
    own.error.resize(own.segment / 2 + 1);
    SegmentSums(block, axis, own).add_all();
  }
}

}  // namespace etalon
