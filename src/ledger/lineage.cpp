// What led to a record: found by one query in the database, put in order here.
#include <map>
#include <set>

#include "ledger/impl.hpp"

namespace etalon {
namespace {

// The parents of the records `up`, as rows: p is the parent. A hash among the inputs is looked for
// twice: as the id of a record (way 0) and as somebody's output (way 1). The order of the joins is
// the order of the loops: from the few inputs to what the indexes find.
#define ETALON_PARENTS                                                                             \
  " FROM up CROSS JOIN (SELECT 0 AS way UNION ALL SELECT 1) w CROSS JOIN artifact i "              \
  "LEFT JOIN record r ON r.id = i.hash AND w.way = 0 AND i.role = 'record' "                       \
  "LEFT JOIN artifact o ON o.hash = i.hash AND w.way = 1 AND o.side = 1 AND o.record <> i.record " \
  "AND (SELECT min(seq) FROM event WHERE record = o.record) < "                                    \
  "(SELECT max(seq) FROM event WHERE record = i.record) "

#define ETALON_INPUTS \
  "WHERE i.record = up.seq AND i.side = 0 AND coalesce(r.seq, o.record) IS NOT NULL"

constexpr std::string_view parents_sql =
    "WITH up(seq) AS (SELECT seq FROM record WHERE id = ?1) "
    "SELECT p.seq, p.id FROM (SELECT DISTINCT coalesce(r.seq, o.record) AS seq" ETALON_PARENTS
        ETALON_INPUTS ") found CROSS JOIN record p WHERE p.seq = found.seq ORDER BY p.seq";

// Every pair of child and parent above a record.
constexpr std::string_view above_sql =
    "WITH RECURSIVE up(seq) AS (SELECT seq FROM record WHERE id = ?1 UNION "
    "SELECT coalesce(r.seq, o.record)" ETALON_PARENTS ETALON_INPUTS
    ") SELECT found.child, found.seq, p.id "
    "FROM (SELECT up.seq AS child, coalesce(r.seq, o.record) AS seq" ETALON_PARENTS ETALON_INPUTS
    ") found CROSS JOIN record p WHERE p.seq = found.seq ORDER BY found.child, found.seq";

struct Above {
  std::map<std::int64_t, Hash> ids;
  std::map<std::int64_t, std::vector<std::int64_t>> parents;
};

Result<Above> above(Database& database, const Hash& id, std::int64_t row) {
  ETALON_ASSIGN(Query q, database.query(above_sql));
  q.bind(1, id.span());
  Above found;
  found.ids.emplace(row, id);
  while (true) {
    ETALON_ASSIGN(const bool any, q.next());
    if (!any) return found;
    found.parents[q.integer(0)].push_back(q.integer(1));
    found.ids.try_emplace(q.integer(1), to_hash(q.blob(2)));
  }
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

Result<std::vector<Hash>> Ledger::parents(const Hash& id) const {
  const std::lock_guard lock(impl_->mutex);
  ETALON_ASSIGN(Query q, impl_->database->query(parents_sql));
  q.bind(1, id.span());
  std::vector<Hash> found;
  while (true) {
    ETALON_ASSIGN(const bool any, q.next());
    if (!any) return found;
    found.push_back(to_hash(q.blob(1)));
  }
}

Result<std::vector<Hash>> Ledger::lineage(const Hash& start) const {
  std::vector<Hash> roots;
  {
    const std::lock_guard lock(impl_->mutex);
    ETALON_ASSIGN(const std::int64_t row, impl_->sequence(start));
    if (row != 0) roots.push_back(start);
    ETALON_ASSIGN(const bool any, impl_->known(start));
    if (!any) return Error{Errc::missing, impl_->path + ": no record knows " + start.hex()};
  }
  if (roots.empty()) {
    ETALON_ASSIGN(roots, producers(start));
  }
  const std::lock_guard lock(impl_->mutex);
  std::vector<Hash> order;
  std::set<std::int64_t> seen;
  for (const Hash& root : roots) {
    ETALON_ASSIGN(const std::int64_t row, impl_->sequence(root));
    if (seen.contains(row)) continue;
    ETALON_ASSIGN(const Above found, above(*impl_->database, root, row));
    append_in_order(found, row, seen, order);
  }
  return order;
}

}  // namespace etalon
