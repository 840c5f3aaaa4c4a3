// Messages between edge and centre: bytes as they are, and the same under a right checksum, so that
// what lies behind it is reached too.
#include <cstdint>
#include <cstdlib>

#include "base/crc32c.hpp"
#include "stream/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace etalon;
  Bytes bytes(reinterpret_cast<const std::byte*>(data),
              reinterpret_cast<const std::byte*>(data) + size);
  (void)decode_message(bytes);
  const std::uint32_t crc = crc32c(bytes);
  const auto tail = std::as_bytes(std::span(&crc, 1));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  // What is accepted must be written, and read, as the same bytes again.
  if (auto message = decode_message(bytes); message.ok()) {
    const Bytes once = encode_message(*message);
    auto again = decode_message(once);
    if (!again.ok() || encode_message(*again) != once) std::abort();
  }
  return 0;
}
