// Messages of a detector: what is accepted must be written, and read, as the same bytes again.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "stream/simplon_message.hpp"

namespace {

using namespace etalon;

// None of an image whose pixels are damaged.
std::optional<Bytes> encoded(const SimplonMessage& message) {
  if (const auto* start = std::get_if<SimplonStart>(&message))
    return encode_simplon(*start, DectrisCompression::lz4);
  if (const auto* end = std::get_if<SimplonEnd>(&message)) return encode_simplon(*end);
  const auto& image = std::get<SimplonImage>(message);
  std::vector<std::pair<std::string, Array>> channels;
  for (const auto& [channel, packed] : image.data) {
    auto array = packed.unpack();
    if (!array.ok() && array.error().code != Errc::malformed) std::abort();
    if (!array.ok()) return std::nullopt;
    channels.emplace_back(channel, std::move(*array));
  }
  return encode_simplon_image(image, encode_simplon_data(channels, DectrisCompression::bslz4));
}

// In memory of its own, so that a read behind its end is seen.
Result<SimplonMessage> decoded(ByteSpan bytes) {
  return decode_simplon(SharedBytes(Bytes(bytes.begin(), bytes.end())), std::size_t{1} << 22);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto message = decoded(std::as_bytes(std::span(data, size)));
  if (!message.ok()) {
    if (message.error().code != Errc::malformed) std::abort();
    return 0;
  }
  const std::optional<Bytes> once = encoded(*message);
  if (!once) return 0;
  const auto again = decode_simplon(SharedBytes(*once));
  if (!again.ok() || encoded(*again) != once) std::abort();
  return 0;
}
