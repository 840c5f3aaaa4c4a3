// The blocks' loops in vectors: the same results as the reference.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/packed_simd.cpp"
#include <hwy/foreach_target.h>
// Above must stand before:
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "codec/packed_blocks.hpp"
#include "kernels/dispatch.hpp"

HWY_BEFORE_NAMESPACE();
namespace etalon::codec::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128

// A row of words, or as much of it as a vector holds.
template <typename U>
using Row = hn::CappedTag<U, row_bytes / sizeof(U)>;
template <typename T>
using Lanes = hn::CappedTag<T, 64 / sizeof(T)>;

template <typename T>
bool number_floats(const T* HWY_RESTRICT x, const Quantum<T>& quantum, std::int32_t* numbers,
                   T* worst) {
  const Lanes<T> d;
  const hn::Rebind<std::int32_t, Lanes<T>> di;
  const hn::RebindToUnsigned<Lanes<T>> du;
  const auto inverse = hn::Set(d, quantum.inverse), step = hn::Set(d, quantum.step);
  const auto tolerance = hn::Set(d, quantum.tolerance), least = hn::Set(d, least_normal<T>);
  const auto end = hn::Set(d, static_cast<T>(most_number));
  auto most = hn::Zero(d);
  auto all = hn::Eq(most, most);
  for (std::size_t i = 0; i < block_elements; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, x + i);
    const auto away = hn::Mul(v, inverse);
    const auto near = hn::Lt(hn::Abs(away), end);
    const auto q = hn::IfThenElseZero(near, hn::Round(away));
    const auto error = hn::Abs(hn::Sub(hn::Mul(q, step), v));
    const auto zero = hn::RebindMask(d, hn::Eq(hn::BitCast(du, v), hn::Zero(du)));
    const auto ordinary = hn::Or(hn::Ge(hn::Abs(v), least), zero);
    all = hn::And(all, hn::And(near, hn::And(ordinary, hn::Le(error, tolerance))));
    most = hn::Max(most, error);
    if constexpr (sizeof(T) == 4)
      hn::StoreU(hn::ConvertTo(di, q), di, numbers + i);
    else
      hn::StoreU(hn::DemoteTo(di, q), di, numbers + i);
  }
  if (!hn::AllTrue(d, all)) return false;
  *worst = std::max(*worst, hn::GetLane(hn::MaxOfLanes(d, most)));
  return true;
}

// Quotients of at most 17 bits by way of floats: half a unit keeps them from a whole number by more
// than rounding moves them.
template <typename T>
bool number_short(const T* HWY_RESTRICT x, const Quantum<T>& quantum, Word<T>* HWY_RESTRICT q,
                  T* worst) {
  using W = Word<T>;
  const Lanes<float> df;
  const hn::Rebind<std::int32_t, Lanes<float>> di;
  const hn::Rebind<T, Lanes<float>> dt;
  const hn::Rebind<W, Lanes<float>> dw;
  const auto inverse = hn::Set(df, 1.0F / static_cast<float>(2 * quantum.bound + 1));
  const auto half = hn::Set(df, 0.5F);
  const auto bound = hn::Set(di, static_cast<std::int32_t>(quantum.bound));
  const auto step = hn::Set(di, static_cast<std::int32_t>(2 * quantum.bound + 1));
  const auto low = hn::Set(di, std::int32_t{std::numeric_limits<T>::lowest()});
  const auto high = hn::Set(di, std::int32_t{std::numeric_limits<T>::max()});
  auto most = hn::Zero(di);
  for (std::size_t i = 0; i < block_elements; i += hn::Lanes(df)) {
    const auto v = hn::PromoteTo(di, hn::LoadU(dt, x + i));
    const auto m = hn::ConvertTo(df, hn::Add(v, bound));
    const auto n = hn::ConvertTo(di, hn::Floor(hn::Mul(hn::Add(m, half), inverse)));
    const auto decoded = hn::Min(hn::Max(hn::Mul(n, step), low), high);
    most = hn::Max(most, hn::Abs(hn::Sub(decoded, v)));
    hn::StoreU(hn::DemoteTo(dw, n), dw, q + i);
  }
  *worst = std::max(*worst, static_cast<T>(hn::GetLane(hn::MaxOfLanes(di, most))));
  return true;
}

