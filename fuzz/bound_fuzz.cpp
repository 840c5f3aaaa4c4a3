// The grammars of bounds, targets and regions: what is taken prints and parses again to the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "etalon/regions.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bound = parse_bound(text); bound.ok()) {
    const auto again = parse_bound(to_string(*bound));
    if (!again.ok() || !(*again == *bound)) std::abort();
  }
  if (const auto target = parse_target(text);
      target.ok() && !(names_target(text) && target->value > 0))
    std::abort();
  if (const auto spec = parse_region(text); spec.ok()) {
    if (spec->kind == "box" && !box_region(*spec, 20, 30).ok()) std::abort();
    if (spec->kind == "active") {
      // The image is the text itself.
      const auto image = view_of<std::uint8_t>({data, size}, {1, size});
      if (!active_region(*spec, image).ok()) std::abort();
    }
    if (spec->kind == "annulus" && !annulus_region(*spec, 20, 30).ok()) std::abort();
  }
  return 0;
}
