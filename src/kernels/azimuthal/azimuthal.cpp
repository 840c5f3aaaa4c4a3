#include "kernels/azimuthal/azimuthal.hpp"

#include "kernels/azimuthal/azimuthal_rows.hpp"
#include "kernels/dispatch.hpp"

namespace etalon::azimuthal {

void BandBuilder::add(std::size_t first_bin, std::span<const std::uint16_t> weights) {
  band_.first_bin.push_back(static_cast<std::uint16_t>(weights.empty() ? 0 : first_bin));
  slice_.insert(slice_.end(), weights.begin(), weights.end());
  slice_end_.push_back(static_cast<std::uint32_t>(slice_.size()));
  ++band_.count;
  if (slice_end_.size() == slice_pixels) close_slice();
}

// Pixel after pixel becomes row after row.
void BandBuilder::close_slice() {
  const std::size_t rows_before = band_.weights.size() / slice_pixels;
  band_.begin.push_back(static_cast<std::uint32_t>(rows_before));
  std::size_t widest = 0;
  for (std::size_t j = 0, from = 0; j < slice_end_.size(); from = slice_end_[j++])
    widest = std::max(widest, slice_end_[j] - from);
  band_.weights.resize((rows_before + widest) * slice_pixels);
  for (std::size_t j = 0, from = 0; j < slice_end_.size(); from = slice_end_[j++])
    for (std::size_t k = from; k < slice_end_[j]; ++k)
      band_.weights[(rows_before + k - from) * slice_pixels + j] = slice_[k];
  band_.widest = std::max(band_.widest, widest);
  slice_.clear();
  slice_end_.clear();
}

Band BandBuilder::finish() {
  if (!slice_end_.empty()) close_slice();
  band_.begin.push_back(static_cast<std::uint32_t>(band_.weights.size() / slice_pixels));
  band_.first_bin.resize((band_.begin.size() - 1) * slice_pixels);
  return std::move(band_);
}

void lose(const Work& work, std::size_t slice, std::size_t j) {
  const Band& band = work.band;
  BandSums& sums = work.sums;
  if (!sums.any_lost) {
    sums.any_lost = true;
    sums.lost_weight.assign(work.bins, 0);
    sums.lost_normalization.assign(work.bins, 0);
    sums.lost_dark.assign(work.bins, 0);
  }
  const std::size_t in_band = slice * slice_pixels + j, pixel = band.first + in_band;
  const double normalization = work.values.normalization[pixel];
  const double dark = work.values.dark.empty() ? 0 : work.values.dark[pixel];
  std::size_t bin = band.first_bin[in_band];
  for (std::size_t row = band.begin[slice]; row < band.begin[slice + 1]; ++row, ++bin) {
    const std::uint32_t w = band.weights[row * slice_pixels + j];
    if (w == 0) continue;
    sums.lost_weight[bin] += w;
    sums.lost_normalization[bin] += w * normalization;
    sums.lost_dark[bin] += w * dark;
  }
}

void integrate(const Band& band, std::size_t bins, const ArrayView& image, ValidRange valid,
               const PixelValues& values, bool variance, Scratch& scratch, BandSums& sums) {
  const std::size_t step = variance ? 2 : 1;
  scratch.accumulators.assign((bins + band.widest) * lanes * step, 0);
  sums = {};
  const Work work{band, bins, valid, values, scratch.accumulators.data(), sums};
  if (use_reference())
    visit(image.dtype, [&](auto zero) {
      add_band_ref(work, reinterpret_cast<const decltype(zero)*>(image.data), variance);
    });
  else
    add_band_simd(work, image, variance);

  const auto collapsed = [&](std::size_t which) {
    std::vector<double> out(bins);
    const double* a = scratch.accumulators.data() + which;
    for (std::size_t b = 0; b < bins; ++b, a += lanes * step)
      out[b] = (a[0] + a[step]) + (a[2 * step] + a[3 * step]);
    return out;
  };
  sums.signal = collapsed(0);
  if (variance) sums.variance = collapsed(1);
}

}  // namespace etalon::azimuthal
