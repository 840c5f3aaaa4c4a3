// The coding loops with up to 16 lanes a vector: the same states, words and symbols as the
// reference.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/rans_simd.cpp"
#include <hwy/foreach_target.h>
// Above must stand before:
#include <hwy/highway.h>

#include "codec/rans.hpp"
#include "kernels/dispatch.hpp"

HWY_BEFORE_NAMESPACE();
namespace etalon::codec::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128 && !HWY_HAVE_SCALABLE
using D = hn::CappedTag<std::uint32_t, 16>;
using D16 = hn::Rebind<std::uint16_t, D>;
using V = hn::Vec<D>;
using M = hn::Mask<D>;
constexpr std::size_t N = hn::MaxLanes(D());
constexpr std::size_t vectors = 32 / N;

#if HWY_TARGET > HWY_AVX3
unsigned bits_of(M mask) {
  std::uint8_t bits[8] = {};
  hn::StoreMaskBits(D(), mask, bits);
  return bits[0] & ((1u << N) - 1);
}

// For every set of lanes that want a word: which word each of them gets, counted from the first.
struct Expansion {
  alignas(64) std::uint32_t index[1 << N][N];
  constexpr Expansion() : index() {
    for (std::uint32_t bits = 0; bits < (1u << N); ++bits) {
      std::uint32_t next = 0;
      for (std::size_t lane = 0; lane < N; ++lane) {
        index[bits][lane] = next & (N - 1);
        next += bits >> lane & 1;
      }
    }
  }
};
// For every set of lanes that give a word: the bytes of their words, at the vector's end.
struct Packing {
  alignas(16) std::uint8_t index[1 << N][2 * N];
  constexpr Packing() : index() {
    for (std::uint32_t bits = 0; bits < (1u << N); ++bits) {
      std::size_t next = N;
      for (std::size_t lane = N; lane-- > 0;) {
        if ((bits >> lane & 1) == 0) continue;
        --next;
        index[bits][2 * next] = static_cast<std::uint8_t>(2 * lane);
        index[bits][2 * next + 1] = static_cast<std::uint8_t>(2 * lane + 1);
      }
    }
  }
};
#endif

// The lanes of `low` take the next words; returns how many did.
HWY_INLINE std::size_t refill(V& x, const M low, const std::uint16_t* HWY_RESTRICT word) {
  const D d;
  const auto next = hn::PromoteTo(d, hn::LoadU(D16(), word));
#if HWY_TARGET <= HWY_AVX3
  const V spread{_mm512_maskz_expand_epi32(low.raw, next.raw)};
  const auto count = static_cast<std::size_t>(__builtin_popcount(low.raw));
#else
  static constexpr Expansion expansion;
  const unsigned bits = bits_of(low);
  const auto spread = hn::TableLookupLanes(next, hn::SetTableIndices(d, expansion.index[bits]));
  const auto count = static_cast<std::size_t>(__builtin_popcount(bits));
#endif
  x = hn::IfThenElse(low, hn::Or(hn::ShiftLeft<16>(x), spread), x);
  return count;
}

std::size_t decode_groups(const std::uint8_t* HWY_RESTRICT contexts, std::size_t n,
                          const std::uint32_t* HWY_RESTRICT slots,
                          std::uint32_t* HWY_RESTRICT states, const std::byte* HWY_RESTRICT words,
                          std::size_t word_count, std::size_t& at,
                          std::uint8_t* HWY_RESTRICT symbols) {
  record_run(HWY_TARGET);
  const D d;
  const hn::Rebind<std::int32_t, D> di;
  const hn::Rebind<std::uint8_t, D> d8;
  const auto* word16 = reinterpret_cast<const std::uint16_t*>(words);
  const auto slot_mask = hn::Set(d, probability_one - 1);
  const auto one = hn::Set(d, 1u), byte = hn::Set(d, 0xFFu), zero = hn::Zero(d);
  V x[vectors];
  for (std::size_t v = 0; v < vectors; ++v) x[v] = hn::LoadU(d, states + v * N);
  std::size_t i = 0, word = at;
  for (; i + 32 <= n && word + 32 <= word_count; i += 32) {
    for (std::size_t v = 0; v < vectors; ++v) {
      const auto context = hn::PromoteTo(d, hn::LoadU(d8, contexts + i + v * N));
      const auto index = hn::Or(hn::ShiftLeft<probability_bits>(context), hn::And(x[v], slot_mask));
      const auto e = hn::GatherIndex(d, slots, hn::BitCast(di, index));
      const auto frequency = hn::Add(hn::And(hn::ShiftRight<8>(e), slot_mask), one);
      x[v] = hn::Add(hn::Mul(frequency, hn::ShiftRight<probability_bits>(x[v])),
                     hn::ShiftRight<20>(e));
      hn::StoreU(hn::DemoteTo(d8, hn::BitCast(di, hn::And(e, byte))), d8, symbols + i + v * N);
    }
    for (std::size_t v = 0; v < vectors; ++v)
      word += refill(x[v], hn::Eq(hn::ShiftRight<16>(x[v]), zero), word16 + word);
  }
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(x[v], d, states + v * N);
  at = word;
  return i;
}

