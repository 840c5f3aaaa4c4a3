// Any bytes as a TIFF file: an array or a Result, and bounded memory.
#include <cstdint>
#include <cstdlib>

#include "store/tiff.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto tiff = parse_tiff({reinterpret_cast<const std::byte*>(data), size}, 1 << 22);
  if (tiff.ok() && tiff->view().size_bytes() > 1 << 22) std::abort();
  return 0;
}
