#include "codec/rate_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "codec/lambda_map.hpp"
#include "codec/tokens.hpp"

namespace etalon::codec {
namespace {

using Wide = unsigned __int128;

// r in 1/256.
constexpr std::uint32_t shape_256[rate_shapes] = {
    64, 90, 128, 181, 256, 362, 512, 724, 1024, 1448, 2048, 2896, 4096, 5792, 8192, 1 << 24};

// How many numbers symbols up to `last` stand for.
std::uint32_t numbers_to(std::size_t last, unsigned split) {
  return value_of(static_cast<std::uint8_t>(last + 1), 0, split);
}
std::size_t symbols_of(unsigned split) {
  std::size_t symbols = 1u << split;
  while (numbers_to(symbols, split) <= rate_numbers) ++symbols;
  return symbols;
}

double middle_of(std::size_t token, unsigned split) {
  const auto t = static_cast<std::uint8_t>(token);
  return value_of(t, 0, split) + 0.5 * ((1u << raw_bits_of(t, split)) - 1);
}

// Mean and variance of the numbers that tokens below `end` stand for.
struct Moments {
  double n = 0, mean = 0, variance = 0;
};
Moments moments(std::span<const std::uint32_t> tokens, std::size_t end, unsigned split) {
  Moments m;
  double squares = 0;
  for (std::size_t t = 0; t < end; ++t) {
    const double v = middle_of(t, split), c = tokens[t];
    m.n += c;
    m.mean += c * v;
    squares += c * v * v;
  }
  if (m.n == 0) return m;
  m.mean /= m.n;
  m.variance = squares / m.n - m.mean * m.mean;
  return m;
}

// Bits of the tokens below `end` under a table, about.
double bits_under(const RateTable& table, std::span<const std::uint32_t> tokens, std::size_t end,
                  unsigned split) {
  const double mean = static_cast<double>(mean_of_level(table.level)) / 65536;
  const double r = shape_256[table.shape] / 256.0, q = mean / (mean + r);
  double p = 1, all = 0, bits = 0, n = 0;
  std::uint32_t number = 0;
  for (std::size_t t = 0; t < end; ++t) {
    double w = 0;
    for (const std::uint32_t stop = numbers_to(t, split); number < stop; ++number) {
      w += p;
      p *= (number + r) / (number + 1) * q;
    }
    all += w;
    if (tokens[t] == 0) continue;
    n += tokens[t];
    bits += tokens[t] * (raw_bits_of(static_cast<std::uint8_t>(t), split) -
                         std::log2(std::max(w, all / probability_one)));
  }
  return bits + n * std::log2(all);
}

}  // namespace

Frequencies frequencies_of(const RateTable& table, unsigned split) {
  const std::uint64_t mean = mean_of_level(table.level), r = shape_256[table.shape];
  const std::size_t symbols = symbols_of(split);
  std::array<std::uint64_t, 256> weight{};
  std::uint64_t w = 1 << 16, all = 0;
  std::uint32_t number = 0;
  for (std::size_t t = 0; t < symbols && w != 0; ++t)
    for (const std::uint32_t end = numbers_to(t, split); number < end && w != 0; ++number) {
      weight[t] += w;
      all += w;
      // P(k + 1) / P(k) = (k + r) / (k + 1) * mean / (mean + r)
      w = static_cast<std::uint64_t>(Wide{w} * ((256 * std::uint64_t{number} + r) * mean) /
                                     (256 * (std::uint64_t{number} + 1) * (mean + 256 * r)));
      if (all >> 48 == 0) continue;
      for (std::size_t k = 0; k <= t; ++k) weight[k] >>= 16;
      all >>= 16;
      w >>= 16;
    }
  Frequencies f{};
  f[escape_symbol] = table.escape;
  const std::uint64_t sum = probability_one - table.escape;
  std::int64_t left = static_cast<std::int64_t>(sum);
  std::size_t largest = 0, last = 0;
  for (std::size_t t = 0; t < symbols; ++t) {
    f[t] = static_cast<std::uint16_t>(Wide{weight[t]} * sum / all);
    if (f[t] != 0) last = t;
    if (weight[t] > weight[largest]) largest = t;
  }
  for (std::size_t t = 0; t <= last; ++t) {
    f[t] = std::max<std::uint16_t>(f[t], 1);
    left -= f[t];
  }
  f[largest] = static_cast<std::uint16_t>(f[largest] + left);
  return f;
}

void RateCoder::put(SideEncoder& out, const RateTable& t, unsigned first_class) {
  out.put(level_, zigzag(std::int64_t{t.level} - first_class - 1));
  out.put(shape_, t.shape);
  out.put(escape_, t.escape);
}

Result<RateTable> RateCoder::get(SideDecoder& in, unsigned first_class) {
  const std::int64_t level = first_class + 1 + unzigzag(in.get(level_));
  const std::uint64_t shape = in.get(shape_), escape = in.get(escape_);
  if (level < 1 || level > max_rate_level || shape >= rate_shapes || escape > max_rate_escape)
    return Error{Errc::malformed, "tables: rate out of range"};
  return RateTable{static_cast<std::uint8_t>(level), static_cast<std::uint8_t>(shape),
                   static_cast<std::uint16_t>(escape)};
}

namespace {

// The best table when all but a share of the tokens are to have symbols.
std::optional<RateFit> fit_but(double share, std::span<const std::uint32_t> tokens, unsigned split,
                               int around) {
  constexpr double parameter_bits = 8, escape_bits = 19;
  const std::size_t symbols = symbols_of(split);
  std::size_t end = 0;  // past the last token
  double n = 0, kept = 0;
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (tokens[t] == 0) continue;
    n += tokens[t];
    end = t + 1;
    if (t < symbols) kept += tokens[t];
  }
  if (kept < 4) return std::nullopt;
  end = std::min(end, symbols);
  for (const double most = n - share * n; end > 1 && kept - tokens[end - 1] >= most;)
    kept -= tokens[--end];
  const Moments m = moments(tokens, end, split);
  const int level = log_mean(static_cast<std::uint64_t>(std::llround(m.mean * m.n * 16)),
                             static_cast<std::uint64_t>(m.n * 16));
  if (level == 0 || level > static_cast<int>(max_rate_level)) return std::nullopt;
  const double over = (m.variance - m.mean) / (m.mean * m.mean);  // 1 / r
  const int shape =
      over <= 1e-3 ? 15 : std::clamp(static_cast<int>(std::lround(4 - 2 * std::log2(over))), 0, 15);
  const auto escape = static_cast<std::uint16_t>(
      n == kept ? 0 : std::clamp<double>((n - kept) / n * probability_one, 1, max_rate_escape));
  std::optional<RateFit> best;
  for (int l = std::max(1, level - around);
       l <= std::min(static_cast<int>(max_rate_level), level + around); ++l)
    for (int s = std::max(0, shape - around); s <= std::min(15, shape + around); ++s) {
      const RateTable table{static_cast<std::uint8_t>(l), static_cast<std::uint8_t>(s), escape};
      const double bits =
          bits_under(table, tokens, end, split) + (n - kept) * escape_bits + parameter_bits;
      if (!best || bits < best->bits) best = RateFit{table, bits};
    }
  return best;
}

}  // namespace

std::optional<RateFit> fit_rate(std::span<const std::uint32_t> tokens, unsigned split,
                                bool thorough) {
  // A few bright ones would mislead.
  auto best = fit_but(0.003, tokens, split, thorough ? 1 : 0);
  if (!thorough) return best;
  for (const double share : {0.0, 0.01}) {
    const auto fit = fit_but(share, tokens, split, 1);
    if (fit && (!best || fit->bits < best->bits)) best = fit;
  }
  return best;
}

}  // namespace etalon::codec
