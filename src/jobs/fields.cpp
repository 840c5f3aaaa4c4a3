#include "jobs/fields.hpp"

#include <cmath>

namespace etalon::jobs {

Result<std::int64_t> get_int(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  return value->as_int(key);
}

Result<std::uint64_t> get_uint(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  return value->as_uint(key);
}

Result<double> get_seconds(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  ETALON_ASSIGN(const double seconds, value->as_double(key));
  if (!std::isfinite(seconds))
    return Error{Errc::malformed, std::string(key) + ": not a finite number"};
  return seconds;
}

Result<bool> get_bool(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  return value->as_bool(key);
}

Result<std::string> get_raw(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  return raw_text(*value, key);
}

Result<std::vector<std::string>> get_raw_list(const cbor::Value& map, std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  ETALON_ASSIGN(const cbor::List* list, value->as_list(key));
  std::vector<std::string> texts;
  for (const cbor::Value& item : *list) {
    ETALON_ASSIGN(std::string text, raw_text(item, key));
    texts.push_back(std::move(text));
  }
  return texts;
}

Result<std::map<std::string, std::string>> get_raw_map(const cbor::Value& map,
                                                       std::string_view key) {
  ETALON_ASSIGN(const cbor::Value* value, map.at(key));
  ETALON_ASSIGN(const cbor::Map* entries, value->as_map(key));
  std::map<std::string, std::string> texts;
  for (const auto& [name, content] : *entries) {
    ETALON_ASSIGN(std::string left, raw_text(name, key));
    ETALON_ASSIGN(std::string right, raw_text(content, key));
    texts.emplace(std::move(left), std::move(right));
  }
  return texts;
}

cbor::Value raw_list(const std::vector<std::string>& texts) {
  cbor::List list;
  for (const std::string& text : texts) list.push_back(raw(text));
  return list;
}

cbor::Value raw_map(const std::map<std::string, std::string>& texts) {
  cbor::Map map;
  for (const auto& [name, content] : texts) map.emplace_back(raw(name), raw(content));
  return map;
}

}  // namespace etalon::jobs
