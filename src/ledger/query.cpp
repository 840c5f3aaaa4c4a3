#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <set>

#include "ledger/impl.hpp"

namespace etalon {
namespace {

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Error not_known(const std::string& ledger, const std::string& what) {
  return {Errc::missing, ledger + ": no record knows " + what};
}

// Needs the lock.
Result<bool> known(Database& database, const Hash& hash) {
  ETALON_ASSIGN(Query q, database.query("SELECT EXISTS(SELECT 1 FROM record WHERE id = ?1) OR "
                                        "EXISTS(SELECT 1 FROM artifact WHERE hash = ?1)"));
  ETALON_TRY(q.bind(1, hash.span()).next());
  return q.integer(0) != 0;
}

}  // namespace

Result<std::vector<Hash>> Ledger::Impl::hashes(std::string_view sql, const Hash& of) const {
  ETALON_ASSIGN(Query q, database->query(sql));
  q.bind(1, of.span());
  std::vector<Hash> found;
  while (true) {
    ETALON_ASSIGN(const bool row, q.next());
    if (!row) return found;
    found.push_back(to_hash(q.blob(0)));
  }
}

Result<Record> Ledger::get(const Hash& id) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Query q, impl_->database->query("SELECT cbor FROM record WHERE id = ?"));
  ETALON_ASSIGN(const bool any, q.bind(1, id.span()).next());
  if (!any) return not_known(impl_->path, "record " + id.hex());
  const std::string where = impl_->path + ": record " + id.hex();
  if (const Hash actual = sha256(q.blob(0)); actual != id)
    return Error{Errc::check, where + ": its bytes were changed: sha256 is " + actual.hex()};
  auto record = Record::decode(q.blob(0));
  if (!record.ok()) return std::move(record).error().in(where);

  ETALON_ASSIGN(
      Query places,
      impl_->database->query(
          "SELECT side, position, path, max(place.event) FROM place "
          "JOIN event ON event.seq = place.event JOIN record ON record.seq = event.record "
          "WHERE record.id = ? GROUP BY side, position"));
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
                             "SELECT time, host, user, process, hash FROM event WHERE record = "
                             "(SELECT seq FROM record WHERE id = ?) ORDER BY seq"));
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
  return impl_->hashes("SELECT id FROM record WHERE ?1 IS NOT NULL ORDER BY seq", {});
}

Result<std::vector<Hash>> Ledger::producers(const Hash& artifact) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->hashes(
      "SELECT DISTINCT id FROM record JOIN artifact ON artifact.record = record.seq "
      "WHERE hash = ? AND side = 1 ORDER BY seq",
      artifact);
}

Result<std::vector<Hash>> Ledger::consumers(const Hash& artifact) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->hashes(
      "SELECT DISTINCT id FROM record JOIN artifact ON artifact.record = record.seq "
      "WHERE hash = ? AND side = 0 ORDER BY seq",
      artifact);
}

Result<std::vector<Hash>> Ledger::writers(const std::string& path) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Query q,
                impl_->database->query(
                    "SELECT id FROM place JOIN event ON event.seq = place.event "
                    "JOIN record ON record.seq = event.record "
                    "WHERE path = ? AND side = 1 GROUP BY id ORDER BY max(event.seq) DESC"));
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
    ETALON_ASSIGN(const bool found, known(*impl_->database, hash));
    if (found) return hash;
  }
  ETALON_ASSIGN(const auto wrote, writers(text));
  if (wrote.empty()) return not_known(impl_->path, text + " (sha256 " + hash.hex() + ")");
  return Error{Errc::check, text + ": changed since record " + wrote.front().hex() +
                                " wrote it: sha256 is now " + hash.hex()};
}

Result<std::vector<Hash>> Ledger::parents(const Hash& id) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(const std::int64_t row, impl_->sequence(id));
  ETALON_ASSIGN(Query last, impl_->database->query("SELECT max(seq) FROM event WHERE record = ?"));
  ETALON_TRY(last.bind(1, row).next());
  // CROSS JOIN keeps the order of the loops: from the few inputs to what the indexes find.
  ETALON_ASSIGN(Query q,
                impl_->database->query(
                    "SELECT r.seq, r.id FROM artifact i CROSS JOIN record r ON r.id = i.hash "
                    "WHERE i.record = ?1 AND i.side = 0 AND i.role = 'record' "
                    "UNION SELECT r.seq, r.id FROM artifact i "
                    "CROSS JOIN artifact o ON o.hash = i.hash AND o.side = 1 "
                    "CROSS JOIN record r ON r.seq = o.record "
                    "WHERE i.record = ?1 AND i.side = 0 AND o.record <> ?1 "
                    "AND (SELECT min(seq) FROM event WHERE record = o.record) < ?2 ORDER BY 1"));
  q.bind(1, row).bind(2, last.integer(0));
  std::vector<Hash> found;
  while (true) {
    ETALON_ASSIGN(const bool any, q.next());
    if (!any) return found;
    found.push_back(to_hash(q.blob(1)));
  }
}

Result<std::vector<Hash>> Ledger::lineage(const Hash& start) const {
  struct Visit {
    Hash id;
    std::vector<Hash> parents;
    std::size_t next = 0;
  };
  std::vector<Hash> order;
  std::set<Hash> seen;
  std::vector<Visit> stack;
  const auto enter = [&](const Hash& id) -> Result<void> {
    if (!seen.insert(id).second) return {};
    ETALON_ASSIGN(auto above, parents(id));
    stack.push_back({id, std::move(above)});
    return {};
  };
  const auto finish = [&]() -> Result<void> {
    while (!stack.empty()) {
      if (stack.back().next < stack.back().parents.size()) {
        ETALON_TRY(enter(Hash(stack.back().parents[stack.back().next++])));
      } else {
        order.push_back(stack.back().id);
        stack.pop_back();
      }
    }
    return {};
  };

  std::vector<Hash> roots;
  {
    const std::lock_guard lock(impl_->mutex);
    ETALON_ASSIGN(const std::int64_t row, impl_->sequence(start));
    if (row != 0) roots.push_back(start);
    ETALON_ASSIGN(const bool any, known(*impl_->database, start));
    if (!any) return not_known(impl_->path, start.hex());
  }
  if (roots.empty()) {
    ETALON_ASSIGN(roots, producers(start));
  }
  for (const Hash& root : roots) {
    ETALON_TRY(enter(root));
    ETALON_TRY(finish());
  }
  return order;
}

}  // namespace etalon
