#include "kernels/azimuthal/azimuthal_rows.hpp"
#include "kernels/dispatch.hpp"

namespace etalon::azimuthal {

template <typename T>
void add_band_ref(const Work& work, const T* image, bool variance) {
  const Band& band = work.band;
  const std::size_t step = variance ? 2 : 1;
  for (std::size_t s = 0; s + 1 < band.begin.size(); ++s) {
    if (band.begin[s] == band.begin[s + 1]) continue;
    double v[slice_pixels], var[slice_pixels];
    const std::size_t at = s * slice_pixels, n = std::min(slice_pixels, band.count - at);
    const std::uint32_t lost = load_slice(image + band.first + at, n, work.valid, v, var);
    for (std::size_t j = 0; j < slice_pixels; ++j)
      if (lost >> j & 1) lose(work, s, j);
    for (std::size_t row = band.begin[s]; row < band.begin[s + 1]; ++row)
      for (std::size_t j = 0; j < slice_pixels; ++j) {
        const double w = band.weights[row * slice_pixels + j];
        const std::size_t bin = band.first_bin[at + j] + (row - band.begin[s]);
        double* a = work.accumulators + (bin * lanes + j % lanes) * step;
        a[0] += w * v[j];
        if (variance) a[1] += (w * w) * var[j];
      }
  }
  record_run(0);
}

#define ETALON_INSTANCE(T) template void add_band_ref<T>(const Work&, const T*, bool);
ETALON_INSTANCE(std::uint8_t)
ETALON_INSTANCE(std::uint16_t)
ETALON_INSTANCE(std::uint32_t)
ETALON_INSTANCE(std::uint64_t)
ETALON_INSTANCE(std::int8_t)
ETALON_INSTANCE(std::int16_t)
ETALON_INSTANCE(std::int32_t)
ETALON_INSTANCE(std::int64_t)
ETALON_INSTANCE(float)
ETALON_INSTANCE(double)
#undef ETALON_INSTANCE

}  // namespace etalon::azimuthal
