// The rows' loops in vectors: the same operations in the same order as the reference.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/field_rows_simd.cpp"
#include <hwy/foreach_target.h>
// Above must stand before:
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <limits>

#include "codec/field_rows.hpp"
#include "kernels/dispatch.hpp"

HWY_BEFORE_NAMESPACE();
namespace etalon::codec::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

template <typename V>
using Lanes = hn::CappedTag<V, 64 / sizeof(V)>;

HWY_INLINE auto to_float(hn::Vec<Lanes<float>> v) { return v; }
HWY_INLINE auto to_float(hn::Vec<Lanes<double>> v) {
  return hn::DemoteTo(hn::Rebind<float, Lanes<double>>(), v);
}
HWY_INLINE auto to_int(hn::Vec<Lanes<float>> v) {
  return hn::ConvertTo(hn::Rebind<std::int32_t, Lanes<float>>(), v);
}
HWY_INLINE auto to_int(hn::Vec<Lanes<double>> v) {
  return hn::DemoteTo(hn::Rebind<std::int32_t, Lanes<double>>(), v);
}

// The activity of spreads.
template <typename V>
HWY_INLINE void put_activity(hn::Vec<Lanes<V>> spread, std::uint8_t* HWY_RESTRICT activity) {
  using Int = hn::Rebind<std::int32_t, Lanes<V>>;
  const hn::Rebind<float, Lanes<V>> df;
  const Int di;
  const hn::Rebind<std::uint8_t, Lanes<V>> d8;
  const hn::RebindToUnsigned<Int> du;
  const auto first = hn::Set(di, (127 - 4) << 1), last = hn::Set(di, int(activities) - 1);
  const auto t = to_float(spread);
  const auto known = hn::RebindMask(di, hn::Lt(t, hn::Set(df, 0x1p12f)));
  auto half_octaves = hn::Sub(hn::BitCast(di, hn::ShiftRight<22>(hn::BitCast(du, t))), first);
  half_octaves = hn::Min(hn::Max(half_octaves, hn::Zero(di)), last);
  hn::StoreU(hn::DemoteTo(d8, hn::IfThenElse(known, half_octaves, last)), d8, activity);
}

// From one vector of `lanes` elements to the next: it may skip what lies behind whole rows.
HWY_INLINE std::size_t step_of(const RowRun& run, std::size_t lanes) {
  if (run.stride == 0) return lanes;
  const std::size_t whole = (lanes + run.stride - run.row) / run.stride * run.stride;
  return whole > lanes ? whole : lanes;
}

// Features in registers, where their numbers are known: 2 * Nearest of two terms each, then Fours
// of four and Eights of eight.
template <std::size_t Nearest, std::size_t Fours, std::size_t Eights, typename V>
void predict_known(const RowPredictor<V>& r, const V* const* HWY_RESTRICT terms, const RowRun& run,
                   V* HWY_RESTRICT prediction, std::uint8_t* HWY_RESTRICT activity) {
  constexpr std::size_t twos = 2 * Nearest, features = twos + Fours + Eights;
  const Lanes<V> d;
  const std::size_t step = step_of(run, hn::Lanes(d));
  const auto inverse_nearest = hn::Set(d, r.inverse_nearest), mean = hn::Set(d, r.mean);
  const auto slope = hn::Set(d, r.slope), spread_scale = hn::Set(d, r.spread);
  const bool plain = r.slope == 1;
  const V* term[twos * 2 + Fours * 4 + Eights * 8];
  for (std::size_t t = 0; t < std::size(term); ++t) term[t] = terms[t];
  for (std::size_t i = 0; i < run.length; i += step) {
    hn::Vec<Lanes<V>> f[features];
#pragma GCC unroll 16
    for (std::size_t j = 0; j < features; ++j) {
      const std::size_t length = j < twos ? 2 : j < twos + Fours ? 4 : 8;
      const std::size_t at = j < twos           ? 2 * j
                             : j < twos + Fours ? twos * 2 + (j - twos) * 4
                                                : twos * 2 + Fours * 4 + (j - twos - Fours) * 8;
      auto sum = hn::LoadU(d, term[at] + i);
#pragma GCC unroll 8
      for (std::size_t k = 1; k < length; ++k) sum = hn::Add(sum, hn::LoadU(d, term[at + k] + i));
      f[j] = hn::Mul(sum, hn::Set(d, V(1) / static_cast<V>(length)));
    }
    auto base = f[0];
#pragma GCC unroll 16
    for (std::size_t j = 1; j < Nearest; ++j) base = hn::Add(base, f[j]);
    base = hn::Mul(base, inverse_nearest);
    auto p = plain ? base : hn::Add(mean, hn::Mul(hn::Sub(base, mean), slope));
#pragma GCC unroll 16
    for (std::size_t j = 1; j < features; ++j)
      p = hn::Add(p, hn::Mul(hn::Set(d, r.weights[j]), hn::Sub(f[j], base)));
    auto spread = hn::Abs(hn::Sub(f[0], p));
#pragma GCC unroll 16
    for (std::size_t j = 1; j < features; ++j) spread = hn::Add(spread, hn::Abs(hn::Sub(f[j], p)));
    hn::StoreU(p, d, prediction + i);
    put_activity<V>(hn::Mul(spread, spread_scale), activity + i);
  }
}

