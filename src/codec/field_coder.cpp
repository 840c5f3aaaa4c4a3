#include "codec/field_coder.hpp"

#include <algorithm>
#include <utility>

namespace etalon::codec {
namespace {

// 4096 / (1 + e^(-x/256)) at x = -2048, -1920 .. 2048, rounded.
constexpr int curve[33] = {1,    2,    4,    6,    10,   17,   27,   45,   74,   120,  194,
                           311,  488,  747,  1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
                           3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095};

constexpr int curve_at(int x) {
  if (x > 2047) return 4095;
  if (x < -2047) return 1;
  const int at = (x + 2048) >> 7, part = (x + 2048) & 127;
  return (curve[at] * (128 - part) + curve[at + 1] * part + 64) >> 7;
}

// The least x whose curve reaches p.
constexpr auto inverse_of_curve() {
  std::array<std::int16_t, 4096> table{};
  int p = 0;
  for (int x = -2047; x <= 2047; ++x)
    for (const int v = curve_at(x); p <= v && p < 4096; ++p)
      table[static_cast<std::size_t>(p)] = static_cast<std::int16_t>(x);
  for (; p < 4096; ++p) table[static_cast<std::size_t>(p)] = 2047;
  return table;
}

constexpr auto all_of_curve() {
  std::array<std::uint16_t, 4096> table{};
  for (int x = -2048; x < 2048; ++x)
    table[static_cast<std::size_t>(x + 2048)] =
        static_cast<std::uint16_t>(std::clamp(curve_at(x), 1, 4095));
  return table;
}

constexpr auto all_inverses() {
  std::array<std::uint32_t, Vote::slowest + 1> table{};
  for (std::size_t seen = 0; seen < table.size(); ++seen) {
    const std::uint64_t divisor = 2 * seen + 3;
    table[seen] = static_cast<std::uint32_t>(((std::uint64_t{1} << 32) + divisor - 1) / divisor);
  }
  return table;
}

}  // namespace

constinit const std::array<std::int16_t, 4096> stretch_table = inverse_of_curve();
constinit const std::array<std::uint16_t, 4096> squash_table = all_of_curve();
constinit const std::array<std::uint32_t, Vote::slowest + 1> Vote::inverses = all_inverses();

std::vector<Vote>& Votes::kept() {
  static thread_local std::vector<Vote> votes;
  return votes;
}

Votes::Votes(std::size_t n) : all_(std::exchange(kept(), {})) {
  if (all_.size() != n) all_.assign(n, Vote());
}

Votes::~Votes() {
  for (const std::uint32_t i : changed_) all_[i] = Vote();
  kept() = std::move(all_);
}

}  // namespace etalon::codec
