#include "kernels/dispatch.hpp"
#include "kernels/dot/dot.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dot/dot_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace etalon::dots::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // one lane: the reference does it

std::int64_t run_dot(const std::int16_t* a, const std::int16_t* b, std::size_t n, std::size_t) {
  return dot_ref(a, b, n);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

std::int64_t run_dot(const std::int16_t* a, const std::int16_t* b, std::size_t n,
                     std::size_t steps) {
  const hn::ScalableTag<std::int16_t> d;
  const hn::RepartitionToWide<decltype(d)> d32;
  const hn::RepartitionToWide<decltype(d32)> d64;
  const hn::Half<decltype(d32)> half32;
  const std::size_t lanes = hn::Lanes(d);
  auto sum64 = hn::Zero(d64);
  std::size_t i = 0;
  while (i + lanes <= n) {
    auto sum = hn::Zero(d32), other = sum;
    for (std::size_t step = 0; step < steps && i + lanes <= n; ++step, i += lanes)
      sum =
          hn::ReorderWidenMulAccumulate(d32, hn::LoadU(d, a + i), hn::LoadU(d, b + i), sum, other);
    for (const auto part : {sum, other})
      sum64 = hn::Add(sum64, hn::Add(hn::PromoteTo(d64, hn::LowerHalf(half32, part)),
                                     hn::PromoteTo(d64, hn::UpperHalf(half32, part))));
  }
  std::int64_t all = hn::GetLane(hn::SumOfLanes(d64, sum64));
  for (; i < n; ++i) all += std::int32_t{a[i]} * std::int32_t{b[i]};
  record_run(HWY_TARGET);
  return all;
}

#endif  // HWY_TARGET == HWY_SCALAR
}  // namespace etalon::dots::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::dots {

HWY_EXPORT(run_dot);

std::int64_t dot_simd(const std::int16_t* a, const std::int16_t* b, std::size_t n,
                      std::size_t steps) {
  return HWY_DYNAMIC_DISPATCH(run_dot)(a, b, n, steps);
}

}  // namespace etalon::dots
#endif  // HWY_ONCE
