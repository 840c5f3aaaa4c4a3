// Colours for values: lightness grows evenly, so that equal steps of value look equal, also in grey
// and to the colour-blind. Hue runs from violet over teal to yellow at constant perceived
// saturation. In the Oklab colour space (Björn Ottosson, "A perceptual color space for image
// processing", 2020).
#pragma once

#include <array>
#include <cstdint>

namespace etalon::plot {

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
  bool operator==(const Colour&) const = default;
};

inline constexpr Colour masked_colour{150, 150, 150};  // no colour of the map is grey
inline constexpr Colour mark_colour{255, 70, 40};

// Lightness, and the axes green-red and blue-yellow; what the screen cannot show loses saturation.
Colour from_oklab(double lightness, double a, double b);

// 256 colours, dark to light.
const std::array<Colour, 256>& colour_map();
// Of a share of [0, 1]; clamped.
Colour colour_of(double share);

}  // namespace etalon::plot
