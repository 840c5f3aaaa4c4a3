// Steps 1 and 2 for vectors. A bin's pixels are gathered run by run into a buffer that stays in the
// first-level cache. One pass sums them all; later rounds only take away what falls outside the
// limits, which is rare, and stop once the limits stand still. All sums are exact, so this is
// the reference's result to the bit.
#include "kernels/dispatch.hpp"
#include "kernels/peakfinder8/peakfinder8_background.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/peakfinder8/peakfinder8_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/peakfinder8/peakfinder8_gather-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace etalon::pf8::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // one lane: the reference does it

void run_background(const Plan& plan, const Scale& scale, const ArrayView& image, RingScratch&,
                    Background& result) {
  background_ref(plan, scale, image, result);
}

#else
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <typename T>
std::size_t lanes() {
  return hn::Lanes(hn::ScalableTag<T>());
}

template <typename T>
struct Extremes {
  T smallest, largest;
};

// What lies beyond these is summed one by one, or as i32.
constexpr std::int16_t narrow16 = 8191;     // 16 * 2 * narrow16^2 < 2^31
constexpr std::int32_t narrow32 = 1 << 20;  // 2^20 pixels' squares fit 63 bits

// Sums of the n 16-bit values w, padded with their last to whole vectors. Valid only if all lie
// within +-narrow16, which the extremes tell.
template <typename T>
HWY_INLINE Extremes<T> sum16(const T* HWY_RESTRICT w, std::size_t n, Sums& sums) {
  const hn::ScalableTag<T> d;
  const hn::RebindToSigned<decltype(d)> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  const hn::RepartitionToWide<decltype(d32)> d64;
  const hn::Half<decltype(d32)> half32;
  const std::size_t step = hn::Lanes(d);
  const auto one = hn::Set(d16, 1);
  auto smallest = hn::LoadU(d, w), largest = smallest;
  auto s = hn::Zero(d32), unused = s;
  auto q64 = hn::Zero(d64);
  for (std::size_t i = 0; i < n;) {
    auto q0 = hn::Zero(d32), q1 = q0;
    for (const std::size_t end = HWY_MIN(n, i + 16 * step); i < end; i += step) {
      const auto v = hn::LoadU(d, w + i);
      const auto v16 = hn::BitCast(d16, v);
      smallest = hn::Min(smallest, v);
      largest = hn::Max(largest, v);
      s = hn::ReorderWidenMulAccumulate(d32, v16, one, s, unused);
      q0 = hn::ReorderWidenMulAccumulate(d32, v16, v16, q0, q1);
    }
    const auto q = hn::Add(q0, q1);
    q64 = hn::Add(q64, hn::Add(hn::PromoteTo(d64, hn::LowerHalf(half32, q)),
                               hn::PromoteTo(d64, hn::UpperHalf(half32, q))));
  }
  s = hn::Add(s, unused);
  const auto s64 = hn::Add(hn::PromoteTo(d64, hn::LowerHalf(half32, s)),
                           hn::PromoteTo(d64, hn::UpperHalf(half32, s)));
  const std::int64_t padding = static_cast<std::int64_t>((n + step - 1) / step * step - n);
  const std::int64_t last = w[n - 1];
  sums.n = static_cast<std::int64_t>(n);
  sums.s = hn::GetLane(hn::SumOfLanes(d64, s64)) - padding * last;
  sums.q = static_cast<UInt128>(hn::GetLane(hn::SumOfLanes(d64, q64)) - padding * last * last);
  return {hn::GetLane(hn::MinOfLanes(d, smallest)), hn::GetLane(hn::MaxOfLanes(d, largest))};
}

