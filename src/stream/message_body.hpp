// The parts of messages as CBOR values.
#pragma once

#include "base/cbor.hpp"
#include "stream/message.hpp"

namespace etalon::wire {

cbor::Value to_cbor(const SeriesInfo& info);
Result<SeriesInfo> series_info(const cbor::Value& value);

cbor::Value to_cbor(const Record& record);
Result<Record> record(const cbor::Value& value);

// 28 bytes a peak: six float32 and the pixel count.
Bytes pack_peaks(const std::vector<Peak>& peaks);
Result<std::vector<Peak>> unpack_peaks(ByteSpan bytes);

// A byte string of exactly N bytes.
template <std::size_t N>
Result<std::array<std::uint8_t, N>> fixed(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  ETALON_ASSIGN(const ByteSpan bytes, value->as_bytes(key));
  if (bytes.size() != N)
    return Error{Errc::malformed, std::string(key) + ": " + std::to_string(bytes.size()) +
                                      " bytes where " + std::to_string(N) + " belong"};
  std::array<std::uint8_t, N> out;
  std::memcpy(out.data(), bytes.data(), N);
  return out;
}
template <std::size_t N>
Bytes to_bytes(const std::array<std::uint8_t, N>& bytes) {
  const auto span = std::as_bytes(std::span(bytes));
  return {span.begin(), span.end()};
}

Result<std::uint64_t> uint_at(const cbor::Value& map, std::string_view key);
Result<double> number_at(const cbor::Value& map, std::string_view key);
Result<std::string> text_at(const cbor::Value& map, std::string_view key);
Result<bool> bool_at(const cbor::Value& map, std::string_view key);

}  // namespace etalon::wire
