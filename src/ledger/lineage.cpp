// What led to a record: found by its links, put in order here.
#include <algorithm>
#include <map>
#include <set>

#include "ledger/impl.hpp"
#include "ledger/parents.hpp"

namespace etalon {
namespace {

struct Above {
  std::map<std::int64_t, Hash> ids;
  std::map<std::int64_t, std::vector<std::int64_t>> parents;  // in order
};

// All that led to the record, in one query: its number and id, and a parent or NULL.
constexpr std::string_view above_sql =
    "WITH RECURSIVE up(seq) AS (VALUES (CAST(?1 AS bigint)) "
    "UNION SELECT link.parent FROM up CROSS JOIN link WHERE link.child = up.seq) "
    "SELECT up.seq, p.id, l.parent FROM up CROSS JOIN record p "
    "LEFT JOIN link l ON l.child = up.seq WHERE p.seq = up.seq";

Result<Above> follow_links(Database& database, const std::string& name, std::int64_t row) {
  ETALON_ASSIGN(Query q, database.query(above_sql));
  q.bind(1, row);
  Above above;
  while (true) {
    ETALON_ASSIGN(const bool any, q.next());
    if (!any) break;
    above.ids.try_emplace(q.integer(0), to_hash(q.blob(1)));
    auto& parents = above.parents[q.integer(0)];
    if (q.integer(2) != 0) parents.push_back(q.integer(2));
  }
  for (auto& [child, parents] : above.parents) {
    std::ranges::sort(parents);
    for (const std::int64_t parent : parents)
      if (!above.ids.contains(parent))
        return Error{Errc::malformed, name + ": damaged ledger: link: record number " +
                                          std::to_string(parent) + " is not there"};
  }
  return above;
}

// In a ledger without links, generation by generation; the parents of records ?1 to ?count.
std::string parents_of(std::size_t count) {
  std::string sql = "WITH up(seq) AS (VALUES ";
  for (std::size_t i = 1; i <= count; ++i)
    sql += (i > 1 ? ", (CAST(?" : "(CAST(?") + std::to_string(i) + " AS bigint))";
  return sql +
         ") SELECT found.child, found.parent, p.id FROM (SELECT DISTINCT child, parent "
         "FROM (" ETALON_PARENTS_SQL("up CROSS JOIN ", "up.seq") ") pairs) found "
         "CROSS JOIN record p WHERE p.seq = found.parent ORDER BY found.child, found.parent";
}

constexpr std::size_t at_once = 32;

// Adds the parents of `rows`, at most `at_once`; those not seen before go to `next`.
Result<void> look_up(Database& database, std::span<const std::int64_t> rows, Above& above,
                     std::vector<std::int64_t>& next) {
  static const std::string one = parents_of(1), many = parents_of(at_once);
  ETALON_ASSIGN(Query q, database.query(rows.size() == 1 ? one : many));
  const std::size_t parameters = rows.size() == 1 ? 1 : at_once;
  for (std::size_t i = 0; i < parameters; ++i)  // no record has number 0
    q.bind(static_cast<int>(i) + 1, i < rows.size() ? rows[i] : std::int64_t{0});
  while (true) {
    ETALON_ASSIGN(const bool any, q.next());
    if (!any) return {};
    above.parents[q.integer(0)].push_back(q.integer(1));
    if (above.ids.try_emplace(q.integer(1), to_hash(q.blob(2))).second)
      next.push_back(q.integer(1));
  }
}

Result<Above> look_up_all(Database& database, const Hash& id, std::int64_t row) {
  Above above;
  above.ids.emplace(row, id);
  std::vector<std::int64_t> generation = {row};
  while (!generation.empty()) {
    std::vector<std::int64_t> next;
    const std::span<const std::int64_t> all(generation);
    for (std::size_t at = 0; at < all.size(); at += at_once)
      ETALON_TRY(
          look_up(database, all.subspan(at, std::min(at_once, all.size() - at)), above, next));
    generation = std::move(next);
  }
  return above;
}

// Depth first, parents before children, in order of first appearance.
void append_in_order(const Above& above, std::int64_t start, std::set<std::int64_t>& seen,
                     std::vector<Hash>& order) {
  struct Visit {
    std::int64_t row;
    const std::vector<std::int64_t>* parents;
    std::size_t next = 0;
  };
  static const std::vector<std::int64_t> none;
  std::vector<Visit> stack;
  const auto enter = [&](std::int64_t row) {
    if (!seen.insert(row).second) return;
    const auto at = above.parents.find(row);
    stack.push_back({row, at != above.parents.end() ? &at->second : &none});
  };
  enter(start);
  while (!stack.empty()) {
    Visit& top = stack.back();
    if (top.next < top.parents->size()) {
      enter((*top.parents)[top.next++]);
    } else {
      order.push_back(above.ids.at(top.row));
      stack.pop_back();
    }
  }
}

}  // namespace

Result<bool> Ledger::Impl::linked() const {
  if (!known_linked) {
    ETALON_ASSIGN(const std::int64_t version, database->version());
    known_linked = version >= version_with_links;
  }
  return known_linked;
}

Result<std::vector<Hash>> Ledger::parents(const Hash& id) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(const bool linked, impl_->linked());
  if (linked)
    return impl_->hashes(
        "SELECT p.id FROM record r CROSS JOIN link CROSS JOIN record p WHERE r.id = ?1 AND "
        "link.child = r.seq AND p.seq = link.parent ORDER BY p.seq",
        &id);
  ETALON_ASSIGN(const std::int64_t row, impl_->sequence(id));
  Above above;
  std::vector<std::int64_t> rows;
  ETALON_TRY(look_up(*impl_->database, std::span(&row, 1), above, rows));
  std::vector<Hash> found;
  for (const std::int64_t parent : above.parents[row]) found.push_back(above.ids.at(parent));
  return found;
}

Result<std::vector<Hash>> Ledger::lineage(const Hash& start) const {
  std::vector<Hash> roots;
  {
    const std::lock_guard lock(impl_->mutex);
    ETALON_ASSIGN(const std::int64_t row, impl_->sequence(start));
    if (row != 0) roots.push_back(start);
    if (row == 0) {
      ETALON_ASSIGN(const bool any, impl_->known(start));
      if (!any) return Error{Errc::missing, impl_->path + ": no record knows " + start.hex()};
    }
  }
  if (roots.empty()) {
    ETALON_ASSIGN(roots, producers(start));
  }
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(const bool linked, impl_->linked());
  std::vector<Hash> order;
  std::set<std::int64_t> seen;
  for (const Hash& root : roots) {
    ETALON_ASSIGN(const std::int64_t row, impl_->sequence(root));
    if (seen.contains(row)) continue;
    ETALON_ASSIGN(const Above above, linked ? follow_links(*impl_->database, impl_->path, row)
                                            : look_up_all(*impl_->database, root, row));
    append_in_order(above, row, seen, order);
  }
  return order;
}

}  // namespace etalon
