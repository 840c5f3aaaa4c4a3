// Who led to whom: the links that the database keeps are what the definition says, whatever is
// added in whatever order, and in ledgers of the version before.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <set>

#include "ledger/harm_test.hpp"
#include "ledger/ledger.hpp"

namespace etalon {
namespace {

using testing::hash_of;

Record step(const std::string& kind, std::vector<Artifact> inputs, std::vector<Artifact> outputs) {
  return {kind, std::move(inputs), std::move(outputs), cbor::Map{{"snr", 5.5}}, "etalon 0.1.0"};
}
Artifact thing(const std::string& name) { return {"data", hash_of(name), ""}; }

// Parents as formats/ledger.md defines them, from all that was added.
class Definition {
 public:
  void add(const Record& record) {
    const Hash id = record.id();
    const auto at = std::ranges::find(records_, id, &Known::id);
    ++events_;
    if (at != records_.end())
      at->last = events_;
    else
      records_.push_back({id, record, events_, events_});
  }
  std::vector<Hash> parents(const Hash& id) const {
    const Known& child = *std::ranges::find(records_, id, &Known::id);
    std::vector<Hash> found;
    for (const Known& k : records_)
      if (leads(k, child)) found.push_back(k.id);
    return found;
  }
  std::vector<Hash> all() const {
    std::vector<Hash> ids;
    for (const Known& k : records_) ids.push_back(k.id);
    return ids;
  }

 private:
  struct Known {
    Hash id;
    Record record;
    int first, last;  // event
  };
  static bool leads(const Known& k, const Known& child) {
    return std::ranges::any_of(child.record.inputs, [&](const Artifact& input) {
      if (input.role == "record" && input.hash == k.id) return true;
      return k.id != child.id && k.first < child.last &&
             std::ranges::any_of(k.record.outputs,
                                 [&](const Artifact& out) { return out.hash == input.hash; });
    });
  }
  std::vector<Known> records_;
  int events_ = 0;
};

class LinksTest : public testing::EveryHome {
 protected:
  // Few things, so that they are made and used again and again; records come twice, take what they
  // make, and name others that come later, some in a role that says nothing.
  std::vector<Record> some(std::size_t count) {
    std::vector<Record> records;
    for (std::size_t i = 0; i < count; ++i) {
      const auto any = [&] { return thing(std::to_string(random_() % 25)); };
      std::vector<Artifact> in, out;
      for (auto k = random_() % 4; k > 0; --k) in.push_back(any());
      for (auto k = random_() % 3; k > 0; --k) out.push_back(any());
      const std::string kind = "s" + std::to_string(random_() % 30);
      const Record plain = step(kind, {}, {thing(kind)});
      switch (random_() % 4) {
        case 0:
          records.push_back(plain);
          break;
        case 1:
          in.push_back({"record", step("s" + std::to_string(random_() % 30), {}, {}).id(), ""});
          [[fallthrough]];
        case 2:
          in.push_back({random_() % 2 == 0 ? "record" : "other", plain.id(), ""});
          [[fallthrough]];
        default:
          records.push_back(step(kind, in, out));
      }
      if (!known_.empty() && random_() % 3 == 0)
        records.push_back(known_[random_() % known_.size()]);
    }
    known_.insert(known_.end(), records.begin(), records.end());
    return records;
  }
  void add(Ledger& ledger, std::size_t count) {
    const auto records = some(count);
    const auto added = ledger.add_all(records);
    ASSERT_TRUE(added.ok()) << added.error().message;
    for (const Record& record : records) definition_.add(record);
  }
  void expect_as_defined(const Ledger& ledger) {
    EXPECT_EQ(*ledger.all(), definition_.all());
    std::size_t pairs = 0;
    for (const Hash& id : definition_.all()) {
      const auto parents = ledger.parents(id);
      ASSERT_TRUE(parents.ok()) << parents.error().message;
      EXPECT_EQ(*parents, definition_.parents(id));
      pairs += parents->size();

      std::set<Hash> above;
      std::vector<Hash> next = {id};
      while (!next.empty()) {
        const Hash at = next.back();
        next.pop_back();
        if (!above.insert(at).second) continue;
        const auto more = definition_.parents(at);
        next.insert(next.end(), more.begin(), more.end());
      }
      const auto lineage = ledger.lineage(id);
      ASSERT_TRUE(lineage.ok()) << lineage.error().message;
      EXPECT_EQ(std::set<Hash>(lineage->begin(), lineage->end()), above);
      EXPECT_EQ(lineage->size(), above.size());
    }
    EXPECT_GT(pairs, definition_.all().size() / 2);
    const auto problems = ledger.verify();
    ASSERT_TRUE(problems.ok()) << problems.error().message;
    for (const Problem& p : *problems) ADD_FAILURE() << p.what << " " << p.name << " " << p.reason;
  }
  Ledger open(bool must_exist = true) {
    auto ledger = Ledger::open(home_->ledger(), must_exist);
    EXPECT_TRUE(ledger.ok()) << ledger.error().message;
    return std::move(*ledger);
  }

