#include "kernels/dispatch.hpp"
#include "kernels/jungfrau/jungfrau_arith.hpp"
#include "kernels/jungfrau/jungfrau_rows.hpp"

namespace etalon::jungfrau {

void add_small_ref(const Run& run, std::int32_t* sums, std::int32_t* counts) {
  record_run(0);
  for (std::size_t i = 0; i < run.n; ++i) {
    const Pixel pixel = pixel_at(run.constants, run.first + i, run.raw[i], 0);
    if (run.raw[i] >> 14 != 0 || photons_of(pixel) != 0) continue;
    sums[i] += pixel.s;
    ++counts[i];
  }
}

void to_photons_ref(const Run& run, std::int32_t* out) {
  record_run(0);
  for (std::size_t i = 0; i < run.n; ++i)
    out[i] = photons_of(pixel_at(run.constants, run.first + i, run.raw[i], run.common[i]));
}

void to_kev_ref(const Run& run, float* out) {
  record_run(0);
  for (std::size_t i = 0; i < run.n; ++i) {
    const Pixel pixel = pixel_at(run.constants, run.first + i, run.raw[i], run.common[i]);
    out[i] = pixel.f == 0 ? std::numeric_limits<float>::quiet_NaN()
                          : photons_f32(pixel) * run.constants.energy_kev;
  }
}

}  // namespace etalon::jungfrau
