// Adding and finding records: ids, order, lineage, several writers.
#include "ledger/ledger.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "ledger/harm_test.hpp"

namespace etalon {
namespace {

using testing::Folder;
using testing::hash_of;
using testing::write_file;

Record step(std::string kind, std::vector<Artifact> inputs, std::vector<Artifact> outputs) {
  return {std::move(kind), std::move(inputs), std::move(outputs),
          cbor::Map{{"threshold", 8}, {"snr", 5.5}}, "etalon 0.1.0"};
}

TEST(Record, TheIdIsTheHashOfItsDeterministicBytes) {
  const Record record =
      step("find", {{"series", hash_of("s"), "/a"}}, {{"peaks", hash_of("p"), ""}});
  const Bytes bytes = record.encode();
  EXPECT_EQ(record.id(), sha256(bytes));
  const auto value = cbor::decode(bytes);
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(cbor::diagnostic(*value),
            "{\"kind\": \"find\", \"inputs\": [[\"series\", h'" + hash_of("s").hex() +
                "']], \"outputs\": [[\"peaks\", h'" + hash_of("p").hex() +
                "']], \"program\": \"etalon 0.1.0\", \"settings\": {\"snr\": 5.5, \"threshold\": "
                "8}}");
}

TEST(Record, PathsAreNotInTheId) {
  EXPECT_EQ(step("find", {{"series", hash_of("s"), "/a"}}, {}).id(),
            step("find", {{"series", hash_of("s"), "/b"}}, {}).id());
}

TEST(Record, WhatWasDoneIsInTheId) {
  const Record record = step("find", {{"series", hash_of("s"), ""}}, {});
  Record other = record;
  other.settings.set("snr", 5.0);
  EXPECT_NE(record.id(), other.id());
  other = record;
  other.program = "etalon 0.2.0";
  EXPECT_NE(record.id(), other.id());
  other = record;
  std::swap(other.inputs, other.outputs);
  EXPECT_NE(record.id(), other.id());
}

TEST(Record, DecodeReadsWhatEncodeWrote) {
  const Record record = step("find", {{"series", hash_of("s"), ""}}, {{"peaks", hash_of("p"), ""}});
  const auto back = Record::decode(record.encode());
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->kind, record.kind);
  EXPECT_EQ(back->inputs, record.inputs);
  EXPECT_EQ(back->outputs, record.outputs);
  EXPECT_EQ(back->settings, record.settings);
  EXPECT_EQ(back->program, record.program);
}

TEST(Record, DecodeRefusesWhatEncodeWouldNotWrite) {
  const Bytes good = step("find", {{"series", hash_of("s"), ""}}, {}).encode();
  for (std::size_t n = 0; n < good.size(); ++n)
    EXPECT_FALSE(Record::decode(ByteSpan(good).first(n)).ok()) << n;
  const auto refused = [](const cbor::Value& value) {
    const auto record = Record::decode(cbor::encode(value));
    return !record.ok() && record.error().code == Errc::malformed;
  };
  const cbor::Map whole{{"kind", "find"},
                        {"inputs", cbor::List{}},
                        {"outputs", cbor::List{}},
                        {"settings", cbor::Map{}},
                        {"program", ""}};
  EXPECT_FALSE(refused(whole));
  EXPECT_TRUE(refused(cbor::List{}));
  EXPECT_TRUE(refused(cbor::Value(whole).set("extra", 1)));
  EXPECT_TRUE(refused(cbor::Value(whole).set("kind", 1)));
  EXPECT_TRUE(refused(cbor::Value(whole).set("inputs", cbor::List{cbor::List{"role"}})));
  EXPECT_TRUE(refused(cbor::Value(whole).set("inputs", cbor::List{cbor::List{"role", Bytes(31)}})));
  Bytes loose = cbor::encode(cbor::Value(whole));
  loose[0] = std::byte{0xBF};  // the same map, indefinite
  loose.push_back(std::byte{0xFF});
  ASSERT_TRUE(cbor::decode(loose).ok());
  EXPECT_FALSE(Record::decode(loose).ok());
}

class LedgerTest : public testing::EveryHome {};
INSTANTIATE_TEST_SUITE_P(At, LedgerTest, testing::homes, testing::home_name);

TEST_P(LedgerTest, KeepsWhatWasAdded) {
  const Record record =
      step("find", {{"series", hash_of("s"), "/data/s.h5"}}, {{"peaks", hash_of("p"), ""}});
  Hash id;
  {
    auto ledger = Ledger::open(home_->ledger());
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    const auto added = ledger->add(record);
    ASSERT_TRUE(added.ok()) << added.error().message;
    id = *added;
  }
  auto ledger = Ledger::open(home_->ledger(), true);
  ASSERT_TRUE(ledger.ok()) << ledger.error().message;
  EXPECT_EQ(id, record.id());
  const auto back = ledger->get(id);
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->inputs, record.inputs);
  EXPECT_EQ(back->id(), id);
  EXPECT_EQ(*ledger->all(), std::vector{id});
  EXPECT_EQ(ledger->get(hash_of("nothing")).error().code, Errc::missing);
}

