// Simulated speckle, correlated: the simulator's and the analysis' definitions meet only here.
#include "sim/speckle.hpp"

#include <gtest/gtest.h>

#include "analyse/photon_correlation.hpp"

namespace etalon {
namespace {

// Statistics of the photons, and the times that the speckle was made with.
TEST(Speckle, CorrelationTimesAreTheOnesItWasMadeWith) {
  SpeckleParameters p;
  p.frames = 1500;
  p.ny = p.nx = 96;
  p.distance_m = 3;
  p.diffusion = 1.2e6;
  p.mean_counts = 1;
  p.modes = 2;
  auto simulator = SpeckleSimulator::create(p);
  ASSERT_TRUE(simulator.ok());
  auto rings = make_rings(simulator->info(), 0.0015, 0.006, 3);
  ASSERT_TRUE(rings.ok());
  MultiTau correlator(*rings, 16, 0);
  double sum = 0, squares = 0, n = 0;
  ASSERT_TRUE(simulator
                  ->run(0,
                        [&](Frame frame) -> Result<void> {
                          for (const auto i : rings->pixels) {
                            const double v = frame.image.as<std::uint16_t>()[i];
                            sum += v;
                            squares += v * v;
                            ++n;
                          }
                          return correlator.add(frame.image.view());
                        })
                  .ok());
  const double mean = sum / n, variance = squares / n - mean * mean;
  EXPECT_NEAR(mean, p.mean_counts, 0.03);
  EXPECT_NEAR((variance - mean) / (mean * mean), 0.5, 0.05);  // beyond Poisson: the contrast
  for (std::size_t ring = 0; ring < rings->count(); ++ring) {
    const auto fit = fit_relaxation(correlator.curve(ring), p.frame_time_s);
    ASSERT_TRUE(fit.ok()) << fit.error().message;
    const double rate = p.diffusion * rings->q[ring] * rings->q[ring];
    EXPECT_NEAR(fit->rate / rate, 1, 0.12) << "q " << rings->q[ring];
    EXPECT_NEAR(fit->contrast, 0.5, 0.06);
    EXPECT_NEAR(fit->baseline, 1, 0.03);
  }
}

}  // namespace
}  // namespace etalon
