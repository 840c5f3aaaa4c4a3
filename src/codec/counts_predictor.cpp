#include "codec/counts_predictor.hpp"

#include <algorithm>
#include <map>

#include "codec/counts_loops.hpp"

namespace etalon::codec {
namespace {

// Tokens and raw bits of a sample under the rate map's idea: tiles of alike mean share a table.
class Estimate {
 public:
  void add_tile(std::span<const std::uint32_t> numbers) {
    elements_ += numbers.size();
    std::uint64_t sum = 0;
    std::uint32_t any = 0;
    for (std::uint32_t u : numbers) {
      sum += u;
      any |= u;
    }
    Histogram& h = histograms_[static_cast<unsigned>(log_mean(sum, numbers.size()) / 2)];
    if (any < (1u << narrow_split)) {
      for (std::uint32_t u : numbers) ++h[u];
    } else if (any < (1u << 24)) {
      for (; !numbers.empty(); numbers = numbers.subspan(std::min(block, numbers.size())))
        add_block(numbers.first(std::min(block, numbers.size())), h);
    } else {
      for (std::uint32_t u : numbers) {
        const Token t = token_of(u, narrow_split);
        ++h[t.symbol];
        bits_ += t.bits;
      }
    }
  }
  std::size_t elements() const { return elements_; }
  double bits() const {
    double total = bits_;
    for (const auto& [mean, h] : histograms_) total += entropy_bits(h);
    return total;
  }

 private:
  static constexpr std::size_t block = 64;
  // All below 2^24.
  void add_block(std::span<const std::uint32_t> numbers, Histogram& h) {
    std::array<std::uint32_t, block> symbols;
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const VectorToken t = vector_token_of(numbers[i], narrow_split);
      symbols[i] = t.symbol;
      bits += t.bits;
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) ++h[symbols[i]];
    bits_ += bits;
  }

  std::map<unsigned, Histogram> histograms_;  // few of all classes, in their order
  double bits_ = 0;
  std::size_t elements_ = 0;
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
PredictorChoice choose_predictor(std::span<const T> values, const Grid& grid,
                                 std::span<const std::uint8_t> fill, std::uint64_t bound,
                                 std::size_t most_tiles) {
  const Tiling tiling = tiling_of(grid.ny, grid.nx);
  const std::size_t tiles = tiling.tiles() * grid.planes;
  // Short rows take long, element by element.
  constexpr std::size_t short_row = 32;
  const std::size_t most = grid.nx < short_row ? (most_tiles + 2) / 3 : most_tiles;
  const std::size_t stride = std::max<std::size_t>(1, tiles / most);
  // Few photons: noise is all there is, and every 61st element tells.
  std::uint64_t sum = 0, count = 0;
  for (std::size_t i = 0; i < values.size(); i += values.size() < 4096 ? 1 : 61) {
    if (!fill.empty() && fill[i] != 0) continue;
    sum += std::is_unsigned_v<T> ? static_cast<std::uint64_t>(values[i]) : zigzag(values[i]);
    ++count;
  }
  if (std::is_unsigned_v<T> && sum / (2 * bound + 1) <= 2 * count) return {};
  const unsigned kinds = grid.planes == 1 ? 3 : predictors;
  std::array<Estimate, predictors> estimates;
  std::array<std::vector<std::uint32_t>, predictors> numbers;
  std::vector<std::make_unsigned_t<T>> row;
  const bool at_once = bound == 0;
  for (std::size_t t = stride / 2; t < tiles; t += stride) {
    const std::size_t plane = t / tiling.tiles(), tile = t % tiling.tiles();
    const std::size_t y0 = tile / tiling.columns() << tiling.log2_y;
    const std::size_t x0 = tile % tiling.columns() << tiling.log2_x;
    const std::size_t y1 = std::min(grid.ny, y0 + (std::size_t{1} << tiling.log2_y));
    const std::size_t x1 = std::min(grid.nx, x0 + (std::size_t{1} << tiling.log2_x));
    row.resize(x1 - x0);
    for (unsigned k = 0; k < kinds; ++k) {
      const auto kind = static_cast<Predictor>(k);
      numbers[k].clear();
      for (std::size_t y = y0; y < y1; ++y) {
        const std::size_t first = plane * grid.plane() + y * grid.nx;
        const T* const at = values.data() + first;
        if (at_once && k != 0)
          residual_row(kind, at, y, plane, grid, x0, x1, row.data());
        else if constexpr (std::is_signed_v<T>)
          fold(at + x0, x1 - x0, row.data());
        else
          std::copy(at + x0, at + x1, row.data());
        if (at_once && fill.empty()) {
          for (const auto number : row) numbers[k].push_back(number);
          continue;
        }
        for (std::size_t x = x0; x < x1; ++x) {
          if (!fill.empty() && fill[first + x] != 0) continue;
          const std::int64_t p = k == 0 || at_once ? 0 : predict(kind, at + x, y, x, plane, grid);
          numbers[k].push_back(at_once ? std::uint32_t{row[x - x0]}
                                       : number_of(kind, at[x], p, bound));
        }
      }
      if (!numbers[k].empty()) estimates[k].add_tile(numbers[k]);
    }
  }
  PredictorChoice best{Predictor::none, estimates[0].bits()};
  for (unsigned k = 1; k < kinds; ++k) {
    const double bits = estimates[k].bits();
    // A predictor makes decoding serial: it has to earn that.
    if (bits < 0.98 * best.bits || (best.kind != Predictor::none && bits < best.bits))
      best = {static_cast<Predictor>(k), bits};
  }
  best.bits /= static_cast<double>(std::max<std::size_t>(1, estimates[0].elements()));
  return best;
}

template <typename T>
void residual_row(Predictor kind, const T* row, std::size_t y, std::size_t p, const Grid& grid,
                  std::size_t begin, std::size_t end, std::make_unsigned_t<T>* numbers) {
  // Those that have all neighbours are done at once.
  const bool above = y != 0 && (kind != Predictor::lorenzo || p != 0);
  const bool whole = kind == Predictor::previous ? p != 0 : above;
  const std::size_t from = std::max<std::size_t>(begin, 1), to = std::min(end, grid.nx - 1);
  const auto one = [&](std::size_t x) {
    numbers[x - begin] = residual_of(row[x], predict(kind, row + x, y, x, p, grid));
  };
  if (!whole || from >= to) {
    for (std::size_t x = begin; x < end; ++x) one(x);
    return;
  }
  for (std::size_t x = begin; x < from; ++x) one(x);
  residuals(kind, row + from, to - from, grid.nx, grid.plane(), numbers + (from - begin));
  for (std::size_t x = to; x < end; ++x) one(x);
}

#define ETALON_INSTANTIATE(T, name)                                                                \
  template PredictorChoice choose_predictor<T>(                                                    \
      std::span<const T>, const Grid&, std::span<const std::uint8_t>, std::uint64_t, std::size_t); \
  template void residual_row<T>(Predictor, const T*, std::size_t, std::size_t, const Grid&,        \
                                std::size_t, std::size_t, std::make_unsigned_t<T>*);
ETALON_FOR_INTEGERS(ETALON_INSTANTIATE)
#undef ETALON_INSTANTIATE

}  // namespace etalon::codec
