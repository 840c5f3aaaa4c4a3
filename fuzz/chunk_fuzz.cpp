// A chunk of any bytes decodes to the same on every backend, or to the same refusal. The checksum
// is made right first, since what lies behind it is what needs looking at. Of what decodes, every
// second element is what a preview has.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>

#include "base/crc32c.hpp"
#include "codec/boxes.hpp"
#include "codec/preview.hpp"
#include "etalon/backend.hpp"
#include "etalon/codec.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto given = std::as_bytes(std::span(data, size));
  Bytes bytes(given.begin(), given.end());
  if (size >= 12) {
    const auto length = static_cast<std::uint32_t>(size - 12);
    const std::uint32_t sum = crc32c(ByteSpan(bytes).subspan(12));
    std::memcpy(bytes.data() + 4, &length, 4);
    std::memcpy(bytes.data() + 8, &sum, 4);
  }
  static const auto names = backends();
  std::optional<Result<Array>> first;
  for (const std::string& name : names) {
    if (!set_backend(name).ok()) std::abort();
    auto array = decode_chunk(bytes);
    if (!first) {
      first = std::move(array);
      continue;
    }
    if (array.ok() != first->ok()) std::abort();
    if (!array.ok()) {
      if (array.error().message != first->error().message) std::abort();
      continue;
    }
    const auto a = array->view().bytes(), b = (*first)->view().bytes();
    if (a.size() != b.size() || (!a.empty() && std::memcmp(a.data(), b.data(), a.size()) != 0))
      std::abort();
  }
  const auto info = inspect_chunk(bytes);
  if (first->ok() && !info.ok()) std::abort();
  if (!info.ok() || info->shape.count() == 0) return 0;
  const Shape origin = codec::zeros(info->shape.rank());
  const auto preview = codec::preview_chunk(bytes, origin, 2);
  if (!first->ok()) return 0;
  if (!preview.ok()) std::abort();
  const std::size_t width = size_of(preview->dtype());
  Bytes wanted(preview->view().size_bytes());
  codec::copy_steps((*first)->view().data, info->shape, origin, 2, wanted.data(), preview->shape(),
                    width);
  if (!std::equal(wanted.begin(), wanted.end(), preview->view().bytes().begin())) std::abort();
  return 0;
}
