#include "codec/field_coder.hpp"

#include <algorithm>

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
constexpr auto inverse = [] {
  std::array<std::int16_t, 4096> table{};
  int p = 0;
  for (int x = -2047; x <= 2047; ++x)
    for (const int v = curve_at(x); p <= v && p < 4096; ++p)
      table[static_cast<std::size_t>(p)] = static_cast<std::int16_t>(x);
  for (; p < 4096; ++p) table[static_cast<std::size_t>(p)] = 2047;
  return table;
}();

}  // namespace

int stretch(std::uint32_t p) { return inverse[p & 4095]; }
std::uint32_t squash(int x) { return static_cast<std::uint32_t>(std::clamp(curve_at(x), 1, 4095)); }

}  // namespace etalon::codec
