// 128 elements at a time, in blocks of 16 bytes. Eight vectors hold 128 bytes; number these by
// vector (3 bits) and place (4 bits). interleave() turns that number left by one bit, so three of
// them bring the bytes of eight rows side by side, and four take them apart again.
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
using Words = hn::Repartition<std::uint64_t, Bytes16>;
using Vec = hn::Vec<Bytes16>;
constexpr std::size_t width = 16;  // groups at a time

HWY_INLINE void interleave(Vec (&v)[8]) {
  const Bytes16 d;
  Vec w[8];
  for (int i = 0; i < 4; ++i) {
    w[2 * i] = hn::InterleaveLower(d, v[i], v[i + 4]);
    w[2 * i + 1] = hn::InterleaveUpper(d, v[i], v[i + 4]);
  }
  for (int i = 0; i < 8; ++i) v[i] = w[i];
}

template <int shift>
HWY_INLINE hn::Vec<Words> swap_bits(hn::Vec<Words> x, std::uint64_t mask) {
  const auto t = hn::And(hn::Xor(x, hn::ShiftRight<shift>(x)), hn::Set(Words(), mask));
  return hn::Xor(x, hn::Xor(t, hn::ShiftLeft<shift>(t)));
}

// In each word, bit k of byte i becomes bit i of byte k.
HWY_INLINE void transpose_bits(Vec (&v)[8]) {
  for (Vec& bytes : v) {
    auto x = hn::BitCast(Words(), bytes);
    x = swap_bits<7>(x, 0x00AA00AA00AA00AAULL);
    x = swap_bits<14>(x, 0x0000CCCC0000CCCCULL);
    x = swap_bits<28>(x, 0x00000000F0F0F0F0ULL);
    bytes = hn::BitCast(Bytes16(), x);
  }
}

// The rows of one byte of the elements, from group j on, into that byte of 128 elements.
HWY_INLINE void elements_of(const Pass& p, std::size_t byte, std::size_t j, Vec (&v)[8]) {
  const auto* rows = reinterpret_cast<const std::uint8_t*>(p.in) + 8 * byte * p.groups + j;
  for (std::size_t k = 0; k < 8; ++k) v[k] = hn::LoadU(Bytes16(), rows + k * p.groups);
  for (int i = 0; i < 3; ++i) interleave(v);
  transpose_bits(v);
}

HWY_INLINE void store_rows(const Pass& p, std::size_t byte, std::size_t j, Vec (&v)[8]) {
  auto* rows = reinterpret_cast<std::uint8_t*>(p.out) + 8 * byte * p.groups + j;
  transpose_bits(v);
  for (int i = 0; i < 4; ++i) interleave(v);
  for (std::size_t k = 0; k < 8; ++k) hn::StoreU(v[k], Bytes16(), rows + k * p.groups);
}

template <std::size_t size>
HWY_INLINE void shuffle(const Pass& p, std::size_t j) {
  const Bytes16 d;
  const auto* from = reinterpret_cast<const std::uint8_t*>(p.in) + 8 * size * j;
  Vec v[4][8];
  for (std::size_t i = 0; i < 8; ++i, from += width * size) {
    if constexpr (size == 1) v[0][i] = hn::LoadU(d, from);
    if constexpr (size == 2) hn::LoadInterleaved2(d, from, v[0][i], v[1][i]);
    if constexpr (size == 4) hn::LoadInterleaved4(d, from, v[0][i], v[1][i], v[2][i], v[3][i]);
  }
  for (std::size_t byte = 0; byte < size; ++byte) store_rows(p, byte, j, v[byte]);
}

template <std::size_t size>
HWY_INLINE void unshuffle(const Pass& p, std::size_t j) {
  const Bytes16 d;
  auto* to = reinterpret_cast<std::uint8_t*>(p.out) + 8 * size * j;
  Vec v[4][8];
  for (std::size_t byte = 0; byte < size; ++byte) elements_of(p, byte, j, v[byte]);
  for (std::size_t i = 0; i < 8; ++i, to += width * size) {
    if constexpr (size == 1) hn::StoreU(v[0][i], d, to);
    if constexpr (size == 2) hn::StoreInterleaved2(v[0][i], v[1][i], d, to);
    if constexpr (size == 4) hn::StoreInterleaved4(v[0][i], v[1][i], v[2][i], v[3][i], d, to);
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
  std::size_t j = 0;
  for (; j + width <= p.groups; j += width) unshuffle<size>(p, j);
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
