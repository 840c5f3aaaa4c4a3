#include <map>
#include <utility>

#include "ledger/impl.hpp"
#include "ledger/schema.hpp"

namespace etalon {
namespace {

// One walk over everything the ledger holds. What it finds wrong is a Problem; an Error only ends
// the walk (interrupted, no memory, no longer readable at all).
class Verifier {
 public:
  Verifier(Database& database, const Places& places) : database_(database), places_(places) {}

  Result<void> pages() {
    ETALON_ASSIGN(Query q, database_.query("PRAGMA integrity_check"));
    while (true) {
      ETALON_ASSIGN(const bool row, q.next());
      if (!row) break;
      if (q.text(0) != "ok") report("database", "pages", std::string(q.text(0)));
    }
    ETALON_ASSIGN(Query keys, database_.query("PRAGMA foreign_key_check"));
    while (true) {
      ETALON_ASSIGN(const bool row, keys.next());
      if (!row) break;
      report("database", std::string(keys.text(0)),
             "row " + std::to_string(keys.integer(1)) + " refers to a row of " +
                 std::string(keys.text(2)) + " that is not there");
    }
    return {};
  }

  Result<void> schema() {
    std::map<std::string, std::string, std::less<>> found;
    ETALON_ASSIGN(Query q, database_.query("SELECT name, sql FROM sqlite_master WHERE sql IS NOT "
                                           "NULL AND name NOT LIKE 'sqlite_%'"));
    while (true) {
      ETALON_ASSIGN(const bool row, q.next());
      if (!row) break;
      found.emplace(q.text(0), q.text(1));
    }
    for (const schema::Object& object : schema::objects()) {
      const auto at = found.find(object.name);
      if (at == found.end()) {
        report("database", std::string(object.name), "this part of the schema was removed");
        continue;
      }
      if (at->second != object.sql)
        report("database", std::string(object.name), "this part of the schema was changed");
      found.erase(at);
    }
    for (const auto& [name, sql] : found)
      report("database", name, "this part of the schema is not the ledger's");
    return {};
  }

  Result<void> records(Tally& tally) {
    ETALON_ASSIGN(Query q, database_.query("SELECT seq, id, cbor FROM record ORDER BY seq"));
    while (true) {
      ETALON_ASSIGN(const bool row, q.next());
      if (!row) return {};
      ++tally.records;
      const std::int64_t seq = q.integer(0);
      const Hash id = to_hash(q.blob(1));
      ids_.emplace(seq, id);
      const auto wrong = [&](std::string reason) { report("record", id.hex(), std::move(reason)); };
      if (const Hash actual = sha256(q.blob(2)); actual != id) {
        wrong("its bytes or its id were changed: sha256 of the bytes is " + actual.hex());
        continue;
      }
      const auto record = Record::decode(q.blob(2));
      if (!record.ok()) {
        wrong(record.error().message);
        continue;
      }
      ETALON_TRY(index(seq, *record, wrong));
      ETALON_ASSIGN(Query has,
                    database_.query("SELECT EXISTS(SELECT 1 FROM event WHERE record = ?)"));
      ETALON_TRY(has.bind(1, seq).next());
      if (has.integer(0) == 0) wrong("no event says when it was added: events were removed");
    }
  }

  Result<void> events(Tally& tally) {
    ETALON_ASSIGN(Query q, database_.query("SELECT seq, record, time, host, user, process, hash "
                                           "FROM event ORDER BY seq"));
    Hash previous;
    while (true) {
      ETALON_ASSIGN(const bool row, q.next());
      if (!row) break;
      ++tally.events;
      const std::int64_t seq = q.integer(0);
      const auto record = ids_.find(q.integer(1));
      EventRow event{record != ids_.end() ? record->second : Hash{},
                     std::string(q.text(2)),
                     std::string(q.text(3)),
                     std::string(q.text(4)),
                     q.integer(5),
                     {}};
      ETALON_ASSIGN(event.places, places_of(seq));
      const Hash stored = to_hash(q.blob(6));
      if (event.hash(previous) != stored)
        report("event", std::to_string(seq),
               "time, host, user, process, paths or record (" + event.record.hex() +
                   ") were changed, or the event before it was: its hash does not match");
      for (const EventRow::Place& place : event.places)
        if (place.side == static_cast<std::int64_t>(Side::output))
          claim(place, q.integer(1), event.record, tally);
      previous = stored;  // so that one changed event is named once, not all that follow
    }
    tally.head = previous;
    return {};
  }

