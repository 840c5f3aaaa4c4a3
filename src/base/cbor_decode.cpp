#include <algorithm>
#include <bit>
#include <cmath>

#include "base/cbor.hpp"
#include "base/utf8.hpp"

namespace etalon::cbor {
namespace {

double half_to_double(std::uint16_t half) {
  const int exponent = (half >> 10) & 0x1F;
  const int fraction = half & 0x3FF;
  double value = 0;
  if (exponent == 0)
    value = std::ldexp(fraction, -24);
  else if (exponent < 31)
    value = std::ldexp(fraction + 1024, exponent - 25);
  else
    value = fraction == 0 ? HUGE_VAL : std::nan("");
  return half & 0x8000 ? -value : value;
}

// Memory is taken only as items arrive, never because a length announces them.
class Decoder {
 public:
  Decoder(ByteSpan bytes, const Limits& limits) : bytes_(bytes), limits_(limits) {}

  Result<Value> whole() {
    ETALON_ASSIGN(Value value, item(0));
    if (at_ != bytes_.size())
      return fail(at_, std::to_string(bytes_.size() - at_) + " bytes after the item");
    return value;
  }

 private:
  static constexpr std::uint8_t indefinite = 31;
  struct Head {
    std::size_t offset;
    std::uint8_t major, info;
    std::uint64_t argument;
  };

  static Error fail(std::size_t offset, std::string_view reason) {
    return {Errc::malformed, "offset " + std::to_string(offset) + ": " + std::string(reason)};
  }
  std::size_t left() const { return bytes_.size() - at_; }
  bool at_break() const { return left() > 0 && bytes_[at_] == std::byte{0xFF}; }

  Result<Head> head() {
    if (left() == 0) return fail(at_, "truncated: an item is missing");
    const auto initial = static_cast<std::uint8_t>(bytes_[at_]);
    Head h{at_, static_cast<std::uint8_t>(initial >> 5), static_cast<std::uint8_t>(initial & 31),
           static_cast<std::uint64_t>(initial & 31)};
    ++at_;
    if (h.info < 24 || h.info == indefinite) return h;
    if (h.info > 27) return fail(h.offset, "reserved additional information");
    const std::size_t n = std::size_t{1} << (h.info - 24);
    if (left() < n) return fail(h.offset, "truncated inside an item's head");
    h.argument = 0;
    for (std::size_t i = 0; i < n; ++i)
      h.argument = h.argument << 8 | static_cast<std::uint8_t>(bytes_[at_++]);
    return h;
  }

  Result<Value> item(unsigned depth) {
    if (depth > limits_.depth) return fail(at_, "nested too deeply");
    if (++items_ > limits_.items) return fail(at_, "too many items");
    ETALON_ASSIGN(const Head h, head());
    if (h.info == indefinite && (h.major < 2 || h.major == 6))
      return fail(h.offset, "this type of item has no indefinite length");
    switch (h.major) {
      case 0:
        return Value(h.argument);
      case 1:
        if (h.argument > INT64_MAX) return Value(Value::Variant(Negative{h.argument}));
        return Value(~static_cast<std::int64_t>(h.argument));
      case 2: {
        if (limits_.borrow && h.info != indefinite) {
          ETALON_ASSIGN(const ByteSpan taken, piece(h));
          return Value(Value::Variant(taken));
        }
        ETALON_ASSIGN(const std::string text, string(h));
        const ByteSpan bytes = bytes_of(text);
        return Value(Bytes(bytes.begin(), bytes.end()));
      }
      case 3: {
        ETALON_ASSIGN(std::string text, string(h));
        return Value(std::move(text));
      }
      case 4:
        return list(h, depth);
      case 5:
        return map(h, depth);
      case 6: {
        ETALON_ASSIGN(Value content, item(depth + 1));
        return Value::tagged(h.argument, std::move(content));
      }
      default:
        return simple_or_float(h);
    }
  }

  Result<ByteSpan> piece(const Head& h) {
    if (h.argument > left())
      return fail(h.offset, "truncated: a string of " + std::to_string(h.argument) + " bytes, " +
                                std::to_string(left()) + " left");
    const ByteSpan taken = bytes_.subspan(at_, static_cast<std::size_t>(h.argument));
    if (h.major == 3)
      if (const std::size_t bad = utf8_error(text_of(taken)); bad != taken.size())
        return fail(at_ + bad, "text is not UTF-8");
    at_ += taken.size();
    return taken;
  }

  // The bytes of a byte or text string; every piece of a text string is UTF-8 by itself.
  Result<std::string> string(const Head& h) {
    if (h.info != indefinite) {
      ETALON_ASSIGN(const ByteSpan taken, piece(h));
      return std::string(text_of(taken));
    }
    std::string all;
    while (!at_break()) {
      ETALON_ASSIGN(const Head part, head());
      if (part.major != h.major || part.info == indefinite)
        return fail(part.offset, "not a piece of the string that it lies in");
      ETALON_ASSIGN(const ByteSpan taken, piece(part));
      all.append(text_of(taken));
    }
    ++at_;
    return all;
  }

  Result<Value> list(const Head& h, unsigned depth) {
    const bool open = h.info == indefinite;
    if (!open && h.argument > left()) return fail(h.offset, "truncated: list longer than the data");
    List items;
    for (std::uint64_t i = 0; open ? !at_break() : i < h.argument; ++i) {
      ETALON_ASSIGN(Value value, item(depth + 1));
      items.push_back(std::move(value));
    }
    if (open) ++at_;
    return Value(std::move(items));
  }

  Result<Value> map(const Head& h, unsigned depth) {
    const bool open = h.info == indefinite;
    if (!open && h.argument > left() / 2)
      return fail(h.offset, "truncated: map longer than the data");
    Map entries;
    std::vector<std::pair<std::string, std::size_t>> keys;  // encoded key, offset
    for (std::uint64_t i = 0; open ? !at_break() : i < h.argument; ++i) {
      const std::size_t offset = at_;
      ETALON_ASSIGN(Value key, item(depth + 1));
      if (open && at_break()) return fail(at_, "a map's key without a value");
      ETALON_ASSIGN(Value value, item(depth + 1));
      keys.emplace_back(text_of(encode(key)), offset);
      entries.emplace_back(std::move(key), std::move(value));
    }
    if (open) ++at_;
    std::sort(keys.begin(), keys.end());
    for (std::size_t i = 1; i < keys.size(); ++i)
      if (keys[i].first == keys[i - 1].first) return fail(keys[i].second, "duplicate map key");
    return Value(std::move(entries));
  }

  Result<Value> simple_or_float(const Head& h) {
    switch (h.info) {
      case 20:
      case 21:
        return Value(h.info == 21);
      case 22:
        return Value();
      case 23:
        return Value(Value::Variant(Undefined{}));
      case 24:
        if (h.argument < 32) return fail(h.offset, "a simple value below 32 in two bytes");
        break;
      case 25:
        return Value(half_to_double(static_cast<std::uint16_t>(h.argument)));
      case 26:
        return Value(
            static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(h.argument))));
      case 27:
        return Value(std::bit_cast<double>(h.argument));
      case indefinite:
        return fail(h.offset, "a break where an item should be");
      default:
        break;
    }
    return Value(Value::Variant(Simple{static_cast<std::uint8_t>(h.argument)}));
  }

  ByteSpan bytes_;
  Limits limits_;
  std::size_t at_ = 0, items_ = 0;
};

}  // namespace

Result<Value> decode(ByteSpan bytes, const Limits& limits) {
  return Decoder(bytes, limits).whole();
}

}  // namespace etalon::cbor
