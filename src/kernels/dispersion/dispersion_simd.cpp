// Step 1 for vectors. Three running sums for every column of the rows in reach (n, s, q), then sums
// over the columns in reach, all in f64: they are whole numbers below 2^53, hence exact, as long as
// values are small. Windows that hold a larger one are left to the reference.
#include "kernels/dispatch.hpp"
#include "kernels/dispersion/dispersion_plan.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dispersion/dispersion_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ETALON_DISPERSION_SMALL
#define ETALON_DISPERSION_SMALL
namespace etalon::dispersion {

// The largest |w| for which n * q, s * s and their difference stay within 2^53.
inline std::int32_t largest_exact(const Plan& plan) {
  const std::int64_t whole = (2 * plan.kernel_size[0] + 1) * (2 * plan.kernel_size[1] + 1);
  return static_cast<std::int32_t>(94'906'265 / whole);  // floor(sqrt(2^53))
}

}  // namespace etalon::dispersion
#endif

HWY_BEFORE_NAMESPACE();
namespace etalon::dispersion::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // one lane: the reference does it

void run_dispersed(const Plan& plan, const Scale& scale, Scratch& scratch) {
  dispersed_ref(plan, scale, scratch);
}

#else
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::ScalableTag<double>;
using Ints = hn::Rebind<std::int32_t, Doubles>;

class PanelPass {
 public:
  PanelPass(const Plan& plan, const Scale& scale, const Panel& panel, Scratch& scratch)
      : scale_(scale),
        scratch_(scratch),
        largest_(largest_exact(plan)),
        ky_(static_cast<std::size_t>(plan.kernel_size[0])),
        kx_(static_cast<std::size_t>(plan.kernel_size[1])),
        stride_(plan.nx),
        first_(panel.y0 * plan.nx + panel.x0),
        height_(panel.y1 - panel.y0),
        width_(panel.x1 - panel.x0) {
    // A margin of kx on either side that stays 0.
    const std::size_t length = width_ + 2 * kx_;
    scratch_.columns.assign(3 * length, 0);
    n_ = scratch_.columns.data();
    s_ = n_ + length;
    q_ = s_ + length;
  }

  void run() {
    for (std::size_t y = 0; y < std::min(ky_, height_); ++y) take(y, 1);
    for (std::size_t y = 0; y < height_; ++y) {
      if (y + ky_ < height_) take(y + ky_, 1);
      if (y > ky_) take(y - ky_ - 1, -1);
      decide(y);
    }
  }

 private:
  // Adds a row's values to the columns' sums, or takes them away.
  void take(std::size_t y, int sign) {
    const Doubles d;
    const Ints di;
    const std::int32_t* HWY_RESTRICT row = scratch_.values.data() + first_ + y * stride_;
    const auto above = hn::Set(di, largest_ + 1), below = hn::Set(di, -largest_ - 1);
    const auto one = hn::Set(di, sign);
    const auto signs = hn::Set(d, sign);
    std::size_t x = 0;
    for (; x + hn::Lanes(d) <= width_; x += hn::Lanes(d)) {
      const auto w = hn::LoadU(di, row + x);
      const auto small = hn::And(hn::Gt(w, below), hn::Lt(w, above));
      const auto value = hn::PromoteTo(d, hn::IfThenElseZero(small, w));
      const auto signed_value = hn::Mul(signs, value);
      const auto count = hn::PromoteTo(d, hn::IfThenElseZero(small, one));
      const std::size_t at = kx_ + x;
      hn::StoreU(hn::Add(hn::LoadU(d, n_ + at), count), d, n_ + at);
      hn::StoreU(hn::Add(hn::LoadU(d, s_ + at), signed_value), d, s_ + at);
      hn::StoreU(hn::Add(hn::LoadU(d, q_ + at), hn::Mul(signed_value, value)), d, q_ + at);
    }
    for (; x < width_; ++x) {
      if (row[x] < -largest_ || row[x] > largest_) continue;
      const double value = row[x];
      n_[kx_ + x] += sign;
      s_[kx_ + x] += sign * value;
      q_[kx_ + x] += sign * value * value;
    }
  }

