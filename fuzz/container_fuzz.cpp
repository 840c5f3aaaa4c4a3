// A container of any bytes: inspected, decoded, cut into, and salvaged.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "etalon/codec.hpp"
#include "etalon/salvage.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto info = inspect(bytes);
  const auto array = decompress(bytes);
  const auto salvaged = salvage(bytes);
  if (array.ok() && array->count() != 0 &&
      (!salvaged.ok() || salvaged->whole() != salvaged->chunks.size()))
    std::abort();
  if (!info.ok()) {
    if (array.ok()) std::abort();
    return 0;
  }
  Box box;
  for (std::size_t extent : info->shape.extents()) box.axes.push_back({extent / 3, extent});
  const auto part = decompress_box(bytes, box);
  if (array.ok() && !part.ok()) std::abort();
  if (array.ok() && array->view().size_bytes() != info->raw_bytes) std::abort();
  return 0;
}
