#include "base/bytes.hpp"

namespace etalon {

void ByteWriter::put_varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) put(static_cast<std::uint8_t>(value | 0x80));
  put(static_cast<std::uint8_t>(value));
}

Result<std::uint64_t> ByteReader::get_varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    ETALON_ASSIGN(const auto byte, get<std::uint8_t>());
    if (shift == 63 && byte > 1) break;
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (!(byte & 0x80)) {
      if (byte == 0 && shift != 0) break;  // a longer form than needed
      return value;
    }
  }
  return Error{Errc::malformed,
               "offset " + std::to_string(offset_) + ": not a variable-length integer"};
}

Result<ByteSpan> ByteReader::take(std::size_t n) {
  if (left() < n) return truncated(n);
  const ByteSpan taken = bytes_.subspan(offset_, n);
  offset_ += n;
  return taken;
}

Error ByteReader::truncated(std::size_t wanted) const {
  return {Errc::malformed, "offset " + std::to_string(offset_) +
                               ": truncated: " + std::to_string(wanted) + " bytes wanted, " +
                               std::to_string(left()) + " left"};
}

}  // namespace etalon
