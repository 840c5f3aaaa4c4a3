// Typed access to the maps that records and messages are. Strings of the operating system (argument
// vectors, paths, environments) need not be UTF-8: they travel as byte strings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/cbor.hpp"

namespace etalon::jobs {

inline cbor::Value raw(std::string_view text) {
  const ByteSpan bytes = bytes_of(text);
  return Bytes(bytes.begin(), bytes.end());
}

inline Result<std::string> raw_text(const cbor::Value& value, std::string_view what) {
  ETALON_ASSIGN(const ByteSpan bytes, value.as_bytes(what));
  // The system's strings end at a zero byte: one inside would cut what it is passed to.
  const std::string_view text = text_of(bytes);
  if (text.find('\0') != std::string_view::npos)
    return Error{Errc::malformed, std::string(what) + ": holds a zero byte"};
  return std::string(text);
}

Result<std::int64_t> get_int(const cbor::Value& map, std::string_view key);
Result<std::uint64_t> get_uint(const cbor::Value& map, std::string_view key);
Result<double> get_seconds(const cbor::Value& map, std::string_view key);  // finite
Result<bool> get_bool(const cbor::Value& map, std::string_view key);
Result<std::string> get_raw(const cbor::Value& map, std::string_view key);
Result<std::vector<std::string>> get_raw_list(const cbor::Value& map, std::string_view key);
Result<std::map<std::string, std::string>> get_raw_map(const cbor::Value& map,
                                                       std::string_view key);

cbor::Value raw_list(const std::vector<std::string>& texts);
cbor::Value raw_map(const std::map<std::string, std::string>& texts);

}  // namespace etalon::jobs