  void decide(std::size_t y) {
    const Doubles d;
    const Ints di;
    const std::size_t pixel = first_ + y * stride_;
    const std::int32_t* HWY_RESTRICT row = scratch_.values.data() + pixel;
    const auto one = hn::Set(d, 1), two = hn::Set(d, 2), zero = hn::Zero(d);
    const auto gain = hn::Set(d, scale_.gain), sigma = hn::Set(d, scale_.sigma_background);
    const auto fewest = hn::Set(d, static_cast<double>(scale_.min_local));
    const auto bad = hn::Set(di, bad_value);
    std::size_t x = 0;
    for (; x + hn::Lanes(d) <= width_; x += hn::Lanes(d)) {
      auto n = zero, s = zero, q = zero;
      for (std::size_t at = x; at <= x + 2 * kx_; ++at) {
        n = hn::Add(n, hn::LoadU(d, n_ + at));
        s = hn::Add(s, hn::LoadU(d, s_ + at));
        q = hn::Add(q, hn::LoadU(d, q_ + at));
      }
      const auto more = hn::Sub(n, one);
      const auto k = hn::Add(more, hn::Mul(sigma, hn::Sqrt(hn::Mul(two, more))));
      const auto left = hn::Sub(hn::Mul(n, q), hn::Mul(s, s));
      const auto above = hn::Gt(left, hn::Mul(s, hn::Mul(gain, k)));
      const auto counts = hn::And(hn::Ge(n, fewest), hn::Ge(s, zero));
      auto dispersed = hn::And(above, counts);
      if (HWY_LIKELY(hn::AllFalse(d, dispersed))) continue;
      const auto good =
          hn::PromoteTo(d, hn::IfThenElseZero(hn::Ne(hn::LoadU(di, row + x), bad), hn::Set(di, 1)));
      dispersed = hn::And(dispersed, hn::Ne(good, zero));
      std::uint8_t bits[8] = {};
      hn::StoreMaskBits(d, dispersed, bits);
      for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane)
        if (bits[lane / 8] >> lane % 8 & 1) put(pixel + x + lane);
    }
    for (; x < width_; ++x) {
      if (row[x] == bad_value) continue;
      Window window;
      for (std::size_t at = x; at <= x + 2 * kx_; ++at) {
        window.n += static_cast<std::int64_t>(n_[at]);
        window.s += static_cast<std::int64_t>(s_[at]);
        window.q += static_cast<std::int64_t>(q_[at]);
      }
      if (is_dispersed(window, scale_)) put(pixel + x);
    }
  }

  void put(std::size_t pixel) { scratch_.pixels.push_back(static_cast<std::uint32_t>(pixel)); }

  const Scale& scale_;
  Scratch& scratch_;
  const std::int32_t largest_;
  const std::size_t ky_, kx_, stride_, first_, height_, width_;
  double *n_, *s_, *q_;
};

}  // namespace

void run_dispersed(const Plan& plan, const Scale& scale, Scratch& scratch) {
  record_run(HWY_TARGET);
  scratch.pixels.clear();
  for (const Panel& panel : plan.panels) PanelPass(plan, scale, panel, scratch).run();
}

#endif  // HWY_TARGET == HWY_SCALAR
}  // namespace etalon::dispersion::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::dispersion {
namespace {

HWY_EXPORT(run_dispersed);

// Decides once more, exactly, about every pixel whose window holds a value that is summed and
// large.
void redo_near_large_values(const Plan& plan, const Scale& scale, Scratch& scratch) {
  const std::int32_t largest = largest_exact(plan);
  std::vector<std::uint32_t> near;
  for (std::size_t i = 0; i < scratch.values.size(); ++i) {
    const std::int32_t w = scratch.values[i];
    if ((w >= -largest && w <= largest) || !is_summed(w)) continue;
    for_window(plan, i, plan.kernel_size, [&](std::size_t j) {
      if (scratch.state[j] != Scratch::none) return;
      scratch.state[j] = Scratch::grouped;
      near.push_back(static_cast<std::uint32_t>(j));
    });
  }
  if (near.empty()) return;
  std::erase_if(scratch.pixels,
                [&](std::uint32_t pixel) { return scratch.state[pixel] != Scratch::none; });
  for (std::uint32_t pixel : near) {
    scratch.state[pixel] = Scratch::none;
    if (scratch.values[pixel] != bad_value &&
        is_dispersed(window_at(plan, scratch.values, pixel), scale))
      scratch.pixels.push_back(pixel);
  }
}

}  // namespace

void dispersed_simd(const Plan& plan, const Scale& scale, Scratch& scratch) {
  HWY_DYNAMIC_DISPATCH(run_dispersed)(plan, scale, scratch);
  redo_near_large_values(plan, scale, scratch);
}

}  // namespace etalon::dispersion
#endif  // HWY_ONCE
