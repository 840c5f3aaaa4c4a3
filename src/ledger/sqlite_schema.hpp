// The ledger's tables in SQLite, as formats/ledger.md writes them down, and how a file becomes a
// ledger.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ledger/sqlite.hpp"

namespace etalon::schema {

inline constexpr std::int64_t application_id = 0x45544C47;  // "ETLG"
inline constexpr std::int64_t user_version = version_with_links;

struct Object {
  std::string_view name, sql;
  std::int64_t since = first_version;
};
std::span<const Object> objects();  // tables, indexes and triggers, in the order of creation

// Opens the file and checks that it is a ledger. Unless `must_exist`, an absent or empty database
// becomes one, and an older one gets what its version lacks.
Result<std::unique_ptr<Sqlite>> open(const std::string& path, bool must_exist);

}  // namespace etalon::schema
