// Flip a byte anywhere and verify() names it; what happened by right is no alarm.
#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <random>

#include "ledger/harm_test.hpp"
#include "ledger/ledger.hpp"

namespace etalon {
namespace {

using testing::Folder;
using testing::hash_of;
using testing::write_file;

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Verifying : public ::testing::Test {
 protected:
  // A ledger of two records, and the file that the second wrote.
  void fill() {
    path_ = home_->ledger();
    stored_ = write_file(folder_ / "stored.h5", "stored bytes");
    auto ledger = Ledger::open(path_);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    find_ = *ledger->add(record("find", {{"series", hash_of("series"), "/elsewhere/series.h5"}},
                                {{"peaks", hash_of("peaks"), ""}}));
    store_ = *ledger->add(record("store", {{"peaks", hash_of("peaks"), ""}, {"record", find_, ""}},
                                 {{"file", hash_of("stored bytes"), stored_}}));
  }
  static Record record(std::string kind, std::vector<Artifact> in, std::vector<Artifact> out) {
    return {std::move(kind), std::move(in), std::move(out), cbor::Map{{"snr", 5}}, "etalon 0.1.0"};
  }
  void add(const Record& r) {
    auto ledger = Ledger::open(path_, true);
    ASSERT_TRUE(ledger.ok() && ledger->add(r).ok());
  }
  std::vector<Problem> verify(Tally* tally = nullptr) {
    auto ledger = Ledger::open(path_, true);
    if (!ledger.ok()) return {{"open", path_, ledger.error().message}};
    auto problems = ledger->verify(tally);
    if (!problems.ok()) return {{"verify", path_, problems.error().message}};
    return *problems;
  }
  static std::string show(const std::vector<Problem>& problems) {
    std::string text;
    for (const Problem& p : problems) text += p.what + " | " + p.name + " | " + p.reason + "\n";
    return text;
  }
  // Exactly one problem, of this kind and name.
  void expect_only(const std::string& what, const std::string& name, const std::string& reason) {
    const auto problems = verify();
    ASSERT_EQ(problems.size(), 1U) << show(problems);
    EXPECT_EQ(problems[0].what, what) << show(problems);
    EXPECT_EQ(problems[0].name, name);
    EXPECT_NE(problems[0].reason.find(reason), std::string::npos) << problems[0].reason;
  }

  std::unique_ptr<testing::Home> home_;
  Folder folder_;
  std::string path_, stored_;
  Hash find_, store_;
};

class VerifyTest : public Verifying, public ::testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    home_ = testing::make_home(GetParam());
    if (home_ == nullptr) GTEST_SKIP() << "no PostgreSQL server is installed";
    fill();
  }
  bool on_server() const { return Ledger::on_server(path_); }
};

INSTANTIATE_TEST_SUITE_P(At, VerifyTest, testing::homes, testing::home_name);

TEST_P(VerifyTest, AllIsWell) {
  Tally tally;
  EXPECT_EQ(show(verify(&tally)), "");
  EXPECT_EQ(tally.records, 2U);
  EXPECT_EQ(tally.events, 2U);
  EXPECT_EQ(tally.files, 1U);
  EXPECT_EQ(tally.file_bytes, 12U);
  EXPECT_NE(tally.head, Hash{});
}

TEST_P(VerifyTest, RowsCannotBeChangedOrRemoved) {
  std::vector<std::string> attempts = {
      "UPDATE record SET cbor = zeroblob(1)", "DELETE FROM record",
      "UPDATE artifact SET role = 'x'",       "DELETE FROM artifact",
      "UPDATE event SET \"user\" = 'x'",      "DELETE FROM event",
      "UPDATE place SET path = 'x'",          "DELETE FROM place",
      "UPDATE link SET parent = child",       "DELETE FROM link"};
  if (on_server()) {
    attempts.insert(attempts.end(),
                    {"TRUNCATE record, artifact, event, place, link", "TRUNCATE place",
                     "SET session_replication_role = replica; DELETE FROM place",
                     "INSERT INTO record SELECT * FROM record ON CONFLICT (seq) DO UPDATE "
                     "SET cbor = zeroblob(1)"});
  } else {
    attempts.insert(
        attempts.end(),
        {"INSERT OR REPLACE INTO record SELECT seq, id, x'00' FROM record",
         "INSERT OR REPLACE INTO event SELECT seq, record, time, host, 'x', process, hash FROM "
         "event",
         "INSERT OR REPLACE INTO artifact SELECT record, side, position, 'x', hash FROM artifact",
         "INSERT OR REPLACE INTO place SELECT event, side, position, 'x' FROM place"});
  }
  for (const std::string& sql : attempts)
    EXPECT_NE(home_->refusal(sql).find("the ledger is append-only"), std::string::npos) << sql;
  if (!on_server()) home_->tamper("INSERT OR REPLACE INTO link SELECT * FROM link");  // the same
  EXPECT_EQ(show(verify()), "");
}