// Writes the low halves of the lanes of `full` before `word`, and returns where they begin. May
// write anything before that.
HWY_INLINE std::uint16_t* spill(const V x, const M full, std::uint16_t* HWY_RESTRICT word) {
#if HWY_TARGET <= HWY_AVX3
  const auto count = static_cast<unsigned>(__builtin_popcount(full.raw));
  word -= count;
  const auto packed = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(full.raw, x.raw));
  _mm256_mask_storeu_epi16(word, static_cast<__mmask16>((1u << count) - 1), packed);
  return word;
#else
  static constexpr Packing packing;
  const D16 d16;
  const hn::Repartition<std::uint8_t, D16> d8;
  const hn::Rebind<std::int32_t, D> di;
  const unsigned bits = bits_of(full);
  const auto halves = hn::DemoteTo(d16, hn::BitCast(di, hn::And(x, hn::Set(D(), 0xFFFFu))));
  const auto packed =
      hn::TableLookupBytes(hn::BitCast(d8, halves), hn::Load(d8, packing.index[bits]));
  hn::StoreU(hn::BitCast(d16, packed), d16, word - N);
  return word - __builtin_popcount(bits);
#endif
}

// x after coding a symbol of the slot e; x < frequency * 2^20.
HWY_INLINE V put(const V x, const V e) {
  const D d;
  const hn::Rebind<float, D> df;
  const auto f = hn::And(e, hn::Set(d, 0xFFFFu));
#if HWY_TARGET <= HWY_AVX3
  // The quotient is below 2^20, so that floats are off by less than 1/5; a reciprocal too small by
  // 2^-21 makes that at most 1 too few, and never too many.
  const auto reciprocal =
      hn::Div(hn::Set(df, 1.0f - 0x1p-21f), hn::Vec<decltype(df)>{_mm512_cvtepi32_ps(f.raw)});
  const auto estimate = hn::Mul(hn::Vec<decltype(df)>{_mm512_cvtepu32_ps(x.raw)}, reciprocal);
  const V q{_mm512_cvttps_epi32(estimate.raw)};
  const auto more = hn::Sub(hn::Set(d, probability_one), f);
  const auto r = hn::Sub(x, hn::Mul(q, f));
  const auto sum = hn::Add(hn::Add(x, hn::ShiftRight<16>(e)), hn::Mul(q, more));
  return V{
      _mm512_mask_add_epi32(sum.raw, _mm512_cmpge_epu32_mask(r.raw, f.raw), sum.raw, more.raw)};
#else
  const hn::Rebind<std::int32_t, D> di;
  const auto fi = hn::BitCast(di, f);
  // floor(x / f) by floats is at most one off, since it is below 2^20.
  const auto half = hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<1>(x)));
  auto q = hn::ConvertTo(di, hn::Div(hn::Add(half, half), hn::ConvertTo(df, fi)));
  auto r = hn::Sub(hn::BitCast(di, x), hn::Mul(q, fi));
  const auto below = hn::Lt(r, hn::Zero(di));
  q = hn::Add(q, hn::VecFromMask(di, below));
  r = hn::Add(r, hn::IfThenElseZero(below, fi));
  const auto above = hn::Not(hn::Lt(r, fi));
  q = hn::Sub(q, hn::VecFromMask(di, above));
  r = hn::Sub(r, hn::IfThenElseZero(above, fi));
  return hn::Add(hn::BitCast(d, hn::Add(hn::ShiftLeft<12>(q), r)), hn::ShiftRight<16>(e));
#endif
}

