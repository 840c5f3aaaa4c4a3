#include "base/cbor.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>

#include "base/utf8.hpp"

namespace etalon::cbor {
namespace {

std::string_view kind_of(const Value& value) {
  constexpr std::string_view names[] = {"null",
                                        "undefined",
                                        "a boolean",
                                        "a simple value",
                                        "an integer",
                                        "a large integer",
                                        "a large integer",
                                        "a number",
                                        "text",
                                        "bytes",
                                        "a list",
                                        "a map",
                                        "a tagged item",
                                        "bytes"};
  static_assert(std::size(names) == std::variant_size_v<Value::Variant>);
  return names[value.variant().index()];
}

Error unexpected(std::string_view what, std::string_view wanted, const Value& found) {
  return {Errc::malformed, std::string(what) + ": expected " + std::string(wanted) + ", found " +
                               std::string(kind_of(found))};
}

// The half-precision bits of a value that a half holds exactly.
std::optional<std::uint16_t> exact_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  const std::uint32_t fraction = bits & 0x7FFFFF;
  const int exponent = static_cast<int>((bits >> 23) & 0xFF) - 127;
  if ((bits & 0x7FFFFFFF) == 0) return sign;
  if (exponent == 128)
    return fraction == 0 ? std::optional<std::uint16_t>(static_cast<std::uint16_t>(sign | 0x7C00))
                         : std::nullopt;
  if (exponent > 15 || exponent < -24) return std::nullopt;
  if (exponent >= -14) {
    if (fraction & 0x1FFF) return std::nullopt;
    return static_cast<std::uint16_t>(sign | ((exponent + 15) << 10) | (fraction >> 13));
  }
  // Denormal: units of 2^-24.
  const std::uint32_t significand = fraction | 0x800000;
  const int shift = -exponent - 1;  // 2^exponent * significand / 2^23 in units of 2^-24
  if (significand & ((std::uint32_t{1} << shift) - 1)) return std::nullopt;
  return static_cast<std::uint16_t>(sign | (significand >> shift));
}

class Encoder {
 public:
  Bytes take() { return std::move(out_); }

  void write(const Value& value) {
    std::visit([this](const auto& v) { put(v); }, value.variant());
  }

 private:
  void byte(unsigned b) { out_.push_back(static_cast<std::byte>(b)); }
  void big_endian(std::uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
      byte(static_cast<unsigned>((value >> shift) & 0xFF));
  }
  void head(unsigned major, std::uint64_t argument) {
    const unsigned high = major << 5;
    if (argument < 24) return byte(high | static_cast<unsigned>(argument));
    const int bytes = argument <= 0xFF         ? 1
                      : argument <= 0xFFFF     ? 2
                      : argument <= 0xFFFFFFFF ? 4
                                               : 8;
    byte(high | (24 + static_cast<unsigned>(std::countr_zero(static_cast<unsigned>(bytes)))));
    big_endian(argument, bytes);
  }
  void put(Null) { byte(0xF6); }
  void put(Undefined) { byte(0xF7); }
  void put(bool b) { byte(b ? 0xF5 : 0xF4); }
  void put(Simple s) {
    if (s.number < 24) return byte(0xE0u | s.number);
    if (s.number < 32) return put(Undefined{});  // these have no encoding
    byte(0xF8);
    byte(s.number);
  }
  void put(std::int64_t n) {
    if (n >= 0)
      head(0, static_cast<std::uint64_t>(n));
    else
      head(1, ~static_cast<std::uint64_t>(n));
  }
  void put(std::uint64_t n) { head(0, n); }
  void put(Negative n) { head(1, n.n); }
  void put(double d) {
    if (std::isnan(d)) return byte(0xF9), big_endian(0x7E00, 2);
    const auto single = static_cast<float>(d);
    if (static_cast<double>(single) != d) {
      byte(0xFB);
      return big_endian(std::bit_cast<std::uint64_t>(d), 8);
    }
    if (const auto half = exact_half(single)) {
      byte(0xF9);
      return big_endian(*half, 2);
    }
    byte(0xFA);
    big_endian(std::bit_cast<std::uint32_t>(single), 4);
  }
  void put(const std::string& text) {
    if (!is_utf8(text)) return put(to_utf8(text));
    head(3, text.size());
    append(bytes_of(text));
  }
  void put(const Bytes& bytes) { put(ByteSpan(bytes)); }
  void put(ByteSpan bytes) {
    head(2, bytes.size());
    append(bytes);
  }
  void put(const List& list) {
    head(4, list.size());
    for (const Value& item : list) write(item);
  }
  void put(const Map& map) {
    struct Entry {
      Bytes key;
      const Value* value;
    };
    std::vector<Entry> entries;
    entries.reserve(map.size());
    for (const auto& [key, value] : map) entries.push_back({encode(key), &value});
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return text_of(a.key) < text_of(b.key);
    });
    std::size_t kept = 0;  // of equal keys, the last
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (i + 1 == entries.size() || entries[i].key != entries[i + 1].key) {
        if (kept != i) entries[kept] = std::move(entries[i]);
        ++kept;
      }
    entries.resize(kept);
    head(5, entries.size());
    for (const Entry& entry : entries) {
      append(entry.key);
      write(*entry.value);
    }
  }
  void put(const std::shared_ptr<const Tagged>& tagged) {
    if (!tagged) return put(Undefined{});
    head(6, tagged->tag);
    write(tagged->content);
  }
  void append(ByteSpan bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  Bytes out_;
};

}  // namespace

