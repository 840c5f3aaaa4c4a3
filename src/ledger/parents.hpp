// The parents of records (formats/ledger.md, "Lineage") in SQL that both databases know.
#pragma once

// SELECT of pairs (child, parent), some of them twice. `child` is the number of a record, a column
// of what `from` joins in front ("NAME CROSS JOIN "), or i.record for those of all. A hash among
// the inputs may be the id of a record, and what another one put out. Records are numbered in the
// order of their first events, so that only a parent with a higher number than its child needs a
// look at the events. The order of the joins is the order of the loops.
#define ETALON_PARENTS_SQL(from, child)                                               \
  "SELECT " child " AS child, r.seq AS parent FROM " from                             \
  "artifact i CROSS JOIN record r WHERE i.record = " child                            \
  " AND i.side = 0 AND i.role = 'record' AND r.id = i.hash "                          \
  "UNION ALL SELECT " child ", o.record FROM " from                                   \
  "artifact i CROSS JOIN artifact o WHERE i.record = " child                          \
  " AND i.side = 0 AND o.hash = i.hash AND o.side = 1 AND o.record <> i.record "      \
  "AND (o.record < i.record OR (SELECT min(seq) FROM event WHERE record = o.record) " \
  "< (SELECT max(seq) FROM event WHERE record = i.record))"

// Those of all records, once each, in order.
#define ETALON_ALL_PARENTS_SQL \
  "SELECT DISTINCT child, parent FROM (" ETALON_PARENTS_SQL("", "i.record") ") pairs " \
  "ORDER BY child, parent"

// Keeps `link` when a record has a new event: its parents, and, where it is new, those that named
// it before it was there.
#define ETALON_LINK_SQL(child) \
  "INSERT INTO link " ETALON_PARENTS_SQL("", child)                    \
  " UNION ALL SELECT i.record, r.seq FROM record r CROSS JOIN artifact i WHERE r.seq = " child \
  " AND i.hash = r.id AND i.side = 0 AND i.role = 'record' ON CONFLICT DO NOTHING"
