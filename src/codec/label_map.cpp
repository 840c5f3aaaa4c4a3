#include "codec/label_map.hpp"

#include <algorithm>
#include <cstring>

#include "codec/limits.hpp"

namespace etalon::codec {

std::vector<Rect> rects_of(std::span<const std::uint8_t> labels, std::size_t ny, std::size_t nx) {
  std::vector<Rect> rects;
  std::vector<std::uint8_t> left(labels.begin(), labels.end());
  for (std::size_t y = 0; y < ny; ++y) {
    std::uint8_t* const row = left.data() + y * nx;
    for (std::size_t x = 0; x < nx; ++x) {
      std::uint64_t eight;
      while (x + 8 <= nx && (std::memcpy(&eight, row + x, 8), eight == 0)) x += 8;
      if (x == nx) break;
      const std::uint8_t label = row[x];
      if (label == 0) continue;
      std::size_t width = 1;
      while (x + width + 8 <= nx &&
             (std::memcpy(&eight, row + x + width, 8), eight == label * 0x0101010101010101u))
        width += 8;
      while (x + width < nx && row[x + width] == label) ++width;
      std::size_t height = 1;
      for (; y + height < ny; ++height) {
        std::uint8_t* const below = row + height * nx;
        if (std::memcmp(below + x, row + x, width) != 0) break;
        std::memset(below + x, 0, width);
      }
      const auto u32 = [](std::size_t v) { return static_cast<std::uint32_t>(v); };
      rects.push_back({u32(y), u32(x), u32(height), u32(width), label});
      x += width - 1;
    }
  }
  return rects;
}

namespace {

struct Models {
  UintModel gap, height, width, label;
};

}  // namespace

void put_rects(SideEncoder& out, const std::vector<Rect>& rects, std::size_t nx) {
  Models m;
  UintModel count;
  out.put(count, rects.size());
  std::size_t at = 0;
  std::uint8_t last = 1;
  for (const Rect& r : rects) {
    const std::size_t start = std::size_t{r.y} * nx + r.x;
    out.put(m.gap, start - at);
    out.put(m.height, r.height - 1);
    out.put(m.width, r.width - 1);
    out.put(m.label, zigzag(std::int64_t{r.label} - last));
    at = start + 1;
    last = r.label;
  }
}

Result<std::vector<Rect>> get_rects(SideDecoder& in, std::size_t ny, std::size_t nx,
                                    std::size_t labels) {
  const auto bad = [](const char* reason) {
    return Error{Errc::malformed, std::string("rectangles: ") + reason};
  };
  Models m;
  UintModel counts;
  const std::uint64_t pixels = std::uint64_t{ny} * nx;
  const std::uint64_t count = in.get(counts);
  if (count > pixels || count > max_rects) return bad("too many");
  std::vector<Rect> rects;
  std::uint64_t at = 0, area = 0;
  std::int64_t last = 1;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t gap = in.get(m.gap);
    const std::uint64_t height = in.get(m.height) + 1, width = in.get(m.width) + 1;
    last += unzigzag(in.get(m.label));
    if (in.exhausted()) return bad("truncated");
    if (gap >= pixels - at) return bad("outside the image");
    const std::uint64_t start = at + gap, y = start / nx, x = start % nx;
    if (height > ny - y || width > nx - x) return bad("outside the image");
    if (last < 1 || last >= static_cast<std::int64_t>(labels)) return bad("unknown label");
    area += height * width;
    if (area > pixels) return bad("overlap");
    const auto u32 = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
    rects.push_back({u32(y), u32(x), u32(height), u32(width), static_cast<std::uint8_t>(last)});
    at = start + 1;
  }
  return rects;
}

namespace {

// (2 half + 1)^2 for each centre, at most four times the image.
bool plausible(std::uint64_t count, std::uint64_t half, std::size_t ny, std::size_t nx) {
  const std::uint64_t pixels = std::uint64_t{ny} * nx;
  if (half > 1024 || count > pixels || nx > 65536) return false;
  return count * (2 * half + 1) * (2 * half + 1) <= 4 * pixels + 4096;
}

}  // namespace

bool are_codable(const Squares& squares, std::size_t ny, std::size_t nx) {
  if (!plausible(squares.centres.size(), squares.half, ny, nx)) return false;
  return std::all_of(squares.centres.begin(), squares.centres.end(),
                     [&](const Point& c) { return c.y < ny && c.x < nx; });
}

void put_squares(SideEncoder& out, const Squares& squares, std::size_t nx) {
  UintModel half, count, rows;
  out.put(half, squares.half);
  out.put(count, squares.centres.size());
  std::uint32_t y = 0;
  for (const Point& c : squares.centres) {
    out.put(rows, c.y - y);
    out.put_below(c.x, static_cast<std::uint32_t>(nx));
    y = c.y;
  }
}

Result<Squares> get_squares(SideDecoder& in, std::size_t ny, std::size_t nx) {
  const auto bad = [](const char* reason) {
    return Error{Errc::malformed, std::string("squares: ") + reason};
  };
  UintModel halves, counts, rows;
  Squares squares;
  const std::uint64_t half = in.get(halves), count = in.get(counts);
  if (!plausible(count, half, ny, nx)) return bad("too many");
  squares.half = static_cast<std::uint32_t>(half);
  std::uint64_t y = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    y += in.get(rows);
    const std::uint64_t x = in.get_below(static_cast<std::uint32_t>(nx));
    if (in.exhausted()) return bad("truncated");
    if (y >= ny || x >= nx) return bad("outside the image");
    squares.centres.push_back({static_cast<std::uint32_t>(y), static_cast<std::uint32_t>(x)});
  }
  return squares;
}

}  // namespace etalon::codec
