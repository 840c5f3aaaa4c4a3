#include "codec/bound_format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace etalon::codec {

void put_short(ByteWriter& out, double value) {
  std::array<std::byte, 8> bytes;
  std::memcpy(bytes.data(), &value, 8);
  std::size_t zeros = 0;
  while (zeros < 8 && bytes[zeros] == std::byte{0}) ++zeros;
  out.put(static_cast<std::uint8_t>(8 - zeros));
  out.append(std::span(bytes).subspan(zeros));
}

Result<double> get_short(ByteReader& in) {
  ETALON_ASSIGN(const auto count, in.get<std::uint8_t>());
  if (count > 8) return Error{Errc::malformed, "number longer than 8 bytes"};
  ETALON_ASSIGN(const auto high, in.take(count));
  if (count != 0 && high[0] == std::byte{0})
    return Error{Errc::malformed, "number longer than need be"};
  std::array<std::byte, 8> bytes{};
  std::copy(high.begin(), high.end(), bytes.end() - count);
  double value;
  std::memcpy(&value, bytes.data(), 8);
  return value;
}

void put_bound(ByteWriter& out, const Bound& bound) {
  out.put(static_cast<std::uint8_t>(bound.kind));
  if (bound.kind == Bound::Kind::lossless) return;
  put_short(out, bound.value);
  if (bound.kind == Bound::Kind::rel) {
    put_short(out, bound.low);
    put_short(out, bound.high);
  }
  if (bound.kind == Bound::Kind::sigma) {
    put_short(out, bound.gain);
    put_short(out, bound.noise);
  }
}

Result<Bound> get_bound(ByteReader& in) {
  const auto bad = [](const std::string& reason) { return Error{Errc::malformed, reason}; };
  ETALON_ASSIGN(const auto kind, in.get<std::uint8_t>());
  if (kind > static_cast<std::uint8_t>(Bound::Kind::sigma))
    return bad("unknown bound " + std::to_string(kind));
  Bound bound;
  bound.kind = static_cast<Bound::Kind>(kind);
  if (bound.kind == Bound::Kind::lossless) return bound;
  ETALON_ASSIGN(bound.value, get_short(in));
  if (!(bound.value >= 0) || !std::isfinite(bound.value) ||
      (bound.kind == Bound::Kind::pwrel && bound.value >= 1))
    return bad("bound out of range");
  if (bound.kind == Bound::Kind::rel) {
    ETALON_ASSIGN(bound.low, get_short(in));
    ETALON_ASSIGN(bound.high, get_short(in));
    if (!(bound.low <= bound.high) || !std::isfinite(bound.high - bound.low))
      return bad("bound: range out of order");
  }
  if (bound.kind == Bound::Kind::sigma) {
    ETALON_ASSIGN(bound.gain, get_short(in));
    ETALON_ASSIGN(bound.noise, get_short(in));
    if (!(bound.gain >= 0) || !(bound.noise >= 0) || !std::isfinite(bound.gain) ||
        !std::isfinite(bound.noise))
      return bad("bound: gain or noise out of range");
  }
  return bound;
}

}  // namespace etalon::codec
