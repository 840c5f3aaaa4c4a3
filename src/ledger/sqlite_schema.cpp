#include "ledger/sqlite_schema.hpp"

#include <chrono>
#include <filesystem>
#include <thread>

#include "ledger/parents.hpp"

namespace etalon::schema {
namespace {

// Rows are added, never changed. INSERT OR REPLACE deletes without asking the delete trigger, so
// taking a key again is refused as well, but where the key is the whole row.
#define ETALON_KEPT "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
#define ETALON_NO_CHANGE(table, since)                                                        \
  {table "_keep_update",                                                                      \
   "CREATE TRIGGER " table "_keep_update BEFORE UPDATE ON " table " " ETALON_KEPT, since},    \
  {                                                                                           \
    table "_keep_delete",                                                                     \
        "CREATE TRIGGER " table "_keep_delete BEFORE DELETE ON " table " " ETALON_KEPT, since \
  }
#define ETALON_APPEND_ONLY(table, key)                                                         \
  ETALON_NO_CHANGE(table, first_version), {                                                    \
    table "_keep_replace", "CREATE TRIGGER " table "_keep_replace BEFORE INSERT ON " table     \
                           " WHEN EXISTS (SELECT 1 FROM " table " WHERE " key ") " ETALON_KEPT \
  }

constexpr Object all_objects[] = {
    {"record",
     "CREATE TABLE record(seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE CHECK(length(id) = 32), "
     "cbor BLOB NOT NULL) STRICT"},
    {"artifact",
     "CREATE TABLE artifact(record INTEGER NOT NULL REFERENCES record(seq), side INTEGER NOT NULL "
     "CHECK(side IN (0, 1)), position INTEGER NOT NULL, role TEXT NOT NULL, hash BLOB NOT NULL "
     "CHECK(length(hash) = 32), PRIMARY KEY(record, side, position)) STRICT, WITHOUT ROWID"},
    {"event",
     "CREATE TABLE event(seq INTEGER PRIMARY KEY, record INTEGER NOT NULL REFERENCES record(seq), "
     "time TEXT NOT NULL, host TEXT NOT NULL, user TEXT NOT NULL, process INTEGER NOT NULL, "
     "hash BLOB NOT NULL CHECK(length(hash) = 32)) STRICT"},
    {"place",
     "CREATE TABLE place(event INTEGER NOT NULL REFERENCES event(seq), side INTEGER NOT NULL "
     "CHECK(side IN (0, 1)), position INTEGER NOT NULL, path TEXT NOT NULL, "
     "PRIMARY KEY(event, side, position)) STRICT, WITHOUT ROWID"},
    {"artifact_hash", "CREATE INDEX artifact_hash ON artifact(hash, side, record)"},
    {"event_record", "CREATE INDEX event_record ON event(record, seq)"},
    {"place_path", "CREATE INDEX place_path ON place(path, event)"},
    ETALON_APPEND_ONLY("record", "seq = NEW.seq OR id = NEW.id"),
    ETALON_APPEND_ONLY("artifact",
                       "record = NEW.record AND side = NEW.side AND position = NEW.position"),
    ETALON_APPEND_ONLY("event", "seq = NEW.seq"),
    ETALON_APPEND_ONLY("place",
                       "event = NEW.event AND side = NEW.side AND position = NEW.position"),
    {"link",
     "CREATE TABLE link(child INTEGER NOT NULL REFERENCES record(seq), parent INTEGER NOT NULL "
     "REFERENCES record(seq), PRIMARY KEY(child, parent)) STRICT, WITHOUT ROWID",
     version_with_links},
    ETALON_NO_CHANGE("link", version_with_links),
    {"event_link",
     "CREATE TRIGGER event_link AFTER INSERT ON event BEGIN " ETALON_LINK_SQL("NEW.record") "; END",
     version_with_links},
};

constexpr int patience_ms = 30000;  // with other programs' locks

Result<bool> is_blank(Sqlite& database) {
  ETALON_ASSIGN(const auto id, database.integer("PRAGMA application_id"));
  ETALON_ASSIGN(const auto tables, database.integer("SELECT count(*) FROM sqlite_master"));
  return id == 0 && tables == 0;
}

// What came after version `stored`, and the links of the records that are there.
Result<void> make_objects(Sqlite& database, std::int64_t stored) {
  for (const Object& object : all_objects)
    if (object.since > stored) ETALON_TRY(database.run(std::string(object.sql)));
  ETALON_TRY(database.run("INSERT INTO link " ETALON_ALL_PARENTS_SQL));
  return database.run("PRAGMA user_version = " + std::to_string(user_version));
}

Result<void> create(Sqlite& database) {
  ETALON_TRY(database.run("PRAGMA journal_mode = WAL"));
  ETALON_ASSIGN(Transaction transaction, Transaction::begin(database, Database::Access::write));
  ETALON_ASSIGN(const bool still_blank, is_blank(database));  // another process may have been first
  if (!still_blank) return {};
  ETALON_TRY(database.run("PRAGMA application_id = " + std::to_string(application_id)));
  ETALON_TRY(make_objects(database, 0));
  return transaction.commit();
}

Result<void> upgrade(Sqlite& database) {
  ETALON_ASSIGN(Transaction transaction, Transaction::begin(database, Database::Access::write));
  ETALON_ASSIGN(const auto stored, database.version());  // another process may have been first
  if (stored == user_version) return {};
  ETALON_TRY(make_objects(database, stored));
  return transaction.commit();
}

Result<void> check(Sqlite& database, const std::string& path) {
  const auto fail = [&](const std::string& reason) {
    return Error{Errc::malformed, path + ": " + reason};
  };
  ETALON_ASSIGN(const auto id, database.integer("PRAGMA application_id"));
  if (id != application_id)
    return fail("not a ledger: a database of another program (application_id " +
                std::to_string(id) + ")");
  ETALON_ASSIGN(const auto stored, database.version());
  if (stored < first_version || stored > user_version)
    return fail("a ledger of version " + std::to_string(stored) + "; this program knows 1 to " +
                std::to_string(user_version));
  return {};
}

std::string percent_encoded(const std::string& path) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    if (c != '%' && c != '?' && c != '#') {
      out += c;
      continue;
    }
    out += '%';
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[c & 15];
  }
  return out;
}

}  // namespace

