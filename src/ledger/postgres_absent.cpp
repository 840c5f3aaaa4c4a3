// In the place of postgres_session.cpp and postgres_schema.cpp where libpqxx is not installed.
#include "ledger/postgres.hpp"

namespace etalon::postgres {

Result<std::unique_ptr<Database>> open(const std::string& address, bool) {
  ETALON_TRY(check_address(address));
  return Error{Errc::missing, address + ": this program was built without PostgreSQL (libpqxx)"};
}

}  // namespace etalon::postgres
