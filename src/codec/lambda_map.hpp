// The coarse rate map: what a pixel probably holds, known to encoder and decoder before any pixel
// is. Tiles carry the logarithm of their mean in eighths of an octave; a pixel's class is the map
// between tile centres, bilinear in the logarithm, in the same steps. All in integers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/side_coder.hpp"
#include "etalon/result.hpp"

namespace etalon::codec {

inline constexpr std::size_t max_classes = 255;

// How a plane is cut into tiles of 2^y by 2^x elements.
struct Tiling {
  unsigned log2_y = 5, log2_x = 5;
  std::size_t ny = 0, nx = 0;  // of the plane

  std::size_t rows() const { return (ny + (std::size_t{1} << log2_y) - 1) >> log2_y; }
  std::size_t columns() const { return (nx + (std::size_t{1} << log2_x) - 1) >> log2_x; }
  std::size_t tiles() const { return rows() * columns(); }
};
// Tiles of about 1024 elements, long ones where the plane is narrow.
Tiling tiling_of(std::size_t ny, std::size_t nx);

inline constexpr std::uint8_t max_level = 254;
// 8 log2(sum / count) + 65, rounded to the nearest and held to [1, max_level]; 0 where the sum is
// 0.
std::uint8_t log_mean(std::uint64_t sum, std::uint64_t count);

// The mean that a level stands for, in 1/65536.
std::uint64_t mean_of_level(unsigned level);

// A tile without good pixels.
inline constexpr std::int16_t no_level = -1;
// Levels as they are coded: tiles without one take the level that is foretold for them, and with
// `coarse` so do tiles that are at most one step off, which is about their noise and saves half of
// the map.
std::vector<std::uint8_t> settle_levels(std::span<const std::int16_t> levels, std::size_t columns,
                                        bool coarse);

void put_levels(SideEncoder& out, std::span<const std::uint8_t> levels, std::size_t columns);
Result<std::vector<std::uint8_t>> get_levels(SideDecoder& in, std::size_t tiles,
                                             std::size_t columns);

// The class, below max_classes, of every element of a plane.
void classes_of(const Tiling& tiling, std::span<const std::uint8_t> levels, std::uint8_t* classes);

}  // namespace etalon::codec
