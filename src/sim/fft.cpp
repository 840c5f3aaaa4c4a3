#include "sim/fft.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace etalon {

void transform(const Shape& shape, std::span<double> re, std::span<double> im, Direction direction,
               Workers& workers) {
  constexpr std::size_t lanes = 8;
  const std::size_t count = shape.count();
  std::size_t stride = count;
  for (std::size_t n : shape.extents()) {
    stride /= n;
    const Fft fft(n);
    const std::size_t lines = count / n;
    workers.for_each((lines + lanes - 1) / lanes, [&](std::size_t tile) {
      thread_local std::vector<double> room;
      if (room.size() < 4 * n * lanes) room.resize(4 * n * lanes);
      double *r = room.data(), *i = r + n * lanes;
      std::array<std::size_t, lanes> first{};  // lanes to spare repeat the last line
      for (std::size_t l = 0; l < lanes; ++l) {
        const std::size_t line = std::min(tile * lanes + l, lines - 1);
        first[l] = line / stride * stride * n + line % stride;
      }
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t l = 0; l < lanes; ++l) {
          r[j * lanes + l] = re[first[l] + j * stride];
          i[j * lanes + l] = im[first[l] + j * stride];
        }
      fft.transform(r, i, i + n * lanes, lanes, direction);
      for (std::size_t j = 0; j < n; ++j)
        for (std::size_t l = 0; l < lanes; ++l) {
          re[first[l] + j * stride] = r[j * lanes + l];
          im[first[l] + j * stride] = i[j * lanes + l];
        }
    });
  }
}

}  // namespace etalon
