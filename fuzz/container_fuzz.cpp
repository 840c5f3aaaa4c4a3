// A container of any bytes: inspected, decoded, and cut into.
#include <cstdint>
#include <cstdlib>
#include <span>

#include "etalon/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto info = inspect(bytes);
  const auto array = decompress(bytes);
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