// The slots of 32 symbols.
HWY_INLINE void look_up(const std::uint8_t* HWY_RESTRICT contexts,
                        const std::uint8_t* HWY_RESTRICT symbols,
                        const std::uint32_t* HWY_RESTRICT slots, V (&e)[vectors]) {
  const D d;
  const hn::Rebind<std::int32_t, D> di;
  const hn::Rebind<std::uint8_t, D> d8;
#if HWY_TARGET <= HWY_AVX3
  // Neighbours are alike: mostly they have one or two tables and symbols below 32, whose slots fit
  // registers.
  const auto context = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(contexts));
  const auto symbol = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(symbols));
  const std::uint8_t a = contexts[0], b = contexts[31];
  const __mmask32 is_a = _mm256_cmpeq_epi8_mask(context, _mm256_set1_epi8(static_cast<char>(a)));
  const __mmask32 is_b = _mm256_cmpeq_epi8_mask(context, _mm256_set1_epi8(static_cast<char>(b)));
  const __mmask32 large = _mm256_cmpgt_epu8_mask(symbol, _mm256_set1_epi8(31));
  if (((is_a | is_b) ^ 0xFFFFFFFFu) == 0 && large == 0) {
    const std::uint32_t* const of_a = slots + (std::size_t{a} << 8);
    const std::uint32_t* const of_b = slots + (std::size_t{b} << 8);
    const auto a0 = _mm512_loadu_si512(of_a), a1 = _mm512_loadu_si512(of_a + 16);
    const auto b0 = _mm512_loadu_si512(of_b), b1 = _mm512_loadu_si512(of_b + 16);
    const auto low = _mm512_cvtepu8_epi32(_mm256_castsi256_si128(symbol));
    const auto high = _mm512_cvtepu8_epi32(_mm256_extracti128_si256(symbol, 1));
    e[0] = V{_mm512_mask_mov_epi32(_mm512_permutex2var_epi32(b0, low, b1),
                                   static_cast<__mmask16>(is_a),
                                   _mm512_permutex2var_epi32(a0, low, a1))};
    e[1] = V{_mm512_mask_mov_epi32(_mm512_permutex2var_epi32(b0, high, b1),
                                   static_cast<__mmask16>(is_a >> 16),
                                   _mm512_permutex2var_epi32(a0, high, a1))};
    return;
  }
#endif
  for (std::size_t v = 0; v < vectors; ++v) {
    const auto c = hn::PromoteTo(d, hn::LoadU(d8, contexts + v * N));
    const auto s = hn::PromoteTo(d, hn::LoadU(d8, symbols + v * N));
    e[v] = hn::GatherIndex(d, slots, hn::BitCast(di, hn::Or(hn::ShiftLeft<8>(c), s)));
  }
}

std::uint16_t* encode_groups(const std::uint8_t* HWY_RESTRICT contexts,
                             const std::uint8_t* HWY_RESTRICT symbols, std::size_t n,
                             const std::uint32_t* HWY_RESTRICT slots,
                             std::uint32_t* HWY_RESTRICT states, std::uint16_t* word) {
  record_run(HWY_TARGET);
  const D d;
  const hn::Rebind<std::int32_t, D> di;
  V x[vectors], e[vectors];
  for (std::size_t v = 0; v < vectors; ++v) x[v] = hn::LoadU(d, states + v * N);
  for (std::size_t i = n; i != 0; i -= 32) {
    look_up(contexts + i - 32, symbols + i - 32, slots, e);
    for (std::size_t v = vectors; v-- > 0;) {
      const auto f = hn::BitCast(di, hn::And(e[v], hn::Set(d, 0xFFFFu)));
      const auto full =
          hn::RebindMask(d, hn::Not(hn::Lt(hn::BitCast(di, hn::ShiftRight<20>(x[v])), f)));
      word = spill(x[v], full, word);
      x[v] = put(hn::IfThenElse(full, hn::ShiftRight<16>(x[v]), x[v]), e[v]);
    }
  }
  for (std::size_t v = 0; v < vectors; ++v) hn::StoreU(x[v], d, states + v * N);
  return word;
}
#else
std::uint16_t* encode_groups(const std::uint8_t* contexts, const std::uint8_t* symbols,
                             std::size_t n, const std::uint32_t* slots, std::uint32_t* states,
                             std::uint16_t* word) {
  return rans_encode_groups_ref(contexts, symbols, n, slots, states, word);
}
std::size_t decode_groups(const std::uint8_t* contexts, std::size_t n, const std::uint32_t* slots,
                          std::uint32_t* states, const std::byte* words, std::size_t word_count,
                          std::size_t& at, std::uint8_t* symbols) {
  return rans_decode_groups_ref(contexts, n, slots, states, words, word_count, at, symbols);
}
#endif

}  // namespace
}  // namespace etalon::codec::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::codec {

HWY_EXPORT(decode_groups);
HWY_EXPORT(encode_groups);

std::uint16_t* rans_encode_groups(const std::uint8_t* contexts, const std::uint8_t* symbols,
                                  std::size_t n, const std::uint32_t* slots, std::uint32_t* states,
                                  std::uint16_t* word) {
  if (use_reference()) {
    record_run(0);
    return rans_encode_groups_ref(contexts, symbols, n, slots, states, word);
  }
  return HWY_DYNAMIC_DISPATCH(encode_groups)(contexts, symbols, n, slots, states, word);
}

std::size_t rans_decode_groups(const std::uint8_t* contexts, std::size_t n,
                               const std::uint32_t* slots, std::uint32_t* states,
                               const std::byte* words, std::size_t word_count, std::size_t& at,
                               std::uint8_t* symbols) {
  if (use_reference()) {
    record_run(0);
    return rans_decode_groups_ref(contexts, n, slots, states, words, word_count, at, symbols);
  }
  return HWY_DYNAMIC_DISPATCH(decode_groups)(contexts, n, slots, states, words, word_count, at,
                                             symbols);
}

}  // namespace etalon::codec
#endif