std::span<const Object> objects() { return all_objects; }

Result<std::unique_ptr<Sqlite>> open(const std::string& path, bool must_exist) {
  std::error_code failed;
  const std::filesystem::path absolute = std::filesystem::absolute(path, failed);
  if (path.empty() || failed) return Error{Errc::usage, "ledger: '" + path + "' is no path"};
  if (must_exist && !std::filesystem::exists(absolute, failed))
    return Error{Errc::missing, path + ": no ledger there"};
  if (std::filesystem::is_directory(absolute, failed))
    return Error{Errc::usage, path + ": a folder, not a ledger"};

  const int create_flag = must_exist ? 0 : SQLITE_OPEN_CREATE;
  ETALON_ASSIGN(auto database,
                Sqlite::open(path, absolute.string(), SQLITE_OPEN_READWRITE | create_flag));
  ETALON_TRY(database->run("PRAGMA foreign_keys = ON; PRAGMA busy_timeout = " +
                           std::to_string(patience_ms)));
  // Turning a new file into a WAL database, and opening one that its last user closes just now, are
  // refused at once where others only wait; so the waiting is done here.
  const auto settle = [&]() -> Result<void> {
    ETALON_ASSIGN(const bool blank, is_blank(*database));
    if (blank && must_exist)
      return Error{Errc::malformed, path + ": not a ledger: the file is empty"};
    if (blank) ETALON_TRY(create(*database));
    ETALON_TRY(check(*database, path));
    if (must_exist) return {};
    ETALON_ASSIGN(const auto stored, database->version());
    return stored < user_version ? upgrade(*database) : Result<void>();
  };
  auto settled = settle();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::milliseconds(patience_ms);
  while (!settled.ok() && database->busy() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    settled = settle();
  }
  if (!settled.ok() && must_exist && settled.error().code == Errc::io && !database->busy()) {
    // A folder that we may not write to: SQLite's shared memory cannot be made, and nobody writes.
    ETALON_ASSIGN(database,
                  Sqlite::open(path, "file:" + percent_encoded(absolute.string()) + "?immutable=1",
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI));
    settled = settle();
  }
  ETALON_TRY(settled);
  ETALON_TRY(database->run("PRAGMA synchronous = FULL"));
  return database;
}

}  // namespace etalon::schema
