#include "sim/speckle.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace etalon {
namespace {

TEST(Speckle, ThreadsDoNotChangeAPhoton) {
  SpeckleParameters p;
  p.frames = 3;
  p.ny = 20;
  p.nx = 33;
  const auto series = [&](unsigned threads) {
    std::vector<std::uint16_t> all;
    const auto simulator = SpeckleSimulator::create(p);
    EXPECT_TRUE(simulator
                    ->run(threads,
                          [&](Frame frame) -> Result<void> {
                            const auto pixels = frame.image.as<std::uint16_t>();
                            all.insert(all.end(), pixels.begin(), pixels.end());
                            return {};
                          })
                    .ok());
    return all;
  };
  EXPECT_EQ(series(1), series(4));
  p.modes = 0;
  EXPECT_EQ(SpeckleSimulator::create(p).error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