template <typename V>
void predict_any(const RowPredictor<V>& r, const V* const* HWY_RESTRICT terms, const RowRun& run,
                 V* HWY_RESTRICT prediction, std::uint8_t* HWY_RESTRICT activity) {
  const Lanes<V> d;
  const std::size_t N = hn::Lanes(d), step = step_of(run, N);
  const auto inverse_nearest = hn::Set(d, r.inverse_nearest), mean = hn::Set(d, r.mean);
  const auto slope = hn::Set(d, r.slope), spread_scale = hn::Set(d, r.spread);
  const bool plain = r.slope == 1;
  HWY_ALIGN V features[max_features * 64 / sizeof(V)];
  for (std::size_t i = 0; i < run.length; i += step) {
    const V* const* term = terms;
    for (std::size_t j = 0; j < r.features; ++j) {
      auto sum = hn::LoadU(d, *term++ + i);
      for (std::size_t k = 1; k < r.lengths[j]; ++k) sum = hn::Add(sum, hn::LoadU(d, *term++ + i));
      hn::Store(hn::Mul(sum, hn::Set(d, r.inverse_lengths[j])), d, features + j * N);
    }
    auto base = hn::Load(d, features);
    for (std::size_t j = 1; j < r.nearest; ++j) base = hn::Add(base, hn::Load(d, features + j * N));
    base = hn::Mul(base, inverse_nearest);
    auto p = plain ? base : hn::Add(mean, hn::Mul(hn::Sub(base, mean), slope));
    for (std::size_t j = 1; j < r.features; ++j)
      p = hn::Add(p,
                  hn::Mul(hn::Set(d, r.weights[j]), hn::Sub(hn::Load(d, features + j * N), base)));
    auto spread = hn::Abs(hn::Sub(hn::Load(d, features), p));
    for (std::size_t j = 1; j < r.features; ++j)
      spread = hn::Add(spread, hn::Abs(hn::Sub(hn::Load(d, features + j * N), p)));
    hn::StoreU(p, d, prediction + i);
    put_activity<V>(hn::Mul(spread, spread_scale), activity + i);
  }
}