// The same for 32-bit values, exact for all of them.
HWY_INLINE Extremes<std::int32_t> sum32(const std::int32_t* HWY_RESTRICT w, std::size_t n,
                                        Sums& sums) {
  const hn::ScalableTag<std::int32_t> d;
  const hn::RepartitionToWide<decltype(d)> d64;
  const hn::RebindToUnsigned<decltype(d64)> du64;
  const std::size_t step = hn::Lanes(d);
  auto smallest = hn::LoadU(d, w), largest = smallest;
  auto s = hn::Zero(d64), q0 = s, q1 = s;
  const hn::Half<decltype(d)> half;
  for (std::size_t i = 0; i < n;) {
    auto s32 = hn::Zero(d);
    for (const std::size_t end = HWY_MIN(n, i + 1024 * step); i < end; i += step) {
      const auto v = hn::LoadU(d, w + i);
      smallest = hn::Min(smallest, v);
      largest = hn::Max(largest, v);
      s32 = hn::Add(s32, v);
      const auto odd = hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(du64, v)));
      q0 = hn::Add(q0, hn::MulEven(v, v));
      q1 = hn::Add(q1, hn::MulEven(odd, odd));
    }
    s = hn::Add(s, hn::Add(hn::PromoteTo(d64, hn::LowerHalf(half, s32)),
                           hn::PromoteTo(d64, hn::UpperHalf(half, s32))));
  }
  const Extremes<std::int32_t> extremes = {hn::GetLane(hn::MinOfLanes(d, smallest)),
                                           hn::GetLane(hn::MaxOfLanes(d, largest))};
  sums = {};
  if (extremes.smallest < -narrow32 || extremes.largest > narrow32) {
    for (std::size_t i = 0; i < n; ++i)
      if (w[i] >= -open_limit && w[i] <= open_limit) sums.add(w[i]);
    return extremes;
  }
  const std::int64_t padding = static_cast<std::int64_t>((n + step - 1) / step * step - n);
  const std::int64_t last = w[n - 1];
  sums.n = static_cast<std::int64_t>(n);
  sums.s = hn::GetLane(hn::SumOfLanes(d64, s)) - padding * last;
  sums.q = static_cast<UInt128>(hn::GetLane(hn::SumOfLanes(d64, hn::Add(q0, q1))) -
                                padding * last * last);
  return extremes;
}

// Calls f(i) for every i < n with w[i] < lo or w[i] > hi; lo and hi are of T's range.
template <typename T, typename F>
HWY_INLINE void for_each_outside(const T* HWY_RESTRICT w, std::size_t n, T lo, T hi, F&& f) {
  const hn::ScalableTag<T> d;
  const std::size_t step = hn::Lanes(d);
  const auto low = hn::Set(d, lo), high = hn::Set(d, hi);
  for (std::size_t i = 0; i < n; i += step) {
    const auto v = hn::LoadU(d, w + i);
    const auto outside = hn::Or(hn::Lt(v, low), hn::Gt(v, high));
    if (HWY_LIKELY(hn::AllFalse(d, outside))) continue;
    alignas(8) std::uint8_t bytes[HWY_MAX(8, HWY_MAX_BYTES / 8)] = {};
    hn::StoreMaskBits(d, outside, bytes);
    for (std::size_t lane = 0; lane < step && i + lane < n; ++lane)
      if (bytes[lane / 8] >> (lane % 8) & 1) f(i + lane);
  }
}

// The statistics of one bin from its gathered values and their sum without limits, then its pixels
// that fire.
template <typename T>
HWY_INLINE void finish_bin(const T* w, std::size_t n, const Sums& all, Extremes<T> extremes,
                           const Scale& scale, const std::uint32_t* order, Bin& bin,
                           std::vector<std::uint32_t>& fired) {
  constexpr std::int32_t least = std::numeric_limits<T>::min();
  constexpr std::int32_t most = std::numeric_limits<T>::max();
  bin.sums = all;
  bin.limits = limits_of(all, scale);
  Limits used;  // by bin.sums
  for (int round = 1; round < rounds; ++round) {
    const Limits limits = bin.limits;
    if (limits.lo == used.lo && limits.hi == used.hi) break;
    used = limits;
    if (limits.lo > limits.hi || limits.lo > extremes.largest || limits.hi < extremes.smallest) {
      bin.sums = {};
    } else {
      bin.sums = all;
      if (limits.lo > extremes.smallest || limits.hi < extremes.largest)
        for_each_outside(w, n, static_cast<T>(HWY_MAX(limits.lo, least)),
                         static_cast<T>(HWY_MIN(limits.hi, most)), [&](std::size_t i) {
                           if (w[i] >= -open_limit && w[i] <= open_limit) bin.sums.remove(w[i]);
                         });
    }
    bin.limits = limits_of(bin.sums, scale);
  }
  if (extremes.largest < bin.limits.fire) return;
  const std::int64_t quiet = bin.limits.fire - 1;  // the largest value that does not fire
  if (quiet < least)
    fired.insert(fired.end(), order, order + n);
  else
    for_each_outside(w, n, static_cast<T>(least), static_cast<T>(quiet),
                     [&](std::size_t i) { fired.push_back(order[i]); });
}

template <typename T>
HWY_INLINE void pad(T* values, std::size_t n) {
  const std::size_t step = lanes<T>();
  for (std::size_t i = n; i % step != 0; ++i) values[i] = values[n - 1];
}

