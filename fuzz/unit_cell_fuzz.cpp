// Unit cells: whatever is taken has a volume and a reciprocal lattice, and is the inverse of it.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "frame/unit_cell.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto cell = parse_cell(std::string(reinterpret_cast<const char*>(data), size));
  if (!cell.ok()) {
    if (cell.error().code != Errc::usage) std::abort();
    return 0;
  }
  const double v = volume(*cell), reciprocal = determinant(reciprocal_basis(*cell));
  if (!(v > 0) || !(std::abs(v * reciprocal - 1) < 1e-6)) std::abort();
  for (const double element : inverse(reciprocal_basis(*cell)))
    if (!std::isfinite(element)) std::abort();
  return 0;
}
