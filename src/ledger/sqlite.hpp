// A ledger in an SQLite file.
#pragma once

#include <sqlite3.h>

#include <unordered_map>

#include "ledger/database.hpp"

namespace etalon {

class Sqlite : public Database {
 public:
  // `flags` as of sqlite3_open_v2; `name` is a path, or a URI where flags say so.
  static Result<std::unique_ptr<Sqlite>> open(const std::string& path, const std::string& name,
                                              int flags);
  ~Sqlite() override;
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  Result<Query> query(std::string_view sql) override;
  Result<void> insert(const Rows& rows) override;
  Result<void> begin(Access access) override;
  Result<void> commit() override { return run("COMMIT"); }
  void rollback() override { (void)run("ROLLBACK"); }
  Result<std::int64_t> version() override { return integer("PRAGMA user_version"); }
  Result<std::vector<Flaw>> integrity() override;
  Result<std::vector<Flaw>> schema() override;

  Result<void> run(const std::string& sql);  // any number of statements, rows dropped
  bool busy() const;  // whether the last call failed because of another program's lock

  // What the last call's status means: NOTADB, CORRUPT, wrong tables are malformed, the rest io.
  Error error(int status) const;

 private:
  Sqlite(std::string path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}

  std::string path_;
  sqlite3* handle_;
  std::unordered_map<std::string, std::unique_ptr<Statement>> statements_;
};

}  // namespace etalon
