// 128 elements at a time, in blocks of 16 bytes. Eight blocks hold 128 bytes; number these by
// block (3 bits) and place (4 bits). interleave() turns that number left by one bit, so three of
// them bring the bytes of eight rows side by side, and four take them apart again. Taking bits
// apart does so with two blocks a vector where there are vectors of 32 bytes, and does nothing
// for the bytes of an element that are 0 in all, as the upper ones of counts are.
#include "kernels/bit_shuffle/bit_shuffle_pass.hpp"
#include "kernels/dispatch.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/bit_shuffle/bit_shuffle_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace etalon::bit_shuffle_pass::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // one lane: the reference does it

void run_shuffle(const Pass& pass) { shuffle_ref(pass, 0); }
void run_unshuffle(const Pass& pass) { unshuffle_ref(pass, 0); }

#else
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Bytes16 = hn::FixedTag<std::uint8_t, 16>;
using Bytes32 = hn::CappedTag<std::uint8_t, 32>;
template <typename D>
using Words = hn::Repartition<std::uint64_t, D>;
constexpr std::size_t width = 16;  // groups of a block

template <typename D>
HWY_INLINE void interleave(D d, hn::Vec<D> (&v)[8]) {
  hn::Vec<D> w[8];
  for (int i = 0; i < 4; ++i) {
    w[2 * i] = hn::InterleaveLower(d, v[i], v[i + 4]);
    w[2 * i + 1] = hn::InterleaveUpper(d, v[i], v[i + 4]);
  }
  for (int i = 0; i < 8; ++i) v[i] = w[i];
}

template <int shift, typename D>
HWY_INLINE hn::Vec<D> swap_bits(D words, hn::Vec<D> x, std::uint64_t mask) {
  const auto t = hn::And(hn::Xor(x, hn::ShiftRight<shift>(x)), hn::Set(words, mask));
  return hn::Xor(x, hn::Xor(t, hn::ShiftLeft<shift>(t)));
}

// In each word, bit k of byte i becomes bit i of byte k.
template <typename D>
HWY_INLINE void transpose_bits(D d, hn::Vec<D> (&v)[8]) {
  const Words<D> words;
  for (auto& bytes : v) {
    auto x = hn::BitCast(words, bytes);
    x = swap_bits<7>(words, x, 0x00AA00AA00AA00AAULL);
    x = swap_bits<14>(words, x, 0x0000CCCC0000CCCCULL);
    x = swap_bits<28>(words, x, 0x00000000F0F0F0F0ULL);
    bytes = hn::BitCast(d, x);
  }
}

// The rows of one byte of the elements, from group j on, into that byte of 128 elements a block.
template <typename D>
HWY_INLINE void elements_of(D d, const Pass& p, std::size_t byte, std::size_t j,
                            hn::Vec<D> (&v)[8]) {
  const auto* rows = reinterpret_cast<const std::uint8_t*>(p.in) + 8 * byte * p.groups + j;
  auto any = hn::Zero(d);
  for (std::size_t k = 0; k < 8; ++k) {
    v[k] = hn::LoadU(d, rows + k * p.groups);
    any = hn::Or(any, v[k]);
  }
  if (hn::AllTrue(d, hn::Eq(any, hn::Zero(d)))) return;
  for (int i = 0; i < 3; ++i) interleave(d, v);
  transpose_bits(d, v);
}

HWY_INLINE void store_rows(const Pass& p, std::size_t byte, std::size_t j,
                           hn::Vec<Bytes16> (&v)[8]) {
  const Bytes16 d;
  auto* rows = reinterpret_cast<std::uint8_t*>(p.out) + 8 * byte * p.groups + j;
  transpose_bits(d, v);
  for (int i = 0; i < 4; ++i) interleave(d, v);
  for (std::size_t k = 0; k < 8; ++k) hn::StoreU(v[k], d, rows + k * p.groups);
}

// Stores one block after another, a block's vectors `apart` bytes from the next block's.
template <typename D>
HWY_INLINE void store_blocks(D d, hn::Vec<D> v, std::uint8_t* to, std::size_t apart) {
  if (hn::Lanes(d) == width) {
    hn::StoreU(v, d, to);
  } else {
    const hn::Half<D> half;
    hn::StoreU(hn::LowerHalf(half, v), half, to);
    hn::StoreU(hn::UpperHalf(half, v), half, to + apart);
  }
}