TEST_P(LedgerTest, TheSameWorkTwiceIsOneRecordAndTwoEvents) {
  auto ledger = Ledger::open(home_->ledger());
  ASSERT_TRUE(ledger.ok());
  const Record record = step("find", {{"series", hash_of("s"), "/a"}}, {});
  Record again = record;
  again.inputs[0].path = "/b";
  const auto first = ledger->add(record), second = ledger->add(again);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(*first, *second);
  EXPECT_EQ(ledger->all()->size(), 1U);
  const auto events = ledger->events(*first);
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].process, ::getpid());
  EXPECT_EQ((*events)[0].time.size(), std::string("2026-01-01T00:00:00.000000Z").size());
  EXPECT_FALSE((*events)[0].host.empty());
  EXPECT_NE((*events)[0].hash, (*events)[1].hash);
  EXPECT_EQ(ledger->get(*first)->inputs[0].path, "/b");  // as last seen
}

TEST(LedgerFile, PathsFollowTheFolderWhenItMoves) {
  const Folder folder;
  std::filesystem::create_directories(folder / "run");
  const std::string data = write_file(folder / "run/a.bin", "data");
  Hash id;
  {
    auto ledger = Ledger::open(folder / "run/ledger.db");
    ASSERT_TRUE(ledger.ok());
    const auto added = ledger->add(step("store", {}, {{"file", hash_of("data"), data}}));
    ASSERT_TRUE(added.ok());
    id = *added;
  }
  std::filesystem::rename(folder / "run", folder / "moved");
  auto ledger = Ledger::open(folder / "moved/ledger.db", true);
  ASSERT_TRUE(ledger.ok());
  EXPECT_EQ(ledger->get(id)->outputs[0].path, folder / "moved/a.bin");
  EXPECT_TRUE(ledger->verify()->empty());
}

TEST_P(LedgerTest, RefusesRecordsThatSayNothing) {
  auto ledger = Ledger::open(home_->ledger());
  ASSERT_TRUE(ledger.ok());
  EXPECT_EQ(ledger->add(step("", {}, {})).error().code, Errc::usage);
  EXPECT_EQ(ledger->add(step("a", {{"\xFF", {}, ""}}, {})).error().code, Errc::usage);
  EXPECT_TRUE(ledger->all()->empty());
}

TEST_P(LedgerTest, OneBadRecordKeepsAllOut) {
  auto ledger = Ledger::open(home_->ledger());
  ASSERT_TRUE(ledger.ok());
  EXPECT_FALSE(ledger->add_all({step("a", {}, {}), step("", {}, {})}).ok());
  EXPECT_TRUE(ledger->all()->empty());
}

TEST_P(LedgerTest, ManyThreadsAndProcessesWriteOneFile) {
  const std::string path = home_->ledger();
  constexpr int writers = 4, each = 20;
  const auto write = [&](int writer) {
    auto ledger = Ledger::open(path);  // the first to come creates it
    if (!ledger.ok()) return ledger.error().message;
    for (int i = 0; i < each; ++i) {
      auto added = ledger->add(step(std::to_string(writer), {}, {{std::to_string(i), {}, ""}}));
      if (!added.ok()) return added.error().message;
    }
    return std::string();
  };
  std::vector<pid_t> children;
  for (int w = 0; w < writers; ++w) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const std::string error = write(w);
      if (!error.empty()) std::fprintf(stderr, "%s\n", error.c_str());
      ::_exit(error.empty() ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  auto ledger = Ledger::open(path, true);
  ASSERT_TRUE(ledger.ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < each; ++i)
        EXPECT_TRUE(
            ledger->add(step(std::to_string(100 + t), {}, {{std::to_string(i), {}, ""}})).ok());
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ledger->all()->size(), std::size_t{(writers + 2) * each});
  Tally tally;
  const auto problems = ledger->verify(&tally);
  ASSERT_TRUE(problems.ok());
  EXPECT_TRUE(problems->empty());
  EXPECT_EQ(tally.events, std::uint64_t{(writers + 2) * each});
}

TEST(LedgerFile, WhatIsNoLedgerIsRefused) {
  const Folder folder;
  EXPECT_EQ(Ledger::open(folder / "none.db", true).error().code, Errc::missing);
  EXPECT_FALSE(std::filesystem::exists(folder / "none.db"));
  EXPECT_EQ(Ledger::open(folder / "no/folder/l.db").ok(), false);
  EXPECT_EQ(Ledger::open(folder / ".").error().code, Errc::usage);
  write_file(folder / "text.db", std::string(5000, 'x'));
  EXPECT_EQ(Ledger::open(folder / "text.db").error().code, Errc::malformed);
  write_file(folder / "empty.db", "");
  EXPECT_EQ(Ledger::open(folder / "empty.db", true).error().code, Errc::malformed);
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder / "other.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "CREATE TABLE t(x)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_EQ(Ledger::open(folder / "other.db").error().code, Errc::malformed);
  { ASSERT_TRUE(Ledger::open(folder / "newer.db").ok()); }
  for (const char* version : {"3", "0", "-1"}) {
    testing::tamper(folder / "newer.db", std::string("PRAGMA user_version = ") + version);
    const auto ledger = Ledger::open(folder / "newer.db");
    ASSERT_FALSE(ledger.ok());
    EXPECT_EQ(ledger.error().code, Errc::malformed);
    EXPECT_NE(ledger.error().message.find("knows 1 to 2"), std::string::npos);
  }
}

