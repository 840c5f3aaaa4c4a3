// One generator of peakfinder8's cases for unit tests, the fuzzer and the benchmark: images with a
// radial background, spots, hot and dead pixels, panels and masks.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/peaks.hpp"
#include "frame/geometry.hpp"

namespace etalon::pf8 {

struct Case {
  std::string name;
  Geometry geometry;
  Mask mask;
  PeakParameters parameters;
  Array image;
};

// Choices, from given bytes as far as they reach, then from a generator they seed.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  explicit Dice(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    std::seed_seq seed(bytes.begin(), bytes.end());
    random_.seed(seed);
  }
  std::size_t below(std::size_t n) {  // n up to 256 takes one byte
    if (bytes_.empty()) return random_() % n;
    std::size_t value = 0;
    for (std::size_t reach = 1; reach < n && !bytes_.empty(); reach <<= 8) {
      value = value << 8 | bytes_.front();
      bytes_ = bytes_.subspan(1);
    }
    return value % n;
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  double unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  // Poisson by inversion; mean below 700.
  std::int64_t photons(double mean) {
    double term = std::exp(-mean), sum = term;
    const double u = unit();
    std::int64_t k = 0;
    while (u > sum && k < 5000) sum += term *= mean / static_cast<double>(++k);
    return k;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::mt19937_64 random_;
};

// Photons on a radial background that falls off from `level`, with `spots` of about 9 pixels.
inline std::vector<std::int64_t> still(const Geometry& g, double level, std::size_t spots,
                                       Dice& dice) {
  std::vector<double> rate(g.pixels());
  const std::vector<float> radius = radius_map(g);
  for (std::size_t i = 0; i < rate.size(); ++i) {
    const double t = radius[i] / static_cast<double>(g.ny + g.nx);
    rate[i] = level * (0.1 + std::exp(-30 * (t - 0.12) * (t - 0.12)));
  }
  for (std::size_t spot = 0; spot < spots; ++spot) {
    const double cy = static_cast<double>(g.ny) * dice.unit();
    const double cx = static_cast<double>(g.nx) * dice.unit();
    const double height = (10 + 40 * dice.unit()) * std::sqrt(level + 1);
    for (int dy = -3; dy <= 3; ++dy)
      for (int dx = -3; dx <= 3; ++dx) {
        const double y = std::floor(cy) + dy, x = std::floor(cx) + dx;
        if (y < 0 || x < 0 || y >= static_cast<double>(g.ny) || x >= static_cast<double>(g.nx))
          continue;
        rate[static_cast<std::size_t>(y) * g.nx + static_cast<std::size_t>(x)] +=
            height * std::exp(-((y - cy) * (y - cy) + (x - cx) * (x - cx)));
      }
  }
  std::vector<std::int64_t> image(g.pixels());
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = dice.photons(std::min(rate[i], 600.0));
  return image;
}

// Values are cut to the type's range.
inline Array as_type(const std::vector<std::int64_t>& values, DType type, const Geometry& g) {
  Array array(type, {g.ny, g.nx});
  visit(type, [&](auto zero) {
    using T = decltype(zero);
    const auto out = array.as<T>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      if constexpr (std::is_floating_point_v<T> || sizeof(T) == 8)
        out[i] = static_cast<T>(values[i]);
      else
        out[i] = static_cast<T>(std::clamp<std::int64_t>(values[i], std::numeric_limits<T>::min(),
                                                         std::numeric_limits<T>::max()));
    }
  });
  return array;
}

