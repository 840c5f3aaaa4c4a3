// What only a server can do: be absent, go away, hold other things, have users with few rights.
#include "ledger/postgres.hpp"

#include <gtest/gtest.h>

#include <random>

#include "ledger/harm_test.hpp"
#include "ledger/ledger.hpp"

namespace etalon {
namespace {

using testing::Folder;
using testing::hash_of;
using testing::Server;

Record step(const std::string& kind, std::vector<Artifact> in = {},
            std::vector<Artifact> out = {}) {
  return {kind, std::move(in), std::move(out), cbor::Map{{"snr", 5}}, "etalon 0.1.0"};
}

std::string show(const Result<std::vector<Problem>>& problems) {
  if (!problems.ok()) return problems.error().message;
  std::string text;
  for (const Problem& p : *problems) text += p.what + " | " + p.name + " | " + p.reason + "\n";
  return text;
}

class PostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    server_ = Server::get();
    if (server_ == nullptr) GTEST_SKIP() << "no PostgreSQL server is installed";
    database_ = server_->fresh();
    address_ = server_->address(database_);
  }
  std::string run(const std::string& sql) const { return server_->run(database_, sql); }
  // Of open(), which has to fail with this code.
  std::string refused(const std::string& address, Errc code, bool must_exist = true) const {
    const auto ledger = Ledger::open(address, must_exist);
    if (ledger.ok()) return "it opened";
    EXPECT_EQ(ledger.error().code, code) << ledger.error().message;
    EXPECT_EQ(ledger.error().message.find('\n'), std::string::npos) << ledger.error().message;
    return ledger.error().message;
  }
  void expect_chain(std::uint64_t events) const {
    const auto ledger = Ledger::open(address_, true);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    Tally tally;
    EXPECT_EQ(show(ledger->verify(&tally)), "");
    EXPECT_EQ(tally.events, events);
  }

  Server* server_ = nullptr;
  std::string database_, address_;
};

TEST(PostgresAddress, APasswordInItIsRefusedAndNotShown) {
  for (const char* address :
       {"postgresql://me:secret@host/db", "postgres://me:secret@/db?host=/tmp",
        "postgresql://host/db?password=secret", "postgresql://host/db?user=me&Password=secret",
        "postgresql://host/db?%70assword=secret", "postgresql://host/db?sslpassword=secret",
        "postgresql://me:se/cret:secret@host/db", "postgresql://me:p?secret@host/db"}) {
    const auto ledger = Ledger::open(address, true);
    ASSERT_FALSE(ledger.ok()) << address;
    EXPECT_EQ(ledger.error().code, Errc::usage) << address;
    EXPECT_EQ(ledger.error().message.find("secret"), std::string::npos) << ledger.error().message;
    EXPECT_NE(ledger.error().message.find(".pgpass"), std::string::npos);
  }
  for (const char* address : {"postgresql:///db", "postgres://host:5433/db",
                              "postgresql://me@host:5433/db?application_name=a:b@c"})
    EXPECT_TRUE(postgres::check_address(address).ok()) << address;
  EXPECT_FALSE(Ledger::on_server("/data/postgresql://x"));
}

TEST(PostgresAddress, WhatIsNoAddressIsUsage) {
  for (const char* address : {"postgresql://host/db?colour=red", "postgresql://[::1/db",
                              "postgresql://host/db?host=%zz"}) {
    const auto ledger = Ledger::open(address, true);
    ASSERT_FALSE(ledger.ok()) << address;
    EXPECT_EQ(ledger.error().code, Errc::usage) << ledger.error().message;
  }
}

TEST(PostgresAddress, WhereNobodyAnswersIsMissing) {
  const Folder folder;
  for (const std::string& address :
       {"postgresql:///db?host=" + (folder / "."), std::string("postgresql://127.0.0.1:1/db"),
        std::string("postgresql://host:port/db")}) {
    const auto ledger = Ledger::open(address);
    ASSERT_FALSE(ledger.ok());
    EXPECT_EQ(ledger.error().code, Errc::missing) << ledger.error().message;
    EXPECT_NE(ledger.error().message.find("no connection to the database"), std::string::npos);
  }
}

