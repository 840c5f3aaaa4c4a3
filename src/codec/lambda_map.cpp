#include "codec/lambda_map.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "codec/counts_loops.hpp"

namespace etalon::codec {
namespace {

// 2^(k/8 + 1/16) in 1/65536: where rounding to eighths of an octave goes from k to k + 1.
constexpr std::uint32_t boundaries[8] = {68438, 74632, 81386, 88752, 96785, 105545, 115098, 125515};

std::uint8_t predict(std::span<const std::uint8_t> levels, std::size_t i, std::size_t columns) {
  const bool first_row = i < columns, first_column = i % columns == 0;
  if (first_row) return first_column ? 64 : levels[i - 1];
  const int north = levels[i - columns];
  if (first_column) return static_cast<std::uint8_t>(north);
  const int west = levels[i - 1], north_west = levels[i - columns - 1];
  return static_cast<std::uint8_t>(
      std::clamp(west + north - north_west, std::min(west, north), std::max(west, north)));
}

}  // namespace

Tiling tiling_of(std::size_t ny, std::size_t nx) {
  Tiling t;
  t.ny = ny;
  t.nx = nx;
  while (t.log2_y > 0 && (std::size_t{1} << (t.log2_y - 1)) >= ny) --t.log2_y, ++t.log2_x;
  while (t.log2_x > 0 && (std::size_t{1} << (t.log2_x - 1)) >= nx && t.log2_y < 10)
    --t.log2_x, ++t.log2_y;
  return t;
}

std::uint8_t log_mean(std::uint64_t sum, std::uint64_t count) {
  if (sum == 0 || count == 0) return 0;
  // mean = m * 2^exponent / 65536 with m in [65536, 131072).
  const auto wide = static_cast<unsigned __int128>(sum) << 56;
  unsigned __int128 mean = wide / count;
  int exponent = -56;
  const auto high = static_cast<std::uint64_t>(mean >> 64);
  const int width = high != 0 ? 64 + static_cast<int>(std::bit_width(high))
                              : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(mean)));
  const int shift = width - 17;
  const auto m = static_cast<std::uint32_t>(shift >= 0 ? mean >> shift : mean << -shift);
  exponent += shift + 16;
  int eighths = exponent * 8;
  for (std::uint32_t b : boundaries) eighths += m >= b;
  return static_cast<std::uint8_t>(std::clamp(eighths + 65, 1, int{max_level}));
}

std::uint64_t mean_of_level(unsigned level) {
  constexpr std::uint64_t eighths[8] = {65536, 71468, 77936, 84990, 92682, 101070, 110218, 120194};
  const int steps = static_cast<int>(level) - 65, octave = steps >> 3;
  const std::uint64_t m = eighths[steps & 7];
  return octave >= 0 ? m << octave : m >> -octave;
}

std::vector<std::uint8_t> settle_levels(std::span<const std::int16_t> levels, std::size_t columns,
                                        bool coarse) {
  std::vector<std::uint8_t> filled(levels.size(), 64);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::uint8_t foretold = predict(filled, i, columns);
    const bool near = coarse && i != 0 && levels[i] > 0 && std::abs(levels[i] - foretold) <= 1;
    filled[i] = levels[i] == no_level || near ? foretold : static_cast<std::uint8_t>(levels[i]);
  }
  // What precedes the first good tile of the first row has no neighbour yet: look from its right.
  for (std::size_t i = std::min(columns, levels.size()); i-- > 1;)
    if (levels[i - 1] == no_level && i < columns) filled[i - 1] = filled[i];
  return filled;
}

void put_levels(SideEncoder& out, std::span<const std::uint8_t> levels, std::size_t columns) {
  std::array<UintModel, 3> models;
  std::size_t activity = 0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::uint64_t code = zigzag(std::int64_t{levels[i]} - predict(levels, i, columns));
    out.put(models[activity], code);
    activity = code == 0 ? 0 : code < 5 ? 1 : 2;
  }
}

Result<std::vector<std::uint8_t>> get_levels(SideDecoder& in, std::size_t tiles,
                                             std::size_t columns) {
  std::array<UintModel, 3> models;
  std::vector<std::uint8_t> levels(tiles);
  std::size_t activity = 0;
  for (std::size_t i = 0; i < tiles; ++i) {
    const std::uint64_t code = in.get(models[activity]);
    const std::int64_t level = predict(levels, i, columns) + unzigzag(code);
    if (level < 0 || level > max_level || in.exhausted())
      return Error{Errc::malformed, "rate map: level out of range"};
    levels[i] = static_cast<std::uint8_t>(level);
    activity = code == 0 ? 0 : code < 5 ? 1 : 2;
  }
  return levels;
}

// With tiles of T = 2^t elements, element e lies (2 e + 1 - T) / 2T tiles past the centre of tile
// 0: weights are in 1/2T, and the sum of products over both axes in 1/(2Ty 2Tx) of an eighth.
void classes_of(const Tiling& tiling, std::span<const std::uint8_t> levels, std::uint8_t* classes) {
  const std::size_t rows = tiling.rows(), columns = tiling.columns();
  const auto ty = std::int64_t{1} << tiling.log2_y;
  const unsigned shift = tiling.log2_y + tiling.log2_x + 2;
  std::vector<std::int64_t> line(columns + 2);
  for (std::size_t y = 0; y < tiling.ny; ++y) {
    const std::int64_t py = 2 * static_cast<std::int64_t>(y) + 1 - ty;
    const std::int64_t row = py >> (tiling.log2_y + 1), wy = py - row * 2 * ty;
    const std::size_t above = row < 0 ? 0 : static_cast<std::size_t>(row);
    const std::size_t below = std::min(static_cast<std::size_t>(row + 1), rows - 1);
    for (std::size_t c = 0; c < columns; ++c)
      line[c + 1] = levels[above * columns + c] * (2 * ty - wy) + levels[below * columns + c] * wy;
    line[0] = line[1];
    line[columns + 1] = line[columns];
    interpolate_row(line.data(), columns, tiling.log2_x, shift, tiling.nx, classes + y * tiling.nx);
  }
}

}  // namespace etalon::codec
