#include "ledger/postgres_session.hpp"

#include <libpq-fe.h>

#include <charconv>
#include <cstdlib>

#include "base/text.hpp"
#include "ledger/postgres.hpp"

namespace etalon::postgres {
namespace {

// Plans that do not depend on statistics: few rows, found by indexes, in the order of the text. A
// head read after the lock was waited for must be the newest; a commit must be on disk.
constexpr const char* settings =
    "SET search_path = etalon, pg_temp; SET default_transaction_isolation = 'read committed'; "
    "SET lock_timeout = '30s'; SET bytea_output = 'hex'; SET standard_conforming_strings = on; "
    "SET client_encoding = 'UTF8'; SET jit = off; SET plan_cache_mode = force_generic_plan; "
    "SET max_parallel_workers_per_gather = 0; SET enable_hashjoin = off; SET enable_mergejoin = "
    "off; "
    "SET join_collapse_limit = 1; "
    "SELECT set_config('synchronous_commit', 'on', false) "
    "WHERE current_setting('synchronous_commit') = 'off'";

constexpr int rows_a_fetch = 5000;

// What libpq is to do where neither the address nor the environment says so: give up in seconds,
// and notice that the other side has gone.
constexpr std::pair<const char*, const char*> defaults[] = {
    {"application_name", "etalon"}, {"keepalives_idle", "10"},     {"keepalives_interval", "5"},
    {"keepalives_count", "3"},      {"tcp_user_timeout", "30000"},
};

// The address as "key='value' ..", with our defaults; empty when libpq does not understand it.
std::string connection_words(const std::string& address) {
  std::string words;
  const auto add = [&](std::string_view key, std::string_view value) {
    words.append(key).append("='");
    for (const char c : value) {
      if (c == '\'' || c == '\\') words += '\\';
      words += c;
    }
    words += "' ";
  };
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
      PQconninfoParse(address.c_str(), nullptr), &PQconninfoFree);
  if (options == nullptr) return {};
  for (const auto& [key, value] : defaults) add(key, value);
  if (std::getenv("PGCONNECT_TIMEOUT") == nullptr) add("connect_timeout", "5");
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o)
    if (o->val != nullptr) add(o->keyword, o->val);  // the last of a key counts
  return words;
}

std::string first_line(std::string text) {
  if (text.starts_with("ERROR:  ")) text.erase(0, 8);
  return text.substr(0, text.find('\n'));
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\t' && !out.empty() && out.back() == ' ') continue;
    out += c == '\n' || c == '\t' ? ' ' : c;
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string hex_text(ByteSpan bytes) { return "\\x" + hex(bytes); }

Bytes from_hex(std::string_view digits) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(digit(digits[2 * i]) * 16 + digit(digits[2 * i + 1]));
  return bytes;
}

// Text and bytes are both bytea to the server: paths and names need not be UTF-8.
class SessionStatement : public Statement {
 public:
  SessionStatement(Session& session, std::string sql) : session_(session), sql_(std::move(sql)) {}
  // A scan: `sql` fetches the next rows of a cursor.
  SessionStatement(Session& session, std::string sql, bool repeats)
      : session_(session), sql_(std::move(sql)), repeats_(repeats) {}

  void bind(int index, std::int64_t value) override { put(index, std::to_string(value)); }
  void bind(int index, std::string_view text) override { put(index, hex_text(bytes_of(text))); }
  void bind(int index, ByteSpan bytes) override { put(index, hex_text(bytes)); }

  Result<bool> next() override {
    if (!started_ || (repeats_ && at_ == rows_.size() && rows_.size() > 0)) {
      if (repeats_) {
        ETALON_ASSIGN(rows_, session_.run(sql_));
      } else {
        ETALON_ASSIGN(rows_, session_.run_prepared(sql_, values_));
      }
      started_ = true;
      at_ = 0;
    }
    if (at_ == rows_.size()) return false;
    const pqxx::row row = rows_[at_++];
    cells_.resize(row.size());
    for (pqxx::row::size_type i = 0; i < row.size(); ++i) {
      const std::string_view text(row[i].c_str(), row[i].size());
      cells_[i].number = 0;
      if (text.starts_with("\\x")) {
        cells_[i].bytes = from_hex(text.substr(2));
      } else {
        const ByteSpan plain = bytes_of(text);
        cells_[i].bytes.assign(plain.begin(), plain.end());
        std::from_chars(text.data(), text.data() + text.size(), cells_[i].number);
      }
    }
    return true;
  }
  void reset() override {
    rows_ = {};
    values_.clear();
    started_ = false;
    at_ = 0;
  }
  std::int64_t integer(int column) const override { return cell(column).number; }
  ByteSpan blob(int column) const override { return cell(column).bytes; }

 private:
  struct Cell {
    Bytes bytes;
    std::int64_t number = 0;
  };
  const Cell& cell(int column) const { return cells_[static_cast<std::size_t>(column)]; }
  void put(int index, std::string value) {
    const auto i = static_cast<std::size_t>(index) - 1;
    if (values_.size() <= i) values_.resize(i + 1);
    values_[i] = std::move(value);
  }

  Session& session_;
  std::string sql_;
  bool repeats_ = false, started_ = false;
  std::vector<std::string> values_;
  pqxx::result rows_;
  pqxx::result::size_type at_ = 0;
  std::vector<Cell> cells_;
};

}  // namespace

