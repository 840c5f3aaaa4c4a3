// The provenance graph: an append-only Merkle DAG of records on SQLite.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/cbor.hpp"
#include "etalon/result.hpp"

namespace etalon {

// SHA-256 (FIPS 180-4).
struct Hash {
  std::array<std::uint8_t, 32> bytes{};

  auto operator<=>(const Hash&) const = default;
  std::string hex() const;
  static Result<Hash> from_hex(std::string_view hex);
};
Hash sha256(ByteSpan bytes);
Result<Hash> sha256_file(const std::string& path);

class Sha256 {  // of bytes that come in pieces
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void add(ByteSpan bytes);
  Hash finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// XXH3-128 of a raw frame: fast, not against an adversary; committed to by the Merkle root of its
// batch.
struct FrameSum {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const FrameSum&) const = default;
};
FrameSum frame_sum(ByteSpan bytes);
// Binary Merkle tree over the leaves in order (leaf and node prefixes as in RFC 9162 section 2.1),
// SHA-256.
Hash merkle_root(const std::vector<FrameSum>& leaves);

// A thing a record refers to: another record, bytes with a hash, or bytes that lie in a file.
struct Artifact {
  std::string role;  // "series", "peaks", "recipe", ...
  Hash hash;         // content; of the record itself where role is "record"
  std::string path;  // where the bytes were last seen; event metadata, not part of the content id;
                     // may be empty

  bool operator==(const Artifact&) const = default;
};

// One step: what went in, what came out, with which settings and which program.
struct Record {
  std::string kind;  // "calibrate", "find", "veto", "reduce", "store", "analyse", "decide", ...
  std::vector<Artifact> inputs, outputs;
  cbor::Value settings;
  std::string program;  // "etalon 0.1.0"

  // SHA-256 of the deterministic CBOR of {kind, inputs, outputs, settings, program}.
  Hash id() const;
};

// When, where and by whom: beside the record, not in its id.
struct Event {
  Hash record;
  std::string time;  // ISO 8601 UTC
  std::string host, user;
  std::int64_t process = 0;
};

struct Problem {
  std::string what;    // "record", "file", "database"
  std::string name;    // record id or path
  std::string reason;  // "sha256 is .., recorded as .."
};

// Thread-safe within a process; several processes may share the file.
class Ledger {
 public:
  // Creates the database when it is not there, unless `must_exist`. Errc::malformed when it is no
  // ledger.
  static Result<Ledger> open(const std::string& path, bool must_exist = false);
  ~Ledger();
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;

  // Adds the record (once: the same work has the same id) and an event for this time. Durable when
  // it returns.
  Result<Hash> add(const Record& record);
  // Several at once, in one transaction.
  Result<std::vector<Hash>> add_all(const std::vector<Record>& records);

  Result<Record> get(const Hash& id) const;
  Result<std::vector<Event>> events(const Hash& id) const;
  Result<std::vector<Hash>> all() const;  // in order of first appearance
  // Records whose outputs (inputs) hold this hash.
  Result<std::vector<Hash>> producers(const Hash& artifact) const;
  Result<std::vector<Hash>> consumers(const Hash& artifact) const;
  // A full hash, a unique prefix of at least 6 digits of a record id or artifact hash, or a file
  // (hashed).
  Result<Hash> resolve(std::string_view name) const;

  // Everything that led to a record or artifact: records, parents first.
  Result<std::vector<Hash>> lineage(const Hash& start) const;
  // Recomputes every record's id and re-hashes every file that a record says it wrote. Empty: all
  // is well.
  Result<std::vector<Problem>> verify() const;

 private:
  struct Impl;
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
