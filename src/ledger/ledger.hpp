// The provenance graph: an append-only Merkle DAG of records, in an SQLite file or on a PostgreSQL
// server. The tables are written down in formats/ledger.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"
#include "ledger/hash.hpp"
#include "ledger/record.hpp"

namespace etalon {

// When, where and by whom: beside the record, not in its id. Each event's hash covers the one
// before, so the newest commits to them all.
struct Event {
  Hash record;
  std::string time;  // ISO 8601 UTC
  std::string host, user;
  std::int64_t process = 0;
  Hash hash;
};

struct Problem {
  std::string what;    // "record", "event", "file" (changed), "missing" (file), "database"
  std::string name;    // record id, event number, path
  std::string reason;  // "sha256 is .., recorded as .."
};

// What verify() looked at.
struct Tally {
  std::uint64_t records = 0, events = 0;
  std::uint64_t files = 0, file_bytes = 0;
  std::uint64_t superseded = 0;  // older contents of files that a later record wrote again
  Hash head;                     // of the newest event; zero when there is none
};

// Thread-safe within a process; several processes may share the file or the server.
class Ledger {
 public:
  // `path` is a file or an address, "postgresql://[user@][host][:port]/database[?option=value]".
  // Creates the ledger when it is not there, unless `must_exist`. Errc::malformed when it is no
  // ledger, missing when no server answers, usage when the address holds a password.
  static Result<Ledger> open(const std::string& path, bool must_exist = false);
  static bool on_server(std::string_view name);  // an address, whether or not somebody answers
  ~Ledger();
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;

  // Adds the record (once: the same work has the same id) and an event for this time. Durable when
  // it returns. Add what produced something before what used it: lineage follows that order.
  Result<Hash> add(const Record& record);
  // Several at once, in one transaction.
  Result<std::vector<Hash>> add_all(const std::vector<Record>& records);

  // Errc::missing when there is none, check when the stored bytes do not have this hash. Paths are
  // absolute, each as the newest event that names one has it.
  Result<Record> get(const Hash& id) const;
  Result<std::vector<Event>> events(const Hash& id) const;
  Result<std::vector<Hash>> all() const;  // in order of first appearance
  // Records whose outputs (inputs) hold this hash, in order of first appearance.
  Result<std::vector<Hash>> producers(const Hash& artifact) const;
  Result<std::vector<Hash>> consumers(const Hash& artifact) const;
  // Records whose outputs claimed this path, newest first.
  Result<std::vector<Hash>> writers(const std::string& path) const;
  // A full hash, a unique prefix of at least 6 digits of a record id or artifact hash, or a file
  // (hashed). Errc::missing when no record knows it, check when it is a file that a record wrote
  // with other bytes, usage when the prefix is not unique.
  Result<Hash> resolve(std::string_view name) const;

  // Everything that led to a record or artifact: records, parents first. A parent is a record named
  // as input, or one that produced an input and whose first event is before the child's last.
  Result<std::vector<Hash>> lineage(const Hash& start) const;
  // Parents of one record, as lineage follows them.
  Result<std::vector<Hash>> parents(const Hash& id) const;

  // Recomputes every record's id from its bytes, compares the index tables with the records, walks
  // the chain of events and re-hashes every file that an output names, against the newest record
  // that claims its path. Empty: all is well. `progress` is called while files are hashed.
  Result<std::vector<Problem>> verify(Tally* tally = nullptr,
                                      const HashProgress& progress = {}) const;

 private:
  struct Impl;
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
