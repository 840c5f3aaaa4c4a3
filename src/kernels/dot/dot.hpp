// Exact dot products of 16-bit integers.
#pragma once

#include <cstdint>
#include <span>

namespace etalon {

// Sum of a[i] b[i]; as many elements each, at most 2^32. `largest_a` and `largest_b` are at least
// all |a[i]| and |b[i]|: the smaller they are, the faster it goes.
std::int64_t dot(std::span<const std::int16_t> a, std::span<const std::int16_t> b,
                 std::uint32_t largest_a = 32768, std::uint32_t largest_b = 32768);

namespace dots {
std::int64_t dot_ref(const std::int16_t* a, const std::int16_t* b, std::size_t n);
// `steps`: how many vectors' products fit 32-bit sums.
std::int64_t dot_simd(const std::int16_t* a, const std::int16_t* b, std::size_t n,
                      std::size_t steps);
}  // namespace dots

}  // namespace etalon
