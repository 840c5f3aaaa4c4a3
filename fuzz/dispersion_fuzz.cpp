// Any case at all: every backend finds the reference's peaks.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "etalon/backend.hpp"
#include "kernels/dispersion/dispersion_cases.hpp"

using namespace etalon;

namespace {

std::vector<Peak> find(const dispersion::Case& c, const std::string& name) {
  if (!set_backend(name).ok()) std::abort();
  auto finder = Dispersion::create(c.geometry, c.mask, c.parameters);
  if (!finder.ok()) std::abort();
  auto peaks = finder->find(c.image.view());
  if (!peaks.ok()) std::abort();
  return *peaks;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pf8::Dice dice(std::span(data, size));
  const dispersion::Case c = dispersion::random_case(dice);
  static const std::vector<std::string> names = backends();
  const std::vector<Peak> expected = find(c, "scalar");
  for (const std::string& name : names)
    if (find(c, name) != expected) std::abort();
  return 0;
}
