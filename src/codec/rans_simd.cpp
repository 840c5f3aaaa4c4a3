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

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
using D = hn::CappedTag<std::uint32_t, 8>;

// For every set of lanes that want a word: which word each of them gets, counted from the first.
template <std::size_t N>
struct Expansion {
  alignas(64) std::uint32_t index[1 << N][N];
  constexpr Expansion() : index() {
    for (std::uint32_t bits = 0; bits < (1u << N); ++bits) {
      std::uint32_t next = 0;
      for (std::size_t lane = 0; lane < N; ++lane) {
        index[bits][lane] = next;
        next += bits >> lane & 1;
      }
      for (std::size_t lane = 0; lane < N; ++lane) index[bits][lane] &= N - 1;
    }
  }
};

std::size_t decode_groups(const std::uint8_t* HWY_RESTRICT contexts, std::size_t n,
                          const std::uint32_t* HWY_RESTRICT slots,
                          std::uint32_t* HWY_RESTRICT states, const std::byte* HWY_RESTRICT words,
                          std::size_t word_count, std::size_t& at,
                          std::uint8_t* HWY_RESTRICT symbols) {
  record_run(HWY_TARGET);
  constexpr std::size_t N = hn::MaxLanes(D());
  static constexpr Expansion<N> expansion;
  constexpr std::size_t vectors = 32 / N;
  const D d;
  const hn::Rebind<std::int32_t, D> di;
  const hn::Rebind<std::uint16_t, D> d16;
  const hn::Rebind<std::uint8_t, D> d8;
  const auto* word16 = reinterpret_cast<const std::uint16_t*>(words);
  const auto slot_mask = hn::Set(d, probability_one - 1);
  const auto one = hn::Set(d, 1u), byte = hn::Set(d, 0xFFu), zero = hn::Zero(d);
  std::size_t i = 0, word = at;
  for (; i + 32 <= n && word + 32 <= word_count; i += 32) {
    for (std::size_t v = 0; v < vectors; ++v) {
      auto x = hn::LoadU(d, states + v * N);
      const auto context = hn::PromoteTo(d, hn::LoadU(d8, contexts + i + v * N));
      const auto index = hn::Or(hn::ShiftLeft<probability_bits>(context), hn::And(x, slot_mask));
      const auto e = hn::GatherIndex(d, slots, hn::BitCast(di, index));
      const auto frequency = hn::Add(hn::And(hn::ShiftRight<8>(e), slot_mask), one);
      x = hn::Add(hn::Mul(frequency, hn::ShiftRight<probability_bits>(x)), hn::ShiftRight<20>(e));
      hn::StoreU(hn::DemoteTo(d8, hn::BitCast(di, hn::And(e, byte))), d8, symbols + i + v * N);
      const auto low = hn::Eq(hn::ShiftRight<16>(x), zero);
      std::uint8_t bits[8] = {};
      hn::StoreMaskBits(d, low, bits);
      const auto next = hn::PromoteTo(d, hn::LoadU(d16, word16 + word));
      const auto spread = hn::TableLookupLanes(
          next, hn::SetTableIndices(d, expansion.index[bits[0] & ((1u << N) - 1)]));
      x = hn::IfThenElse(low, hn::Or(hn::ShiftLeft<16>(x), spread), x);
      hn::StoreU(x, d, states + v * N);
      word += static_cast<std::size_t>(__builtin_popcount(bits[0]));
    }
  }
  at = word;
  return i;
}

std::size_t encode_groups(const std::uint8_t* HWY_RESTRICT contexts,
                          const std::uint8_t* HWY_RESTRICT symbols, std::size_t n,
                          const std::uint32_t* HWY_RESTRICT slots,
                          std::uint32_t* HWY_RESTRICT states, std::uint16_t* HWY_RESTRICT words) {
  record_run(HWY_TARGET);
  using Wide = hn::CappedTag<std::uint32_t, 16>;
  constexpr std::size_t N = hn::MaxLanes(Wide());
  constexpr std::size_t vectors = 32 / N;
  const Wide d;
  const hn::Rebind<std::int32_t, Wide> di;
  const hn::Rebind<float, Wide> df;
  const hn::Rebind<std::uint16_t, Wide> d16;
  const hn::Rebind<std::uint8_t, Wide> d8;
  const auto low16 = hn::Set(d, 0xFFFFu);
  std::uint16_t* word = words;
  for (std::size_t i = n; i != 0; i -= 32) {
    for (std::size_t v = vectors; v-- > 0;) {
      const std::size_t at = i - 32 + v * N;
      auto x = hn::LoadU(d, states + v * N);
      const auto context = hn::PromoteTo(d, hn::LoadU(d8, contexts + at));
      const auto symbol = hn::PromoteTo(d, hn::LoadU(d8, symbols + at));
      const auto e =
          hn::GatherIndex(d, slots, hn::BitCast(di, hn::Or(hn::ShiftLeft<8>(context), symbol)));
      const auto f = hn::And(e, low16);
      const auto fi = hn::BitCast(di, f);
      const auto full = hn::Not(hn::Lt(hn::BitCast(di, hn::ShiftRight<20>(x)), fi));
      // The highest lane's word comes first.
      const auto reversed = hn::Reverse(d, x);
      const auto full_reversed =
          hn::Not(hn::Lt(hn::BitCast(di, hn::ShiftRight<20>(reversed)), hn::Reverse(di, fi)));
      const auto out = hn::Compress(hn::BitCast(di, hn::And(reversed, low16)), full_reversed);
      hn::StoreU(hn::DemoteTo(d16, out), d16, word);
      word += hn::CountTrue(di, full_reversed);
      x = hn::IfThenElse(hn::RebindMask(d, full), hn::ShiftRight<16>(x), x);
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
      x = hn::Add(hn::BitCast(d, hn::Add(hn::ShiftLeft<12>(q), r)), hn::ShiftRight<16>(e));
      hn::StoreU(x, d, states + v * N);
    }
  }
  return static_cast<std::size_t>(word - words);
}
#else
std::size_t encode_groups(const std::uint8_t* contexts, const std::uint8_t* symbols, std::size_t n,
                          const std::uint32_t* slots, std::uint32_t* states, std::uint16_t* words) {
  return rans_encode_groups_ref(contexts, symbols, n, slots, states, words);
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

std::size_t rans_encode_groups(const std::uint8_t* contexts, const std::uint8_t* symbols,
                               std::size_t n, const std::uint32_t* slots, std::uint32_t* states,
                               std::uint16_t* words) {
  if (use_reference()) {
    record_run(0);
    return rans_encode_groups_ref(contexts, symbols, n, slots, states, words);
  }
  return HWY_DYNAMIC_DISPATCH(encode_groups)(contexts, symbols, n, slots, states, words);
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