// The detector of a serial-crystallography still: one megapixel, Poisson background of about one
// photon, gaps masked.
inline Case serial_case(std::size_t ny, std::size_t nx, std::size_t spots, std::uint64_t seed) {
  Dice dice(seed);
  Case c{"serial", {}, {}, {}, {}};
  c.geometry.ny = ny;
  c.geometry.nx = nx;
  c.geometry.centre_y = static_cast<double>(ny) / 2 + 0.1;
  c.geometry.centre_x = static_cast<double>(nx) / 2 + 0.3;
  std::vector<std::int64_t> image = still(c.geometry, 1.2, spots, dice);
  c.mask.assign(c.geometry.pixels(), 1);
  for (std::size_t y = ny / 2; y < ny / 2 + ny / 28; ++y)
    for (std::size_t x = 0; x < nx; ++x) {
      c.mask[y * nx + x] = 0;
      image[y * nx + x] = 65535;
    }
  c.image = as_type(image, DType::u16, c.geometry);
  return c;
}

// Any case that PeakFinder8 accepts, small, and often at an edge of something.
inline Case random_case(Dice& dice) {
  Case c{"random", {}, {}, {}, {}};
  Geometry& g = c.geometry;
  g.ny = 1 + dice.below(60);
  g.nx = 1 + dice.below(60);
  g.centre_y = dice.unit() * static_cast<double>(g.ny);
  g.centre_x = dice.one_in(8) ? -500.0 : dice.unit() * static_cast<double>(g.nx);
  if (dice.one_in(3)) {
    const std::size_t cut_y = dice.below(g.ny + 1), cut_x = dice.below(g.nx + 1);
    if (cut_y > 0) g.panels.push_back({0, cut_y, 0, g.nx});
    if (cut_y < g.ny && cut_x > 0) g.panels.push_back({cut_y, g.ny, 0, cut_x});
    if (cut_y < g.ny && cut_x < g.nx && !dice.one_in(3))
      g.panels.push_back({cut_y, g.ny, cut_x, g.nx});
  }
  PeakParameters& p = c.parameters;
  p.threshold = static_cast<float>(dice.below(40)) - 5;
  p.snr = static_cast<float>(dice.below(16)) / 2;
  p.min_pixels = 1 + static_cast<std::uint32_t>(dice.below(3));
  p.max_pixels = p.min_pixels + static_cast<std::uint32_t>(dice.below(50));
  p.local_radius = 1 + static_cast<std::uint32_t>(dice.below(5));
  if (dice.one_in(4)) p.min_radius = static_cast<float>(dice.below(20));
  if (dice.one_in(4)) p.max_radius = p.min_radius + static_cast<float>(dice.below(60));

  std::vector<std::int64_t> image =
      still(g, dice.one_in(2) ? 1.0 : 20.0 * dice.unit(), dice.below(8), dice);
  const std::int64_t offset =
      dice.one_in(3) ? static_cast<std::int64_t>(dice.below(40000)) - 20000 : 0;
  for (std::int64_t& v : image) v += offset;
  constexpr std::int64_t odd[] = {0,         1,          255,        8191,       8192,
                                  -8192,     32767,      -32768,     65535,      1 << 20,
                                  999999999, 1000000000, 2147483647, 4294967295, -2147483648};
  for (std::size_t n = dice.one_in(2) ? 0 : dice.below(30); n > 0; --n)
    image[dice.below(image.size())] = odd[dice.below(std::size(odd))];
  constexpr DType types[] = {DType::u8, DType::u16, DType::u32, DType::i16, DType::i32, DType::f32};
  c.image = as_type(image, types[dice.below(std::size(types))], g);
  if (c.image.dtype() == DType::f32 && !dice.one_in(3)) {
    constexpr float inf = std::numeric_limits<float>::infinity();
    constexpr float strange[] = {NAN, inf, -inf, -0.0F, 1e-40F, 3e38F, -3e38F, 0.3F};
    for (float& v : c.image.as<float>()) v *= 0.37F;
    for (std::size_t n = dice.below(10); n > 0; --n)
      c.image.as<float>()[dice.below(g.pixels())] = strange[dice.below(std::size(strange))];
  }
  c.mask.assign(g.pixels(), 1);
  for (std::size_t n = dice.one_in(2) ? 0 : dice.below(g.pixels()); n > 0; --n)
    c.mask[dice.below(g.pixels())] = 0;
  return c;
}

}  // namespace etalon::pf8
