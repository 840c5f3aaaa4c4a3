#include "kernels/dot/dot.hpp"

#include "kernels/dispatch.hpp"

namespace etalon {

std::int64_t dot(std::span<const std::int16_t> a, std::span<const std::int16_t> b,
                 std::uint32_t largest_a, std::uint32_t largest_b) {
  // A step adds two products to a 32-bit sum. Two of -32768 squared are one too many.
  const std::uint64_t step = std::uint64_t{2} * largest_a * largest_b;
  const std::uint64_t steps = step == 0 ? 1 << 20 : 0x7FFFFFFF / step;
  if (use_reference() || steps == 0) return dots::dot_ref(a.data(), b.data(), a.size());
  return dots::dot_simd(a.data(), b.data(), a.size(), steps);
}

}  // namespace etalon
