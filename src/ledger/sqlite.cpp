#include "ledger/sqlite.hpp"

#include <utility>

#include "ledger/sqlite_schema.hpp"

namespace etalon {

namespace {

class SqliteStatement : public Statement {
 public:
  SqliteStatement(const Sqlite& database, sqlite3_stmt* s) : database_(database), s_(s) {}
  ~SqliteStatement() override { sqlite3_finalize(s_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  // A failed bind (out of memory, too large) shows as a NULL, which every column of ours refuses.
  void bind(int index, std::int64_t value) override { sqlite3_bind_int64(s_, index, value); }
  void bind(int index, std::string_view text) override {
    sqlite3_bind_text64(s_, index, text.data() != nullptr ? text.data() : "", text.size(),
                        SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void bind(int index, ByteSpan bytes) override {
    if (bytes.empty())
      sqlite3_bind_zeroblob(s_, index, 0);
    else
      sqlite3_bind_blob64(s_, index, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  }
  Result<bool> next() override {
    const int status = sqlite3_step(s_);
    if (status == SQLITE_ROW) return true;
    if (status == SQLITE_DONE) return false;
    return database_.error(status);
  }
  void reset() override {
    sqlite3_reset(s_);
    sqlite3_clear_bindings(s_);
  }
  std::int64_t integer(int column) const override { return sqlite3_column_int64(s_, column); }
  ByteSpan blob(int column) const override {
    const void* data = sqlite3_column_blob(s_, column);
    const int size = sqlite3_column_bytes(s_, column);
    if (data == nullptr || size <= 0) return {};
    return {static_cast<const std::byte*>(data), static_cast<std::size_t>(size)};
  }

 private:
  const Sqlite& database_;
  sqlite3_stmt* s_;
};

}  // namespace

Result<std::unique_ptr<Sqlite>> Sqlite::open(const std::string& path, const std::string& name,
                                             int flags) {
  sqlite3* handle = nullptr;
  const int status = sqlite3_open_v2(name.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Sqlite> database(new Sqlite(path, handle));
  if (status != SQLITE_OK) return database->error(status);
  sqlite3_extended_result_codes(handle, 1);
  // Whatever the file's schema says, it must not run code or reach into the tables' pages.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return database;
}

Sqlite::~Sqlite() {
  statements_.clear();
  sqlite3_close(handle_);
}

bool Sqlite::busy() const { return (sqlite3_errcode(handle_) & 0xFF) == SQLITE_BUSY; }

Error Sqlite::error(int status) const {
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

Result<void> Sqlite::run(const std::string& sql) {
  const int status = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return error(status);
  return {};
}

Result<Query> Sqlite::query(std::string_view sql) {
  auto& entry = statements_[std::string(sql)];
  if (!entry) {
    sqlite3_stmt* made = nullptr;
    const int status = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                          SQLITE_PREPARE_PERSISTENT, &made, nullptr);
    if (status != SQLITE_OK) return error(status);
    entry = std::make_unique<SqliteStatement>(*this, made);
  }
  return Query(entry.get());
}

Result<void> Sqlite::begin(Access access) {
  return run(access == Access::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

Result<void> Sqlite::insert(const Rows& rows) {
  std::string sql = "INSERT INTO " + rows.table + " VALUES(?";
  for (std::size_t i = 1; i < rows.columns; ++i) sql += ", ?";
  sql += ")";
  for (std::size_t at = 0; at < rows.values.size(); at += rows.columns) {
    ETALON_ASSIGN(Query q, query(sql));
    for (std::size_t i = 0; i < rows.columns; ++i)
      std::visit([&](const auto& value) { q.bind(static_cast<int>(i) + 1, value); },
                 rows.values[at + i]);
    ETALON_TRY(q.next());
  }
  return {};
}

Result<std::vector<Flaw>> Sqlite::integrity() {
  std::vector<Flaw> flaws;
  ETALON_ASSIGN(Query q, query("PRAGMA integrity_check"));
  while (true) {
    ETALON_ASSIGN(const bool row, q.next());
    if (!row) break;
    if (q.text(0) != "ok") flaws.push_back({"pages", std::string(q.text(0))});
  }
  ETALON_ASSIGN(Query keys, query("PRAGMA foreign_key_check"));
  while (true) {
    ETALON_ASSIGN(const bool row, keys.next());
    if (!row) return flaws;
    flaws.push_back({std::string(keys.text(0)),
                     "row " + std::to_string(keys.integer(1)) + " refers to a row of " +
                         std::string(keys.text(2)) + " that is not there"});
  }
}

Result<std::vector<Flaw>> Sqlite::schema() {
  ETALON_ASSIGN(const std::int64_t stored, version());
  std::vector<Part> wanted, found;
  for (const schema::Object& object : schema::objects())
    if (object.since <= stored)
      wanted.push_back({std::string(object.name), std::string(object.sql)});
  ETALON_ASSIGN(Query q, query("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name "
                               "NOT LIKE 'sqlite_%'"));
  while (true) {
    ETALON_ASSIGN(const bool row, q.next());
    if (!row) return compare_schema(wanted, found);
    found.push_back({std::string(q.text(0)), std::string(q.text(1))});
  }
}

}  // namespace etalon
