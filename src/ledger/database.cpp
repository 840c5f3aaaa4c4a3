#include "ledger/database.hpp"

#include <map>
#include <utility>

namespace etalon {

Result<std::int64_t> Database::integer(std::string_view sql) {
  ETALON_ASSIGN(Query q, query(sql));
  ETALON_ASSIGN(const bool row, q.next());
  return row ? q.integer(0) : 0;
}

Result<Transaction> Transaction::begin(Database& database, Database::Access access) {
  ETALON_TRY(database.begin(access));
  return Transaction(&database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) database_->rollback();
}

Result<void> Transaction::commit() {
  ETALON_TRY(database_->commit());
  database_ = nullptr;
  return {};
}

std::vector<Flaw> compare_schema(const std::vector<Part>& wanted, const std::vector<Part>& found) {
  std::map<std::string_view, std::string_view> left;
  for (const Part& part : found) left.emplace(part.name, part.text);
  std::vector<Flaw> flaws;
  for (const Part& part : wanted) {
    const auto at = left.find(part.name);
    if (at == left.end()) {
      flaws.push_back({part.name, "this part of the schema was removed"});
      continue;
    }
    if (at->second != part.text)
      flaws.push_back({part.name, "this part of the schema was changed"});
    left.erase(at);
  }
  for (const auto& [name, text] : left)
    flaws.push_back({std::string(name), "this part of the schema is not the ledger's"});
  return flaws;
}

}  // namespace etalon
