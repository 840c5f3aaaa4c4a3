// What was measured of a detector with three gains.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace etalon {

// (y, x) row major, a plane for each gain G0, G1, G2.
struct GainConstants {
  std::size_t ny = 0, nx = 0;
  std::array<std::vector<float>, 3> pedestal_adu;
  std::array<std::vector<float>, 3> gain_adu_per_kev;  // negative where a gain counts down
  std::vector<std::uint8_t> bad;                       // 1: not to be used

  std::size_t pixels() const { return ny * nx; }
};

}  // namespace etalon