// The same in doubles, which compilers make vectors of.
template <typename T>
bool number_long(const T* HWY_RESTRICT x, const Quantum<T>& quantum, T* HWY_RESTRICT q, T* worst) {
  const double step = 2.0 * quantum.bound + 1, inverse = 1 / step, add = quantum.bound + 0.5;
  constexpr double low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
  double most = 0;
  for (std::size_t i = 0; i < block_elements; ++i) {
    const auto v = static_cast<double>(x[i]);
    const double n = std::floor((v + add) * inverse), decoded = n * step;
    const double error = std::abs((decoded < low ? low : decoded > high ? high : decoded) - v);
    most = most < error ? error : most;
    q[i] = static_cast<T>(static_cast<std::int32_t>(n));
  }
  *worst = std::max(*worst, static_cast<T>(most));
  return true;
}

template <typename T>
bool number(const T* x, const Quantum<T>& quantum, Word<T>* numbers, T* worst) {
  if constexpr (std::is_floating_point_v<T>)
    return number_floats(x, quantum, numbers, worst);
  else if constexpr (sizeof(T) == 4)
    return number_long(x, quantum, numbers, worst);
  else
    return number_short(x, quantum, numbers, worst);
}

template <typename T>
void value(const Word<T>* HWY_RESTRICT numbers, const Quantum<T>& quantum, T* HWY_RESTRICT x) {
  using W = Word<T>;
  if constexpr (std::is_floating_point_v<T>) {
    const Lanes<T> d;
    const hn::Rebind<std::int32_t, Lanes<T>> di;
    const auto step = hn::Set(d, quantum.step);
    for (std::size_t i = 0; i < block_elements; i += hn::Lanes(d)) {
      const auto q = hn::LoadU(di, numbers + i);
      if constexpr (sizeof(T) == 4)
        hn::StoreU(hn::Mul(hn::ConvertTo(d, q), step), d, x + i);
      else
        hn::StoreU(hn::Mul(hn::PromoteTo(d, q), step), d, x + i);
    }
  } else if (quantum.bound == 0) {
    if constexpr (sizeof(T) == sizeof(W))
      std::memcpy(x, numbers, block_elements * sizeof(T));
    else
      for (std::size_t i = 0; i < block_elements; ++i) x[i] = static_cast<T>(numbers[i]);
  } else if constexpr (sizeof(T) == 4) {
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
    const Wide step = 2 * Wide{quantum.bound} + 1;
    for (std::size_t i = 0; i < block_elements; ++i) {
      const Wide v = static_cast<Wide>(numbers[i]) * step;
      const Wide low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
      x[i] = static_cast<T>(v < low ? low : v > high ? high : v);
    }
  } else {
    // Products of 16 by 16 bits: they fit.
    using Wide = std::conditional_t<std::is_signed_v<T>, std::int32_t, std::uint32_t>;
    const auto step = static_cast<Wide>(2 * quantum.bound + 1);
    const Wide low = std::numeric_limits<T>::lowest(), high = std::numeric_limits<T>::max();
    for (std::size_t i = 0; i < block_elements; ++i) {
      const Wide v = static_cast<Wide>(numbers[i]) * step;
      x[i] = static_cast<T>(v < low ? low : v > high ? high : v);
    }
  }
}

