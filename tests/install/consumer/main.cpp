// The example of the README: three frames, a background within one photon, a corner kept exactly.
#include <cstdint>
#include <cstdio>
#include <vector>

#include "etalon/codec.hpp"

int main() {
  std::vector<std::uint16_t> frames(3 * 64 * 64);
  for (std::size_t i = 0; i < frames.size(); ++i)
    frames[i] = static_cast<std::uint16_t>(i * 2654435761u >> 29);
  const auto view = etalon::view_of<std::uint16_t>(frames, {3, 64, 64});

  etalon::CompressOptions options;
  options.bound = etalon::Bound::abs(1);
  std::vector<std::uint8_t> corner(64 * 64, 0);
  for (std::size_t y = 0; y < 8; ++y)
    for (std::size_t x = 0; x < 8; ++x) corner[y * 64 + x] = 1;
  options.regions.push_back({"box", etalon::Bound::lossless(), corner});

  auto stream = etalon::compress(view, options);
  if (!stream) return std::fprintf(stderr, "%s\n", stream.error().message.c_str()), 1;
  auto back = etalon::decompress(*stream);
  if (!back) return std::fprintf(stderr, "%s\n", back.error().message.c_str()), 1;

  int worst = 0, worst_in_corner = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const int error = std::abs(back->as<std::uint16_t>()[i] - frames[i]);
    worst = std::max(worst, error);
    if (corner[i % corner.size()]) worst_in_corner = std::max(worst_in_corner, error);
  }
  std::printf("%zu -> %zu bytes, largest error %d, in the corner %d\n", view.size_bytes(),
              stream->size(), worst, worst_in_corner);
  return worst <= 1 && worst_in_corner == 0 ? 0 : 1;
}