TEST_P(VerifyTest, AChangedRecordIsNamed) {
  home_->tamper_quietly(
      "UPDATE record SET cbor = CAST(substr(cbor, 1, 20) || substr(cbor, 22) AS BLOB) "
      "WHERE seq = 1");
  expect_only("record", find_.hex(), "sha256 of the bytes is");
  auto ledger = Ledger::open(path_, true);
  EXPECT_EQ(ledger->get(find_).error().code, Errc::check);
}

TEST_P(VerifyTest, AChangedIndexRowIsNamed) {
  home_->tamper_quietly("UPDATE artifact SET role = 'other' WHERE record = 1 AND side = 1");
  expect_only("record", find_.hex(), "index of its outputs");
}

TEST_P(VerifyTest, AChangedIndexHashIsNamed) {
  home_->tamper_quietly(
      "UPDATE artifact SET hash = zeroblob(32) WHERE record = 2 AND side = 0 AND "
      "position = 1");
  expect_only("record", store_.hex(), "index of its inputs was changed at position 1");
}

TEST_P(VerifyTest, NoNumberAfterTheLastIsNoOverflow) {
  const std::string last = std::to_string(std::numeric_limits<std::int64_t>::max());
  home_->tamper("INSERT INTO event SELECT " + last +
                ", record, time, host, \"user\", process, hash FROM event WHERE seq = 1");
  auto ledger = Ledger::open(path_, true);
  ASSERT_TRUE(ledger.ok());
  Record more;
  more.kind = "more";
  const auto added = ledger->add(more);
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, Errc::malformed) << added.error().message;
  EXPECT_NE(added.error().message.find("event: the last row has number " + last), std::string::npos)
      << added.error().message;
  EXPECT_EQ(ledger->all()->size(), 2U);
}

TEST_P(VerifyTest, AMissingLinkIsNamed) {
  home_->tamper_quietly("DELETE FROM link WHERE child = 2 AND parent = 1");
  expect_only("record", store_.hex(), "its link to record " + find_.hex() + " is missing");
}

TEST_P(VerifyTest, AnAddedLinkIsNamed) {
  home_->tamper("INSERT INTO link VALUES(1, 1)");
  expect_only("record", find_.hex(), "its link to record " + find_.hex() + " should not be there");
}

TEST_P(VerifyTest, AnAlteredLinkIsNamed) {
  home_->tamper_quietly("UPDATE link SET parent = 2");
  const std::string found = show(verify());
  EXPECT_NE(found.find("record | " + store_.hex() + " | its link to record " + find_.hex() +
                       " is missing"),
            std::string::npos)
      << found;
  EXPECT_NE(found.find("its link to record " + store_.hex() + " should not be there"),
            std::string::npos)
      << found;
}

TEST_P(VerifyTest, ALinkToNowhereIsNamed) {
  const std::string last = std::to_string(std::numeric_limits<std::int64_t>::max());
  home_->tamper_quietly("INSERT INTO link VALUES(2, 77); INSERT INTO link VALUES(" + last + ", " +
                        last + ")");
  const std::string found = show(verify());
  EXPECT_NE(found.find("database | link | row "), std::string::npos) << found;
  EXPECT_NE(found.find("record | " + store_.hex() + " | its link to record number 77 should not"),
            std::string::npos)
      << found;
  EXPECT_NE(found.find("record | number " + last), std::string::npos) << found;
  const auto lineage = Ledger::open(path_, true)->lineage(store_);
  ASSERT_FALSE(lineage.ok());
  EXPECT_EQ(lineage.error().code, Errc::malformed);
  EXPECT_NE(lineage.error().message.find("record number 77 is not there"), std::string::npos)
      << lineage.error().message;
}

