#include "sim/vlasov.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/crc32c.hpp"
#include "base/exact_math.hpp"
#include "sim/advection.hpp"
#include "sim/electrostatics.hpp"

namespace etalon {
namespace {

using Start = VlasovParameters::Start;

VlasovSimulation created(const VlasovParameters& p, unsigned threads = 1) {
  auto made = VlasovSimulation::create(p, threads);
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

VlasovParameters of_shape(Shape shape, Start start = Start::landau) {
  VlasovParameters p;
  p.shape = shape;
  p.start = start;
  return p;
}

TEST(Advection, WeightsAreThoseOfPolynomialsOfDegreeFive) {
  for (double u : {0.0, 0.25, 0.5, 0.9}) {
    const auto w = lagrange6(u);
    for (int degree = 0; degree <= 5; ++degree) {
      double value = 0;
      for (int m = 0; m < 6; ++m) value += w[static_cast<std::size_t>(m)] * std::pow(m - 2, degree);
      EXPECT_NEAR(value, std::pow(u, degree), 1e-13) << u << " " << degree;
    }
  }
}

TEST(Advection, WholeShiftsMoveValuesAndOthersKeepTheSum) {
  for (double shift : {3.0, -2.0, 29.0, -1000.0, 0.0}) {
    std::vector<double> f(14), g;  // two lines of 7
    for (std::size_t i = 0; i < f.size(); ++i) f[i] = std::sin(static_cast<double>(i * i));
    g = f;
    shift_lines({g.data(), 7, 2, 2}, shift);
    for (int j = 0; j < 14; ++j) {
      const int from = ((j / 2 - static_cast<int>(shift)) % 7 + 7) % 7;
      EXPECT_EQ(g[static_cast<std::size_t>(j)], f[static_cast<std::size_t>(2 * from + j % 2)]);
    }
    shift_lines({g.data(), 7, 2, 2}, 0.3);
    double sum = 0;
    for (std::size_t i = 0; i < f.size(); ++i) sum += g[i] - f[i];
    EXPECT_NEAR(sum, 0, 1e-13);
  }
}

TEST(Electrostatics, AWaveOfChargesHasItsField) {
  const Shape cells{12, 16};
  const double edge = 3;
  std::vector<double> charge(cells.count()), expected(cells.count());
  const double kx = 2 * exact::pi / edge, ky = -2 * kx;
  for (std::size_t i = 0; i < charge.size(); ++i) {
    const double x = edge * static_cast<double>(i / 16) / 12,
                 y = edge * static_cast<double>(i % 16) / 16;
    charge[i] = 7 + std::cos(kx * x + ky * y);  // the mean does nothing
    expected[i] = std::sin(kx * x + ky * y) / (kx * kx + ky * ky);
  }
  Workers workers(1);
  const auto field = electric_field(cells, edge, charge, workers);
  for (std::size_t i = 0; i < charge.size(); ++i) {
    EXPECT_NEAR(field[0][i], kx * expected[i], 1e-14);
    EXPECT_NEAR(field[1][i], ky * expected[i], 1e-14);
  }
}

// ln of the field's energy at its maxima in time, by least squares: the amplitude's rate.
double rate(const std::vector<double>& energy, double step, std::size_t first, std::size_t last) {
  double n = 0, t = 0, y = 0, tt = 0, ty = 0;
  for (std::size_t i = std::max<std::size_t>(first, 1); i + 1 < std::min(last, energy.size());
       ++i) {
    if (energy[i] <= energy[i - 1] || energy[i] < energy[i + 1]) continue;
    const double time = static_cast<double>(i) * step, value = std::log(energy[i]) / 2;
    n += 1;
    t += time;
    y += value;
    tt += time * time;
    ty += time * value;
  }
  EXPECT_GE(n, 4);
  return (n * ty - t * y) / (n * tt - t * t);
}

// The least damped root of the dispersion relation at k = 0.5: omega = 1.41566 - 0.15336 i (Cheng
// and Knorr 1976, and many since).
TEST(Vlasov, LandauDampingHasItsRateAndFrequency) {
  VlasovParameters p = of_shape({64, 128});
  p.amplitude = 0.001;
  VlasovSimulation plasma = created(p);
  std::vector<double> energy;
  std::size_t maxima = 0, first = 0, last = 0;
  for (int i = 0; i < 250; ++i) {
    energy.push_back(plasma.field_energy());
    plasma.step();
  }
  EXPECT_NEAR(rate(energy, p.time_step, 10, 250), -0.15336, 0.001);
  for (std::size_t i = 10; i + 1 < energy.size(); ++i)
    if (energy[i] > energy[i - 1] && energy[i] >= energy[i + 1]) {
      if (maxima++ == 0) first = i;
      last = i;
    }
  const double half_period =  // the energy has two maxima a period
      p.time_step * static_cast<double>(last - first) / static_cast<double>(maxima - 1);
  EXPECT_NEAR(exact::pi / half_period, 1.41566, 0.01);
}

TEST(Vlasov, TwoStreamsGrow) {
  VlasovParameters p = of_shape({32, 64}, Start::two_stream);
  p.amplitude = 0.001;
  VlasovSimulation plasma = created(p);
  const double before = plasma.field_energy();
  for (int i = 0; i < 200; ++i) plasma.step();
  EXPECT_GT(plasma.field_energy(), 100 * before);
}

TEST(Vlasov, ElectronsAreConservedAtEveryRank) {
  for (const Shape& shape : {Shape{16, 32}, Shape{12, 16, 16}, Shape{8, 8, 16, 16},
                             Shape{6, 6, 12, 12, 12}, Shape{6, 6, 6, 8, 8, 8}})
    for (Start start : {Start::landau, Start::two_stream}) {
      VlasovSimulation plasma = created(of_shape(shape, start));
      const double before = plasma.electrons();
      const double edge = 2 * exact::pi / 0.5;
      EXPECT_NEAR(before, std::pow(edge, static_cast<double>(shape.rank() / 2)), 1e-10 * before);
      for (int i = 0; i < 5; ++i) plasma.step();
      EXPECT_NEAR(plasma.electrons() / before, 1, 1e-13) << to_string(shape);
    }
}

TEST(Vlasov, AUniformPlasmaStays) {
  VlasovParameters p = of_shape({8, 8, 12, 12});
  p.amplitude = 0;
  VlasovSimulation plasma = created(p);
  const Array before = plasma.distribution(DType::f64);
  for (int i = 0; i < 3; ++i) plasma.step();
  const Array after = plasma.distribution(DType::f64);
  for (std::size_t i = 0; i < before.count(); ++i)
    ASSERT_NEAR(after.as<double>()[i], before.as<double>()[i], 1e-14);
}

std::uint32_t checksum(const VlasovParameters& p, DType dtype, unsigned threads) {
  VlasovSimulation plasma = created(p, threads);
  for (int i = 0; i < 4; ++i) plasma.step();
  return crc32c(plasma.distribution(dtype).view().bytes());
}

// The same on every machine: when these change, so must vlasov_semantics.
TEST(Vlasov, GoldenBytesWhateverTheThreads) {
  EXPECT_EQ(vlasov_semantics, "vlasov/1");
  EXPECT_EQ(checksum(of_shape({8, 8, 12, 12}), DType::f64, 1), 2772890233U);
  EXPECT_EQ(checksum(of_shape({8, 6, 10, 12, 8}, Start::two_stream), DType::f64, 1), 1521606647U);
  EXPECT_EQ(checksum(of_shape({6, 6, 6, 7, 8, 9}), DType::f32, 1), 125542080U);
  EXPECT_EQ(checksum(of_shape({6, 6, 6, 7, 8, 9}), DType::f32, 4), 125542080U);
  VlasovParameters other = of_shape({6, 6, 6, 7, 8, 9});
  other.seed = 2;
  EXPECT_NE(checksum(other, DType::f32, 2), 125542080U);
}

TEST(Vlasov, SenselessParametersAreRefused) {
  const auto refused = [](auto change) {
    VlasovParameters p = of_shape({8, 8});
    change(p);
    const auto made = VlasovSimulation::create(p, 1);
    return !made.ok() && made.error().code == Errc::usage;
  };
  EXPECT_TRUE(refused([](auto& p) { p.shape = {8}; }));
  EXPECT_TRUE(refused([](auto& p) { p.shape = {8, 5}; }));
  EXPECT_TRUE(refused([](auto& p) { p.shape = {1 << 20, 1 << 20, 1 << 20}; }));
  EXPECT_TRUE(refused([](auto& p) { p.wavenumber = 0; }));
  EXPECT_TRUE(refused([](auto& p) { p.amplitude = std::nan(""); }));
  EXPECT_TRUE(refused([](auto& p) { p.fastest = -1; }));
  EXPECT_TRUE(refused([](auto& p) { p.time_step = 0; }));
  EXPECT_FALSE(refused([](auto&) {}));
}

}  // namespace
}  // namespace etalon
