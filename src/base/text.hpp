// Small things that programs write for people and files alike.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.hpp"

namespace etalon {

std::string hex(ByteSpan bytes);  // two lower-case digits a byte

// "1 frame", "2 frames".
std::string counted(std::uint64_t count, const std::string& noun);

// a/b; `empty` where there is nothing to divide by.
constexpr double ratio(double a, double b, double empty = 0) { return b > 0 ? a / b : empty; }

}  // namespace etalon
