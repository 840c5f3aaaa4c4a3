#include "codec/counts_predictor.hpp"

#include <map>

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

}  // namespace

template <typename T>
Predictor choose_predictor(std::span<const T> values, const Grid& grid,
                           std::span<const std::uint8_t> fill, std::uint64_t bound) {
  const Tiling tiling = tiling_of(grid.ny, grid.nx);
  const std::size_t tiles = tiling.tiles() * grid.planes;
  constexpr std::size_t few = std::size_t{1} << 15;  // elements that are all looked at
  const std::size_t looked_at =
      values.size() <= few ? tiles : std::clamp<std::size_t>(tiles / 16, 12, 48);
  const std::size_t stride = std::max<std::size_t>(1, tiles / looked_at);
  // Few photons: noise is all there is, and every 61st element tells.
  std::uint64_t sum = 0, count = 0;
  for (std::size_t i = 0; i < values.size(); i += values.size() < 4096 ? 1 : 61) {
    if (!fill.empty() && fill[i] != 0) continue;
    sum += std::is_unsigned_v<T> ? static_cast<std::uint64_t>(values[i]) : zigzag(values[i]);
    ++count;
  }
  if (std::is_unsigned_v<T> && sum / (2 * bound + 1) <= 2 * count) return Predictor::none;
  const auto step = static_cast<std::int64_t>(2 * bound + 1);
  std::array<Estimate, predictors> estimates;
  std::array<std::vector<std::uint32_t>, predictors> numbers;
  for (std::size_t t = stride / 2; t < tiles; t += stride) {
    const std::size_t plane = t / tiling.tiles(), tile = t % tiling.tiles();
    const std::size_t y0 = tile / tiling.columns() << tiling.log2_y;
    const std::size_t x0 = tile % tiling.columns() << tiling.log2_x;
    for (auto& n : numbers) n.clear();
    const std::size_t height = std::size_t{1} << tiling.log2_y;
    const std::size_t by = values.size() <= few ? 1 : (height + 7) / 8;
    for (std::size_t y = y0; y < std::min(grid.ny, y0 + height); y += by)
      for (std::size_t x = x0; x < std::min(grid.nx, x0 + (std::size_t{1} << tiling.log2_x)); ++x) {
        const std::size_t i = plane * grid.plane() + y * grid.nx + x;
        if (!fill.empty() && fill[i] != 0) continue;
        const std::int64_t v = values[i];
        for (unsigned k = 0; k < predictors; ++k) {
          if (k >= 3 && grid.planes == 1) break;
          const std::int64_t p =
              k == 0 ? 0 : predict(static_cast<Predictor>(k), values.data() + i, y, x, plane, grid);
          const std::int64_t r = v - p;
          const std::int64_t q = (r < 0 ? -((-r + step / 2) / step) : (r + step / 2) / step);
          const std::uint64_t u =
              k == 0 && std::is_unsigned_v<T> ? static_cast<std::uint64_t>(v / step) : zigzag(q);
          numbers[k].push_back(static_cast<std::uint32_t>(std::min<std::uint64_t>(u, 0xFFFFFFFF)));
        }
      }
    for (unsigned k = 0; k < predictors; ++k)
      if (!numbers[k].empty()) estimates[k].add_tile(numbers[k]);
  }
  Predictor best = Predictor::none;
  double least = estimates[0].bits();
  for (unsigned k = 1; k < (grid.planes == 1 ? 3u : predictors); ++k) {
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
