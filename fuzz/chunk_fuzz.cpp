// A chunk of any bytes decodes to the same on every backend, or to the same refusal. The checksum
// is made right first, since what lies behind it is what needs looking at.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>

#include "base/crc32c.hpp"
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
  if (first->ok() && !inspect_chunk(bytes).ok()) std::abort();
  return 0;
}
