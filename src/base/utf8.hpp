// Text that leaves the program is UTF-8 (RFC 3629: no surrogates, no overlong forms, at most
// U+10FFFF).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace etalon {

// Offset of the first byte that does not belong to valid UTF-8; text.size() when all does.
std::size_t utf8_error(std::string_view text);

inline bool is_utf8(std::string_view text) { return utf8_error(text) == text.size(); }

// The text with every byte that is no part of valid UTF-8 replaced by U+FFFD.
std::string to_utf8(std::string_view text);

}  // namespace etalon
