// CBOR (RFC 8949): any well-formed item is read; what is written is deterministic (section 4.2.1),
// so equal values have equal bytes and a hash of the bytes names the value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon::cbor {

class Value;
using List = std::vector<Value>;
using Map =
    std::vector<std::pair<Value, Value>>;  // any order here; sorted by encoded key when written

struct Null {
  bool operator==(const Null&) const = default;
};
struct Undefined {
  bool operator==(const Undefined&) const = default;
};
struct Simple {  // a simple value other than false, true, null, undefined: 0 to 19, 32 to 255
  std::uint8_t number;
  bool operator==(const Simple&) const = default;
};
struct Negative {  // the integer -1 - n, where it does not fit an int64
  std::uint64_t n;
  bool operator==(const Negative&) const = default;
};
struct Tagged;

// A CBOR item. Integers that fit are kept as int64, larger ones as uint64 or Negative. A ByteSpan
// is a byte string that lies in what was decoded (Limits::borrow).
class Value {
 public:
  using Variant =
      std::variant<Null, Undefined, bool, Simple, std::int64_t, std::uint64_t, Negative, double,
                   std::string, Bytes, List, Map, std::shared_ptr<const Tagged>, ByteSpan>;

  Value() = default;
  Value(bool b) : v_(b) {}
  template <typename T>
  requires(std::is_integral_v<T> && !std::is_same_v<T, bool>) Value(T n) {
    if (std::is_unsigned_v<T> && static_cast<std::uint64_t>(n) > INT64_MAX)
      v_ = static_cast<std::uint64_t>(n);
    else
      v_ = static_cast<std::int64_t>(n);
  }
  Value(double d) : v_(d) {}
  Value(const char* s) : v_(std::string(s)) {}
  Value(std::string_view s) : v_(std::string(s)) {}
  Value(std::string s) : v_(std::move(s)) {}
  Value(Bytes b) : v_(std::move(b)) {}
  Value(List l) : v_(std::move(l)) {}
  Value(Map m) : v_(std::move(m)) {}
  explicit Value(Variant v) : v_(std::move(v)) {}
  static Value tagged(std::uint64_t tag, Value content);

  const Variant& variant() const { return v_; }
  template <typename T>
  const T* get_if() const {
    return std::get_if<T>(&v_);
  }

  // Typed access for readers of messages: the error names `what`.
  Result<std::int64_t> as_int(std::string_view what) const;
  Result<std::uint64_t> as_uint(std::string_view what) const;
  Result<double> as_double(std::string_view what) const;  // integers count as numbers
  Result<bool> as_bool(std::string_view what) const;
  Result<std::string> as_text(std::string_view what) const;
  Result<ByteSpan> as_bytes(std::string_view what) const;
  Result<const List*> as_list(std::string_view what) const;
  Result<const Map*> as_map(std::string_view what) const;

  // The value under a text key of a map; nullptr when this is no map or has no such key.
  const Value* find(std::string_view key) const;
  // The same, but absence is Errc::malformed and names the key.
  Result<const Value*> at(std::string_view key) const;
  // Adds or replaces; whatever is no map becomes one first.
  Value& set(std::string_view key, Value value);

  bool operator==(const Value& other) const;  // equal when the deterministic bytes are

 private:
  Variant v_;
};

struct Tagged {
  std::uint64_t tag;
  Value content;
};

struct Limits {
  unsigned depth = 64;                       // of nesting
  std::size_t items = std::size_t{1} << 22;  // in all
  // Byte strings in one piece are not copied: the value must not outlive the bytes decoded.
  bool borrow = false;
};

// Deterministic bytes (section 4.2.1): shortest integers, lengths and floats, definite lengths, map
// keys in bytewise order, every NaN as 0xf97e00. Always well-formed: of equal keys the last is
// written, and bytes that are no UTF-8 in text become U+FFFD.
Bytes encode(const Value& value);

// One item and nothing after it. Duplicate map keys and invalid UTF-8 are malformed; the error
// names the offset of the byte.
Result<Value> decode(ByteSpan bytes, const Limits& limits = {});

// RFC 8949 section 8, for people.
std::string diagnostic(const Value& value);

}  // namespace etalon::cbor
