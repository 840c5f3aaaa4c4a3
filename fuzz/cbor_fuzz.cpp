// Whatever decodes encodes to bytes that decode to the same, and encode to themselves.
#include <cstdlib>

#include "base/cbor.hpp"
#include "base/utf8.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const auto value = cbor::decode(std::as_bytes(std::span(data, size)));
  if (!value.ok()) {
    if (value.error().code != Errc::malformed) std::abort();
    return 0;
  }
  const Bytes first = cbor::encode(*value);
  const auto again = cbor::decode(first);
  if (!again.ok() || cbor::encode(*again) != first || !(*again == *value)) std::abort();
  if (!is_utf8(cbor::diagnostic(*value))) std::abort();
  return 0;
}
