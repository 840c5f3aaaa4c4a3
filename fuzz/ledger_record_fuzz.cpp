// A record's bytes as they lie in a database that anybody may have written: what is accepted is
// exactly what would be written.
#include <algorithm>
#include <cstdlib>

#include "ledger/record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const ByteSpan bytes = std::as_bytes(std::span(data, size));
  const auto record = Record::decode(bytes);
  if (!record.ok()) {
    if (record.error().code != Errc::malformed) std::abort();
    return 0;
  }
  if (!std::ranges::equal(record->encode(), bytes)) std::abort();
  if (record->id() != sha256(bytes)) std::abort();
  return 0;
}
