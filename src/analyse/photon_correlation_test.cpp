#include "analyse/photon_correlation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

namespace etalon {
namespace {

SeriesInfo small_info(std::size_t ny = 16, std::size_t nx = 20) {
  SeriesInfo info;
  info.name = "small";
  info.geometry = {ny, nx, 9.5, 7.5, 75e-6, 75e-6, 5, 1.5, {}, {}};
  info.pixel_mask.assign(ny * nx, 0);
  info.pixel_mask[3] = 1;
  return info;
}

std::vector<Array> random_frames(std::size_t count, const Shape& shape, int most) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> pick(0, most);
  std::vector<Array> frames;
  for (std::size_t t = 0; t < count; ++t) {
    Array frame(DType::i32, shape);
    for (auto& v : frame.as<std::int32_t>()) v = pick(random);
    frames.push_back(std::move(frame));
  }
  return frames;
}

// The definition, in long double, of the series summed in blocks of `block` frames.
double by_definition(const std::vector<Array>& frames, const QRings& rings, std::size_t ring,
                     std::size_t block, std::size_t lag) {
  std::vector<std::vector<long double>> sums;
  for (std::size_t t = 0; t + block <= frames.size(); t += block) {
    std::vector<long double> sum(rings.size(ring));
    for (std::size_t k = t; k < t + block; ++k)
      for (std::size_t i = 0; i < sum.size(); ++i)
        sum[i] += frames[k].as<std::int32_t>()[rings.pixels[rings.begin[ring] + i]];
    sums.push_back(sum);
  }
  long double both = 0, before = 0, after = 0;
  std::size_t n = 0;
  for (std::size_t t = 0; t + lag < sums.size(); ++t)
    for (std::size_t i = 0; i < sums[t].size(); ++i, ++n) {
      both += sums[t][i] * sums[t + lag][i];
      before += sums[t][i];
      after += sums[t + lag][i];
    }
  return static_cast<double>(both * n / (before * after));
}

TEST(PhotonCorrelation, CurvesAreWhatTheDefinitionSays) {
  for (const int most : {3, 40000, 2000000000}) {
    const auto frames = random_frames(75, {16, 20}, most);
    auto rings = make_rings(small_info(), 0, 0, 3);
    ASSERT_TRUE(rings.ok());
    for (const unsigned threads : {1U, 3U}) {
      MultiTau correlator(*rings, 8, threads);
      for (const Array& frame : frames) ASSERT_TRUE(correlator.add(frame.view()).ok());
      EXPECT_EQ(correlator.frames(), 75u);
      for (std::size_t ring = 0; ring < rings->count(); ++ring) {
        const auto curve = correlator.curve(ring);
        // 8 lags of single frames; then 5 to 8 of sums of 2, 4, 8 and of 16 none: there are 4
        const std::size_t levels = most == 2000000000 ? 0 : 3;
        ASSERT_EQ(curve.size(), 8 + 4 * levels) << most;
        for (std::size_t i = 0; i < curve.size(); ++i) {
          const std::size_t level = i < 8 ? 0 : (i - 8) / 4 + 1, block = std::size_t{1} << level;
          const std::size_t lag = i < 8 ? i + 1 : 5 + (i - 8) % 4;
          EXPECT_EQ(curve[i].lag, lag * block);
          EXPECT_EQ(curve[i].pairs, 75 / block - lag);
          EXPECT_NEAR(curve[i].g2, by_definition(frames, *rings, ring, block, lag), 1e-12);
        }
      }
    }
  }
}

// Parts of the rings, each over all frames; kept as bytes after the frame of this number.
std::vector<MultiTau> in_parts(const std::vector<Array>& frames, const QRings& rings,
                               std::size_t kept_after, std::vector<std::size_t>& first_rings) {
  const std::size_t edges[] = {0, 1, 100, 170, rings.pixels.size()};
  std::vector<MultiTau> parts;
  for (std::size_t p = 0; p + 1 < std::size(edges); ++p) {
    const RingsPart part = part_of(rings, edges[p], edges[p + 1]);
    MultiTau curves(part.rings, 8, 1);
    for (std::size_t t = 0; t < frames.size(); ++t) {
      const auto counts = counts_of(rings, frames[t].view());
      const std::span<const std::int32_t> all(counts->values);
      curves.add(all.subspan(edges[p], edges[p + 1] - edges[p]), counts->largest);
      if (t != kept_after) continue;
      auto back = MultiTau::unpack(part.rings, 8, curves.pack(true), true);
      EXPECT_TRUE(back.ok()) << back.error().message;
      EXPECT_EQ(back->pack(true), curves.pack(true));
      curves = std::move(*back);
    }
    first_rings.push_back(part.first_ring);
    parts.push_back(std::move(curves));
  }
  return parts;
}

TEST(PhotonCorrelation, PartsOfTheRingsMakeTheWhole) {
  for (const int most : {3, 40000, 300000000}) {
    const auto frames = random_frames(75, {16, 20}, most);
    auto rings = make_rings(small_info(), 0, 0, 3);
    ASSERT_TRUE(rings.ok());
    MultiTau whole(*rings, 8, 1), sum(*rings, 8, 1);
    for (const Array& frame : frames) ASSERT_TRUE(whole.add(frame.view()).ok());
    for (const std::size_t kept_after : {2U, 41U}) {
      MultiTau together(*rings, 8, 1);
      std::vector<std::size_t> first_rings;
      const auto parts = in_parts(frames, *rings, kept_after, first_rings);
      for (std::size_t p = 0; p < parts.size(); ++p)
        ASSERT_TRUE(together.merge(parts[p], first_rings[p]).ok());
      EXPECT_EQ(together.pack(false), whole.pack(false));
      for (std::size_t ring = 0; ring < rings->count(); ++ring) {
        const auto a = together.curve(ring), b = whole.curve(ring);
        ASSERT_EQ(a.size(), b.size());
        for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].g2, b[i].g2);
      }
    }
    ASSERT_TRUE(sum.merge(whole, 0).ok());
    MultiTau shorter(*rings, 8, 1);
    ASSERT_TRUE(shorter.add(frames[0].view()).ok());
    EXPECT_EQ(sum.merge(shorter, 0).error().code, Errc::malformed);
    EXPECT_EQ(sum.merge(whole, 1).error().code, Errc::malformed);
  }
}

