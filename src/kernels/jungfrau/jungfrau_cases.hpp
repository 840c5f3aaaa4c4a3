// Raw frames with known photons, for tests and the benchmark.
#pragma once

#include <cmath>
#include <random>

#include "etalon/array.hpp"
#include "kernels/jungfrau/jungfrau.hpp"

namespace etalon::jungfrau {

struct Case {
  GainConstants measured;
  double energy_kev = 9.5;
  Options options;
  Array raw;                          // u16
  std::vector<std::int32_t> photons;  // that went in
};

// A detector of 40, -1.4 and -0.1 ADU/keV whose pixels switch gain at 20 and 680 photons, with
// noise of `noise_adu`, a common mode of each ASIC of about ten ADU, and a few strong pixels.
inline Case exposure(std::size_t ny, std::size_t nx, double noise_adu, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> distribution;
  const auto normal = [&] { return distribution(random); };
  Case c;
  GainConstants& m = c.measured;
  m.ny = ny;
  m.nx = nx;
  m.bad.assign(m.pixels(), 0);
  constexpr double gain[] = {40, -1.4, -0.1}, pedestal[] = {2860, 14900, 14700};
  for (std::size_t g = 0; g < 3; ++g)
    for (std::size_t i = 0; i < m.pixels(); ++i) {
      m.gain_adu_per_kev[g].push_back(static_cast<float>(gain[g] * (1 + 0.03 * normal())));
      m.pedestal_adu[g].push_back(static_cast<float>(pedestal[g] + 80 * normal()));
    }
  c.options.asic_ny = ny / 2;
  c.options.asic_nx = nx / 4;
  c.options.common_mode = CommonMode::asics;
  std::vector<double> common(8);
  for (double& value : common) value = 10 * normal();
  c.raw = Array(DType::u16, {ny, nx});
  for (std::size_t i = 0; i < m.pixels(); ++i) {
    const std::uint64_t kind = random() % 1000;
    const auto n = static_cast<std::int32_t>(kind == 0    ? 700 + random() % 8000
                                             : kind < 20  ? random() % 600
                                             : kind < 300 ? 1
                                                          : 0);
    const std::size_t g = n < 20 ? 0 : n < 680 ? 1 : 2;
    const std::size_t asic = i / nx / c.options.asic_ny * 4 + i % nx / c.options.asic_nx;
    const double adu = double{m.pedestal_adu[g][i]} +
                       double{m.gain_adu_per_kev[g][i]} * c.energy_kev * n + common[asic] +
                       noise_adu * normal();
    constexpr unsigned bits[] = {0, 1, 3};
    c.photons.push_back(n);
    c.raw.as<std::uint16_t>()[i] = static_cast<std::uint16_t>(
        bits[g] << 14 | static_cast<unsigned>(std::clamp(std::nearbyint(adu), 1.0, 16382.0)));
  }
  return c;
}

// Any bits, constants of any size, masked pixels: everything that a backend may take another way.
inline Case random_case(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Case c = exposure(2 + 2 * (random() % 20), 4 + 4 * (random() % 20), 15, seed);
  c.options.common_mode = static_cast<CommonMode>(random() % 4);
  for (std::uint16_t& v : c.raw.as<std::uint16_t>()) {
    if (random() % 4 == 0) v = static_cast<std::uint16_t>(random());
    if (random() % 32 == 0)
      v = static_cast<std::uint16_t>(random() % 4 << 14 | (random() % 2 * 0x3fff));
  }
  constexpr float odd[] = {0, -0.0F, 1e-30F, 1e30F, INFINITY, NAN, -1, 16383, 16384, 1e-8F};
  for (std::size_t n = random() % 200; n > 0; --n) {
    const std::size_t i = random() % c.measured.pixels(), g = random() % 3;
    const float value = odd[random() % std::size(odd)];
    (random() % 2 ? c.measured.gain_adu_per_kev : c.measured.pedestal_adu)[g][i] = value;
    c.measured.bad[random() % c.measured.pixels()] = 1;
  }
  return c;
}

}  // namespace etalon::jungfrau