TEST_P(VerifyTest, RecordsInACircleHaveALineageAllTheSame) {
  home_->tamper("INSERT INTO link VALUES(1, 2)");
  const auto ledger = Ledger::open(path_, true);
  for (const Hash& start : {find_, store_}) {
    const auto lineage = ledger->lineage(start);
    ASSERT_TRUE(lineage.ok()) << lineage.error().message;
    EXPECT_EQ(lineage->size(), 2U);
  }
  EXPECT_EQ(verify().size(), 1U);
}

TEST_P(VerifyTest, AnAddedIndexRowIsNamed) {
  home_->tamper_quietly("INSERT INTO artifact VALUES(1, 1, 1, 'x', zeroblob(32))");
  expect_only("record", find_.hex(), "rows too many");
}

TEST_P(VerifyTest, AChangedEventIsNamed) {
  for (const char* change : {"\"user\" = \"user\" || 'x'", "host = 'x'", "time = '1999'",
                             "process = process + 1", "hash = zeroblob(32)"}) {
    home_->tamper_quietly(std::string("UPDATE event SET ") + change + " WHERE seq = 1");
    const auto problems = verify();
    ASSERT_FALSE(problems.empty()) << change;
    EXPECT_EQ(problems[0].what, "event") << show(problems);
    EXPECT_EQ(problems[0].name, "1") << show(problems);
    home_->renew();
    fill();
  }
}

TEST_P(VerifyTest, AChangedPathIsNamed) {
  home_->tamper_quietly("UPDATE place SET path = '/elsewhere/other.h5' WHERE event = 1");
  expect_only("event", "1", find_.hex());
}

TEST_P(VerifyTest, ARemovedEventIsNamed) {
  home_->tamper_quietly("DELETE FROM place WHERE event = 1; DELETE FROM event WHERE seq = 1");
  const std::string found = show(verify());
  EXPECT_NE(found.find("record | " + find_.hex()), std::string::npos) << found;
  EXPECT_NE(found.find("event | 2"), std::string::npos) << found;
}

TEST_P(VerifyTest, ARemovedRecordIsNamed) {
  home_->tamper_quietly("DELETE FROM artifact WHERE record = 1; DELETE FROM record WHERE seq = 1");
  const std::string found = show(verify());
  EXPECT_NE(found.find("database | event | row 1"), std::string::npos) << found;
  EXPECT_NE(found.find("event | 1"), std::string::npos) << found;
}

TEST_P(VerifyTest, ARemovedTriggerIsNamed) {
  const std::string name = on_server() ? "record_keep" : "record_keep_update";
  home_->tamper("DROP TRIGGER " + name + (on_server() ? " ON record" : ""));
  expect_only("database", name, "removed");
}

TEST_P(VerifyTest, AnAddedTriggerIsNamed) {
  home_->tamper(
      std::string("CREATE TRIGGER t AFTER INSERT ON record ") +
      (on_server() ? "FOR EACH STATEMENT EXECUTE FUNCTION keep()" : "BEGIN SELECT 1; END"));
  expect_only("database", "t", "not the ledger's");
}

TEST_P(VerifyTest, AFlippedByteInAStoredFileIsNamed) {
  write_file(stored_, "stored bytfs");
  expect_only("file", stored_,
              "sha256 is " + hash_of("stored bytfs").hex() + "; record " + store_.hex() +
                  " wrote it with sha256 " + hash_of("stored bytes").hex());
}

TEST_P(VerifyTest, AMissingFileIsAProblemOfItsOwnKind) {
  std::filesystem::remove(stored_);
  expect_only("missing", stored_, store_.hex());
}

TEST_P(VerifyTest, AFolderWhereAFileWasIsNamed) {
  std::filesystem::remove(stored_);
  std::filesystem::create_directory(stored_);
  expect_only("file", stored_, "not a regular file");
}

