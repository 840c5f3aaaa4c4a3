// Any bytes as a bundle. What is accepted is decoded; what comes back is a file or an error.
#include <cstdint>

#include "store/bundle.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto bundle = parse_bundle({reinterpret_cast<const std::byte*>(data), size});
  if (!bundle.ok()) return 0;
  const auto arrays = decode_arrays(*bundle, 1);
  if (arrays.ok()) (void)rebuild_file(bundle->plan, *arrays).ok();
  return 0;
}