TEST_F(PostgresTest, WhatIsNoLedgerIsRefused) {
  EXPECT_NE(refused(server_->address("none"), Errc::missing).find("\"none\" does not exist"),
            std::string::npos);
  EXPECT_NE(refused(address_, Errc::missing).find("no schema etalon"), std::string::npos);
  run("CREATE SCHEMA etalon");
  EXPECT_NE(refused(address_, Errc::malformed).find("is empty"), std::string::npos);
  run("CREATE TABLE etalon.t(x int)");
  EXPECT_NE(refused(address_, Errc::malformed, false).find("something else"), std::string::npos);
  for (const std::string version : {"3", "0", "02", "2x", "", "two"}) {
    run("COMMENT ON SCHEMA etalon IS 'Etalon ledger, version " + version + "'");
    EXPECT_NE(refused(address_, Errc::malformed, false)
                  .find("version " + version + "; this program knows 1 to 2"),
              std::string::npos);
  }
  run("COMMENT ON SCHEMA etalon IS 'Etalon ledger, version 1'");  // without its tables
  const auto added = Ledger::open(address_, true)->add(step("a"));
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, Errc::malformed);
  EXPECT_NE(added.error().message.find("damaged ledger"), std::string::npos);
}

TEST_F(PostgresTest, TablesAndRowsOfForeignHandsAreNamed) {
  run("CREATE SCHEMA etalon; COMMENT ON SCHEMA etalon IS 'Etalon ledger, version 2'; "
      "CREATE TABLE etalon.link(child text, parent text); "
      "CREATE TABLE etalon.record(seq text, id text, cbor text); "
      "CREATE TABLE etalon.artifact(record text, side text, position text, role text, hash text); "
      "CREATE TABLE etalon.event(seq text, record text, time text, host text, \"user\" text, "
      "process text, hash text); "
      "CREATE TABLE etalon.place(event text, side text, position text, path text)");
  run(R"(INSERT INTO etalon.record VALUES (NULL, NULL, NULL), ('-1', '\xzz', '\x'),
      ('99999999999999999999', repeat('x', 300000), '\x1'), ('one', '', E'\n'))");
  run(R"(INSERT INTO etalon.event VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL),
      ('1e9', '-1', '\x', '\xF', E'\t', 'x', repeat('\x', 99)))");
  run("INSERT INTO etalon.link SELECT seq, seq FROM etalon.record; "
      "INSERT INTO etalon.artifact SELECT seq, NULL, '-1', id, id FROM etalon.record; "
      "INSERT INTO etalon.place SELECT seq, seq, seq, cbor FROM etalon.record");
  const auto ledger = Ledger::open(address_, true);
  ASSERT_TRUE(ledger.ok());
  const auto all = ledger->all();
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(*all, std::vector<Hash>(4));
  EXPECT_FALSE(ledger->get(Hash{}).ok());
  EXPECT_FALSE(ledger->lineage(hash_of("x")).ok());
  const std::string found = show(ledger->verify());
  EXPECT_NE(found.find("record | this part of the schema was changed"), std::string::npos) << found;
}

TEST_F(PostgresTest, ADatabaseMayHoldOtherThings) {
  run("CREATE TABLE public.record(x int); CREATE TABLE public.event(y int)");
  run("CREATE SCHEMA etalon");  // made by an administrator for us to fill
  ASSERT_TRUE(Ledger::open(address_)->add(step("a")).ok());
  EXPECT_EQ(run("SELECT count(*) FROM public.record"), "0");
  EXPECT_EQ(run("SELECT count(*) FROM etalon.record"), "1");
  expect_chain(1);
}