TEST_P(VerifyTest, AFileThatALaterRecordWroteAgainIsNoAlarm) {
  write_file(stored_, "new bytes");
  add(record("store", {}, {{"file", hash_of("new bytes"), stored_}}));
  Tally tally;
  EXPECT_EQ(show(verify(&tally)), "");
  EXPECT_EQ(tally.files, 1U);
  EXPECT_EQ(tally.superseded, 1U);
  write_file(stored_, "stored bytes");  // the older content is not right any more
  EXPECT_EQ(verify().size(), 1U);
  add(record("store", {{"peaks", hash_of("peaks"), ""}, {"record", find_, ""}},
             {{"file", hash_of("stored bytes"), stored_}}));  // the first run, repeated
  EXPECT_EQ(show(verify(&tally)), "");
  EXPECT_EQ(tally.superseded, 2U);
}

TEST_P(VerifyTest, OneFileHasOneNameWhateverTheWayToIt) {
  std::filesystem::create_directory_symlink(folder_ / ".", folder_ / "link");
  write_file(stored_, "new bytes");
  add(record("store", {}, {{"file", hash_of("new bytes"), folder_ / "link/../link/stored.h5"}}));
  EXPECT_EQ(show(verify()), "");
}

TEST_P(VerifyTest, InputsMayChangeOrGo) {
  const std::string input = write_file(folder_ / "input", "before");
  add(record("read", {{"file", hash_of("before"), input}}, {}));
  write_file(input, "after");
  EXPECT_EQ(show(verify()), "");
}

TEST_P(VerifyTest, CanBeInterrupted) {
  auto ledger = Ledger::open(path_, true);
  const auto problems = ledger->verify(nullptr, [](std::uint64_t) { return false; });
  ASSERT_FALSE(problems.ok());
  EXPECT_EQ(problems.error().code, Errc::interrupted);
}

// Everything a reader can learn from the ledger.
std::string answers(const Ledger& ledger, bool& sound) {
  std::string text;
  const auto ids = ledger.all();
  sound = ids.ok();
  if (!sound) return text;
  for (const Hash& id : *ids) {
    const auto record = ledger.get(id);
    const auto events = ledger.events(id);
    const auto parents = ledger.parents(id);
    sound = sound && record.ok() && events.ok() && parents.ok();
    if (!sound) return text;
    text += id.hex() + "\n";
    for (const auto* side : {&record->inputs, &record->outputs})
      for (const Artifact& a : *side) text += a.role + a.hash.hex() + a.path + "\n";
    for (const Event& e : *events)
      text += e.time + e.host + e.user + std::to_string(e.process) + e.hash.hex() + "\n";
    for (const Hash& parent : *parents) text += parent.hex() + "\n";
  }
  return text;
}

class VerifyFileTest : public Verifying {
 protected:
  void SetUp() override {
    home_ = testing::make_home("Sqlite");
    fill();
  }
};

// The database file itself: whatever bit is flipped, nothing crashes, and either it is noticed or
// no answer depends on it (free space in a page).
TEST_F(VerifyFileTest, AFlippedBitInTheDatabaseIsNoticedOrChangesNothing) {
  const std::string good = read_file(path_);
  bool sound = false;
  const std::string expected = answers(*Ledger::open(path_, true), sound);
  ASSERT_TRUE(sound);
  std::mt19937_64 random(7);
  std::size_t noticed = 0, tried = 0;
  for (std::size_t at = 0; at < good.size(); at += 1 + random() % 61) {
    // Most of a small database is free space; its bytes matter less than those in use.
    if (good[at] == 0 && random() % 8 != 0) continue;
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << random() % 8));
    write_file(path_, bad);
    ++tried;
    const auto ledger = Ledger::open(path_, true);
    if (!ledger.ok()) {
      ++noticed;
      continue;
    }
    const auto problems = ledger->verify();
    if (!problems.ok() || !problems->empty()) {
      ++noticed;
      continue;
    }
    EXPECT_EQ(answers(*ledger, sound), expected) << "byte " << at;
    EXPECT_TRUE(sound) << "byte " << at;
  }
  EXPECT_GT(noticed, tried / 2);
  write_file(path_, good);
  EXPECT_EQ(show(verify()), "");
}

TEST_F(VerifyFileTest, ATruncatedDatabaseIsNoCrash) {
  const std::string good = read_file(path_);
  for (std::size_t n = 0; n < good.size(); n += 511) {
    write_file(path_, good.substr(0, n));
    EXPECT_FALSE(verify().empty()) << n;
  }
}

}  // namespace
}  // namespace etalon
