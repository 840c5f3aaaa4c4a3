// Maps of small labels over an image (regions, masked pixels) as rectangles: what detectors and
// peak boxes are made of.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "codec/side_coder.hpp"
#include "etalon/result.hpp"

namespace etalon::codec {

struct Rect {
  std::uint32_t y, x, height, width;
  std::uint8_t label;  // never 0
  bool operator==(const Rect&) const = default;
};

// Disjoint rectangles that cover exactly the pixels with a label other than 0, in raster order of
// their first pixel.
std::vector<Rect> rects_of(std::span<const std::uint8_t> labels, std::size_t ny, std::size_t nx);
void put_rects(SideEncoder& out, const std::vector<Rect>& rects, std::size_t nx);
// Labels lie in [1, labels), rectangles inside the image, and their areas add up to at most its
// own.
Result<std::vector<Rect>> get_rects(SideDecoder& in, std::size_t ny, std::size_t nx,
                                    std::size_t labels);

// Calls row(first index, length, label) for every row of every rectangle.
template <typename F>
void for_each_row(const std::vector<Rect>& rects, std::size_t nx, F&& row) {
  for (const Rect& r : rects)
    for (std::size_t y = r.y; y < std::size_t{r.y} + r.height; ++y)
      row(y * nx + r.x, r.width, r.label);
}

}  // namespace etalon::codec