  std::mt19937 random_{17};
  std::vector<Record> known_;
  Definition definition_;
};
INSTANTIATE_TEST_SUITE_P(At, LinksTest, testing::homes, testing::home_name);

TEST_P(LinksTest, AreWhatTheDefinitionSays) {
  Ledger ledger = open(false);
  for (const std::size_t count : {1, 1, 40, 3, 1, 60}) add(ledger, count);
  expect_as_defined(ledger);
  EXPECT_EQ(home_->version(), 2);
}

TEST_P(LinksTest, AnOldLedgerStaysOneUntilItIsOpenedForWriting) {
  {
    Ledger ledger = open(false);
    add(ledger, 60);
  }
  home_->make_old();
  Ledger old = open();
  expect_as_defined(old);
  add(old, 20);
  expect_as_defined(old);
  EXPECT_EQ(home_->version(), 1);
  {
    Ledger now = open(false);
    EXPECT_EQ(home_->version(), 2);
    expect_as_defined(now);
    add(now, 20);
    expect_as_defined(now);
  }
  // It was opened before there were links.
  add(old, 20);
  expect_as_defined(old);
  expect_as_defined(open());
}

TEST(LinksFile, AFileOfVersion1IsReadAndGivenLinks) {
  const char* root = std::getenv("ETALON_SOURCE_DIR");
  if (root == nullptr) GTEST_SKIP() << "ETALON_SOURCE_DIR is not set";
  const testing::Folder folder;
  const std::string path = folder / "l.db";
  std::filesystem::copy_file(std::string(root) + "/formats/golden/ledger_1.db", path);
  const auto kinds = [](const Ledger& ledger, const std::vector<Hash>& ids) {
    std::string text;
    for (const Hash& id : ids) text += ledger.get(id)->kind + " ";
    return text;
  };
  for (const auto& [must_exist, version] :
       {std::pair{true, 1}, std::pair{false, 2}, std::pair{true, 2}}) {
    const auto ledger = Ledger::open(path, must_exist);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    const auto ids = *ledger->all();
    ASSERT_EQ(kinds(*ledger, ids), "compress decompress early late twice source ");
    const char* parents[] = {
        "decompress ", "compress ", "compress late ", "", "compress decompress early ", ""};
    for (std::size_t i = 0; i < ids.size(); ++i)
      EXPECT_EQ(kinds(*ledger, *ledger->parents(ids[i])), parents[i]);
    EXPECT_EQ(kinds(*ledger, *ledger->lineage(ids[4])), "decompress compress late early twice ");
    Tally tally;
    EXPECT_TRUE(ledger->verify(&tally)->empty());
    EXPECT_EQ(tally.events, 7U);
    EXPECT_EQ(testing::file_version(path), version);
  }
}

}  // namespace
}  // namespace etalon
