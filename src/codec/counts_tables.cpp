#include "codec/counts_tables.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace etalon::codec {
namespace {

struct Choice {
  double bits = 0;
  std::uint64_t phase = 0;
};

// Few elements can have a table of a rate: with many, telling the frequencies costs nothing.
constexpr std::uint64_t most_for_rate = std::uint64_t{1} << 16;

template <std::size_t N>
std::optional<RateFit> fit_if_few(const std::array<std::uint32_t, N>& tokens, unsigned split,
                                  bool thorough) {
  std::uint64_t n = 0;
  for (std::uint32_t t : tokens) n += t;
  if (n > most_for_rate) return std::nullopt;
  return fit_rate(tokens, split, thorough);
}

Choice cheapest(const ValueHistogram& h, std::uint64_t step, unsigned split) {
  if (step == 1) {
    const double bits = entropy_bits(h);
    const auto fit = fit_if_few(h, split, false);
    return {fit && fit->bits < bits ? fit->bits : bits, 0};
  }
  Choice best{-1, 0};
  const std::uint64_t stride = (step + 31) / 32;
  std::array<std::uint32_t, 258> bins;
  for (std::uint64_t phase = 0; phase < step; phase += stride) {
    bins.fill(0);
    for (std::uint64_t v = 0; v < 256; ++v) bins[(v + phase) / step] += h[v];
    bins[257] = h[256];
    const double bits = entropy_bits(bins);
    if (best.bits < 0 || bits < best.bits) best = {bits, phase};
  }
  return best;
}

struct Run {
  std::size_t first_class;
  ValueHistogram histogram;
  Choice choice;
  double gain = 0;  // of joining the next group
};

Choice joined(const Run& a, const Run& b, std::uint64_t step, unsigned split) {
  ValueHistogram sum = a.histogram;
  for (std::size_t v = 0; v < sum.size(); ++v) sum[v] += b.histogram[v];
  return cheapest(sum, step, split);
}

std::size_t first_escaped_token(const Frequencies& f) {
  std::size_t first = escape_symbol;
  while (first > 0 && f[first - 1] == 0) --first;
  return first;
}

// About what the adaptive coder takes for an escaped token, the first escaped one being `first`.
double escape_bits(std::size_t token, std::size_t first, unsigned split) {
  const auto value = [&](std::size_t t) {
    return static_cast<double>(value_of(static_cast<std::uint8_t>(t), 0, split));
  };
  return 1.5 + 1.5 * std::log2(value(token) - value(first) + 1) +
         0.5 * raw_bits_of(static_cast<std::uint8_t>(token), split);
}

}  // namespace

namespace {

Frequencies choose_frequencies(const Histogram& tokens, unsigned split) {
  constexpr double entry_bits = 8, shortest = 1.0 / probability_one;
  const std::size_t all = token_count(split);
  std::uint64_t total = 0;
  std::size_t end = 0;
  for (std::size_t t = 0; t < all; ++t) {
    total += tokens[t];
    if (tokens[t] != 0) end = t + 1;
  }
  if (end <= 1) return normalize(tokens);
  const auto n = static_cast<double>(total);
  const auto kept_bits = [&](std::size_t t) {
    if (tokens[t] == 0) return 1.0;
    const double c = tokens[t], p = std::max(c / n, shortest);
    // A frequency above the share is taken from all others.
    return entry_bits + c * (raw_bits_of(static_cast<std::uint8_t>(t), split) - std::log2(p)) +
           std::max(0.0, shortest - c / n) * n * std::numbers::log2e;
  };
  double kept = 0;  // what tokens from `first` on cost when they are kept
  double best_gain = 0;
  std::size_t best = end;
  std::uint64_t escaped = 0;
  for (std::size_t first = end; first-- > 1;) {
    escaped += tokens[first];
    kept += kept_bits(first);
    if (escaped * 16 > total) break;
    const double e = static_cast<double>(escaped), p = std::max(e / n, shortest);
    double bits =
        entry_bits - e * std::log2(p) + std::max(0.0, shortest - e / n) * n * std::numbers::log2e;
    for (std::size_t t = first; t < end; ++t)
      if (tokens[t] != 0) bits += tokens[t] * escape_bits(t, first, split);
    if (kept - bits > best_gain) {
      best_gain = kept - bits;
      best = first;
    }
  }
  Histogram h = tokens;
  for (std::size_t t = best; t < end; ++t) {
    h[escape_symbol] += h[t];
    h[t] = 0;
  }
  return normalize(h);
}

}  // namespace