template <typename W, typename U>
Survey<W> survey(const W* HWY_RESTRICT numbers, U* HWY_RESTRICT differences) {
  const Lanes<W> d;
  const Lanes<U> du;
  const std::size_t N = hn::Lanes(d);
  W before_first[2 * 64 / sizeof(W)];
  before_first[0] = numbers[0];
  std::memcpy(before_first + 1, numbers, 64);
  auto least = hn::LoadU(d, numbers), most = least;
  auto bits = hn::Zero(du);
  const W* before = before_first;
  for (std::size_t i = 0; i < block_elements; i += N) {
    const auto v = hn::LoadU(d, numbers + i);
    const auto less = hn::BitCast(du, hn::Sub(v, hn::LoadU(d, before)));
    const auto sign = hn::Sub(hn::Zero(du), hn::ShiftRight<8 * sizeof(U) - 1>(less));
    const auto zigzag = hn::Xor(hn::Add(less, less), sign);
    hn::StoreU(zigzag, du, differences + i);
    least = hn::Min(least, v);
    most = hn::Max(most, v);
    bits = hn::Or(bits, zigzag);
    before = numbers + i + N - 1;
  }
  // Of a vector's lanes: first by vectors of 16 bytes.
  const hn::CappedTag<W, 16 / sizeof(W)> d16;
  constexpr std::size_t N16 = 16 / sizeof(W);
  HWY_ALIGN W leasts[64 / sizeof(W)];
  HWY_ALIGN W mosts[64 / sizeof(W)];
  HWY_ALIGN std::uint64_t all[8];
  hn::StoreU(least, d, leasts);
  hn::StoreU(most, d, mosts);
  hn::StoreU(bits, du, reinterpret_cast<U*>(all));
  auto least16 = hn::Load(d16, leasts);
  auto most16 = hn::Load(d16, mosts);
  std::uint64_t differing = all[0] | all[1];
  for (std::size_t i = N16; i < N; i += N16) {
    least16 = hn::Min(least16, hn::Load(d16, leasts + i));
    most16 = hn::Max(most16, hn::Load(d16, mosts + i));
    differing |= all[i / N16 * 2] | all[i / N16 * 2 + 1];
  }
  hn::Store(least16, d16, leasts);
  hn::Store(most16, d16, mosts);
  differing |= differing >> 32;
  if constexpr (sizeof(U) == 2) differing |= differing >> 16;
  Survey<W> s{leasts[0], mosts[0], static_cast<U>(differing)};
  for (std::size_t i = 1; i < N16; ++i) {
    s.least = leasts[i] < s.least ? leasts[i] : s.least;
    s.most = mosts[i] > s.most ? mosts[i] : s.most;
  }
  return s;
}

// Vectors of 16 bytes, whose lanes can be moved across all of them.
template <typename W, typename U>
void integrate(const U* HWY_RESTRICT differences, U base, W* HWY_RESTRICT numbers) {
  const hn::CappedTag<U, 16 / sizeof(U)> du;
  const hn::CappedTag<W, 16 / sizeof(W)> d;
  constexpr std::size_t N = 16 / sizeof(U);
  const auto one = hn::Set(du, U(1));
  auto last = hn::Set(du, base);
  for (std::size_t i = 0; i < block_elements; i += N) {
    const auto z = hn::LoadU(du, differences + i);
    auto v = hn::Xor(hn::ShiftRight<1>(z), hn::Sub(hn::Zero(du), hn::And(z, one)));
    v = hn::Add(v, hn::ShiftLeftLanes<1>(du, v));
    v = hn::Add(v, hn::ShiftLeftLanes<2>(du, v));
    if constexpr (sizeof(U) == 2) v = hn::Add(v, hn::ShiftLeftLanes<4>(du, v));
    const auto sum = hn::Add(v, last);
    hn::StoreU(hn::BitCast(d, sum), d, numbers + i);
    if constexpr (sizeof(U) == 2)
      last = hn::Add(last, hn::Broadcast<7>(v));
    else
      last = hn::Add(last, hn::Broadcast<3>(v));
  }
}

// Rows from `row` on; `filled` holds the bits of the word that is not full yet.
template <typename U, unsigned width, unsigned row, typename V>
HWY_INLINE void pack_rows(const U* HWY_RESTRICT words, V base, V filled, U* HWY_RESTRICT out) {
  constexpr unsigned bits = 8 * sizeof(U), lanes = row_bytes / sizeof(U);
  if constexpr (row < bits) {
    const Row<U> d;
    constexpr unsigned at = row * width % bits, word = row * width / bits;
    const auto v = hn::Sub(hn::LoadU(d, words + row * lanes), base);
    if constexpr (at == 0)
      filled = v;
    else
      filled = hn::Or(filled, hn::ShiftLeft<at>(v));
    if constexpr (at + width >= bits) hn::StoreU(filled, d, out + word * lanes);
    if constexpr (at + width > bits) filled = hn::ShiftRight<bits - at>(v);
    pack_rows<U, width, row + 1>(words, base, filled, out);
  }
}

template <typename U, unsigned width, unsigned row, typename V>
HWY_INLINE void unpack_rows(const U* HWY_RESTRICT in, V base, V mask, U* HWY_RESTRICT words) {
  constexpr unsigned bits = 8 * sizeof(U), lanes = row_bytes / sizeof(U);
  if constexpr (row < bits) {
    const Row<U> d;
    constexpr unsigned at = row * width % bits, word = row * width / bits;
    auto v = hn::LoadU(d, in + word * lanes);
    if constexpr (at != 0) v = hn::ShiftRight<at>(v);
    if constexpr (at + width > bits)
      v = hn::Or(v, hn::ShiftLeft<bits - at>(hn::LoadU(d, in + (word + 1) * lanes)));
    if constexpr (at + width != bits) v = hn::And(v, mask);
    hn::StoreU(hn::Add(v, base), d, words + row * lanes);
    unpack_rows<U, width, row + 1>(in, base, mask, words);
  }
}

