// Random matrices and images: for the test and the benchmark.
#pragma once

#include <random>

#include "kernels/azimuthal/azimuthal.hpp"

namespace etalon::azimuthal {

struct Case {
  std::size_t bins = 0;
  std::vector<Band> bands;
  // The same weights, a list a pixel.
  std::vector<std::size_t> first_bin;
  std::vector<std::vector<std::uint16_t>> weights;
  std::vector<float> normalization, dark;
  Array image;
  ValidRange valid;
};

// `widest`: most bins a pixel meets.
inline Case random_case(std::uint64_t seed, std::size_t pixels, std::size_t bins,
                        std::size_t widest, DType type) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  Case c;
  c.bins = bins;
  c.valid = {0, 60000};
  const std::size_t per_band = 1 + below(pixels);
  for (std::size_t first = 0; first < pixels; first += per_band) {
    BandBuilder builder(first);
    for (std::size_t i = first; i < std::min(pixels, first + per_band); ++i) {
      std::vector<std::uint16_t> w(below(8) == 0 ? 0 : 1 + below(std::min(widest, bins)));
      std::size_t left = whole_pixel;
      for (std::uint16_t& v : w) {
        v = static_cast<std::uint16_t>(&v == &w.back() ? left : below(left + 1));
        left -= v;
      }
      c.first_bin.push_back(below(bins - w.size() + 1));
      builder.add(c.first_bin.back(), w);
      c.weights.push_back(std::move(w));
    }
    c.bands.push_back(builder.finish());
  }
  c.image = Array(type, {1, pixels});
  for (std::size_t i = 0; i < pixels; ++i) {
    c.normalization.push_back(static_cast<float>(1 + below(1000)) / 512);
    c.dark.push_back(static_cast<float>(below(1000)) / 7);
  }
  visit(type, [&](auto zero) {
    using T = decltype(zero);
    for (T& v : c.image.as<T>()) {
      v = static_cast<T>(static_cast<double>(below(100)) + (is_float(type) ? 0.37 : 0));
      if (below(20) == 0) v = static_cast<T>(std::numeric_limits<T>::max());
      if constexpr (!std::is_unsigned_v<T>)
        if (below(20) == 0) v = static_cast<T>(-1);
      if constexpr (std::is_floating_point_v<T>)
        if (below(20) == 0) v = std::numeric_limits<T>::quiet_NaN();
    }
  });
  return c;
}

}  // namespace etalon::azimuthal
