// One step of the work as the ledger keeps it, and its exact bytes.
#pragma once

#include <string>
#include <vector>

#include "base/cbor.hpp"
#include "etalon/result.hpp"
#include "ledger/hash.hpp"

namespace etalon {

// A thing a record refers to: another record, bytes with a hash, or a file.
struct Artifact {
  std::string role;  // "series", "peaks", "recipe", ...
  Hash hash;         // of the content; of the record itself where role is "record"
  std::string path;  // a file whose bytes have this hash; where it was seen is event metadata, not
                     // part of the content id; empty for what is no whole file

  bool operator==(const Artifact&) const = default;
};

// What went in, what came out, with which settings and which program. Kind, roles and program are
// UTF-8.
struct Record {
  std::string kind;  // "calibrate", "find", "veto", "reduce", "store", "analyse", "decide", ...
  std::vector<Artifact> inputs, outputs;
  cbor::Value settings;
  std::string program;  // "etalon 0.1.0"

  // Deterministic CBOR of {kind, inputs, outputs, settings, program}; an artifact is [role, hash].
  Bytes encode() const;
  // Exactly what encode() writes: anything else, other orders of keys included, is malformed.
  static Result<Record> decode(ByteSpan bytes);

  Hash id() const;  // SHA-256 of encode()
};

}  // namespace etalon
