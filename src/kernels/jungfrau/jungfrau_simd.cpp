// Rows for vectors. Most pixels are in G0: the constants of the other gains are read only where a
// vector holds a pixel in one of them.
#include "kernels/dispatch.hpp"
#include "kernels/jungfrau/jungfrau_arith.hpp"
#include "kernels/jungfrau/jungfrau_rows.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/jungfrau/jungfrau_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace etalon::jungfrau::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // one lane: the reference does it

void run_small(const Run& run, std::int32_t* sums, std::int32_t* counts) {
  add_small_ref(run, sums, counts);
}
void run_photons(const Run& run, std::int32_t* out) { to_photons_ref(run, out); }
void run_kev(const Run& run, float* out) { to_kev_ref(run, out); }

#else
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Ints = hn::ScalableTag<std::int32_t>;
using Floats = hn::ScalableTag<float>;

struct Vectors {
  hn::Vec<Ints> bits, s;
  hn::Vec<Floats> f;
};

// What pixel_at() says of pixels i, i + 1, ... of the run, without the common mode.
HWY_INLINE Vectors pixels_at(const Run& run, std::size_t i) {
  const Ints di;
  const Floats df;
  const hn::Rebind<std::uint16_t, Ints> d16;
  const Constants& c = run.constants;
  const std::size_t at = run.first + i;
  const auto raw = hn::PromoteTo(di, hn::LoadU(d16, run.raw + i));
  const auto bits = hn::ShiftRight<14>(raw);
  const auto v = hn::And(raw, hn::Set(di, static_cast<std::int32_t>(value_mask)));
  auto p = hn::LoadU(di, c.pedestal[0].data() + at);
  auto f = hn::LoadU(df, c.photons_per_unit[0].data() + at);
  if (HWY_UNLIKELY(!hn::AllTrue(di, hn::Eq(bits, hn::Zero(di))))) {
    const auto g1 = hn::Eq(bits, hn::Set(di, 1)), g2 = hn::Eq(bits, hn::Set(di, 3));
    p = hn::IfThenElse(g1, hn::LoadU(di, c.pedestal[1].data() + at), p);
    p = hn::IfThenElse(g2, hn::LoadU(di, c.pedestal[2].data() + at), p);
    f = hn::IfThenElse(hn::RebindMask(df, g1), hn::LoadU(df, c.photons_per_unit[1].data() + at), f);
    f = hn::IfThenElse(hn::RebindMask(df, g2), hn::LoadU(df, c.photons_per_unit[2].data() + at), f);
    const auto end = hn::Or(hn::Eq(v, hn::Zero(di)),
                            hn::Eq(v, hn::Set(di, static_cast<std::int32_t>(value_mask))));
    const auto bad = hn::Or(hn::Eq(bits, hn::Set(di, 2)), hn::And(g2, end));
    f = hn::IfThenZeroElse(hn::RebindMask(df, bad), f);
  }
  return {bits, hn::Sub(hn::ShiftLeft<6>(v), p), f};
}

HWY_INLINE hn::Vec<Floats> photons_of(hn::Vec<Ints> s, hn::Vec<Floats> f) {
  const Floats df;
  const auto most = hn::Set(df, max_photons);
  return hn::Min(hn::Max(hn::Mul(hn::ConvertTo(df, s), f), hn::Neg(most)), most);
}

// The part of a run after `done` pixels, for the reference.
HWY_INLINE Run rest_of(const Run& run, std::size_t done) {
  return {run.constants, run.first + done, run.n - done, run.raw + done,
          run.common == nullptr ? nullptr : run.common + done};
}

}  // namespace

void run_small(const Run& run, std::int32_t* sums, std::int32_t* counts) {
  const Ints di;
  const Floats df;
  std::size_t i = 0;
  for (; i + hn::Lanes(di) <= run.n; i += hn::Lanes(di)) {
    const Vectors x = pixels_at(run, i);
    const auto none = hn::Eq(hn::NearestInt(photons_of(x.s, x.f)), hn::Zero(di));
    const auto good = hn::RebindMask(di, hn::Ne(x.f, hn::Zero(df)));
    const auto small = hn::And(hn::And(none, good), hn::Eq(x.bits, hn::Zero(di)));
    hn::StoreU(hn::Add(hn::LoadU(di, sums + i), hn::IfThenElseZero(small, x.s)), di, sums + i);
    const auto one = hn::IfThenElseZero(small, hn::Set(di, 1));
    hn::StoreU(hn::Add(hn::LoadU(di, counts + i), one), di, counts + i);
  }
  add_small_ref(rest_of(run, i), sums + i, counts + i);
  record_run(HWY_TARGET);
}

void run_photons(const Run& run, std::int32_t* out) {
  const Ints di;
  const Floats df;
  std::size_t i = 0;
  for (; i + hn::Lanes(di) <= run.n; i += hn::Lanes(di)) {
    const Vectors x = pixels_at(run, i);
    const auto photons = photons_of(hn::Sub(x.s, hn::LoadU(di, run.common + i)), x.f);
    const auto bad = hn::RebindMask(di, hn::Eq(x.f, hn::Zero(df)));
    hn::StoreU(hn::IfThenElse(bad, hn::Set(di, bad_photons), hn::NearestInt(photons)), di, out + i);
  }
  to_photons_ref(rest_of(run, i), out + i);
  record_run(HWY_TARGET);
}

void run_kev(const Run& run, float* out) {
  const Ints di;
  const Floats df;
  const auto energy = hn::Set(df, run.constants.energy_kev);
  const auto nan = hn::Set(df, std::numeric_limits<float>::quiet_NaN());
  std::size_t i = 0;
  for (; i + hn::Lanes(di) <= run.n; i += hn::Lanes(di)) {
    const Vectors x = pixels_at(run, i);
    const auto photons = photons_of(hn::Sub(x.s, hn::LoadU(di, run.common + i)), x.f);
    const auto bad = hn::Eq(x.f, hn::Zero(df));
    hn::StoreU(hn::IfThenElse(bad, nan, hn::Mul(photons, energy)), df, out + i);
  }
  to_kev_ref(rest_of(run, i), out + i);
  record_run(HWY_TARGET);
}

#endif  // HWY_TARGET == HWY_SCALAR
}  // namespace etalon::jungfrau::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::jungfrau {

HWY_EXPORT(run_small);
HWY_EXPORT(run_photons);
HWY_EXPORT(run_kev);

void add_small_simd(const Run& run, std::int32_t* sums, std::int32_t* counts) {
  HWY_DYNAMIC_DISPATCH(run_small)(run, sums, counts);
}
void to_photons_simd(const Run& run, std::int32_t* out) {
  HWY_DYNAMIC_DISPATCH(run_photons)(run, out);
}
void to_kev_simd(const Run& run, float* out) { HWY_DYNAMIC_DISPATCH(run_kev)(run, out); }

}  // namespace etalon::jungfrau
#endif  // HWY_ONCE
