#include <algorithm>
#include <cctype>
#include <filesystem>

#include "ledger/impl.hpp"

namespace etalon {
namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Error not_known(const std::string& ledger, const std::string& what) {
  return {Errc::missing, ledger + ": no record knows " + what};
}

}  // namespace

Result<bool> Ledger::Impl::known(const Hash& hash) const {
  ETALON_ASSIGN(
      Query q, database->query("SELECT CASE WHEN EXISTS(SELECT 1 FROM record WHERE id = ?1) OR "
                               "EXISTS(SELECT 1 FROM artifact WHERE hash = ?1) THEN 1 ELSE 0 END"));
  ETALON_TRY(q.bind(1, hash.span()).next());
  return q.integer(0) != 0;
}

Result<std::vector<Hash>> Ledger::Impl::hashes(std::string_view sql, const Hash* of) const {
  ETALON_ASSIGN(Query q, database->query(sql));
  if (of != nullptr) q.bind(1, of->span());
  std::vector<Hash> found;
  while (true) {
    ETALON_ASSIGN(const bool row, q.next());
    if (!row) return found;
    found.push_back(to_hash(q.blob(0)));
  }
}

Result<Record> Ledger::get(const Hash& id) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Query q, impl_->database->query("SELECT cbor FROM record WHERE id = ?1"));
  ETALON_ASSIGN(const bool any, q.bind(1, id.span()).next());
  if (!any) return not_known(impl_->path, "record " + id.hex());
  const std::string where = impl_->path + ": record " + id.hex();
  if (const Hash actual = sha256(q.blob(0)); actual != id)
    return Error{Errc::check, where + ": its bytes were changed: sha256 is " + actual.hex()};
  auto record = Record::decode(q.blob(0));
  if (!record.ok()) return std::move(record).error().in(where);

  ETALON_ASSIGN(Query places,
                impl_->database->query(
                    "SELECT side, position, path FROM record CROSS JOIN event CROSS JOIN place "
                    "WHERE id = ?1 AND event.record = record.seq AND place.event = event.seq "
                    "ORDER BY place.event"));  // the newest comes last, and stays
  places.bind(1, id.span());
  while (true) {
    ETALON_ASSIGN(const bool row, places.next());
    if (!row) return record;
    auto& side = places.integer(0) == 0 ? record->inputs : record->outputs;
    const auto position = static_cast<std::uint64_t>(places.integer(1));
    if (position < side.size()) side[position].path = impl_->places.actual(places.text(2));
  }
}

Result<std::vector<Event>> Ledger::events(const Hash& id) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Query q, impl_->database->query(
                             "SELECT time, host, \"user\", process, hash FROM event "
                             "WHERE record = (SELECT seq FROM record WHERE id = ?1) ORDER BY seq"));
  q.bind(1, id.span());
  std::vector<Event> found;
  while (true) {
    ETALON_ASSIGN(const bool row, q.next());
    if (!row) return found;
    found.push_back({id, std::string(q.text(0)), std::string(q.text(1)), std::string(q.text(2)),
                     q.integer(3), to_hash(q.blob(4))});
  }
}

Result<std::vector<Hash>> Ledger::all() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->hashes("SELECT id FROM record ORDER BY seq");
}

Result<std::vector<Hash>> Ledger::producers(const Hash& artifact) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->hashes(
      "SELECT DISTINCT id, seq FROM artifact CROSS JOIN record "
      "WHERE hash = ?1 AND side = 1 AND seq = artifact.record ORDER BY seq",
      &artifact);
}

Result<std::vector<Hash>> Ledger::consumers(const Hash& artifact) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->hashes(
      "SELECT DISTINCT id, seq FROM artifact CROSS JOIN record "
      "WHERE hash = ?1 AND side = 0 AND seq = artifact.record ORDER BY seq",
      &artifact);
}

Result<std::vector<Hash>> Ledger::writers(const std::string& path) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Query q,
                impl_->database->query(
                    "SELECT id FROM place CROSS JOIN event CROSS JOIN record "
                    "WHERE path = ?1 AND side = 1 AND event.seq = place.event "
                    "AND record.seq = event.record GROUP BY id ORDER BY max(event.seq) DESC"));
  q.bind(1, impl_->places.stored(path));
  std::vector<Hash> found;
  while (true) {
    ETALON_ASSIGN(const bool row, q.next());
    if (!row) return found;
    found.push_back(to_hash(q.blob(0)));
  }
}

Result<Hash> Ledger::resolve(std::string_view name) const {
  const std::string text(name);
  if (name.size() >= 6 && name.size() <= 64 && is_hex(name)) {
    const std::string padding(64 - name.size(), '0');
    ETALON_ASSIGN(const Hash low, Hash::from_hex(text + padding));
    ETALON_ASSIGN(const Hash high, Hash::from_hex(text + std::string(padding.size(), 'f')));
    const std::lock_guard lock(impl_->mutex);
    ETALON_ASSIGN(Query q, impl_->database->query(
                               "SELECT id FROM record WHERE id BETWEEN ?1 AND ?2 UNION "
                               "SELECT hash FROM artifact WHERE hash BETWEEN ?1 AND ?2 LIMIT 2"));
    q.bind(1, low.span()).bind(2, high.span());
    ETALON_ASSIGN(const bool any, q.next());
    if (any) {
      const Hash found = to_hash(q.blob(0));
      ETALON_ASSIGN(const bool more, q.next());
      if (more) return Error{Errc::usage, "'" + text + "': several begin so: give more digits"};
      return found;
    }
  }
  std::error_code failed;
  if (!std::filesystem::exists(text, failed)) return not_known(impl_->path, "'" + text + "'");
  ETALON_ASSIGN(const Hash hash, sha256_file(text));
  {
    const std::lock_guard lock(impl_->mutex);
    ETALON_ASSIGN(const bool found, impl_->known(hash));
    if (found) return hash;
  }
  ETALON_ASSIGN(const auto wrote, writers(text));
  if (wrote.empty()) return not_known(impl_->path, text + " (sha256 " + hash.hex() + ")");
  return Error{Errc::check, text + ": changed since record " + wrote.front().hex() +
                                " wrote it: sha256 is now " + hash.hex()};
}

}  // namespace etalon
