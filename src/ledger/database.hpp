// SQLite behind Results: a connection, its prepared statements and transactions. Not thread-safe.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

class Database;

// One use of a prepared statement: bind 1, 2, .., then next() until it is false. Two uses of the
// same text must not overlap. Views of a column live until next().
class Query {
 public:
  Query(Database& database, sqlite3_stmt* statement) : database_(&database), s_(statement) {}
  Query(Query&& other) noexcept : database_(other.database_), s_(other.s_) { other.s_ = nullptr; }
  Query& operator=(Query&&) = delete;
  ~Query();

  Query& bind(int index, std::int64_t value);
  Query& bind(int index, std::string_view text);
  Query& bind(int index, ByteSpan bytes);

  Result<bool> next();  // true: there is a row
  Result<void> run();   // a statement without rows; may be bound and run again

  std::int64_t integer(int column) const { return sqlite3_column_int64(s_, column); }
  std::string_view text(int column) const { return text_of(blob(column)); }
  ByteSpan blob(int column) const;

 private:
  Database* database_;
  sqlite3_stmt* s_;
};

class Database {
 public:
  // `flags` as of sqlite3_open_v2; `name` is a path, or a URI where flags say so.
  static Result<std::unique_ptr<Database>> open(const std::string& path, const std::string& name,
                                                int flags);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<void> run(const char* sql);                   // any number of statements, rows dropped
  Result<Query> query(std::string_view sql);           // prepared once
  Result<std::int64_t> integer(std::string_view sql);  // the first column of the first row, or 0

  bool busy() const;  // whether the last call failed because of another program's lock

  // What the last call's status means: NOTADB, CORRUPT, wrong tables are malformed, the rest io.
  Error error(int status) const;

 private:
  Database(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  std::string path_;
  sqlite3* handle_;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

// Takes the write lock at once; rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

}  // namespace etalon