template <typename U, unsigned width>
void pack_width(const U* words, U base, std::byte* out) {
  const Row<U> d;
  constexpr std::size_t lanes = row_bytes / sizeof(U);
  if constexpr (width != 0)
    for (std::size_t lane = 0; lane < lanes; lane += hn::Lanes(d))
      pack_rows<U, width, 0>(words + lane, hn::Set(d, base), hn::Zero(d),
                             reinterpret_cast<U*>(out) + lane);
}

template <typename U, unsigned width>
void unpack_width(const std::byte* in, U base, U* words) {
  const Row<U> d;
  constexpr std::size_t lanes = row_bytes / sizeof(U);
  if constexpr (width == 0) {
    std::fill_n(words, block_elements, base);
  } else {
    const auto mask = hn::Set(d, static_cast<U>(static_cast<U>(~U(0)) >> (8 * sizeof(U) - width)));
    for (std::size_t lane = 0; lane < lanes; lane += hn::Lanes(d))
      unpack_rows<U, width, 0>(reinterpret_cast<const U*>(in) + lane, hn::Set(d, base), mask,
                               words + lane);
  }
}

template <typename U>
void pack(const U* words, U base, unsigned width, std::byte* out) {
  using Pack = void (*)(const U*, U, std::byte*);
  static constexpr auto table = []<unsigned... w>(std::integer_sequence<unsigned, w...>) {
    struct Table {
      Pack of[sizeof...(w)];
    };
    return Table{{pack_width<U, w>...}};
  }
  (std::make_integer_sequence<unsigned, 8 * sizeof(U) + 1>());
  table.of[width](words, base, out);
}

template <typename U>
void unpack(const std::byte* in, U base, unsigned width, U* words) {
  using Unpack = void (*)(const std::byte*, U, U*);
  static constexpr auto table = []<unsigned... w>(std::integer_sequence<unsigned, w...>) {
    struct Table {
      Unpack of[sizeof...(w)];
    };
    return Table{{unpack_width<U, w>...}};
  }
  (std::make_integer_sequence<unsigned, 8 * sizeof(U) + 1>());
  table.of[width](in, base, words);
}

template <typename T>
BlockLoops<T> loops() {
  using W = Word<T>;
  using U = std::make_unsigned_t<W>;
  record_run(HWY_TARGET);
  return {number<T>, value<T>, survey<W, U>, integrate<W, U>, pack<U>, unpack<U>};
}
#else
template <typename T>
BlockLoops<T> loops() {
  return block_loops_ref<T>();
}
#endif

BlockLoops<std::uint8_t> loops_u8() { return loops<std::uint8_t>(); }
BlockLoops<std::uint16_t> loops_u16() { return loops<std::uint16_t>(); }
BlockLoops<std::uint32_t> loops_u32() { return loops<std::uint32_t>(); }
BlockLoops<std::int8_t> loops_i8() { return loops<std::int8_t>(); }
BlockLoops<std::int16_t> loops_i16() { return loops<std::int16_t>(); }
BlockLoops<std::int32_t> loops_i32() { return loops<std::int32_t>(); }
BlockLoops<float> loops_f32() { return loops<float>(); }
BlockLoops<double> loops_f64() { return loops<double>(); }

}  // namespace
}  // namespace etalon::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::codec {

#define ETALON_LOOPS(T, name)                                  \
  HWY_EXPORT(name);                                            \
  template <>                                                  \
  BlockLoops<T> block_loops() {                                \
    if (!use_reference()) return HWY_DYNAMIC_DISPATCH(name)(); \
    record_run(0);                                             \
    return block_loops_ref<T>();                               \
  }
ETALON_LOOPS(std::uint8_t, loops_u8)
ETALON_LOOPS(std::uint16_t, loops_u16)
ETALON_LOOPS(std::uint32_t, loops_u32)
ETALON_LOOPS(std::int8_t, loops_i8)
ETALON_LOOPS(std::int16_t, loops_i16)
ETALON_LOOPS(std::int32_t, loops_i32)
ETALON_LOOPS(float, loops_f32)
ETALON_LOOPS(double, loops_f64)
#undef ETALON_LOOPS

}  // namespace etalon::codec
#endif