// Working values of n pixels of a 32-bit type.
HWY_INLINE void to_working(const std::int32_t* in, std::size_t n, float, std::int32_t* out) {
  const hn::ScalableTag<std::int32_t> d;
  for (std::size_t i = 0; i < n; i += hn::Lanes(d))
    hn::StoreU(hn::Max(hn::LoadU(d, in + i), hn::Set(d, -max_value)), d, out + i);
}
HWY_INLINE void to_working(const std::uint32_t* in, std::size_t n, float, std::int32_t* out) {
  const hn::ScalableTag<std::uint32_t> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto most = hn::Set(d, static_cast<std::uint32_t>(max_value));
  for (std::size_t i = 0; i < n; i += hn::Lanes(d))
    hn::StoreU(hn::BitCast(di, hn::Min(hn::LoadU(d, in + i), most)), di, out + i);
}
HWY_INLINE void to_working(const float* in, std::size_t n, float per_unit, std::int32_t* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto scale = hn::Set(d, per_unit), most = hn::Set(d, max_f32_value);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto v = hn::LoadU(d, in + i);
    const auto finite = hn::RebindMask(di, hn::IsFinite(v));
    const auto scaled = hn::Min(hn::Max(hn::Mul(v, scale), hn::Neg(most)), most);
    hn::StoreU(hn::IfThenElse(finite, hn::NearestInt(scaled), hn::Set(di, bad_value)), di, out + i);
  }
}

struct Job {
  const Plan& plan;
  const Scale& scale;
  RingScratch& scratch;
  Background& result;

  template <typename T>
  HWY_INLINE void finish(std::uint32_t bin, const T* values, std::size_t n, const Sums& sums,
                         Extremes<T> extremes) const {
    finish_bin(values, n, sums, extremes, scale, plan.order.data() + plan.bin_begin[bin],
               result.bins[bin], result.fired);
  }
  void finish32(std::uint32_t bin, std::size_t n) const {  // of scratch.values
    Sums sums;
    const auto extremes = sum32(scratch.values.data(), n, sums);
    finish(bin, scratch.values.data(), n, sums, extremes);
  }
};

template <typename T>
void background32(const Job& job, const T* image) {
  const Source<T> source(job.plan, image, job.scratch);
  T* gathered = reinterpret_cast<T*>(job.scratch.gathered.data());
  for (std::uint32_t bin = 0; bin < job.plan.bins; ++bin) {
    const std::size_t n = source.gather_bin(bin, gathered);
    if (n == 0) continue;
    pad(gathered, n);
    to_working(gathered, n, job.scale.per_unit, job.scratch.values.data());
    job.finish32(bin, n);
  }
}

template <typename T>
void background16(const Job& job, const T* image) {
  const Source<T> source(job.plan, image, job.scratch);
  T* gathered = reinterpret_cast<T*>(job.scratch.gathered.data());
  for (std::uint32_t bin = 0; bin < job.plan.bins; ++bin) {
    const std::size_t n = source.gather_bin(bin, gathered);
    if (n == 0) continue;
    pad(gathered, n);
    Sums sums;
    const Extremes<T> extremes = sum16(gathered, n, sums);
    if (extremes.largest <= narrow16 && (std::is_unsigned_v<T> || extremes.smallest >= -narrow16)) {
      job.finish(bin, gathered, n, sums, extremes);
    } else {
      std::copy_n(gathered, n, job.scratch.values.data());
      pad(job.scratch.values.data(), n);
      job.finish32(bin, n);
    }
  }
}

}  // namespace

void run_background(const Plan& plan, const Scale& scale, const ArrayView& image,
                    RingScratch& scratch, Background& result) {
  record_run(HWY_TARGET);
  const std::size_t room = plan.widest_bin + run_pixels + lanes<std::uint8_t>();
  scratch.values.resize(room);
  scratch.gathered.resize(room * 4);
  result.bins.assign(plan.bins + 1, Bin{});
  result.fired.clear();
  const Job job{plan, scale, scratch, result};
  visit_image(image.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* pixels = image.as<T>().data();
    if constexpr (sizeof(T) == 1) {
      scratch.wide.assign(pixels, pixels + plan.pixels());
      background16(job, scratch.wide.data());
    } else if constexpr (sizeof(T) == 2)
      background16(job, pixels);
    else
      background32(job, pixels);
  });
}

#endif  // HWY_TARGET == HWY_SCALAR
}  // namespace etalon::pf8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::pf8 {

HWY_EXPORT(run_background);

void background_simd(const Plan& plan, const Scale& scale, const ArrayView& image,
                     RingScratch& scratch, Background& result) {
  HWY_DYNAMIC_DISPATCH(run_background)(plan, scale, image, scratch, result);
}

}  // namespace etalon::pf8
#endif  // HWY_ONCE
