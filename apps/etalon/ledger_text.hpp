// The ledger for people: lists, records, trees.
#pragma once

#include <string>
#include <vector>

#include "ledger/ledger.hpp"

namespace etalon::cli {

// One line a record, in order of first appearance.
Result<std::string> list_text(const Ledger& ledger);

// Everything about one record.
Result<std::string> record_text(const Ledger& ledger, const Hash& id);

// From a record down to what it began with: each record once in full, its parents below it.
Result<std::string> tree_text(const Ledger& ledger, const Hash& root);

}  // namespace etalon::cli
