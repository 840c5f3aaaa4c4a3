// What the ledger asks of a database, behind Results; sqlite.hpp and postgres.hpp answer. SQL is
// written once, in words that both know, with parameters ?1, ?2, .. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

// Of the ledger's tables: the first has no table `link`. Both are read and written.
inline constexpr std::int64_t first_version = 1, version_with_links = 2;

// A prepared statement.
class Statement {
 public:
  virtual ~Statement() = default;
  virtual void bind(int index, std::int64_t value) = 0;
  virtual void bind(int index, std::string_view text) = 0;
  virtual void bind(int index, ByteSpan bytes) = 0;
  virtual Result<bool> next() = 0;
  virtual void reset() = 0;
  virtual std::int64_t integer(int column) const = 0;  // 0 for NULL
  virtual ByteSpan blob(int column) const = 0;         // of text, its bytes; empty for NULL
};

// One use of a prepared statement: bind 1, 2, .., then next() until it is false. Two uses of the
// same text must not overlap. Views of a column live until next().
class Query {
 public:
  explicit Query(Statement* statement) : s_(statement) {}
  Query(Query&& other) noexcept : s_(other.s_) { other.s_ = nullptr; }
  Query& operator=(Query&&) = delete;
  ~Query() {
    if (s_ != nullptr) s_->reset();
  }

  template <typename T>
  Query& bind(int index, const T& value) {
    if constexpr (std::is_convertible_v<T, std::string_view>)
      s_->bind(index, std::string_view(value));
    else if constexpr (std::is_convertible_v<T, ByteSpan>)
      s_->bind(index, ByteSpan(value));
    else
      s_->bind(index, static_cast<std::int64_t>(value));
    return *this;
  }
  Result<bool> next() { return s_->next(); }  // true: there is a row

  std::int64_t integer(int column) const { return s_->integer(column); }
  std::string_view text(int column) const { return text_of(blob(column)); }
  ByteSpan blob(int column) const { return s_->blob(column); }

 private:
  Statement* s_;
};

// Rows of one table, its columns in their order.
struct Rows {
  using Value = std::variant<std::int64_t, std::string, Bytes>;
  std::string table;
  std::size_t columns;
  std::vector<Value> values;
};

// What is wrong with a part of the database that holds the ledger.
struct Flaw {
  std::string part, reason;
};

class Database {
 public:
  virtual ~Database() = default;

  virtual Result<Query> query(std::string_view sql) = 0;  // prepared once
  // A walk over a whole table, within a transaction; on a server it comes in pieces.
  virtual Result<Query> scan(std::string_view sql) { return query(sql); }
  virtual Result<void> insert(const Rows& rows) = 0;

  // A writer takes the write lock at once and sees what all writers before it did; a reader sees
  // one state of the database until the end.
  enum class Access { read, write };
  virtual Result<void> begin(Access access) = 0;
  virtual Result<void> commit() = 0;
  virtual void rollback() = 0;

  virtual Result<std::int64_t> version() = 0;  // of the ledger's tables, as it is now

  // What the database itself can say of its pages and references, and where its schema differs from
  // the ledger's.
  virtual Result<std::vector<Flaw>> integrity() = 0;
  virtual Result<std::vector<Flaw>> schema() = 0;

  Result<std::int64_t> integer(std::string_view sql);  // the first column of the first row, or 0
};

// Rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database, Database::Access access);
  Transaction(Transaction&& other) noexcept : database_(other.database_) {
    other.database_ = nullptr;
  }
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Result<void> commit();

 private:
  explicit Transaction(Database* database) : database_(database) {}
  Database* database_;
};

// Where found parts of a schema (by name) are not the wanted ones.
struct Part {
  std::string name, text;
};
std::vector<Flaw> compare_schema(const std::vector<Part>& wanted, const std::vector<Part>& found);

}  // namespace etalon