Bytes encode(const Value& value) {
  Encoder encoder;
  encoder.write(value);
  return encoder.take();
}

Value Value::tagged(std::uint64_t tag, Value content) {
  return Value(Variant(std::make_shared<const Tagged>(Tagged{tag, std::move(content)})));
}

Result<std::int64_t> Value::as_int(std::string_view what) const {
  if (const auto* n = get_if<std::int64_t>()) return *n;
  return unexpected(what, "an integer", *this);
}

Result<std::uint64_t> Value::as_uint(std::string_view what) const {
  if (const auto* n = get_if<std::uint64_t>()) return *n;
  const auto* n = get_if<std::int64_t>();
  if (n == nullptr) return unexpected(what, "a non-negative integer", *this);
  if (*n < 0)
    return Error{Errc::malformed, std::string(what) + ": expected a non-negative integer, found " +
                                      std::to_string(*n)};
  return static_cast<std::uint64_t>(*n);
}

Result<double> Value::as_double(std::string_view what) const {
  if (const auto* d = get_if<double>()) return *d;
  if (const auto* n = get_if<std::int64_t>()) return static_cast<double>(*n);
  if (const auto* n = get_if<std::uint64_t>()) return static_cast<double>(*n);
  if (const auto* n = get_if<Negative>()) return -1.0 - static_cast<double>(n->n);
  return unexpected(what, "a number", *this);
}

Result<bool> Value::as_bool(std::string_view what) const {
  if (const auto* b = get_if<bool>()) return *b;
  return unexpected(what, "a boolean", *this);
}

Result<std::string> Value::as_text(std::string_view what) const {
  if (const auto* s = get_if<std::string>()) return *s;
  return unexpected(what, "text", *this);
}

Result<ByteSpan> Value::as_bytes(std::string_view what) const {
  if (const auto* b = get_if<Bytes>()) return ByteSpan(*b);
  if (const auto* b = get_if<ByteSpan>()) return *b;
  return unexpected(what, "bytes", *this);
}

Result<const List*> Value::as_list(std::string_view what) const {
  if (const auto* l = get_if<List>()) return l;
  return unexpected(what, "a list", *this);
}

Result<const Map*> Value::as_map(std::string_view what) const {
  if (const auto* m = get_if<Map>()) return m;
  return unexpected(what, "a map", *this);
}

const Value* Value::find(std::string_view key) const {
  const auto* map = get_if<Map>();
  if (map == nullptr) return nullptr;
  for (const auto& [k, value] : *map)
    if (const auto* text = k.get_if<std::string>(); text != nullptr && *text == key) return &value;
  return nullptr;
}

Result<const Value*> Value::at(std::string_view key) const {
  if (const Value* found = find(key)) return found;
  if (get_if<Map>() == nullptr) return unexpected(key, "a map that holds it", *this);
  return Error{Errc::malformed, std::string(key) + ": missing"};
}

Value& Value::set(std::string_view key, Value value) {
  if (get_if<Map>() == nullptr) v_ = Map{};
  for (auto& [k, old] : std::get<Map>(v_))
    if (const auto* text = k.get_if<std::string>(); text != nullptr && *text == key) {
      old = std::move(value);
      return *this;
    }
  std::get<Map>(v_).emplace_back(Value(key), std::move(value));
  return *this;
}

bool Value::operator==(const Value& other) const { return encode(*this) == encode(other); }

}  // namespace etalon::cbor
