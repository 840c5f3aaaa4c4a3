// Any bytes as a CBF file, compressed or not: an image or a Result, and bounded memory.
#include <cstdint>
#include <cstdlib>

#include "store/cbf.hpp"
#include "store/inflate.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto* from = reinterpret_cast<const std::byte*>(data);
  const auto bytes = inflate_any(Bytes(from, from + size), 1 << 22);
  if (!bytes.ok()) return 0;
  const auto cbf = parse_cbf(*bytes);
  if (cbf.ok() && cbf->image.shape().count() != cbf->info.geometry.pixels()) std::abort();
  return 0;
}