// Each waits for the lock, whatever the site's defaults are.
TEST_F(PostgresTest, EightProcessesLeaveOneChain) {
  run("ALTER DATABASE " + database_ + " SET default_transaction_isolation = 'serializable'");
  constexpr int writers = 8, each = 40;
  std::vector<pid_t> children;
  for (int w = 0; w < writers; ++w) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto ledger = Ledger::open(address_);  // the first to come makes the tables
      bool fine = ledger.ok();
      for (int i = 0; fine && i < each; ++i)
        fine = ledger->add(step(std::to_string(i), {}, {{std::to_string(w % 4), {}, "/f"}})).ok();
      ::_exit(fine ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  // One file that no record's bytes say anything of is all that is amiss.
  const auto ledger = Ledger::open(address_, true);
  Tally tally;
  const auto problems = ledger->verify(&tally);
  ASSERT_TRUE(problems.ok()) << problems.error().message;
  ASSERT_EQ(problems->size(), 1U) << show(problems);
  EXPECT_EQ(problems->front().what, "missing");
  EXPECT_EQ(tally.events, std::uint64_t{writers * each});
  EXPECT_EQ(tally.records, std::uint64_t{4 * each});  // two writers did the same work
  EXPECT_EQ(run("SELECT max(seq) FROM etalon.event"), std::to_string(writers * each));
}

TEST_F(PostgresTest, AConnectionLostInMidTransactionLeavesNothing) {
  auto ledger = Ledger::open(address_);
  ASSERT_TRUE(ledger.ok() && ledger->add(step("before")).ok());
  // A writer that waits for the lock is cut off; it held none, and added nothing.
  auto holder = Ledger::open(address_);
  run("CREATE FUNCTION public.slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM "
      "pg_sleep(60); RETURN NULL; END'; CREATE TRIGGER slow AFTER INSERT ON etalon.event FOR EACH "
      "STATEMENT EXECUTE FUNCTION public.slow()");
  Result<Hash> added = Error{Errc::check, "not yet"};
  std::thread writer([&] { added = ledger->add(step("during")); });
  const std::string sleeping =
      "FROM pg_stat_activity WHERE datname = '" + database_ + "' AND wait_event = 'PgSleep'";
  while (run("SELECT count(*) " + sleeping) == "0")
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  run("SELECT pg_terminate_backend(pid) " + sleeping);
  writer.join();
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, Errc::io);
  EXPECT_NE(added.error().message.find("connection lost"), std::string::npos)
      << added.error().message;
  run("DROP TRIGGER slow ON etalon.event");
  expect_chain(1);
  // The next call connects again.
  const auto after = ledger->add(step("after"));
  EXPECT_TRUE(after.ok()) << after.error().message;
  expect_chain(2);
}

TEST_F(PostgresTest, AConnectionLostWhileIdleIsMadeAgain) {
  auto ledger = Ledger::open(address_);
  ASSERT_TRUE(ledger.ok());
  const std::string others =
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
      "datname = '" +
      database_ + "' AND pid <> pg_backend_pid()";
  run(others);
  const auto added = ledger->add(step("a"));
  ASSERT_TRUE(added.ok()) << added.error().message;
  run(others);
  EXPECT_TRUE(ledger->get(*added).ok());
  expect_chain(1);
}

TEST_F(PostgresTest, AServerThatStoppedIsAnErrorUntilItIsBack) {
  auto ledger = Ledger::open(address_);
  ASSERT_TRUE(ledger.ok() && ledger->add(step("before")).ok());
  server_->stop();
  EXPECT_FALSE(ledger->add(step("during")).ok());
  EXPECT_FALSE(ledger->all().ok());
  ASSERT_TRUE(server_->begin());
  EXPECT_TRUE(ledger->add(step("after")).ok());
  expect_chain(2);
}

TEST_F(PostgresTest, AWriterNeedsNoMoreThanToReadAndInsert) {
  ASSERT_TRUE(Ledger::open(address_)->add(step("a")).ok());
  const std::string role = "writer_of_" + database_;
  std::string address = address_;
  address.replace(address.find("owner"), 5, role);
  run("CREATE ROLE " + role + " LOGIN");
  EXPECT_NE(refused(address, Errc::io).find("permission denied for schema etalon"),
            std::string::npos);
  run("GRANT USAGE ON SCHEMA etalon TO " + role);
  const auto no_right = Ledger::open(address, true)->add(step("b"));
  EXPECT_EQ(no_right.error().code, Errc::io);
  EXPECT_NE(no_right.error().message.find("permission denied"), std::string::npos);
  run("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA etalon TO " + role);
  auto ledger = Ledger::open(address, true);
  EXPECT_TRUE(ledger->add(step("c")).ok());
  EXPECT_EQ(show(ledger->verify()), "");
  for (const char* sql : {"UPDATE etalon.record SET cbor = ''", "TRUNCATE etalon.place",
                          "ALTER TABLE etalon.event DISABLE TRIGGER event_keep"})
    EXPECT_NE(server_->refusal(address, sql), "") << sql;
  expect_chain(2);
}

