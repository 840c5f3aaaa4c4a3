#include "ledger/ledger.hpp"

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <limits>
#include <map>
#include <utility>

#include "base/utf8.hpp"
#include "ledger/impl.hpp"
#include "ledger/postgres.hpp"
#include "ledger/sqlite_schema.hpp"

namespace etalon {
namespace {

std::string now_utc() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(now).count();
  const auto seconds = static_cast<std::time_t>(microseconds / 1000000);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char day[32], whole[48];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(whole, sizeof whole, "%s.%06dZ", day, static_cast<int>(microseconds % 1000000));
  return whole;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::string user_name() {
  passwd entry{}, *found = nullptr;
  char buffer[4096];
  if (::getpwuid_r(::geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr)
    return found->pw_name;
  return std::to_string(::geteuid());
}

Result<void> check(const Record& record) {
  const auto fail = [&](const std::string& reason) {
    return Error{Errc::usage, "record '" + to_utf8(record.kind) + "': " + reason};
  };
  if (record.kind.empty()) return fail("no kind");
  if (!is_utf8(record.kind) || !is_utf8(record.program))
    return fail("kind or program is not UTF-8");
  for (const auto* side : {&record.inputs, &record.outputs})
    for (const Artifact& artifact : *side)
      if (!is_utf8(artifact.role)) return fail("a role is not UTF-8");
  return {};
}

}  // namespace

Hash to_hash(ByteSpan bytes) {
  Hash hash;
  if (bytes.size() == hash.bytes.size()) std::memcpy(hash.bytes.data(), bytes.data(), bytes.size());
  return hash;
}

Hash EventRow::hash(const Hash& previous) const {
  const auto exact = [](std::string_view text) {  // whatever bytes the columns hold
    const ByteSpan bytes = bytes_of(text);
    return cbor::Value(Bytes(bytes.begin(), bytes.end()));
  };
  cbor::List list;
  for (const Place& place : places)
    list.emplace_back(cbor::List{place.side, place.position, exact(place.path)});
  return sha256(cbor::encode(cbor::Map{{"previous", exact(text_of(previous.span()))},
                                       {"record", exact(text_of(record.span()))},
                                       {"time", exact(time)},
                                       {"host", exact(host)},
                                       {"user", exact(user)},
                                       {"process", process},
                                       {"places", std::move(list)}}));
}

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::~Ledger() = default;
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;

bool Ledger::on_server(std::string_view name) { return postgres::is_address(name); }

Result<Ledger> Ledger::open(const std::string& path, bool must_exist) {
  if (on_server(path)) {
    ETALON_ASSIGN(auto database, postgres::open(path, must_exist));
    return Ledger(std::make_unique<Impl>(path, std::move(database), Places()));
  }
  ETALON_ASSIGN(auto database, schema::open(path, must_exist));
  return Ledger(std::make_unique<Impl>(path, std::move(database), Places(path)));
}

Result<Hash> Ledger::add(const Record& record) {
  ETALON_ASSIGN(const std::vector<Hash> ids, add_all({record}));
  return ids.front();
}

Result<std::int64_t> Ledger::Impl::sequence(const Hash& id) const {
  ETALON_ASSIGN(Query found, database->query("SELECT seq FROM record WHERE id = ?1"));
  ETALON_ASSIGN(const bool any, found.bind(1, id.span()).next());
  return any ? found.integer(0) : 0;
}

namespace {

// What one add_all() adds, to be inserted at once.
class Batch {
 public:
  Batch(Database& database, Places& places, const std::string& path)
      : database_(database), places_(places), path_(path) {}

  // Where the tables and the chain of events end.
  Result<void> start() {
    ETALON_ASSIGN(Query newest,
                  database_.query("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"));
    ETALON_ASSIGN(const bool any, newest.next());
    if (any) {
      event_ = newest.integer(0);
      head_ = to_hash(newest.blob(1));
    }
    ETALON_ASSIGN(record_, database_.integer("SELECT max(seq) FROM record"));
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;  // none gets there
    for (const auto& [table, last] : {std::pair{"record", record_}, std::pair{"event", event_}})
      if (last < 0 || last > most)
        return Error{Errc::malformed, path_ + ": damaged ledger: " + table +
                                          ": the last row has number " + std::to_string(last)};
    return {};
  }

  // `row` is the record's, 0 when it is not in the ledger yet.
  void add(const Record& record, const Hash& id, Bytes bytes, std::int64_t row) {
    static const std::string host = host_name(), user = user_name();
    if (const auto fresh = fresh_.find(id); fresh != fresh_.end()) row = fresh->second;
    const bool is_new = row == 0;
    if (is_new) {
      row = ++record_;
      fresh_.emplace(id, row);
      append(records_, row, bytes_in(id), std::move(bytes));
    }
    EventRow event{id, time_, host, user, ::getpid(), {}};
    for (const auto& [side, artifacts] :
         {std::pair{Side::input, &record.inputs}, std::pair{Side::output, &record.outputs}}) {
      const auto side_number = static_cast<std::int64_t>(side);
      for (std::size_t i = 0; i < artifacts->size(); ++i) {
        const Artifact& artifact = (*artifacts)[i];
        const auto position = static_cast<std::int64_t>(i);
        if (is_new)
          append(artifacts_, row, side_number, position, artifact.role, bytes_in(artifact.hash));
        if (!artifact.path.empty())
          event.places.push_back({side_number, position, places_.stored(artifact.path)});
      }
    }
    head_ = event.hash(head_);
    append(events_, ++event_, row, event.time, event.host, event.user, event.process,
           bytes_in(head_));
    for (EventRow::Place& p : event.places)
      append(places_rows_, event_, p.side, p.position, std::move(p.path));
  }

  Result<void> insert() {
    for (const Rows* rows : {&records_, &artifacts_, &events_, &places_rows_})
      ETALON_TRY(database_.insert(*rows));
    return {};
  }

 private:
  static Bytes bytes_in(const Hash& hash) { return {hash.span().begin(), hash.span().end()}; }
  template <typename... Values>
  static void append(Rows& rows, Values&&... values) {
    (rows.values.emplace_back(std::forward<Values>(values)), ...);
  }

  Database& database_;
  Places& places_;
  const std::string& path_;  // or address, for messages
  const std::string time_ = now_utc();
  std::int64_t record_ = 0, event_ = 0;
  Hash head_;
  std::map<Hash, std::int64_t> fresh_;
  Rows records_{"record", 3, {}}, artifacts_{"artifact", 5, {}}, events_{"event", 7, {}},
      places_rows_{"place", 4, {}};
};

}  // namespace

Result<std::vector<Hash>> Ledger::add_all(const std::vector<Record>& records) {
  for (const Record& record : records) ETALON_TRY(check(record));
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Transaction transaction,
                Transaction::begin(*impl_->database, Database::Access::write));
  Batch batch(*impl_->database, impl_->places, impl_->path);
  ETALON_TRY(batch.start());
  std::vector<Hash> ids;
  ids.reserve(records.size());
  for (const Record& record : records) {
    Bytes bytes = record.encode();
    const Hash id = ids.emplace_back(sha256(bytes));
    ETALON_ASSIGN(const std::int64_t row, impl_->sequence(id));
    batch.add(record, id, std::move(bytes), row);
  }
  ETALON_TRY(batch.insert());
  ETALON_TRY(transaction.commit());
  return ids;
}

}  // namespace etalon
