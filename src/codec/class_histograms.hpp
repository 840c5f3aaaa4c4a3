// Counting what the entropy coder will code, by context.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "codec/counts_loops.hpp"
#include "codec/counts_model.hpp"
#include "codec/scratch.hpp"

namespace etalon::codec {

// Histograms of the pairs of group and class that occur.
template <typename H>
class ClassHistograms {
 public:
  explicit ClassHistograms(std::size_t groups) : slots_(groups * stride, none) {}

  H& at(std::size_t group, std::size_t c) {
    std::uint16_t& slot = slots_[group * stride + c];
    if (slot == none) {
      slot = static_cast<std::uint16_t>(histograms_.size());
      histograms_.emplace_back();
    }
    return histograms_[slot];
  }
  const H* find(std::size_t group, std::size_t c) const {
    const std::uint16_t slot = slots_[group * stride + c];
    return slot == none ? nullptr : &histograms_[slot];
  }

 private:
  static constexpr std::size_t stride = max_classes + 1;  // and fills
  static constexpr std::uint16_t none = 0xFFFF;
  std::vector<std::uint16_t> slots_;
  std::vector<H> histograms_;
};

// Adds up the tokens of every context that occurs. Four counters for each, since the same one
// cannot be raised again at once.
template <typename F>
void count_tokens(std::span<const std::uint8_t> contexts, std::span<const std::uint8_t> tokens,
                  std::size_t symbols, F&& histogram_of) {
  constexpr std::size_t ways = 4, table = 256 * 256, block = 2048;
  const std::size_t n = tokens.size();
  std::uint8_t low = 0, high = 0;  // of all but 255, which marks fills
  range_below_255(contexts.data(), n, low, high);
  Scratch<std::uint32_t> counts(ways * table);
  std::uint32_t* const c = counts.data();
  for (std::size_t way = 0; way < ways; ++way) {
    if (low <= high) std::memset(c + way * table + low * 256u, 0, (high - low + 1u) * 1024);
    std::memset(c + way * table + 255 * 256u, 0, 1024);
  }
  std::array<std::uint16_t, block> pairs;
  for (std::size_t at = 0; at < n; at += block) {
    const std::size_t length = std::min(block, n - at);
    pair_up(contexts.data() + at, tokens.data() + at, length, pairs.data());
    std::size_t i = 0;
    for (; i + ways <= length; i += ways) {
      ++c[pairs[i]];
      ++c[table + pairs[i + 1]];
      ++c[2 * table + pairs[i + 2]];
      ++c[3 * table + pairs[i + 3]];
    }
    for (; i < length; ++i) ++c[pairs[i]];
  }
  const auto add = [&](std::size_t context) {
    std::array<std::uint32_t, 256> sum{};
    std::uint32_t all = 0;
    for (std::size_t way = 0; way < ways; ++way)
      for (std::size_t t = 0; t < symbols; ++t) sum[t] += c[way * table + context * 256 + t];
    for (std::size_t t = 0; t < symbols; ++t) all |= sum[t];
    if (all == 0) return;
    auto& h = histogram_of(context);
    for (std::size_t t = 0; t < symbols; ++t) h[t] += sum[t];
  };
  for (std::size_t context = low; context <= high; ++context) add(context);
  add(255);
}

}  // namespace etalon::codec
