// What the ledger's tests share: folders that clean up after themselves, and ways to do harm.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "ledger/hash.hpp"
#include "ledger/sqlite_schema.hpp"
#if ETALON_HAS_POSTGRES
#include "ledger/server_test.hpp"
#endif

namespace etalon::testing {

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "etalon_XXXXXX").string();
    path_ = std::filesystem::canonical(::mkdtemp(pattern.data())).string();
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline Hash hash_of(std::string_view text) { return sha256(bytes_of(text)); }

inline std::string write_file(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

// Runs SQL on the file as somebody who is no friend of the ledger would.
inline void tamper(const std::string& path, const std::string& sql) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
      << sql << ": " << (message != nullptr ? message : "");
  sqlite3_free(message);
  sqlite3_close(database);
}

// The same past the triggers, which stand again afterwards.
inline void tamper_quietly(const std::string& path, const std::string& sql) {
  std::string script = "PRAGMA foreign_keys = OFF;";
  for (const schema::Object& object : schema::objects())
    if (object.sql.starts_with("CREATE TRIGGER"))
      script.append("DROP TRIGGER ").append(object.name).append(";");
  script.append(sql).append(";");
  for (const schema::Object& object : schema::objects())
    if (object.sql.starts_with("CREATE TRIGGER")) script.append(object.sql).append(";");
  tamper(path, script);
}

inline std::int64_t file_version(const std::string& path) {
  sqlite3* database = nullptr;
  std::int64_t version = 0;
  EXPECT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
  const auto take = [](void* to, int, char** values, char**) {
    *static_cast<std::int64_t*>(to) = std::atoll(values[0]);
    return 0;
  };
  EXPECT_EQ(sqlite3_exec(database, "PRAGMA user_version", take, &version, nullptr), SQLITE_OK);
  sqlite3_close(database);
  return version;
}

// Where a ledger can be, and how harm is done to it there. SQL of the tests is for both: the server
// is given SQLite's words that it lacks.
class Home {
 public:
  virtual ~Home() = default;
  virtual std::string ledger() const = 0;  // its path or address
  virtual void renew() = 0;                // an empty one takes its place
  virtual void tamper(const std::string& sql) = 0;
  virtual void tamper_quietly(const std::string& sql) = 0;
  virtual std::string refusal(const std::string& sql) = 0;
  virtual void make_old() = 0;  // of version 1, as a program made it that knew no links
  virtual std::int64_t version() = 0;
};

class FileHome : public Home {
 public:
  std::string ledger() const override { return *folder_ / "l.db"; }
  void renew() override { folder_ = std::make_unique<Folder>(); }
  void tamper(const std::string& sql) override { testing::tamper(ledger(), sql); }
  void tamper_quietly(const std::string& sql) override { testing::tamper_quietly(ledger(), sql); }
  std::string refusal(const std::string& sql) override {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(ledger().c_str(), &database), SQLITE_OK);
    sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr);
    const std::string reason = sqlite3_errmsg(database);
    sqlite3_close(database);
    return reason;
  }
  void make_old() override {
    tamper("DROP TRIGGER event_link; DROP TABLE link; PRAGMA user_version = 1");
  }
  std::int64_t version() override { return file_version(ledger()); }

 private:
  std::unique_ptr<Folder> folder_ = std::make_unique<Folder>();
};

#if ETALON_HAS_POSTGRES
class ServerHome : public Home {
 public:
  explicit ServerHome(Server& server) : server_(server) { renew(); }
  std::string ledger() const override { return server_.address(database_); }
  void renew() override {
    database_ = server_.fresh();
    server_.run(database_,
                "CREATE DOMAIN public.blob AS bytea; CREATE FUNCTION public.zeroblob(int) RETURNS "
                "bytea LANGUAGE sql AS 'SELECT decode(repeat(''00'', $1), ''hex'')'");
  }
  void tamper(const std::string& sql) override { server_.run(database_, path + sql); }
  void tamper_quietly(const std::string& sql) override {
    std::string script = path + "SET session_replication_role = replica;";
    const char* tables[] = {"record", "artifact", "event", "place", "link"};
    for (const std::string table : tables)
      script += "ALTER TABLE " + table + " DISABLE TRIGGER " + table + "_keep;";
    script += sql + ";";
    for (const std::string table : tables)
      script += "ALTER TABLE " + table + " ENABLE ALWAYS TRIGGER " + table + "_keep;";
    server_.run(database_, script);
  }
  std::string refusal(const std::string& sql) override {
    return server_.refusal(ledger(), path + sql);
  }
  void make_old() override {
    tamper(
        "DROP TRIGGER event_link ON event; DROP FUNCTION link_up(); DROP TABLE link; "
        "COMMENT ON SCHEMA etalon IS 'Etalon ledger, version 1'");
  }
  std::int64_t version() override {
    const std::string comment = server_.run(
        database_, "SELECT obj_description('etalon'::regnamespace::oid, 'pg_namespace')");
    return std::atoll(comment.substr(comment.rfind(' ')).c_str());
  }
  const std::string& database() const { return database_; }

 private:
  inline static const std::string path = "SET search_path = etalon, public;";
  Server& server_;
  std::string database_;
};
#endif

// "Sqlite" or "Postgres"; null where no server is installed.
inline std::unique_ptr<Home> make_home(std::string_view name) {
  if (name == "Sqlite") return std::make_unique<FileHome>();
#if ETALON_HAS_POSTGRES
  if (Server* server = Server::get()) return std::make_unique<ServerHome>(*server);
#endif
  return nullptr;
}

// Tests of what holds wherever the ledger is.
class EveryHome : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    home_ = make_home(GetParam());
    if (home_ == nullptr) GTEST_SKIP() << "no PostgreSQL server is installed";
  }
  std::unique_ptr<Home> home_;
};

inline const auto homes = ::testing::Values("Sqlite", "Postgres");
inline std::string home_name(const ::testing::TestParamInfo<const char*>& info) {
  return info.param;
}

}  // namespace etalon::testing