// Two vectors of whose blocks one follows the other.
template <typename D>
HWY_INLINE void store_pairs(D d, hn::Vec<D> first, hn::Vec<D> second, std::uint8_t* to,
                            std::size_t apart) {
  if (hn::Lanes(d) == width) {
    hn::StoreU(first, d, to);
    hn::StoreU(second, d, to + width);
  } else {
    hn::StoreU(hn::ConcatLowerLower(d, second, first), d, to);
    hn::StoreU(hn::ConcatUpperUpper(d, second, first), d, to + apart);
  }
}

template <std::size_t size>
HWY_INLINE void shuffle(const Pass& p, std::size_t j) {
  const Bytes16 d;
  const auto* from = reinterpret_cast<const std::uint8_t*>(p.in) + 8 * size * j;
  hn::Vec<Bytes16> v[4][8];
  for (std::size_t i = 0; i < 8; ++i, from += width * size) {
    if constexpr (size == 1) v[0][i] = hn::LoadU(d, from);
    if constexpr (size == 2) hn::LoadInterleaved2(d, from, v[0][i], v[1][i]);
    if constexpr (size == 4) hn::LoadInterleaved4(d, from, v[0][i], v[1][i], v[2][i], v[3][i]);
  }
  for (std::size_t byte = 0; byte < size; ++byte) store_rows(p, byte, j, v[byte]);
}

template <std::size_t size, typename D>
HWY_INLINE void unshuffle(D d, const Pass& p, std::size_t j) {
  auto* to = reinterpret_cast<std::uint8_t*>(p.out) + 8 * size * j;
  constexpr std::size_t apart = 8 * size * width;
  const hn::Repartition<std::uint16_t, D> pairs;
  hn::Vec<D> v[size][8];
  for (std::size_t byte = 0; byte < size; ++byte) elements_of(d, p, byte, j, v[byte]);
  for (std::size_t i = 0; i < 8; ++i, to += width * size) {
    if constexpr (size == 1) {
      store_blocks(d, v[0][i], to, apart);
    } else {
      const auto low = hn::InterleaveLower(d, v[0][i], v[1][i]),
                 high = hn::InterleaveUpper(d, v[0][i], v[1][i]);
      if constexpr (size == 2) {
        store_pairs(d, low, high, to, apart);
      } else {
        const auto low2 = hn::InterleaveLower(d, v[2][i], v[3][i]),
                   high2 = hn::InterleaveUpper(d, v[2][i], v[3][i]);
        const auto upper = [&](auto a, auto b) {
          return hn::BitCast(
              d, hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
        };
        const auto lower = [&](auto a, auto b) {
          return hn::BitCast(d, hn::InterleaveLower(hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
        };
        store_pairs(d, lower(low, low2), upper(low, low2), to, apart);
        store_pairs(d, lower(high, high2), upper(high, high2), to + 2 * width, apart);
      }
    }
  }
}

template <std::size_t size>
std::size_t shuffle_whole(const Pass& p) {
  std::size_t j = 0;
  for (; j + width <= p.groups; j += width) shuffle<size>(p, j);
  return j;
}

template <std::size_t size>
std::size_t unshuffle_whole(const Pass& p) {
  const Bytes32 d;
  std::size_t j = 0;
  for (; j + hn::Lanes(d) <= p.groups; j += hn::Lanes(d)) unshuffle<size>(d, p, j);
  for (; j + width <= p.groups; j += width) unshuffle<size>(Bytes16(), p, j);
  return j;
}

}  // namespace

void run_shuffle(const Pass& p) {
  const std::size_t done = p.size == 1   ? shuffle_whole<1>(p)
                           : p.size == 2 ? shuffle_whole<2>(p)
                                         : shuffle_whole<4>(p);
  shuffle_ref(p, done);
  record_run(HWY_TARGET);
}

void run_unshuffle(const Pass& p) {
  const std::size_t done = p.size == 1   ? unshuffle_whole<1>(p)
                           : p.size == 2 ? unshuffle_whole<2>(p)
                                         : unshuffle_whole<4>(p);
  unshuffle_ref(p, done);
  record_run(HWY_TARGET);
}

#endif  // HWY_TARGET == HWY_SCALAR
}  // namespace etalon::bit_shuffle_pass::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::bit_shuffle_pass {

HWY_EXPORT(run_shuffle);
HWY_EXPORT(run_unshuffle);

void shuffle_simd(const Pass& pass) { HWY_DYNAMIC_DISPATCH(run_shuffle)(pass); }
void unshuffle_simd(const Pass& pass) { HWY_DYNAMIC_DISPATCH(run_unshuffle)(pass); }

}  // namespace etalon::bit_shuffle_pass
#endif  // HWY_ONCE