Table choose_table(const Histogram& tokens, unsigned split) {
  // What a frequency and a rate's parameters take, about.
  constexpr double frequency_bits = 9, rate_bits = 8;
  Table best{choose_frequencies(tokens, split), {}};
  const auto fit = fit_if_few(tokens, split, true);
  if (!fit) return best;
  std::size_t used = tokens.size();
  while (used > 0 && tokens[used - 1] == 0) --used;
  const auto told = std::count_if(best.frequencies.begin(), best.frequencies.end(),
                                  [](std::uint16_t f) { return f != 0; });
  // What lies above its last symbol escapes.
  RateTable table = fit->table;
  if (first_escaped_token(frequencies_of(table, split)) < used && table.escape == 0)
    table.escape = 1;
  const Frequencies frequencies = frequencies_of(table, split);
  if (table_bits(tokens, frequencies, split) + rate_bits <
      table_bits(tokens, best.frequencies, split) + static_cast<double>(told) * frequency_bits)
    best = {frequencies, table};
  return best;
}

double table_bits(const Histogram& tokens, const Frequencies& f, unsigned split) {
  double bits = 0;
  const std::size_t first = first_escaped_token(f);
  for (std::size_t t = 0; t < escape_symbol; ++t) {
    if (tokens[t] == 0) continue;
    const bool escapes = t >= first;
    bits += tokens[t] * (probability_bits - std::log2(f[escapes ? escape_symbol : t]) +
                         (escapes ? escape_bits(t, first, split)
                                  : raw_bits_of(static_cast<std::uint8_t>(t), split)));
  }
  return bits;
}

std::vector<Segment> choose_segments(std::uint8_t group, std::size_t most,
                                     const std::vector<ValueHistogram>& histograms,
                                     std::uint64_t step, unsigned split) {
  constexpr double segment_bits = 16;
  std::vector<Run> runs;
  for (std::size_t c = 0; c < histograms.size(); ++c) {
    std::uint64_t total = 0;
    for (std::uint32_t h : histograms[c]) total += h;
    if (total != 0) runs.push_back({c, histograms[c], cheapest(histograms[c], step, split), 0});
  }
  const auto gain = [&](std::size_t i) {
    return runs[i].choice.bits + runs[i + 1].choice.bits + segment_bits -
           joined(runs[i], runs[i + 1], step, split).bits;
  };
  for (std::size_t i = 0; i + 1 < runs.size(); ++i) runs[i].gain = gain(i);
  while (runs.size() > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < runs.size(); ++i)
      if (runs[i].gain > runs[best].gain) best = i;
    if (runs[best].gain <= 0 && runs.size() <= most) break;
    runs[best].choice = joined(runs[best], runs[best + 1], step, split);
    for (std::size_t v = 0; v < runs[best].histogram.size(); ++v)
      runs[best].histogram[v] += runs[best + 1].histogram[v];
    runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    if (best + 1 < runs.size()) runs[best].gain = gain(best);
    if (best > 0) runs[best - 1].gain = gain(best - 1);
  }
  std::vector<Segment> segments;
  for (const Run& g : runs)
    segments.push_back(
        {group, segments.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(g.first_class),
         g.choice.phase});
  if (segments.empty()) segments.push_back({group, 0, 0});
  return segments;
}

}  // namespace etalon::codec
