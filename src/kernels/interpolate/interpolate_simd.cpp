#include <algorithm>

#include "kernels/dispatch.hpp"
#include "kernels/interpolate/interpolate.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/interpolate/interpolate_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace etalon::interpolation::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // one lane: the reference does it

void run_add(const Lines& lines, std::span<float> out, double start, double step) {
  add_ref(lines, out, start, step);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

void run_add(const Lines& lines, std::span<float> out, double start, double step) {
  const hn::CappedTag<float, group> d;
  const hn::RebindToSigned<decltype(d)> di;
  const std::size_t lanes = hn::Lanes(d);
  const bool down = step < 0;
  Offsets offsets = offsets_of(step);
  if (down) std::reverse(offsets.begin(), offsets.end());
  std::size_t first = 0;
  for (; first + group <= out.size(); first += group) {
    const Place low = lowest(start, step, first, group);
    const auto part = hn::Set(d, low.part);
    for (std::size_t i = 0; i < group; i += lanes) {
      const auto at = hn::Add(part, hn::LoadU(d, offsets.data() + i));
      const auto left = hn::ConvertTo(di, at);
      const auto share = hn::Sub(at, hn::ConvertTo(d, left));
      // As many neighbours span at most as many samples.
      const auto least = static_cast<std::int32_t>(low.part + offsets[down ? i + lanes - 1 : i]);
      const auto which = hn::IndicesFromVec(d, hn::Sub(left, hn::Set(di, least)));
      const std::size_t k = low.whole + static_cast<std::size_t>(least);
      const auto line = hn::TableLookupLanes(hn::LoadU(d, lines.line + k), which);
      const auto slope = hn::TableLookupLanes(hn::LoadU(d, lines.slope + k), which);
      float* const to = out.data() + first + i;
      const auto value = hn::Add(line, hn::Mul(share, slope));
      hn::StoreU(hn::Add(hn::LoadU(d, to), value), d, to);
    }
  }
  if (first < out.size()) {
    if (down) std::reverse(offsets.begin(), offsets.end());
    add_group(lines, out, start, step, offsets, first);
  }
  record_run(HWY_TARGET);
}

#endif  // HWY_TARGET == HWY_SCALAR
}  // namespace etalon::interpolation::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::interpolation {

HWY_EXPORT(run_add);

void add_simd(const Lines& lines, std::span<float> out, double start, double step) {
  HWY_DYNAMIC_DISPATCH(run_add)(lines, out, start, step);
}

}  // namespace etalon::interpolation
#endif  // HWY_ONCE
