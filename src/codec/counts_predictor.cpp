#include "codec/counts_predictor.hpp"

#include <map>

#include "codec/counts_loops.hpp"

namespace etalon::codec {
namespace {

// Tokens and raw bits of a sample under the rate map's idea: tiles of alike mean share a table.
class Estimate {
 public:
  void add_tile(std::span<const std::uint32_t> numbers) {
    std::uint64_t sum = 0;
    for (std::uint32_t u : numbers) sum += u;
    Histogram& h = histograms_[static_cast<unsigned>(log_mean(sum, numbers.size()) / 2)];
    for (std::uint32_t u : numbers) {
      const Token t = token_of(u, narrow_split);
      ++h[t.symbol];
      bits_ += t.bits;
    }
  }
  double bits() const {
    double total = bits_;
    for (const auto& [mean, h] : histograms_) total += entropy_bits(h);
    return total;
  }

 private:
  std::map<unsigned, Histogram> histograms_;  // few of all classes, in their order
  double bits_ = 0;
};

// What is coded of a value, held to 32 bits.
template <typename T>
std::uint32_t number_of(Predictor kind, T value, std::int64_t prediction, std::uint64_t bound) {
  const auto step = static_cast<std::int64_t>(2 * bound + 1);
  const std::int64_t r = std::int64_t{value} - prediction;
  const std::int64_t q = (r < 0 ? -((-r + step / 2) / step) : (r + step / 2) / step);
  const std::uint64_t u = kind == Predictor::none && std::is_unsigned_v<T>
                              ? static_cast<std::uint64_t>(r / step)
                              : zigzag(q);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(u, 0xFFFFFFFF));
}

}  // namespace

template <typename T>
Predictor choose_predictor(std::span<const T> values, const Grid& grid,
                           std::span<const std::uint8_t> fill, std::uint64_t bound) {
  const Tiling tiling = tiling_of(grid.ny, grid.nx);
  const std::size_t tiles = tiling.tiles() * grid.planes;
  const std::size_t stride = std::max<std::size_t>(1, tiles / 48);
  // Few photons: noise is all there is, and every 61st element tells.
  std::uint64_t sum = 0, count = 0;
  for (std::size_t i = 0; i < values.size(); i += values.size() < 4096 ? 1 : 61) {
    if (!fill.empty() && fill[i] != 0) continue;
    sum += std::is_unsigned_v<T> ? static_cast<std::uint64_t>(values[i]) : zigzag(values[i]);
    ++count;
  }
  if (std::is_unsigned_v<T> && sum / (2 * bound + 1) <= 2 * count) return Predictor::none;
  const unsigned kinds = grid.planes == 1 ? 3 : predictors;
  std::array<Estimate, predictors> estimates;
  std::array<std::vector<std::uint32_t>, predictors> numbers;
  std::vector<std::make_unsigned_t<T>> row;
  for (std::size_t t = stride / 2; t < tiles; t += stride) {
    const std::size_t plane = t / tiling.tiles(), tile = t % tiling.tiles();
    const std::size_t y0 = tile / tiling.columns() << tiling.log2_y;
    const std::size_t x0 = tile % tiling.columns() << tiling.log2_x;
    const std::size_t y1 = std::min(grid.ny, y0 + (std::size_t{1} << tiling.log2_y));
    const std::size_t x1 = std::min(grid.nx, x0 + (std::size_t{1} << tiling.log2_x));
    row.resize(x1 - x0);
    for (unsigned k = 0; k < kinds; ++k) {
      numbers[k].clear();
      for (std::size_t y = y0; y < y1; ++y) {
        const std::size_t first = plane * grid.plane() + y * grid.nx;
        const auto kind = static_cast<Predictor>(k);
        const auto one = [&](std::size_t x) {
          const T* const at = values.data() + first + x;
          return number_of(kind, *at, k == 0 ? 0 : predict(kind, at, y, x, plane, grid), bound);
        };
        // Whole rows at once where they have all neighbours, and wrap as they do when coded.
        const bool whole = k != 0 && bound == 0 && y != 0 && (k < 3 || plane != 0);
        const std::size_t begin = std::max<std::size_t>(x0, 1), end = std::min(x1, grid.nx - 1);
        const bool any_whole = whole && begin < end;
        if (any_whole)
          residuals(kind, values.data() + first + begin, end - begin, grid.nx, grid.plane(),
                    row.data() + (begin - x0));
        for (std::size_t x = x0; x < x1; ++x) {
          if (!fill.empty() && fill[first + x] != 0) continue;
          const bool known = any_whole && begin <= x && x < end;
          numbers[k].push_back(known ? std::uint32_t{row[x - x0]} : one(x));
        }
      }
      if (!numbers[k].empty()) estimates[k].add_tile(numbers[k]);
    }
  }
  Predictor best = Predictor::none;
  double least = estimates[0].bits();
  for (unsigned k = 1; k < kinds; ++k) {
    const double bits = estimates[k].bits();
    // A predictor makes decoding serial: it has to earn that.
    if (bits < 0.98 * least || (best != Predictor::none && bits < least)) {
      least = bits;
      best = static_cast<Predictor>(k);
    }
  }
  return best;
}

template Predictor choose_predictor<std::uint8_t>(std::span<const std::uint8_t>, const Grid&,
                                                  std::span<const std::uint8_t>, std::uint64_t);
template Predictor choose_predictor<std::uint16_t>(std::span<const std::uint16_t>, const Grid&,
                                                   std::span<const std::uint8_t>, std::uint64_t);
template Predictor choose_predictor<std::uint32_t>(std::span<const std::uint32_t>, const Grid&,
                                                   std::span<const std::uint8_t>, std::uint64_t);
template Predictor choose_predictor<std::int8_t>(std::span<const std::int8_t>, const Grid&,
                                                 std::span<const std::uint8_t>, std::uint64_t);
template Predictor choose_predictor<std::int16_t>(std::span<const std::int16_t>, const Grid&,
                                                  std::span<const std::uint8_t>, std::uint64_t);
template Predictor choose_predictor<std::int32_t>(std::span<const std::int32_t>, const Grid&,
                                                  std::span<const std::uint8_t>, std::uint64_t);

}  // namespace etalon::codec
