#include "kernels/dispatch.hpp"
#include "kernels/dot/dot.hpp"

namespace etalon::dots {

std::int64_t dot_ref(const std::int16_t* a, const std::int16_t* b, std::size_t n) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += std::int32_t{a[i]} * std::int32_t{b[i]};
  record_run(0);
  return sum;
}

}  // namespace etalon::dots