// Who may write an old ledger goes on until its owner opens it to write, and after that.
TEST_F(PostgresTest, AnOldLedgerIsBroughtUpByItsOwnerAlone) {
  testing::ServerHome home(*server_);
  ASSERT_TRUE(Ledger::open(home.ledger())->add(step("a", {}, {{"data", hash_of("x"), ""}})).ok());
  const std::string role = "writer_of_" + home.database();
  std::string address = home.ledger();
  address.replace(address.find("owner"), 5, role);
  home.make_old();
  server_->run(home.database(), "CREATE ROLE " + role + " LOGIN; GRANT USAGE ON SCHEMA etalon TO " +
                                    role +
                                    "; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA etalon "
                                    "TO " +
                                    role);
  auto writer = Ledger::open(address);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  const auto b = writer->add(step("b", {{"data", hash_of("x"), ""}}));
  EXPECT_TRUE(b.ok());
  EXPECT_EQ(home.version(), 1);
  EXPECT_EQ(show(writer->verify()), "");

  EXPECT_EQ(show(Ledger::open(home.ledger())->verify()), "");
  EXPECT_EQ(home.version(), 2);
  const auto c = writer->add(step("c", {{"record", *b, ""}}));
  ASSERT_TRUE(c.ok()) << c.error().message;
  EXPECT_EQ(writer->lineage(*c)->size(), 3U);
  EXPECT_EQ(show(writer->verify()), "");
  for (const char* sql : {"UPDATE etalon.link SET parent = 1", "TRUNCATE etalon.link"})
    EXPECT_NE(server_->refusal(address, sql), "") << sql;
}

TEST_F(PostgresTest, WhatKeepsTheLinksIsPartOfTheSchema) {
  ASSERT_TRUE(Ledger::open(address_)->add(step("a")).ok());
  const auto ledger = Ledger::open(address_, true);
  const std::pair<const char*, const char*> harm[] = {
      {"ALTER FUNCTION etalon.link_up() SET enable_seqscan = on", "link_up() | this part of the"},
      {"CREATE OR REPLACE FUNCTION etalon.link_up() RETURNS trigger LANGUAGE plpgsql AS "
       "'BEGIN RETURN NULL; END'",
       "link_up() | this part of the"},
      {"ALTER TABLE etalon.event DISABLE TRIGGER event_link", "event_link | this part of the"},
      {"DROP TRIGGER event_link ON etalon.event",
       "event_link | this part of the schema was removed"},
      {"ALTER TABLE etalon.link DROP CONSTRAINT link_pkey", "link_pkey | this part of the"},
      {"DROP TABLE etalon.link", "damaged ledger"}};
  EXPECT_EQ(show(ledger->verify()), "");
  for (const auto& [sql, named] : harm) {
    run(sql);
    const std::string found = show(ledger->verify());
    EXPECT_NE(found.find(named), std::string::npos) << sql << "\n" << found;
  }
}

TEST_F(PostgresTest, TextMayBeAnyBytes) {
  server_->run("postgres", "CREATE DATABASE odd_" + database_ +
                               " ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'");
  auto ledger = Ledger::open(server_->address("odd_" + database_));
  ASSERT_TRUE(ledger.ok()) << ledger.error().message;
  const std::string path = "/elsewhere/\xFF'\\" + std::string(3000, 'x') + "/ü.h5";
  const Record record = step("ü", {{"rôle", hash_of("r"), path}, {"", hash_of(""), ""}});
  const auto id = ledger->add(record);
  ASSERT_TRUE(id.ok()) << id.error().message;
  EXPECT_EQ(ledger->get(*id)->inputs, record.inputs);
  EXPECT_EQ(show(ledger->verify()), "");
}

