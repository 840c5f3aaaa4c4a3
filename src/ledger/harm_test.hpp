// What the ledger's tests share: folders that clean up after themselves, and ways to do harm.
#pragma once

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "ledger/hash.hpp"
#include "ledger/schema.hpp"

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

}  // namespace etalon::testing
