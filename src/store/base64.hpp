// Base64 (RFC 4648, section 4).
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace etalon {

std::string to_base64(ByteSpan bytes);
// Nothing but the alphabet and padding at the end; Errc::malformed otherwise.
Result<Bytes> from_base64(std::string_view text);

}  // namespace etalon
