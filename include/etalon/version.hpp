// The version of the library and the programs; formats have versions of their own.
#pragma once

#include <string_view>

namespace etalon {

inline constexpr std::string_view version = "0.1.0";
inline constexpr std::string_view program = "etalon 0.1.0";  // as the ledger names it

}  // namespace etalon