template <typename V>
void predict(const RowPredictor<V>& r, const V* const* HWY_RESTRICT terms, const RowRun& run,
             V* HWY_RESTRICT prediction, std::uint8_t* HWY_RESTRICT activity) {
  if (r.features == 0) return predict_row_ref(r, terms, run.length, prediction, activity);
  record_run(HWY_TARGET);
#define ETALON_KNOWN(nearest, fours, eights) \
  case nearest * 8 + fours:                  \
    return predict_known<nearest, fours, eights>(r, terms, run, prediction, activity)
  switch (r.loop) {
    ETALON_KNOWN(1, 0, 0);
    ETALON_KNOWN(1, 1, 0);
    ETALON_KNOWN(1, 2, 0);
    ETALON_KNOWN(1, 3, 0);
    ETALON_KNOWN(1, 4, 0);
    ETALON_KNOWN(1, 5, 0);
    ETALON_KNOWN(2, 1, 0);
    ETALON_KNOWN(3, 3, 1);
    ETALON_KNOWN(4, 4, 0);
    ETALON_KNOWN(5, 2, 0);
    ETALON_KNOWN(6, 0, 0);
    default:
      return predict_any(r, terms, run, prediction, activity);
  }
#undef ETALON_KNOWN
}

template <typename V>
V quantize(const V* HWY_RESTRICT x, const V* HWY_RESTRICT prediction, std::size_t n,
           const Steps<V>& s, std::uint32_t* HWY_RESTRICT numbers, V* HWY_RESTRICT decoded) {
  record_run(HWY_TARGET);
  const Lanes<V> d;
  using Int = hn::Rebind<std::int32_t, Lanes<V>>;
  const hn::RebindToUnsigned<Int> du;
  const hn::RebindToUnsigned<Lanes<V>> dbits;
  const std::size_t N = hn::Lanes(d);
  const auto most = hn::Set(d, static_cast<V>(most_steps)), zero = hn::Zero(d);
  const auto least_normal = hn::Set(d, std::numeric_limits<V>::min());
  const auto largest = hn::Set(d, std::numeric_limits<V>::max());
  auto step = hn::Set(d, s.step), inverse = hn::Set(d, s.inverse);
  auto tolerance = hn::Set(d, s.tolerance), worst = zero;
  for (std::size_t i = 0; i < n; i += N) {
    if (s.steps != nullptr) {
      step = hn::LoadU(d, s.steps + i);
      inverse = hn::LoadU(d, s.inverses + i);
      tolerance = hn::LoadU(d, s.tolerances + i);
    }
    const auto v = hn::LoadU(d, x + i), p = hn::LoadU(d, prediction + i);
    const auto away = hn::Mul(hn::Sub(v, p), inverse);
    const auto near = hn::Le(hn::Abs(away), most);
    const auto q = hn::Add(hn::IfThenElseZero(near, hn::Round(away)), zero);  // never -0
    const auto r = hn::Add(p, hn::Mul(q, step));
    const auto error = hn::Abs(hn::Sub(r, v));
    const auto plus_zero = hn::RebindMask(d, hn::Eq(hn::BitCast(dbits, v), hn::Zero(dbits)));
    const auto ordinary = hn::Or(hn::Ge(hn::Abs(v), least_normal), plus_zero);
    auto coded = hn::And(hn::And(near, ordinary), hn::Le(error, tolerance));
    // The least integer has exact_number for its zigzag.
    const auto qi = to_int(hn::IfThenElse(coded, q, hn::Set(d, V(-0x1p31))));
    const auto number = hn::Xor(hn::ShiftLeft<1>(qi), hn::ShiftRight<31>(qi));
    const auto kept = hn::IfThenElse(hn::Le(hn::Abs(v), largest), v,
                                     hn::IfThenElseZero(hn::Le(hn::Abs(p), largest), p));
    hn::StoreU(hn::IfThenElse(coded, r, kept), d, decoded + i);
    hn::StoreU(hn::BitCast(du, number), du, numbers + i);
    if (i + N > n) coded = hn::And(coded, hn::FirstN(d, n - i));
    worst = hn::Max(worst, hn::IfThenElseZero(coded, error));
  }
  return hn::GetLane(hn::MaxOfLanes(d, worst));
}

