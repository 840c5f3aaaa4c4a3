// What every finder asks of a geometry before it looks at an image.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

inline constexpr std::size_t max_pixels_of_image = std::size_t{1} << 27;
inline constexpr std::uint32_t no_panel = ~std::uint32_t{0};

// Errc::usage, its message beginning with `who`, for an image without pixels or with more than
// 2^27, a mask of another size, a beam centre more than 1e6 pixels away, or a panel outside the
// image.
Result<void> check_geometry(std::string_view who, const Geometry& geometry, const Mask& mask);

// The panel of every pixel, no_panel for none; empty where the whole image is one panel.
// Errc::usage for panels that overlap.
Result<std::vector<std::uint32_t>> panel_of_pixels(std::string_view who, const Geometry& geometry);

}  // namespace etalon