// Any byte of any row, whatever the column.
TEST_F(PostgresTest, AFlippedByteIsNamed) {
  testing::ServerHome home(*server_);
  const Folder folder;
  testing::write_file(folder / "f", "stored");
  auto ledger = Ledger::open(home.ledger());
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(ledger
                    ->add(step(std::to_string(i), {{"data", hash_of(std::to_string(i)), "/in"}},
                               {{"file", hash_of("stored"), folder / "f"}}))
                    .ok());
  std::mt19937 random(5);
  const std::pair<const char*, std::vector<const char*>> tables[] = {
      {"record", {"id", "cbor"}},
      {"artifact", {"role", "hash"}},
      {"event", {"time", "host", "user", "hash"}},
      {"place", {"path"}}};
  for (const auto& [table, columns] : tables)
    for (const std::string column : columns) {
      const std::string cell = "\"" + column + "\"", at = std::to_string(random() % 1000),
                        bit = std::to_string(1 << random() % 8);
      const std::string row = std::string("ctid = (SELECT min(ctid) FROM ") + table + ")";
      const std::string flip = std::string("UPDATE ") + table + " SET " + cell + " = set_byte(" +
                               cell + ", " + at + " % length(" + cell + "), get_byte(" + cell +
                               ", " + at + " % length(" + cell + ")) # " + bit + ")";
      home.tamper_quietly("CREATE TABLE public.kept AS SELECT * FROM " + std::string(table) +
                          " WHERE " + row + "; " + flip + " WHERE " + row);
      EXPECT_NE(show(ledger->verify()), "") << table << "." << column << " " << at;
      home.tamper_quietly(std::string("DELETE FROM ") + table + " t USING public.kept k WHERE " +
                          (std::string_view(table) == "record" || std::string_view(table) == "event"
                               ? "t.seq = k.seq"
                               : std::string("t.") +
                                     (std::string_view(table) == "place" ? "event = k.event"
                                                                         : "record = k.record") +
                                     " AND t.side = k.side AND t.position = k.position") +
                          "; INSERT INTO " + table +
                          " SELECT * FROM public.kept; DROP TABLE "
                          "public.kept");
      EXPECT_EQ(show(ledger->verify()), "") << table << "." << column;
    }
}

TEST_F(PostgresTest, ADisabledTriggerAndAMissingTableAreNamed) {
  ASSERT_TRUE(Ledger::open(address_)->add(step("a")).ok());
  run("ALTER TABLE etalon.place DISABLE TRIGGER place_keep");
  auto ledger = Ledger::open(address_, true);
  EXPECT_NE(show(ledger->verify()).find("place_keep | this part of the schema was changed"),
            std::string::npos);
  run("DROP TABLE etalon.place");
  const std::string found = show(ledger->verify());
  EXPECT_NE(found.find("database | place | this part of the schema was removed"), std::string::npos)
      << found;
  EXPECT_NE(found.find("damaged ledger"), std::string::npos) << found;
}

// The same records give the same answers in the same order, wherever they are.
TEST_F(PostgresTest, LineageIsThatOfAFile) {
  const Folder folder;
  auto file = Ledger::open(folder / "l.db"), server = Ledger::open(address_);
  ASSERT_TRUE(file.ok() && server.ok());
  std::mt19937 random(3);
  std::vector<Record> records;
  for (int i = 0; i < 400; ++i) {
    const auto any = [&] { return hash_of(std::to_string(random() % 300)); };
    std::vector<Artifact> in;
    for (unsigned k = random() % 4; k > 0; --k) in.push_back({"data", any(), ""});
    if (!records.empty() && random() % 3 == 0)
      in.push_back({"record", records[random() % records.size()].id(), ""});
    records.push_back(step("s" + std::to_string(random() % 350), in, {{"data", any(), "/f"}}));
  }
  const auto ids = file->add_all(records);
  ASSERT_TRUE(ids.ok() && server->add_all(records).ok());
  EXPECT_EQ(*file->all(), *server->all());
  std::size_t longest = 0;
  for (std::size_t i = 0; i < ids->size(); i += 7) {
    const auto expected = file->lineage((*ids)[i]);
    longest = std::max(longest, expected->size());
    EXPECT_EQ(*server->lineage((*ids)[i]), *expected) << i;
    EXPECT_EQ(*server->parents((*ids)[i]), *file->parents((*ids)[i])) << i;
    const Hash artifact = hash_of(std::to_string(i % 300));
    EXPECT_EQ(server->lineage(artifact).ok(), file->lineage(artifact).ok());
    if (file->lineage(artifact).ok()) {
      EXPECT_EQ(*server->lineage(artifact), *file->lineage(artifact)) << i;
    }
  }
  EXPECT_GT(longest, 40U);
  EXPECT_EQ(*server->writers("/f"), *file->writers("/f"));
}

}  // namespace
}  // namespace etalon