  Result<void> files(Tally& tally, const HashProgress& progress) {
    for (const auto& [path, wanted] : claims_) {
      const auto counted = [&](std::uint64_t n) {
        tally.file_bytes += n;
        return !progress || progress(n);
      };
      const auto actual = sha256_file(path, counted);
      ++tally.files;
      if (!actual.ok()) {
        if (actual.error().code == Errc::interrupted) return actual.error();
        const bool gone = actual.error().code == Errc::missing;
        report(gone ? "missing" : "file", path,
               (gone ? "not there; " : actual.error().message + "; ") + written(wanted));
      } else if (*actual != wanted.hash) {
        report("file", path, "sha256 is " + actual->hex() + "; " + written(wanted));
      }
    }
    return {};
  }

  void report(std::string what, std::string name, std::string reason) {
    problems_.push_back({std::move(what), std::move(name), std::move(reason)});
  }
  std::vector<Problem> take() { return std::move(problems_); }

 private:
  struct Claim {
    Hash hash, record;
  };
  static std::string written(const Claim& claim) {
    return "record " + claim.record.hex() + " wrote it with sha256 " + claim.hash.hex();
  }

  // The rows by which records are found must say what the record's bytes say.
  template <typename Wrong>
  Result<void> index(std::int64_t seq, const Record& record, const Wrong& wrong) {
    ETALON_ASSIGN(Query q, database_.query("SELECT side, position, role, hash FROM artifact "
                                           "WHERE record = ? ORDER BY side, position"));
    q.bind(1, seq);
    for (const auto& [side, artifacts] :
         {std::pair{Side::input, &record.inputs}, std::pair{Side::output, &record.outputs}}) {
      for (std::size_t i = 0; i < artifacts->size(); ++i) {
        ETALON_ASSIGN(const bool row, q.next());
        const Artifact& artifact = (*artifacts)[i];
        if (!row || q.integer(0) != static_cast<std::int64_t>(side) ||
            q.integer(1) != static_cast<std::int64_t>(i) || q.text(2) != artifact.role ||
            to_hash(q.blob(3)) != artifact.hash) {
          wrong(std::string("the index of its ") + (side == Side::input ? "inputs" : "outputs") +
                " was changed at position " + std::to_string(i));
          return {};
        }
        if (side == Side::output) outputs_[seq].push_back(artifact.hash);
      }
    }
    ETALON_ASSIGN(const bool more, q.next());
    if (more) wrong("the index of its inputs or outputs has rows too many");
    return {};
  }

  Result<std::vector<EventRow::Place>> places_of(std::int64_t event) {
    ETALON_ASSIGN(Query q, database_.query("SELECT side, position, path FROM place "
                                           "WHERE event = ? ORDER BY side, position"));
    q.bind(1, event);
    std::vector<EventRow::Place> found;
    while (true) {
      ETALON_ASSIGN(const bool row, q.next());
      if (!row) return found;
      found.push_back({q.integer(0), q.integer(1), std::string(q.text(2))});
    }
  }

  // Events come in order, so the newest claim of a path stays.
  void claim(const EventRow::Place& place, std::int64_t seq, const Hash& record, Tally& tally) {
    const auto outputs = outputs_.find(seq);
    const auto position = static_cast<std::uint64_t>(place.position);
    if (outputs == outputs_.end() || position >= outputs->second.size()) return;
    const Claim now{outputs->second[position], record};
    const auto [entry, fresh] = claims_.try_emplace(places_.actual(place.path), now);
    if (fresh) return;
    if (entry->second.hash != now.hash) ++tally.superseded;
    entry->second = now;
  }

  Database& database_;
  const Places& places_;
  std::map<std::int64_t, Hash> ids_;                   // of records, by row
  std::map<std::int64_t, std::vector<Hash>> outputs_;  // of sound records, by row
  std::map<std::string, Claim> claims_;                // by path
  std::vector<Problem> problems_;
};

}  // namespace

Result<std::vector<Problem>> Ledger::verify(Tally* tally, const HashProgress& progress) const {
  const std::lock_guard lock(impl_->mutex);
  Tally unwanted;
  Tally& counts = tally != nullptr ? *tally : unwanted;
  counts = {};
  Verifier verifier(*impl_->database, impl_->places);
  // One view of the database for the whole walk, whatever other processes add meanwhile. Damage
  // that stops one step does not keep the others from looking.
  const std::function<Result<void>()> steps[] = {
      [&] { return verifier.pages(); },
      [&] { return verifier.schema(); },
      [&] { return verifier.records(counts); },
      [&] { return verifier.events(counts); },
  };
  const auto walk = [&]() -> Result<void> {
    for (const auto& step : steps)
      if (auto done = step(); !done.ok()) {
        if (done.error().code != Errc::malformed) return done;
        verifier.report("database", impl_->path, done.error().message);
      }
    return {};
  };
  ETALON_TRY(impl_->database->run("BEGIN"));
  auto walked = walk();
  (void)impl_->database->run("ROLLBACK");
  ETALON_TRY(walked);
  ETALON_TRY(verifier.files(counts, progress));
  return verifier.take();
}

}  // namespace etalon
