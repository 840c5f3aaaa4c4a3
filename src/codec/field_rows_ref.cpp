#include <bit>
#include <cmath>
#include <limits>

#include "codec/field_rows.hpp"
#include "codec/side_coder.hpp"

namespace etalon::codec {

namespace {

constexpr int first_half_octave = (127 - 4) << 1;

std::uint8_t activity_of(float spread) {
  constexpr float most = 0x1p12f;
  if (!(spread < most)) return activities - 1;
  const int half_octaves =
      static_cast<int>(std::bit_cast<std::uint32_t>(spread) >> 22) - first_half_octave;
  return static_cast<std::uint8_t>(half_octaves < 0                     ? 0
                                   : half_octaves > int(activities) - 1 ? activities - 1
                                                                        : half_octaves);
}

}  // namespace

template <typename V>
V stand_in(V x, V prediction) {
  const V most = std::numeric_limits<V>::max();
  if (std::abs(x) <= most) return x;
  return std::abs(prediction) <= most ? prediction : V(0);
}

template <typename V>
void predict_row_ref(const RowPredictor<V>& r, const V* const* terms, std::size_t n, V* prediction,
                     std::uint8_t* activity) {
  if (r.features == 0) {
    for (std::size_t i = 0; i < n; ++i) prediction[i] = r.mean, activity[i] = activities - 1;
    return;
  }
  for (std::size_t i = 0; i < n; ++i) {
    V f[max_features];
    const V* const* term = terms;
    for (std::size_t j = 0; j < r.features; ++j) {
      V sum = (*term++)[i];
      for (std::size_t k = 1; k < r.lengths[j]; ++k) sum = sum + (*term++)[i];
      f[j] = sum * r.inverse_lengths[j];
    }
    V base = f[0];
    for (std::size_t j = 1; j < r.nearest; ++j) base = base + f[j];
    base = base * r.inverse_nearest;
    V p = base;
    if (r.slope != 1) p = r.mean + (base - r.mean) * r.slope;
    for (std::size_t j = 1; j < r.features; ++j) p = p + r.weights[j] * (f[j] - base);
    V spread = std::abs(f[0] - p);
    for (std::size_t j = 1; j < r.features; ++j) spread = spread + std::abs(f[j] - p);
    prediction[i] = p;
    activity[i] = activity_of(static_cast<float>(spread * r.spread));
  }
}

template <typename V>
V quantize_row_ref(const V* x, const V* prediction, std::size_t n, const Steps<V>& s,
                   std::uint32_t* numbers, V* decoded) {
  V worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const V step = s.steps ? s.steps[i] : s.step, inverse = s.steps ? s.inverses[i] : s.inverse;
    const V tolerance = s.steps ? s.tolerances[i] : s.tolerance;
    const V away = (x[i] - prediction[i]) * inverse;
    const bool near = std::abs(away) <= static_cast<V>(most_steps);
    const V q = (near ? std::nearbyint(away) : V(0)) + V(0);  // an integer has no -0
    const V r = prediction[i] + q * step;
    const V error = std::abs(r - x[i]);
    const bool ordinary =
        std::abs(x[i]) >= std::numeric_limits<V>::min() || (x[i] == 0 && !std::signbit(x[i]));
    if (near && ordinary && error <= tolerance) {
      numbers[i] = static_cast<std::uint32_t>(zigzag(static_cast<std::int64_t>(q)));
      decoded[i] = r;
      worst = worst < error ? error : worst;
    } else {
      numbers[i] = exact_number;
      decoded[i] = stand_in(x[i], prediction[i]);
    }
  }
  return worst;
}

template <typename V>
void dequantize_row_ref(const std::uint32_t* numbers, const V* prediction, std::size_t n,
                        const Steps<V>& s, V* decoded) {
  for (std::size_t i = 0; i < n; ++i) {
    const V step = s.steps ? s.steps[i] : s.step;
    const auto q = static_cast<std::int32_t>(numbers[i] >> 1 ^ (0u - (numbers[i] & 1)));
    decoded[i] = prediction[i] + static_cast<V>(q) * step;
  }
}

void look_up_ref(const std::uint8_t* table, std::uint8_t* bytes, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) bytes[i] = table[bytes[i] % activities];
}

#define ETALON_INSTANTIATE(V)                                                                   \
  template V stand_in(V, V);                                                                    \
  template void predict_row_ref(const RowPredictor<V>&, const V* const*, std::size_t, V*,       \
                                std::uint8_t*);                                                 \
  template V quantize_row_ref(const V*, const V*, std::size_t, const Steps<V>&, std::uint32_t*, \
                              V*);                                                              \
  template void dequantize_row_ref(const std::uint32_t*, const V*, std::size_t, const Steps<V>&, V*)
ETALON_INSTANTIATE(float);
ETALON_INSTANTIATE(double);
#undef ETALON_INSTANTIATE

}  // namespace etalon::codec
