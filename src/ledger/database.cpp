#include "ledger/database.hpp"

#include <utility>

namespace etalon {

Query::~Query() {
  if (s_ == nullptr) return;
  sqlite3_reset(s_);
  sqlite3_clear_bindings(s_);
}

// A failed bind (out of memory, too large) shows as a NULL, which every column of ours refuses.
Query& Query::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(s_, index, value);
  return *this;
}
Query& Query::bind(int index, std::string_view text) {
  sqlite3_bind_text64(s_, index, text.data() != nullptr ? text.data() : "", text.size(),
                      SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}
Query& Query::bind(int index, ByteSpan bytes) {
  if (bytes.empty())
    sqlite3_bind_zeroblob(s_, index, 0);
  else
    sqlite3_bind_blob64(s_, index, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Result<bool> Query::next() {
  const int status = sqlite3_step(s_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return database_->error(status);
}

Result<void> Query::run() {
  ETALON_TRY(next());
  sqlite3_reset(s_);
  return {};
}

ByteSpan Query::blob(int column) const {
  const void* data = sqlite3_column_blob(s_, column);
  const int size = sqlite3_column_bytes(s_, column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const std::string& name,
                                                 int flags) {
  sqlite3* handle = nullptr;
  const int status = sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(path, handle));
  if (status != SQLITE_OK) return database->error(status);
  sqlite3_extended_result_codes(handle, 1);
  // Whatever the file's schema says, it must not run code or reach into the tables' pages.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

bool Database::busy() const { return (sqlite3_errcode(handle_) & 0xFF) == SQLITE_BUSY; }

Error Database::error(int status) const {
  const char* text = handle_ != nullptr ? sqlite3_errmsg(handle_) : sqlite3_errstr(status);
  const auto fail = [&](Errc code, const std::string& reason) {
    return Error{code, path_ + ": " + reason};
  };
  switch (status & 0xFF) {
    case SQLITE_NOTADB:
      return fail(Errc::malformed, "not a ledger: no SQLite database");
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
      return fail(Errc::malformed, std::string("damaged ledger: ") + text);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return fail(Errc::io, "another program keeps the ledger locked");
    case SQLITE_TOOBIG:
      return fail(Errc::usage, "the record is too large for the ledger");
    default:
      return fail(Errc::io, text);
  }
}

Result<void> Database::run(const char* sql) {
  const int status = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return error(status);
  return {};
}

Result<Query> Database::query(std::string_view sql) {
  auto [entry, fresh] = statements_.try_emplace(std::string(sql), nullptr);
  if (fresh) {
    const int status =
        sqlite3_prepare_v3(handle_, entry->first.c_str(), static_cast<int>(sql.size()) + 1,
                           SQLITE_PREPARE_PERSISTENT, &entry->second, nullptr);
    if (status != SQLITE_OK) {
      statements_.erase(entry);
      return error(status);
    }
  }
  return Query(*this, entry->second);
}

Result<std::int64_t> Database::integer(std::string_view sql) {
  ETALON_ASSIGN(Query q, query(sql));
  ETALON_ASSIGN(const bool row, q.next());
  return row ? q.integer(0) : 0;
}

Result<Transaction> Transaction::begin(Database& database) {
  ETALON_TRY(database.run("BEGIN IMMEDIATE"));
  return Transaction(&database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) (void)database_->run("ROLLBACK");
}

Result<void> Transaction::commit() {
  ETALON_TRY(database_->run("COMMIT"));
  database_ = nullptr;
  return {};
}

}  // namespace etalon
