// The inside of Ledger, shared by the files that implement it.
#pragma once

#include <mutex>

#include "ledger/database.hpp"
#include "ledger/ledger.hpp"
#include "ledger/places.hpp"

namespace etalon {

enum class Side : std::int64_t { input = 0, output = 1 };

// A row of the event table with its paths, as its hash covers them.
struct EventRow {
  struct Place {
    std::int64_t side, position;
    std::string path;
  };
  Hash record;
  std::string time, host, user;
  std::int64_t process = 0;
  std::vector<Place> places;  // by side, then position

  Hash hash(const Hash& previous) const;  // `previous` is zero for the first
};

// Zero where the bytes are no hash.
Hash to_hash(ByteSpan bytes);

struct Ledger::Impl {
  Impl(std::string name, std::unique_ptr<Database> opened, Places where)
      : path(std::move(name)), database(std::move(opened)), places(std::move(where)) {}

  Result<std::int64_t> sequence(const Hash& id) const;  // of a record; 0 when there is none
  Result<bool> known(const Hash& hash) const;           // whether a record names it
  Result<std::vector<Hash>> hashes(std::string_view sql, const Hash* of = nullptr) const;

  // Whether the table `link` is there; a ledger that lacks it may be given it at any time.
  Result<bool> linked() const;

  std::string path;  // or address, for messages
  std::unique_ptr<Database> database;
  Places places;
  mutable std::mutex mutex;
  mutable bool known_linked = false;  // it is never taken away again
};

}  // namespace etalon