Result<void> Session::connect() {
  ready_ = false;
  prepared_.clear();
  link_.reset();
  const std::string words = connection_words(address_);
  if (words.empty())
    return Error{Errc::usage, address_.substr(0, address_.find("://") + 3) +
                                  "..: no address as PostgreSQL takes it: "
                                  "postgresql://[user@][host][:port]/database[?option=value]"};
  try {
    link_ = std::make_unique<Link>(words);
  } catch (const std::exception& e) {
    link_.reset();
    return fail(Errc::missing, "no connection to the database: " + one_line(e.what()));
  }
  auto set = run(settings);
  if (!set.ok()) return std::move(set).error();
  ready_ = true;
  return {};
}

Error Session::lost(const std::string& reason) {
  link_.reset();
  prepared_.clear();
  return fail(Errc::io, "connection lost: " + one_line(reason));
}

// By SQLSTATE, as Sqlite::error does by status.
Error Session::refuse(const pqxx::sql_error& e) {
  // The server takes nothing more from this transaction; a reader looks on from a new one.
  if (reading_ && in_transaction_) {
    in_transaction_ = false;
    rollback();
    (void)begin(Access::read);
  }
  const std::string& state = e.sqlstate();
  const std::string reason = first_line(e.what());
  if (state == "55P03") return fail(Errc::io, "another program keeps the ledger locked");
  if (state == "42501" || state.empty()) return fail(Errc::io, reason);
  if (state.starts_with("54")) return fail(Errc::usage, reason);
  for (const char* kind : {"22", "23", "42", "P0", "XX"})
    if (state.starts_with(kind)) return fail(Errc::malformed, "damaged ledger: " + reason);
  return fail(Errc::io, reason);
}

// Outside a transaction nothing is half done: a connection that was lost meanwhile is made again.
template <typename Call>
Result<pqxx::result> Session::attempt(const Call& call) {
  for (bool again = !in_transaction_ && ready_;; again = false) {
    try {
      if (link_ == nullptr) {
        if (in_transaction_) return fail(Errc::io, "connection lost");
        ETALON_TRY(connect());
      }
      pqxx::nontransaction work(link_->connection);
      return call(work);
    } catch (const pqxx::broken_connection& e) {
      Error error = lost(e.what());
      if (!again) return error;
    } catch (const pqxx::sql_error& e) {
      if (link_->connection.is_open()) return refuse(e);
      Error error = lost(e.what());
      if (!again) return error;
    } catch (const std::exception& e) {
      return fail(Errc::io, one_line(e.what()));
    }
  }
}

Result<pqxx::result> Session::run(const std::string& sql) {
  return attempt([&](pqxx::nontransaction& work) { return work.exec(sql); });
}

Result<pqxx::result> Session::run_prepared(const std::string& sql,
                                           const std::vector<std::string>& values) {
  return attempt([&](pqxx::nontransaction& work) {
    auto [entry, fresh] = prepared_.try_emplace(sql, "q" + std::to_string(prepared_.size()));
    if (fresh) link_->connection.prepare(entry->second, sql);
    return work.exec_prepared(entry->second, pqxx::prepare::make_dynamic_params(values));
  });
}

Result<Query> Session::query(std::string_view sql) {
  auto& entry = statements_[std::string(sql)];
  if (!entry) {
    std::string text(sql);
    for (std::size_t i = 0; i + 1 < text.size(); ++i)
      if (text[i] == '?' && text[i + 1] >= '1' && text[i + 1] <= '9') text[i] = '$';
    entry = std::make_unique<SessionStatement>(*this, std::move(text));
  }
  return Query(entry.get());
}

Result<Query> Session::scan(std::string_view sql) {
  const std::string name = "scan" + std::to_string(++scans_);
  ETALON_TRY(run("SET LOCAL enable_hashjoin = on"));  // whole tables, if any are joined
  ETALON_TRY(run("DECLARE " + name + " NO SCROLL CURSOR FOR " + std::string(sql)));
  ETALON_TRY(run("SET LOCAL enable_hashjoin = off"));
  auto& entry = statements_[name];
  entry = std::make_unique<SessionStatement>(
      *this, "FETCH FORWARD " + std::to_string(rows_a_fetch) + " FROM " + name, true);
  return Query(entry.get());
}

// Numbers and hexadecimal digits only: nothing in them needs quoting.
Result<void> Session::insert(const Rows& rows) {
  constexpr std::size_t size_limit = 1 << 20;
  for (std::size_t at = 0; at < rows.values.size();) {
    std::string sql = "INSERT INTO " + rows.table + " VALUES ";
    while (at < rows.values.size() && sql.size() < size_limit) {
      for (std::size_t i = 0; i < rows.columns; ++i, ++at) {
        sql += i == 0 ? "(" : ",";
        const Rows::Value& value = rows.values[at];
        if (const auto* number = std::get_if<std::int64_t>(&value))
          sql += std::to_string(*number);
        else if (const auto* text = std::get_if<std::string>(&value))
          sql += "'" + hex_text(bytes_of(*text)) + "'";
        else
          sql += "'" + hex_text(std::get<Bytes>(value)) + "'";
      }
      sql += "),";
    }
    sql.pop_back();
    ETALON_TRY(run(sql));
  }
  return {};
}

Result<void> Session::begin(Access access) {
  reading_ = access == Access::read;
  ETALON_TRY(run(reading_ ? "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" : "BEGIN"));
  in_transaction_ = true;
  if (reading_) return {};
  auto locked = run(lock_sql);
  if (locked.ok()) return {};
  rollback();
  return std::move(locked).error();
}

Result<void> Session::commit() {
  auto done = run("COMMIT");
  in_transaction_ = false;
  if (done.ok()) return {};
  if (link_ == nullptr)
    return std::move(done).error().in("whether the records were added is not known");
  return std::move(done).error();
}

void Session::rollback() {
  if (link_ != nullptr) (void)run("ROLLBACK");
  in_transaction_ = false;
}

}  // namespace etalon::postgres
