// One connection to a PostgreSQL server, behind Results.
#pragma once

#include <memory>
#include <pqxx/pqxx>
#include <string>
#include <unordered_map>
#include <vector>

#include "ledger/database.hpp"

namespace etalon::postgres {

// One writer at a time, for the length of its transaction; needs no right but to connect.
inline constexpr const char* lock_sql = "SELECT pg_advisory_xact_lock(1163152455, 0)";  // "ETLG"

class Session : public Database {
 public:
  explicit Session(std::string address) : address_(std::move(address)) {}

  // Also after a connection was lost.
  Result<void> connect();

  Result<Query> query(std::string_view sql) override;
  Result<Query> scan(std::string_view sql) override;
  Result<void> insert(const Rows& rows) override;
  Result<void> begin(Access access) override;
  Result<void> commit() override;
  void rollback() override;
  Result<std::int64_t> version() override;
  Result<std::vector<Flaw>> integrity() override;
  Result<std::vector<Flaw>> schema() override;

  Result<pqxx::result> run(const std::string& sql);
  // Prepared where it was not yet; `values` as text.
  Result<pqxx::result> run_prepared(const std::string& sql, const std::vector<std::string>& values);

  Error fail(Errc code, const std::string& reason) const {
    return {code, address_ + ": " + reason};
  }

 private:
  template <typename Call>
  Result<pqxx::result> attempt(const Call& call);
  Error lost(const std::string& reason);
  Error refuse(const pqxx::sql_error& e);

  // What the server says beside its answers is for nobody.
  struct Link {
    explicit Link(const std::string& words) : connection(words), quiet(connection) {}
    pqxx::connection connection;
    pqxx::quiet_errorhandler quiet;
  };

  std::string address_;
  std::unique_ptr<Link> link_;
  std::unordered_map<std::string, std::string> prepared_;  // name by text, on this connection
  std::unordered_map<std::string, std::unique_ptr<Statement>> statements_;
  bool ready_ = false;  // was connected, so that it may be worth to connect again
  bool in_transaction_ = false, reading_ = false;
  std::uint64_t scans_ = 0;
};

}  // namespace etalon::postgres
