#include "sim/stills.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/crc32c.hpp"

namespace etalon {
namespace {

StillsParameters small() {
  StillsParameters p;
  p.frames = 6;
  p.seed = 7;
  p.ny = 192;
  p.nx = 160;
  p.hit_fraction = 0.5;
  p.distance_m = 0.05;
  p.pixel_size_m = 172e-6;
  p.detector.module_ny = 90;
  p.detector.gap_y = 12;
  p.detector.hot_fraction = p.detector.dead_fraction = 1e-3;
  return p;
}

std::uint32_t checksum(const StillsParameters& p, unsigned threads) {
  const auto simulator = StillsSimulator::create(p);
  std::uint32_t crc = 0;
  std::uint64_t next = 0;
  const auto ran = simulator.value().run(threads, [&](Still still) -> Result<void> {
    EXPECT_EQ(still.frame.number, next++);
    crc = crc32c(still.frame.image.view().bytes(), crc);
    return {};
  });
  EXPECT_TRUE(ran.ok());
  EXPECT_EQ(next, p.frames);
  return crc;
}

// The same on every machine: when this changes, so must stills_semantics.
TEST(Stills, GoldenBytes) {
  EXPECT_EQ(stills_semantics, "stills/1");
  EXPECT_EQ(checksum(small(), 1), 1691769630U);
}

TEST(Stills, BytesDoNotDependOnThreads) {
  const std::uint32_t one = checksum(small(), 1);
  EXPECT_EQ(checksum(small(), 2), one);
  EXPECT_EQ(checksum(small(), 5), one);
}

TEST(Stills, SeedsDiffer) {
  StillsParameters other = small();
  other.seed = 8;
  EXPECT_NE(checksum(other, 1), checksum(small(), 1));
}

TEST(Stills, AFrameDoesNotDependOnTheSeriesLength) {
  StillsParameters longer = small();
  longer.frames = 100;
  const auto a = StillsSimulator::create(small()), b = StillsSimulator::create(longer);
  const auto first = a.value().still(3).frame.image, second = b.value().still(3).frame.image;
  EXPECT_TRUE(std::ranges::equal(first.view().bytes(), second.view().bytes()));
}

TEST(Stills, SinkErrorsAndInterruptionEndTheRun) {
  const auto simulator = StillsSimulator::create(small());
  int calls = 0;
  const auto failed = simulator.value().run(2, [&](Still) -> Result<void> {
    if (++calls == 2) return Error{Errc::io, "full"};
    return {};
  });
  EXPECT_EQ(failed.error().code, Errc::io);
  EXPECT_EQ(calls, 2);
  const std::atomic<bool> stop = true;
  const auto stopped = simulator.value().run(
      1, [](Still) { return Result<void>{}; }, &stop);
  EXPECT_EQ(stopped.error().code, Errc::interrupted);
}

TEST(Stills, SenselessParametersAreRefused) {
  const auto refused = [](auto change) {
    StillsParameters p = small();
    change(p);
    const auto simulator = StillsSimulator::create(p);
    return !simulator.ok() && simulator.error().code == Errc::usage;
  };
  const double nan = std::nan("");
  EXPECT_TRUE(refused([](auto& p) { p.ny = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.nx = 1 << 20; }));
  EXPECT_TRUE(refused([](auto& p) { p.hit_fraction = 1.5; }));
  EXPECT_TRUE(refused([&](auto& p) { p.hit_fraction = nan; }));
  EXPECT_TRUE(refused([&](auto& p) { p.wavelength_angstrom = nan; }));
  EXPECT_TRUE(refused([](auto& p) { p.distance_m = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.background.water = -1; }));
  EXPECT_TRUE(refused([](auto& p) { p.cell.gamma = 170; }));
  EXPECT_TRUE(refused([](auto& p) { p.detector.saturation = 70000; }));
}

// Bragg's law worked out from the spot's direction alone, without the code's reciprocal geometry.
TEST(Stills, SpotsLieWhereEwaldPutsThem) {
  StillsParameters p = small();
  p.hit_fraction = 1;
  p.ny = p.nx = 512;
  const auto simulator = StillsSimulator::create(p);
  const Geometry& g = simulator.value().info().geometry;
  std::size_t strong = 0;
  for (std::uint64_t n = 0; n < 3; ++n) {
    const StillTruth truth = simulator.value().truth(n);
    ASSERT_TRUE(truth.is_hit);
    for (const PredictedSpot& spot : truth.spots) {
      const double x = (spot.x - g.centre_x) * g.pixel_size_x_m;
      const double y = (spot.y - g.centre_y) * g.pixel_size_y_m;
      const double two_theta = std::atan2(std::hypot(x, y), g.distance_m);
      const double azimuth = std::atan2(y, x);
      // The scattering vector of that pixel, and that of the lattice point.
      const std::array<double, 3> s = {
          std::sin(two_theta) * std::cos(azimuth) / g.wavelength_angstrom,
          std::sin(two_theta) * std::sin(azimuth) / g.wavelength_angstrom,
          (std::cos(two_theta) - 1) / g.wavelength_angstrom};
      std::array<double, 3> q{};
      for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = 0; j < 3; ++j) q[i] += truth.a_matrix[3 * i + j] * spot.index[j];
      const double miss = std::hypot(s[0] - q[0], s[1] - q[1], s[2] - q[2]);
      EXPECT_NEAR(miss, std::fabs(spot.excitation), 1e-9);
      if (spot.partiality > 0.9) {
        ++strong;
        const double d = 1 / std::hypot(q[0], q[1], q[2]);
        EXPECT_NEAR(2 * d * std::sin(two_theta / 2), g.wavelength_angstrom, 0.01);
      }
    }
  }
  EXPECT_GT(strong, 50U);
}

TEST(Stills, TheSpotsPhotonsArriveInTheImage) {
  StillsParameters p = small();
  p.hit_fraction = 1;
  const auto simulator = StillsSimulator::create(p);
  StillTruth truth = simulator.value().truth(0);
  ASSERT_FALSE(truth.spots.empty());
  double expected = 0;
  for (const PredictedSpot& spot : truth.spots) expected += spot.photons;
  const auto with = simulator.value().mean_image(truth);
  truth.spots.clear();
  const auto without = simulator.value().mean_image(truth);
  const double arrived = std::accumulate(with.begin(), with.end(), 0.0) -
                         std::accumulate(without.begin(), without.end(), 0.0);
  EXPECT_NEAR(arrived / expected, 1, 0.03);  // some footprints leave the image

  PredictedSpot inside;
  inside.x = 80.3;
  inside.y = 44.8;
  inside.photons = 1000;
  inside.sigma_radial_px = 1.5;
  inside.sigma_tangential_px = 0.8;
  std::vector<float> image(p.ny * p.nx);
  add_spot(inside, simulator.value().info().geometry, image);
  double sum = 0, x = 0, y = 0;
  for (std::size_t i = 0; i < image.size(); ++i) {
    sum += image[i];
    x += static_cast<double>(i % p.nx) * image[i];
    y += static_cast<double>(i / p.nx) * image[i];
  }
  EXPECT_NEAR(sum, 1000, 0.01);
  EXPECT_NEAR(x / sum, inside.x, 0.01);
  EXPECT_NEAR(y / sum, inside.y, 0.01);
}

TEST(Stills, PixelNoiseIsPoisson) {
  StillsParameters p = small();
  p.frames = 400;
  p.hit_fraction = 0;
  p.flux_jitter = p.jet_jitter = 0;
  p.jet_fraction = 1;
  p.detector.hot_fraction = p.detector.dead_fraction = 0;
  const auto simulator = StillsSimulator::create(p);
  const auto mean = simulator.value().mean_image(simulator.value().truth(0));
  std::vector<double> sum(mean.size()), square(mean.size());
  ASSERT_TRUE(simulator.value()
                  .run(2,
                       [&](Still still) -> Result<void> {
                         const auto counts = std::as_const(still.frame.image).as<std::uint16_t>();
                         for (std::size_t i = 0; i < mean.size(); ++i) {
                           sum[i] += counts[i];
                           square[i] += counts[i] * counts[i];
                         }
                         return {};
                       })
                  .ok());
  const Mask good = simulator.value().info().mask();
  double chi2 = 0, fano = 0, n = 0;
  const auto frames = static_cast<double>(p.frames);
  for (std::size_t i = 0; i < mean.size(); ++i) {
    if (!good[i]) continue;
    const double m = mean[i], average = sum[i] / frames;
    chi2 += (average - m) * (average - m) * frames / m;
    fano += (square[i] / frames - average * average) * frames / (frames - 1) / m;
    n += 1;
  }
  EXPECT_NEAR(chi2 / n, 1, 0.05);
  EXPECT_NEAR(fano / n, 1, 0.01);
}

TEST(Stills, BackgroundIsRoundWithoutPolarization) {
  StillsParameters p = small();
  p.background.polarization = 0.5;
  const auto simulator = StillsSimulator::create(p);
  const Geometry& g = simulator.value().info().geometry;
  StillTruth truth;
  truth.has_jet = true;
  truth.background_scale = truth.jet_scale = 1;
  const auto image = simulator.value().mean_image(truth);
  const auto at = [&](int dx, int dy) {
    const auto x = static_cast<std::size_t>(std::lround(g.centre_x + dx + 0.2));
    const auto y = static_cast<std::size_t>(std::lround(g.centre_y + dy + 0.4));
    return static_cast<double>(image[y * g.nx + x]);
  };
  // Beam centre at (x.3, y.1): a quarter turn moves a point by less than half a pixel.
  for (int r : {30, 45, 60})
    for (auto [dx, dy] : {std::pair{0, r}, std::pair{-r, 0}, std::pair{0, -r}})
      EXPECT_NEAR(at(dx, dy) / at(r, 0), 1, 0.05) << r;
  // The water ring stands out over what lies inside and outside of it.
  StillTruth dry = truth;
  dry.jet_scale = 0;
  const auto air = simulator.value().mean_image(dry);
  const double ring = radius_of_resolution(g, 3.2);
  const auto water_at = [&](double radius) {
    const auto i = static_cast<std::size_t>(std::lround(g.centre_y)) * g.nx +
                   static_cast<std::size_t>(std::lround(g.centre_x + radius));
    return static_cast<double>(image[i] - air[i]);
  };
  if (ring * 1.5 < 75) {
    EXPECT_GT(water_at(ring), 1.2 * water_at(ring * 0.6));
    EXPECT_GT(water_at(ring), 1.2 * water_at(ring * 1.45));
  }
}

TEST(Stills, FlawsOfTheDetector) {
  StillsParameters p = small();
  p.background.air = 1e6;
  const auto simulator = StillsSimulator::create(p);
  const SeriesInfo& info = simulator.value().info();
  const Still still = simulator.value().still(0);
  const auto counts = still.frame.image.as<std::uint16_t>();
  std::size_t gaps = 0, dead = 0, hot = 0;
  std::uint16_t largest = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (info.pixel_mask[i] & mask_gap) {
      ++gaps;
      EXPECT_EQ(counts[i], 65535);
    } else if (info.pixel_mask[i] & mask_dead) {
      ++dead;
      EXPECT_EQ(counts[i], 0);
    } else {
      largest = std::max(largest, counts[i]);
      hot += info.pixel_mask[i] & mask_hot ? 1 : 0;
    }
  }
  EXPECT_EQ(gaps, 12 * 160U);
  EXPECT_GT(dead, 5U);
  EXPECT_GT(hot, 5U);
  EXPECT_EQ(largest, p.detector.saturation);
  EXPECT_EQ(info.geometry.panels, (std::vector<Panel>{{0, 90, 0, 160}, {102, 192, 0, 160}}));
}

TEST(Stills, HitsAndBlanksComeAtTheirRates) {
  StillsParameters p = small();
  p.ny = p.nx = 32;
  p.hit_fraction = 0.25;
  const auto simulator = StillsSimulator::create(p);
  int hits = 0, jets = 0;
  const int n = 2000;
  for (std::uint64_t i = 0; i < n; ++i) {
    const StillTruth truth = simulator.value().truth(i);
    hits += truth.is_hit ? 1 : 0;
    jets += truth.has_jet && !truth.is_hit ? 1 : 0;
    EXPECT_TRUE(truth.is_hit || truth.spots.empty());
  }
  EXPECT_NEAR(hits, 500, 90);
  EXPECT_NEAR(jets, 1200, 110);
}

}  // namespace
}  // namespace etalon