class LineageTest : public testing::EveryHome {
 protected:
  void SetUp() override {
    EveryHome::SetUp();
    if (home_ == nullptr) return;
    auto opened = Ledger::open(home_->ledger());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    ledger_ = std::make_unique<Ledger>(std::move(*opened));
  }
  Hash add(const Record& record) {
    auto added = ledger_->add(record);
    EXPECT_TRUE(added.ok());
    return *added;
  }
  static Artifact thing(const std::string& name) { return {"data", hash_of(name), ""}; }

  Folder folder_;
  std::unique_ptr<Ledger> ledger_;
};
INSTANTIATE_TEST_SUITE_P(At, LineageTest, testing::homes, testing::home_name);

TEST_P(LineageTest, ParentsComeFirst) {
  const Hash a = add(step("a", {thing("x")}, {thing("y")}));
  const Hash b = add(step("b", {thing("y")}, {thing("z")}));
  const Hash c = add(step("c", {thing("y"), {"record", b, ""}}, {thing("w")}));
  add(step("d", {thing("w")}, {thing("v")}));
  EXPECT_EQ(*ledger_->lineage(c), (std::vector{a, b, c}));
  EXPECT_EQ(*ledger_->lineage(hash_of("w")), (std::vector{a, b, c}));
  EXPECT_EQ(*ledger_->lineage(hash_of("x")), std::vector<Hash>{});
  EXPECT_EQ(*ledger_->parents(c), (std::vector{a, b}));
  EXPECT_EQ(*ledger_->producers(hash_of("y")), std::vector{a});
  EXPECT_EQ(*ledger_->consumers(hash_of("y")), (std::vector{b, c}));
  EXPECT_EQ(ledger_->lineage(hash_of("unknown")).error().code, Errc::missing);
}

TEST_P(LineageTest, ARoundTripDoesNotMakeTheCopyAParentOfItsSource) {
  const Hash compress = add(step("compress", {thing("raw")}, {thing("small")}));
  const Hash decompress = add(step("decompress", {thing("small")}, {thing("raw")}));
  EXPECT_EQ(*ledger_->lineage(compress), std::vector{compress});
  EXPECT_EQ(*ledger_->lineage(decompress), (std::vector{compress, decompress}));
  add(step("compress", {thing("raw")}, {thing("small")}));  // now from the copy: a cycle of content
  EXPECT_EQ(*ledger_->lineage(compress), (std::vector{decompress, compress}));
}

TEST_P(LineageTest, ALongChainIsNoTrouble) {
  std::vector<Record> chain;
  for (int i = 0; i < 20000; ++i)
    chain.push_back(step("s", {thing(std::to_string(i))}, {thing(std::to_string(i + 1))}));
  const auto ids = ledger_->add_all(chain);
  ASSERT_TRUE(ids.ok());
  EXPECT_EQ(*ledger_->lineage(ids->back()), *ids);
}

TEST_P(LineageTest, ResolveTakesHashesPrefixesAndFiles) {
  const std::string file = write_file(folder_ / "z.bin", "z");
  const Hash a = add(step("a", {thing("x")}, {{"data", hash_of("z"), file}}));
  EXPECT_EQ(*ledger_->resolve(a.hex()), a);
  EXPECT_EQ(*ledger_->resolve(a.hex().substr(0, 7)), a);
  EXPECT_EQ(*ledger_->resolve(hash_of("x").hex().substr(0, 6)), hash_of("x"));
  EXPECT_EQ(*ledger_->resolve(file), hash_of("z"));
  EXPECT_EQ(*ledger_->writers(file), std::vector{a});
  EXPECT_EQ(ledger_->resolve(hash_of("q").hex()).error().code, Errc::missing);
  EXPECT_EQ(ledger_->resolve(folder_ / "absent").error().code, Errc::missing);
  EXPECT_EQ(ledger_->resolve(write_file(folder_ / "q.bin", "q")).error().code, Errc::missing);
  write_file(file, "Z");
  EXPECT_EQ(ledger_->resolve(file).error().code, Errc::check);
}

TEST_P(LineageTest, AnAmbiguousPrefixIsUsage) {
  Hash one = hash_of("1"), two = one;
  two.bytes[31] ^= 1;
  add(step("a", {{"data", one, ""}, {"data", two, ""}}, {}));
  EXPECT_EQ(ledger_->resolve(one.hex().substr(0, 20)).error().code, Errc::usage);
  EXPECT_EQ(*ledger_->resolve(one.hex()), one);
}

}  // namespace
}  // namespace etalon
