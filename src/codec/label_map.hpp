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

struct Point {
  std::uint32_t y, x;
  bool operator==(const Point&) const = default;
  bool operator<(const Point& other) const { return y != other.y ? y < other.y : x < other.x; }
};

// Equal squares of side 2 half + 1 round points, cut off at the image's edges: boxes round peaks.
struct Squares {
  std::uint8_t label = 0;  // never 0
  std::uint32_t half = 0;
  std::vector<Point> centres;  // in raster order, each once
};

// Disjoint rectangles that cover exactly the pixels with a label other than 0, in raster order of
// their first pixel.
std::vector<Rect> rects_of(std::span<const std::uint8_t> labels, std::size_t ny, std::size_t nx);
void put_rects(SideEncoder& out, const std::vector<Rect>& rects, std::size_t nx);
// Labels lie in [1, labels), rectangles inside the image, and their areas add up to at most its
// own.
Result<std::vector<Rect>> get_rects(SideDecoder& in, std::size_t ny, std::size_t nx,
                                    std::size_t labels);

// Whether squares are few enough to be coded as such: painting them costs their whole area.
bool are_codable(const Squares& squares, std::size_t ny, std::size_t nx);
void put_squares(SideEncoder& out, const Squares& squares, std::size_t nx);
// Errc::malformed also where are_codable would be false. The label is the caller's.
Result<Squares> get_squares(SideDecoder& in, std::size_t ny, std::size_t nx);

// Calls pixel(index, dy, dx) for every pixel of every square.
template <typename F>
void for_each_pixel(const Squares& squares, std::size_t ny, std::size_t nx, F&& pixel) {
  const auto half = static_cast<std::ptrdiff_t>(squares.half);
  for (const Point& c : squares.centres)
    for (std::ptrdiff_t dy = -half; dy <= half; ++dy) {
      const std::ptrdiff_t y = static_cast<std::ptrdiff_t>(c.y) + dy;
      if (y < 0 || y >= static_cast<std::ptrdiff_t>(ny)) continue;
      for (std::ptrdiff_t dx = -half; dx <= half; ++dx) {
        const std::ptrdiff_t x = static_cast<std::ptrdiff_t>(c.x) + dx;
        if (x < 0 || x >= static_cast<std::ptrdiff_t>(nx)) continue;
        pixel(static_cast<std::size_t>(y) * nx + static_cast<std::size_t>(x), dy, dx);
      }
    }
}

// Calls row(first index, length, label) for every row of every rectangle.
template <typename F>
void for_each_row(const std::vector<Rect>& rects, std::size_t nx, F&& row) {
  for (const Rect& r : rects)
    for (std::size_t y = r.y; y < std::size_t{r.y} + r.height; ++y)
      row(y * nx + r.x, r.width, r.label);
}

}  // namespace etalon::codec
