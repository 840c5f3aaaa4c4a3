// Bounds as bytes: kind, value, and what the kind adds, in short form. formats/container.md.
#pragma once

#include "base/bytes.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

// A double without its low bytes that are zero: how many are left, then those.
void put_short(ByteWriter& out, double value);
Result<double> get_short(ByteReader& in);

void put_bound(ByteWriter& out, const Bound& bound);
Result<Bound> get_bound(ByteReader& in);  // Errc::malformed for what parse_bound would not give

}  // namespace etalon::codec
