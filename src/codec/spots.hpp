// Spots stand out of the coarse rate map. Where a region is squares round peaks, the brightness of
// each and the profile they share raise the rates of their pixels: in effect the map of rates is
// the coarse map plus the spots. All in integers.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "codec/counts.hpp"

namespace etalon::codec {

inline constexpr unsigned rings = 8;
// By the squared distance to the centre.
constexpr std::uint8_t ring_of(std::uint64_t squared) {
  constexpr std::uint64_t first[rings - 1] = {1, 2, 3, 6, 11, 18, 33};
  std::uint8_t ring = 0;
  for (std::uint64_t f : first) ring = static_cast<std::uint8_t>(ring + (squared >= f));
  return ring;
}

struct Spots {
  std::array<std::uint8_t, rings> drop{};  // from the centre to each ring, in eighths of an octave
  std::vector<std::uint8_t> brightness;    // of every square: octave of its centre; 0: none
};
inline constexpr unsigned max_drop = 255, max_brightness = 31;

// From what is coded: numbers and coarse classes of all planes.
template <typename Number>
Spots measure_spots(const Squares& squares, const Grid& grid, std::span<const std::uint8_t> labels,
                    const Number* numbers, std::span<const std::uint8_t> classes);

void put_spots(SideEncoder& out, const Spots& spots);
Result<Spots> get_spots(SideDecoder& in, std::size_t squares);

// Raises the classes of the pixels that have the squares' label, on all planes.
void raise_classes(const Squares& squares, const Spots& spots, const Grid& grid,
                   std::span<const std::uint8_t> labels, std::span<std::uint8_t> classes);

}  // namespace etalon::codec