template <typename V>
void dequantize(const std::uint32_t* HWY_RESTRICT numbers, const V* HWY_RESTRICT prediction,
                std::size_t n, const Steps<V>& s, V* HWY_RESTRICT decoded) {
  record_run(HWY_TARGET);
  const Lanes<V> d;
  using Int = hn::Rebind<std::int32_t, Lanes<V>>;
  const Int di;
  const hn::RebindToUnsigned<Int> du;
  const std::size_t N = hn::Lanes(d);
  auto step = hn::Set(d, s.step);
  for (std::size_t i = 0; i < n; i += N) {
    if (s.steps != nullptr) step = hn::LoadU(d, s.steps + i);
    const auto u = hn::LoadU(du, numbers + i);
    const auto sign = hn::Sub(hn::Zero(du), hn::And(u, hn::Set(du, 1u)));
    const auto q = hn::BitCast(di, hn::Xor(hn::ShiftRight<1>(u), sign));
    const auto p = hn::LoadU(d, prediction + i);
    if constexpr (sizeof(V) == 4)
      hn::StoreU(hn::Add(p, hn::Mul(hn::ConvertTo(d, q), step)), d, decoded + i);
    else
      hn::StoreU(hn::Add(p, hn::Mul(hn::PromoteTo(d, q), step)), d, decoded + i);
  }
}

void look_up_32(const std::uint8_t* HWY_RESTRICT table, std::uint8_t* HWY_RESTRICT bytes,
                std::size_t n) {
  record_run(HWY_TARGET);
  const hn::CappedTag<std::uint8_t, 32> d;
  const auto low = hn::LoadDup128(d, table), high = hn::LoadDup128(d, table + 16);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto at = hn::LoadU(d, bytes + i), in_half = hn::And(at, hn::Set(d, std::uint8_t{15}));
    const auto is_low = hn::Eq(at, in_half);
    hn::StoreU(hn::IfThenElse(is_low, hn::TableLookupBytes(low, in_half),
                              hn::TableLookupBytes(high, in_half)),
               d, bytes + i);
  }
}
#else
void look_up_32(const std::uint8_t* table, std::uint8_t* bytes, std::size_t n) {
  look_up_ref(table, bytes, n);
}
template <typename V>
void predict(const RowPredictor<V>& r, const V* const* terms, const RowRun& run, V* prediction,
             std::uint8_t* activity) {
  predict_row_ref(r, terms, run.length, prediction, activity);
}
template <typename V>
V quantize(const V* x, const V* prediction, std::size_t n, const Steps<V>& s,
           std::uint32_t* numbers, V* decoded) {
  return quantize_row_ref(x, prediction, n, s, numbers, decoded);
}
template <typename V>
void dequantize(const std::uint32_t* numbers, const V* prediction, std::size_t n, const Steps<V>& s,
                V* decoded) {
  dequantize_row_ref(numbers, prediction, n, s, decoded);
}
#endif

void predict_f32(const RowPredictor<float>& r, const float* const* terms, const RowRun& run,
                 float* prediction, std::uint8_t* activity) {
  predict(r, terms, run, prediction, activity);
}
void predict_f64(const RowPredictor<double>& r, const double* const* terms, const RowRun& run,
                 double* prediction, std::uint8_t* activity) {
  predict(r, terms, run, prediction, activity);
}
float quantize_f32(const float* x, const float* prediction, std::size_t n, const Steps<float>& s,
                   std::uint32_t* numbers, float* decoded) {
  return quantize(x, prediction, n, s, numbers, decoded);
}
double quantize_f64(const double* x, const double* prediction, std::size_t n,
                    const Steps<double>& s, std::uint32_t* numbers, double* decoded) {
  return quantize(x, prediction, n, s, numbers, decoded);
}
void dequantize_f32(const std::uint32_t* numbers, const float* prediction, std::size_t n,
                    const Steps<float>& s, float* decoded) {
  dequantize(numbers, prediction, n, s, decoded);
}
void dequantize_f64(const std::uint32_t* numbers, const double* prediction, std::size_t n,
                    const Steps<double>& s, double* decoded) {
  dequantize(numbers, prediction, n, s, decoded);
}

}  // namespace
}  // namespace etalon::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::codec {

