#include <functional>
#include <map>
#include <set>
#include <utility>

#include "ledger/impl.hpp"
#include "ledger/parents.hpp"

namespace etalon {
namespace {

// One walk over everything the ledger holds. What it finds wrong is a Problem; an Error only ends
// the walk (interrupted, no memory, no longer readable at all).
class Verifier {
 public:
  Verifier(Database& database, const Places& places) : database_(database), places_(places) {}

  Result<void> database(Result<std::vector<Flaw>> flaws) {
    ETALON_TRY(flaws);
    for (Flaw& flaw : *flaws) report("database", std::move(flaw.part), std::move(flaw.reason));
    return {};
  }

  // Two walks side by side, over the records and over the rows by which they are found.
  Result<void> records(Tally& tally) {
    ETALON_ASSIGN(Query q, database_.scan("SELECT seq, id, cbor FROM record ORDER BY seq"));
    ETALON_ASSIGN(Query rows, database_.scan("SELECT record, side, position, role, hash FROM "
                                             "artifact ORDER BY record, side, position"));
    Walk index{rows};
    ETALON_TRY(index.step());
    while (true) {
      ETALON_ASSIGN(const bool row, q.next());
      if (!row) return {};
      ++tally.records;
      const std::int64_t seq = q.integer(0);
      const Hash id = to_hash(q.blob(1));
      ids_.emplace(seq, id);
      const auto wrong = [&](std::string reason) { report("record", id.hex(), std::move(reason)); };
      ETALON_TRY(index.pass(seq));
      if (const Hash actual = sha256(q.blob(2)); actual != id) {
        wrong("its bytes or its id were changed: sha256 of the bytes is " + actual.hex());
        continue;
      }
      const auto record = Record::decode(q.blob(2));
      if (!record.ok()) {
        wrong(record.error().message);
        continue;
      }
      ETALON_TRY(compare(index, seq, *record, wrong));
    }
  }

  Result<void> events(Tally& tally) {
    ETALON_ASSIGN(Query q, database_.scan("SELECT seq, record, time, host, \"user\", process, hash "
                                          "FROM event ORDER BY seq"));
    ETALON_ASSIGN(Query rows, database_.scan("SELECT event, side, position, path FROM place "
                                             "ORDER BY event, side, position"));
    Walk places{rows};
    ETALON_TRY(places.step());
    Hash previous;
    std::set<std::int64_t> named;
    while (true) {
      ETALON_ASSIGN(const bool row, q.next());
      if (!row) break;
      ++tally.events;
      const std::int64_t seq = q.integer(0);
      named.insert(q.integer(1));
      const auto record = ids_.find(q.integer(1));
      EventRow event{record != ids_.end() ? record->second : Hash{},
                     std::string(q.text(2)),
                     std::string(q.text(3)),
                     std::string(q.text(4)),
                     q.integer(5),
                     {}};
      ETALON_TRY(places.pass(seq));
      for (; places.at(seq);) {
        event.places.push_back({rows.integer(1), rows.integer(2), std::string(rows.text(3))});
        ETALON_TRY(places.step());
      }
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
    for (const auto& [seq, id] : ids_)
      if (!named.contains(seq))
        report("record", id.hex(), "no event says when it was added: events were removed");
    return {};
  }

  // The links beside those that follow from inputs, outputs and events.
  Result<void> links() {
    ETALON_ASSIGN(const std::int64_t version, database_.version());
    if (version < version_with_links) return {};
    ETALON_ASSIGN(Query right, database_.scan(ETALON_ALL_PARENTS_SQL));
    ETALON_ASSIGN(Query rows,
                  database_.scan("SELECT child, parent FROM link ORDER BY child, parent"));
    Walk wanted{right}, found{rows};
    ETALON_TRY(wanted.step());
    ETALON_TRY(found.step());
    while (wanted.more || found.more) {
      const bool missing = wanted.more && (!found.more || wanted.pair() < found.pair());
      const bool extra = found.more && (!wanted.more || found.pair() < wanted.pair());
      if (missing) link(wanted, "is missing");
      if (extra) link(found, "should not be there: that one did not lead to it");
      if (!extra) ETALON_TRY(wanted.step());
      if (!missing) ETALON_TRY(found.step());
    }
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

  // A walk over rows of which several belong to one of what is walked beside it.
  struct Walk {
    Query& rows;
    bool more = false;
    Result<void> step() {
      ETALON_ASSIGN(more, rows.next());
      return {};
    }
    std::pair<std::int64_t, std::int64_t> pair() const {
      return {rows.integer(0), rows.integer(1)};
    }
    bool at(std::int64_t owner) const { return more && rows.integer(0) == owner; }
    Result<void> pass(std::int64_t owner) {  // what belongs to nobody
      while (more && rows.integer(0) < owner) ETALON_TRY(step());
      return {};
    }
  };

  void link(const Walk& walk, const std::string& reason) {
    const auto name = [&](std::int64_t row) {
      const auto id = ids_.find(row);
      return id != ids_.end() ? id->second.hex() : "number " + std::to_string(row);
    };
    const auto [child, parent] = walk.pair();
    report("record", name(child), "its link to record " + name(parent) + " " + reason);
  }

  // The rows by which records are found must say what the record's bytes say.
  template <typename Wrong>
  Result<void> compare(Walk& index, std::int64_t seq, const Record& record, const Wrong& wrong) {
    const Query& q = index.rows;
    for (const auto& [side, artifacts] :
         {std::pair{Side::input, &record.inputs}, std::pair{Side::output, &record.outputs}}) {
      for (std::size_t i = 0; i < artifacts->size(); ++i) {
        const Artifact& artifact = (*artifacts)[i];
        if (!index.at(seq) || q.integer(1) != static_cast<std::int64_t>(side) ||
            q.integer(2) != static_cast<std::int64_t>(i) || q.text(3) != artifact.role ||
            to_hash(q.blob(4)) != artifact.hash) {
          wrong(std::string("the index of its ") + (side == Side::input ? "inputs" : "outputs") +
                " was changed at position " + std::to_string(i));
          return {};
        }
        if (side == Side::output) outputs_[seq].push_back(artifact.hash);
        ETALON_TRY(index.step());
      }
    }
    if (index.at(seq)) wrong("the index of its inputs or outputs has rows too many");
    return {};
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
      [&] { return verifier.database(impl_->database->integrity()); },
      [&] { return verifier.database(impl_->database->schema()); },
      [&] { return verifier.records(counts); },
      [&] { return verifier.events(counts); },
      [&] { return verifier.links(); },
  };
  const auto walk = [&]() -> Result<void> {
    for (const auto& step : steps)
      if (auto done = step(); !done.ok()) {
        if (done.error().code != Errc::malformed) return done;
        verifier.report("database", impl_->path, done.error().message);
      }
    return {};
  };
  {
    ETALON_ASSIGN(const Transaction view,
                  Transaction::begin(*impl_->database, Database::Access::read));
    ETALON_TRY(walk());
  }
  ETALON_TRY(verifier.files(counts, progress));
  return verifier.take();
}

}  // namespace etalon