TEST(PhotonCorrelation, BytesThatNobodyHasPackedAreRefused) {
  const auto frames = random_frames(11, {16, 20}, 9);
  auto rings = make_rings(small_info(), 0, 0, 3);
  MultiTau curves(*rings, 4, 1);
  for (const Array& frame : frames) ASSERT_TRUE(curves.add(frame.view()).ok());
  const auto unpack = [&](const Bytes& bytes, bool whole) {
    return MultiTau::unpack(*rings, 4, bytes, whole);
  };
  const Bytes bytes = curves.pack(true);
  ASSERT_TRUE(unpack(bytes, true).ok());
  EXPECT_EQ(unpack(bytes, false).error().code, Errc::malformed);
  EXPECT_EQ(unpack(curves.pack(false), true).error().code, Errc::malformed);
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    EXPECT_EQ(unpack(Bytes(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)), true)
                  .error()
                  .code,
              Errc::malformed);
  const auto changed = [&](std::size_t at, std::uint64_t value) {
    Bytes harmed = bytes;
    std::memcpy(harmed.data() + at, &value, sizeof value);
    return unpack(harmed, true);
  };
  EXPECT_FALSE(changed(0, ~std::uint64_t{0}).ok());       // levels
  EXPECT_FALSE(changed(8, std::uint64_t{1} << 33).ok());  // frames
  EXPECT_FALSE(changed(8, 0).ok());
  EXPECT_FALSE(changed(24, std::uint64_t{1} << 60).ok());  // a sum's upper half
  EXPECT_FALSE(changed(bytes.size() - 8, 1000).ok());      // a pixel beyond its bound
}

TEST(PhotonCorrelation, SumsThatMayNotFitEndACoarserLevelForGood) {
  QRings rings{{1}, {0, 1}, {0, 2}};
  MultiTau curves(rings, 4, 1);
  for (std::uint32_t t = 0; t < 12; ++t) {
    const std::vector<std::int32_t> counts{1, 2};
    curves.add(counts, t == 5 ? 0x7FFFFFFF : 2);
  }
  // Frames 0 to 3 in twos; later pairs have no neighbour.
  for (const Correlation& c : curves.curve(0)) EXPECT_LE(c.lag, 4U);
}

TEST(PhotonCorrelation, TwoTimesAreWhatTheDefinitionSays) {
  const auto frames = random_frames(9, {16, 20}, 100);
  auto rings = make_rings(small_info(), 0, 0, 2);
  ASSERT_TRUE(rings.ok());
  TwoTime two(*rings, 9, 2);
  for (const Array& frame : frames) ASSERT_TRUE(two.add(frame.view()).ok());
  EXPECT_EQ(two.add(frames[0].view()).error().code, Errc::usage);
  const Array matrix = two.matrix(1);
  ASSERT_EQ(matrix.shape(), (Shape{9, 9}));
  for (std::size_t a = 0; a < 9; ++a)
    for (std::size_t b = 0; b < 9; ++b) {
      long double both = 0, one = 0, other = 0;
      for (std::size_t i = rings->begin[1]; i < rings->begin[2]; ++i) {
        const auto x = frames[a].as<std::int32_t>()[rings->pixels[i]],
                   y = frames[b].as<std::int32_t>()[rings->pixels[i]];
        both += static_cast<long double>(x) * y;
        one += x;
        other += y;
      }
      EXPECT_NEAR(matrix.as<double>()[a * 9 + b],
                  static_cast<double>(both * rings->size(1) / (one * other)), 1e-12);
    }
}

