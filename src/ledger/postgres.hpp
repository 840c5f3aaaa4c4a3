// A ledger on a PostgreSQL server, in a schema of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ledger/database.hpp"

namespace etalon::postgres {

inline constexpr std::string_view schema_name = "etalon";
inline constexpr std::int64_t version = version_with_links;

// "postgresql://.." or "postgres://..".
bool is_address(std::string_view name);

// Usage when a password stands in it: whoever lists processes, recipes or reports would read it.
Result<void> check_address(const std::string& address);

// Connects and checks that the schema is a ledger. Unless `must_exist`, an absent or empty one
// becomes a ledger, and an older one gets what its version lacks where the schema is ours.
// Errc::missing where nobody answers or PostgreSQL is not built in.
Result<std::unique_ptr<Database>> open(const std::string& address, bool must_exist);

}  // namespace etalon::postgres
