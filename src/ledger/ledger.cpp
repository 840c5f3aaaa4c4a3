#include "ledger/ledger.hpp"

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <utility>

#include "base/utf8.hpp"
#include "ledger/impl.hpp"
#include "ledger/schema.hpp"

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

Result<Ledger> Ledger::open(const std::string& path, bool must_exist) {
  ETALON_ASSIGN(auto database, schema::open(path, must_exist));
  return Ledger(std::make_unique<Impl>(path, std::move(database)));
}

Result<Hash> Ledger::add(const Record& record) {
  ETALON_ASSIGN(const std::vector<Hash> ids, add_all({record}));
  return ids.front();
}

Result<std::vector<Hash>> Ledger::add_all(const std::vector<Record>& records) {
  for (const Record& record : records) ETALON_TRY(check(record));
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Transaction transaction, Transaction::begin(*impl_->database));
  Hash head;
  {
    ETALON_ASSIGN(Query newest,
                  impl_->database->query("SELECT hash FROM event ORDER BY seq DESC LIMIT 1"));
    ETALON_ASSIGN(const bool any, newest.next());
    if (any) head = to_hash(newest.blob(0));
  }
  const std::string time = now_utc();
  std::vector<Hash> ids;
  ids.reserve(records.size());
  for (const Record& record : records) {
    ETALON_ASSIGN(ids.emplace_back(), impl_->add(record, time, head));
  }
  ETALON_TRY(transaction.commit());
  return ids;
}

Result<std::int64_t> Ledger::Impl::sequence(const Hash& id) const {
  ETALON_ASSIGN(Query found, database->query("SELECT seq FROM record WHERE id = ?"));
  ETALON_ASSIGN(const bool any, found.bind(1, id.span()).next());
  return any ? found.integer(0) : 0;
}

Result<Hash> Ledger::Impl::add(const Record& record, const std::string& time, Hash& head) {
  static const std::string host = host_name(), user = user_name();
  const Bytes bytes = record.encode();
  const Hash id = sha256(bytes);
  const auto sides = {std::pair{Side::input, &record.inputs},
                      std::pair{Side::output, &record.outputs}};

  ETALON_ASSIGN(std::int64_t row, sequence(id));
  if (row == 0) {
    ETALON_ASSIGN(Query insert, database->query("INSERT INTO record(id, cbor) VALUES(?, ?)"));
    ETALON_TRY(insert.bind(1, id.span()).bind(2, bytes).run());
    ETALON_ASSIGN(row, sequence(id));
    ETALON_ASSIGN(Query index,
                  database->query("INSERT INTO artifact(record, side, position, role, hash) "
                                  "VALUES(?, ?, ?, ?, ?)"));
    for (const auto& [side, artifacts] : sides) {
      std::int64_t position = 0;
      for (const Artifact& artifact : *artifacts) {
        index.bind(1, row).bind(2, static_cast<std::int64_t>(side)).bind(3, position++);
        ETALON_TRY(index.bind(4, artifact.role).bind(5, artifact.hash.span()).run());
      }
    }
  }

  EventRow event{id, time, host, user, ::getpid(), {}};
  for (const auto& [side, artifacts] : sides)
    for (std::size_t i = 0; i < artifacts->size(); ++i)
      if (const std::string& at = (*artifacts)[i].path; !at.empty())
        event.places.push_back(
            {static_cast<std::int64_t>(side), static_cast<std::int64_t>(i), places.stored(at)});
  head = event.hash(head);
  ETALON_ASSIGN(Query insert,
                database->query("INSERT INTO event(record, time, host, user, process, hash) "
                                "VALUES(?, ?, ?, ?, ?, ?)"));
  insert.bind(1, row).bind(2, event.time).bind(3, event.host).bind(4, event.user);
  ETALON_TRY(insert.bind(5, event.process).bind(6, head.span()).run());
  if (event.places.empty()) return id;
  ETALON_ASSIGN(const std::int64_t number, database->integer("SELECT last_insert_rowid()"));
  ETALON_ASSIGN(
      Query place,
      database->query("INSERT INTO place(event, side, position, path) VALUES(?, ?, ?, ?)"));
  for (const EventRow::Place& p : event.places)
    ETALON_TRY(place.bind(1, number).bind(2, p.side).bind(3, p.position).bind(4, p.path).run());
  return id;
}

}  // namespace etalon