TEST(PhotonCorrelation, TwoTimesOfPartsMakeTheWhole) {
  const auto frames = random_frames(9, {16, 20}, 100000);
  auto rings = make_rings(small_info(), 0, 0, 1);
  TwoTime whole(*rings, 9, 1);
  const RingsPart one = part_of(*rings, 0, 77), other = part_of(*rings, 77, rings->pixels.size());
  TwoTime a(one.rings, 9, 1), b(other.rings, 9, 1);
  for (const Array& frame : frames) {
    ASSERT_TRUE(whole.add(frame.view()).ok());
    const auto counts = counts_of(*rings, frame.view());
    const std::span<const std::int32_t> all(counts->values);
    ASSERT_TRUE(a.add(all.first(77), counts->largest).ok());
    ASSERT_TRUE(b.add(all.subspan(77), counts->largest).ok());
  }
  PairSums sums = a.sums(0);
  ASSERT_TRUE(sums.merge(b.sums(0)).ok());
  EXPECT_FALSE(sums.merge(PairSums()).ok());
  const Array together = sums.matrix(rings->size(0)), matrix = whole.matrix(0);
  for (std::size_t i = 0; i < 81; ++i) EXPECT_EQ(together.as<double>()[i], matrix.as<double>()[i]);
}

TEST(PhotonCorrelation, RingsHoldEveryGoodPixelOnce) {
  const SeriesInfo info = small_info();
  auto rings = make_rings(info, 0, 0, 4);
  ASSERT_TRUE(rings.ok());
  std::vector<int> seen(info.geometry.pixels(), 0);
  for (const auto pixel : rings->pixels) ++seen[pixel];
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], info.pixel_mask[i] == 0) << i;
  EXPECT_TRUE(std::is_sorted(rings->q.begin(), rings->q.end()));
}

TEST(PhotonCorrelation, WhatMakesNoSenseIsSaid) {
  SeriesInfo info = small_info();
  EXPECT_EQ(make_rings(info, 0, 0, 0).error().code, Errc::usage);
  EXPECT_EQ(make_rings(info, 1, 0.5, 3).error().code, Errc::usage);
  EXPECT_EQ(make_rings(info, 100, 200, 3).error().code, Errc::usage);
  EXPECT_EQ(make_rings(info, std::nan(""), 0, 3).error().code, Errc::usage);
  auto rings = make_rings(info, 0, 0, 3);
  MultiTau correlator(*rings, 8, 1);
  EXPECT_EQ(correlator.add(Array(DType::f32, {16, 20}).view()).error().code, Errc::usage);
  Array large(DType::u32, {16, 20});
  large.as<std::uint32_t>()[5] = 0xFFFFFFFF;
  EXPECT_EQ(correlator.add(large.view()).error().code, Errc::malformed);
  large.as<std::uint32_t>()[5] = 0;
  large.as<std::uint32_t>()[3] = 0xFFFFFFFF;  // masked
  EXPECT_TRUE(correlator.add(large.view()).ok());
  EXPECT_TRUE(correlator.curve(0).empty());  // no photons
  info.geometry.wavelength_angstrom = 0;
  EXPECT_EQ(make_rings(info, 0, 0, 3).error().code, Errc::usage);
}

TEST(RelaxationFit, ExactCurvesGiveTheirNumbers) {
  for (const double rate : {0.3, 3.0, 30.0}) {
    std::vector<Correlation> curve;
    for (std::uint64_t lag = 1; lag < 3000; lag = lag * 5 / 4 + 1)
      curve.push_back(
          {lag, 5000 - lag, 1.01 + 0.2 * std::exp(-2 * rate * 0.01 * static_cast<double>(lag))});
    const auto fit = fit_relaxation(curve, 0.01);
    ASSERT_TRUE(fit.ok()) << fit.error().message;
    EXPECT_NEAR(fit->rate, rate, 1e-5 * rate);
    EXPECT_NEAR(fit->contrast, 0.2, 1e-5);
    EXPECT_NEAR(fit->baseline, 1.01, 1e-5);
    EXPECT_LT(fit->rate_sigma, 1e-3 * rate);
  }
}

TEST(RelaxationFit, WhatDoesNotDecayHasNone) {
  std::vector<Correlation> curve;
  for (std::uint64_t lag = 1; lag <= 20; ++lag)
    curve.push_back({lag, 100, 1.2 + 0.001 * static_cast<double>(lag % 2)});
  const auto flat = fit_relaxation(curve, 0.01);
  if (flat.ok()) {
    EXPECT_LT(std::abs(flat->contrast), 0.01);
  }
  for (auto& c : curve) c.g2 = 1.2 - 1e-5 * static_cast<double>(c.lag);
  EXPECT_EQ(fit_relaxation(curve, 0.01).error().code, Errc::check);
  curve.resize(4);
  EXPECT_EQ(fit_relaxation(curve, 0.01).error().code, Errc::check);
}

}  // namespace
}  // namespace etalon