HWY_EXPORT(predict_f32);
HWY_EXPORT(predict_f64);
HWY_EXPORT(quantize_f32);
HWY_EXPORT(quantize_f64);
HWY_EXPORT(dequantize_f32);
HWY_EXPORT(dequantize_f64);
HWY_EXPORT(look_up_32);

namespace {

// Runs the reference where that is the backend.
template <typename R, typename V>
auto choose(R&& reference, V&& vectors) {
  if (!use_reference()) return vectors();
  record_run(0);
  return reference();
}

}  // namespace

// Features as features_of makes them have these numbers: of one odd axis up to five of four terms
// beside the nearest, of more all pairs there is room for.
unsigned best_loop(std::size_t features, std::size_t nearest, const std::uint8_t* lengths) {
  std::array<std::size_t, 16> count{};
  for (std::size_t j = 0; j < features; ++j) {
    ++count[lengths[j] & 15u];
    if (j != 0 && lengths[j - 1] > lengths[j]) return 0;
  }
  const bool known = count[2] == 2 * nearest && count[8] == (nearest == 3) &&
                     count[2] + count[4] + count[8] == features && count[4] < 8;
  return known ? static_cast<unsigned>(nearest * 8 + count[4]) : 0;
}

void look_up(const std::uint8_t* table, std::uint8_t* bytes, std::size_t n) {
  choose([&] { look_up_ref(table, bytes, n); },
         [&] {
           HWY_DYNAMIC_DISPATCH(look_up_32)
           (table, bytes, n);
         });
}

template <>
void predict_row(const RowPredictor<float>& r, const float* const* terms, const RowRun& run,
                 float* prediction, std::uint8_t* activity) {
  choose([&] { predict_row_ref(r, terms, run.length, prediction, activity); },
         [&] {
           HWY_DYNAMIC_DISPATCH(predict_f32)
           (r, terms, run, prediction, activity);
         });
}
template <>
void predict_row(const RowPredictor<double>& r, const double* const* terms, const RowRun& run,
                 double* prediction, std::uint8_t* activity) {
  choose([&] { predict_row_ref(r, terms, run.length, prediction, activity); },
         [&] {
           HWY_DYNAMIC_DISPATCH(predict_f64)
           (r, terms, run, prediction, activity);
         });
}
template <>
float quantize_row(const float* x, const float* prediction, std::size_t n, const Steps<float>& s,
                   std::uint32_t* numbers, float* decoded) {
  return choose(
      [&] { return quantize_row_ref(x, prediction, n, s, numbers, decoded); },
      [&] { return HWY_DYNAMIC_DISPATCH(quantize_f32)(x, prediction, n, s, numbers, decoded); });
}
template <>
double quantize_row(const double* x, const double* prediction, std::size_t n,
                    const Steps<double>& s, std::uint32_t* numbers, double* decoded) {
  return choose(
      [&] { return quantize_row_ref(x, prediction, n, s, numbers, decoded); },
      [&] { return HWY_DYNAMIC_DISPATCH(quantize_f64)(x, prediction, n, s, numbers, decoded); });
}
template <>
void dequantize_row(const std::uint32_t* numbers, const float* prediction, std::size_t n,
                    const Steps<float>& s, float* decoded) {
  choose([&] { dequantize_row_ref(numbers, prediction, n, s, decoded); },
         [&] {
           HWY_DYNAMIC_DISPATCH(dequantize_f32)
           (numbers, prediction, n, s, decoded);
         });
}
template <>
void dequantize_row(const std::uint32_t* numbers, const double* prediction, std::size_t n,
                    const Steps<double>& s, double* decoded) {
  choose([&] { dequantize_row_ref(numbers, prediction, n, s, decoded); },
         [&] {
           HWY_DYNAMIC_DISPATCH(dequantize_f64)
           (numbers, prediction, n, s, decoded);
         });
}

}  // namespace etalon::codec
#endif
