// Products for vectors; the sums go one by one to where they belong, in the reference's order.
#include "kernels/azimuthal/azimuthal_rows.hpp"
#include "kernels/dispatch.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/azimuthal/azimuthal_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace etalon::azimuthal::HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR  // one lane: the reference does it

void run_band(const Work& work, const ArrayView& image, bool variance) {
  visit(image.dtype, [&](auto zero) {
    add_band_ref(work, reinterpret_cast<const decltype(zero)*>(image.data), variance);
  });
}

#else
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Doubles = hn::CappedTag<double, slice_pixels>;

// load_slice() for this instruction set: the compiler makes vectors of a loop without branches.
template <typename T>
HWY_INLINE std::uint32_t load_whole_slice(const T* HWY_RESTRICT pixels, ValidRange valid,
                                          double* HWY_RESTRICT value,
                                          double* HWY_RESTRICT variance) {
  std::uint64_t all_good = 1;
  for (std::size_t j = 0; j < slice_pixels; ++j) {
    const double v = static_cast<double>(pixels[j]);
    all_good &= static_cast<std::uint64_t>((v >= valid.low) & (v <= valid.high));
    value[j] = v;
    variance[j] = v > 1.0 ? v : 1.0;
  }
  return all_good ? 0 : load_slice(pixels, slice_pixels, valid, value, variance);
}

HWY_INLINE hn::Vec<Doubles> weights_at(const std::uint16_t* weights) {
  const Doubles d;
  const hn::Rebind<std::int32_t, Doubles> di;
  const hn::Rebind<std::uint16_t, Doubles> d16;
  return hn::PromoteTo(d, hn::PromoteTo(di, hn::LoadU(d16, weights)));
}

// One row of weights: `to` are the accumulators of each pixel's bin.
HWY_INLINE void add_row(const std::uint16_t* weights, const double* value, double* const* to,
                        std::size_t offset) {
  const Doubles d;
  HWY_ALIGN double product[slice_pixels];
  for (std::size_t j = 0; j < slice_pixels; j += hn::Lanes(d))
    hn::Store(hn::Mul(weights_at(weights + j), hn::Load(d, value + j)), d, product + j);
  for (std::size_t j = 0; j < slice_pixels; ++j) to[j][offset] += product[j];
}

HWY_INLINE void add_row_with_variance(const std::uint16_t* weights, const double* value,
                                      const double* variance, double* const* to,
                                      std::size_t offset) {
  const Doubles d;
  const hn::FixedTag<double, 2> pair;
  HWY_ALIGN double products[2 * slice_pixels];
  for (std::size_t j = 0; j < slice_pixels; j += hn::Lanes(d)) {
    const auto w = weights_at(weights + j);
    hn::StoreInterleaved2(hn::Mul(w, hn::Load(d, value + j)),
                          hn::Mul(hn::Mul(w, w), hn::Load(d, variance + j)), d, products + 2 * j);
  }
  for (std::size_t j = 0; j < slice_pixels; ++j) {
    double* a = to[j] + offset;
    hn::StoreU(hn::Add(hn::LoadU(pair, a), hn::Load(pair, products + 2 * j)), pair, a);
  }
}

template <bool with_variance, typename T>
HWY_INLINE void add_band(const Work& work, const T* image) {
  constexpr std::size_t step = with_variance ? 2 : 1;
  const Band& band = work.band;
  HWY_ALIGN double value[slice_pixels];
  HWY_ALIGN double variance[slice_pixels];
  double* to[slice_pixels];
  for (std::size_t s = 0; s + 1 < band.begin.size(); ++s) {
    const std::size_t rows = band.begin[s + 1] - band.begin[s];
    if (rows == 0) continue;
    const std::size_t at = s * slice_pixels, n = std::min(slice_pixels, band.count - at);
    const T* pixels = image + band.first + at;
    const std::uint32_t lost = n == slice_pixels
                                   ? load_whole_slice(pixels, work.valid, value, variance)
                                   : load_slice(pixels, n, work.valid, value, variance);
    if (HWY_UNLIKELY(lost != 0))
      for (std::size_t j = 0; j < slice_pixels; ++j)
        if (lost >> j & 1) lose(work, s, j);
    for (std::size_t j = 0; j < slice_pixels; ++j)
      to[j] = work.accumulators + (band.first_bin[at + j] * lanes + j % lanes) * step;
    const std::uint16_t* weights = band.weights.data() + band.begin[s] * slice_pixels;
    for (std::size_t k = 0; k < rows; ++k, weights += slice_pixels) {
      if constexpr (with_variance)
        add_row_with_variance(weights, value, variance, to, k * lanes * step);
      else
        add_row(weights, value, to, k * lanes);
    }
  }
  record_run(HWY_TARGET);
}

}  // namespace

void run_band(const Work& work, const ArrayView& image, bool variance) {
  visit(image.dtype, [&](auto zero) {
    const auto* pixels = reinterpret_cast<const decltype(zero)*>(image.data);
    if (variance)
      add_band<true>(work, pixels);
    else
      add_band<false>(work, pixels);
  });
}

#endif  // HWY_TARGET == HWY_SCALAR
}  // namespace etalon::azimuthal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace etalon::azimuthal {

HWY_EXPORT(run_band);

void add_band_simd(const Work& work, const ArrayView& image, bool variance) {
  HWY_DYNAMIC_DISPATCH(run_band)(work, image, variance);
}

}  // namespace etalon::azimuthal
#endif  // HWY_ONCE
