// Messages of a detector: what is accepted must be written, and read, as the same bytes again.
#include <cstdint>
#include <cstdlib>

#include "stream/simplon_message.hpp"

namespace {

etalon::Bytes encoded(const etalon::SimplonMessage& message) {
  using namespace etalon;
  if (const auto* start = std::get_if<SimplonStart>(&message))
    return encode_simplon(*start, DectrisCompression::lz4);
  if (const auto* image = std::get_if<SimplonImage>(&message))
    return encode_simplon(*image, DectrisCompression::bslz4);
  return encode_simplon(std::get<SimplonEnd>(message));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace etalon;
  const auto message = decode_simplon(std::as_bytes(std::span(data, size)), std::size_t{1} << 22);
  if (!message.ok()) {
    if (message.error().code != Errc::malformed) std::abort();
    return 0;
  }
  const Bytes once = encoded(*message);
  const auto again = decode_simplon(once);
  if (!again.ok() || encoded(*again) != once) std::abort();
  return 0;
}
