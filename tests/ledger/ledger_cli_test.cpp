// `etalon ledger` as its users meet it: text, JSON, exit codes.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "ledger/harm_test.hpp"
#include "ledger/ledger.hpp"

namespace etalon {
namespace {

using nlohmann::json;
using testing::hash_of;
using testing::write_file;

struct Output {
  int status = 0;
  std::string out;  // standard output
  json parsed() const { return json::parse(out); }
};

class LedgerCli : public ::testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("ETALON_LEDGER");
    std::filesystem::create_directory(folder_ / "out");
    source_ = write_file(folder_ / "source.h5", "source");
    stored_ = write_file(folder_ / "out/stored.h5", "stored");
    ledger_ = folder_ / "out/ledger.db";
    auto ledger = Ledger::open(ledger_);
    ASSERT_TRUE(ledger.ok()) << ledger.error().message;
    const Hash find = *ledger->add({"find",
                                    {{"series", hash_of("source"), source_}},
                                    {{"peaks", hash_of("peaks"), ""}},
                                    cbor::Map{{"snr", 5.5}},
                                    "etalon 0.1.0"});
    const Hash store = *ledger->add({"store",
                                     {{"series", hash_of("source"), source_}, {"record", find, ""}},
                                     {{"file", hash_of("stored"), stored_}},
                                     {},
                                     "etalon 0.1.0"});
    decide_ = *ledger->add({"decide",
                            {{"record", store, ""}},
                            {{"action", hash_of("go"), ""}},
                            cbor::Map{{"rule", "hits > 10"}},
                            "etalon 0.1.0"});
    ids_ = {find, store, decide_};
  }
  Output run(const std::string& arguments) const {
    const std::string command =
        "cd '" + (folder_ / ".") + "' && '" + ETALON_PROGRAM + "' ledger " + arguments + " 2>&1";
    Output result;
    FILE* pipe = ::popen(command.c_str(), "r");
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
      result.out.append(buffer, n);
    const int status = ::pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
  }

  testing::Folder folder_;
  std::string source_, stored_, ledger_;
  Hash decide_;
  std::vector<Hash> ids_;
};

TEST_F(LedgerCli, LineageGoesFromTheDecisionToTheSource) {
  const Output text = run("lineage " + decide_.hex().substr(0, 10) + " --ledger out/ledger.db");
  EXPECT_EQ(text.status, 0);
  std::size_t at = 0;
  for (const char* part : {"decide ", "rule=\"hits > 10\"", "store ", "out/stored.h5", "find ",
                           "snr=5.5", "source.h5"}) {
    at = text.out.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << "\n" << text.out;
  }
  const Output whole = run("lineage --json " + decide_.hex() + " --ledger out/ledger.db");
  ASSERT_EQ(whole.status, 0) << whole.out;
  const json document = whole.parsed();
  EXPECT_EQ(document["schema"], "etalon.ledger.lineage/1");
  ASSERT_EQ(document["records"].size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(document["records"][i]["id"], ids_[i].hex());
  EXPECT_EQ(document["records"][1]["parents"], json::array({ids_[0].hex()}));
  EXPECT_EQ(document["records"][2]["settings"]["rule"], "hits > 10");
  EXPECT_EQ(document["records"][1]["outputs"][0]["path"], stored_);
}

TEST_F(LedgerCli, AFileFindsItsLedgerBesideItself) {
  const Output run_file = run("lineage out/stored.h5");
  EXPECT_EQ(run_file.status, 0);
  EXPECT_TRUE(run_file.out.starts_with("store ")) << run_file.out;
  EXPECT_EQ(run("lineage source.h5").status, 5);  // nothing beside it
  ::setenv("ETALON_LEDGER", ledger_.c_str(), 1);
  const Output source = run("show source.h5");
  ::unsetenv("ETALON_LEDGER");
  EXPECT_EQ(source.status, 0);
  EXPECT_NE(source.out.find("it came from outside"), std::string::npos) << source.out;
  EXPECT_NE(source.out.find(ids_[0].hex() + "  find"), std::string::npos) << source.out;
}

TEST_F(LedgerCli, ShowListsAndDescribes) {
  const Output list = run("show --ledger out/ledger.db");
  EXPECT_EQ(list.status, 0);
  EXPECT_EQ(std::count(list.out.begin(), list.out.end(), '\n'), 3);
  const Output one = run("--ledger out/ledger.db show " + decide_.hex());
  EXPECT_NE(one.out.find("record   " + decide_.hex()), std::string::npos) << one.out;
  EXPECT_EQ(run("show --json --ledger out/ledger.db").parsed()["records"].size(), 3U);
}

TEST_F(LedgerCli, VerifyNamesWhatChangedAndExitsWithFour) {
  const Output good = run("verify --ledger out/ledger.db");
  EXPECT_EQ(good.status, 0) << good.out;
  EXPECT_EQ(std::count(good.out.begin(), good.out.end(), '\n'), 1) << good.out;
  write_file(stored_, "storee");
  const Output bad = run("verify --ledger out/ledger.db");
  EXPECT_EQ(bad.status, 4);
  EXPECT_NE(bad.out.find("file " + stored_ + ": sha256 is " + hash_of("storee").hex()),
            std::string::npos)
      << bad.out;
  const Output asked = run("lineage out/stored.h5");
  EXPECT_EQ(asked.status, 4) << asked.out;
  write_file(stored_, "stored");
  testing::tamper_quietly(ledger_, "UPDATE record SET cbor = zeroblob(9) WHERE seq = 3");
  const Output record = run("verify --json --ledger out/ledger.db 2>/dev/null");
  EXPECT_EQ(record.status, 4);
  EXPECT_NE(record.out.find(decide_.hex()), std::string::npos) << record.out;
  EXPECT_EQ(run("show " + decide_.hex() + " --ledger out/ledger.db").status, 4);
}

TEST_F(LedgerCli, ErrorsHaveTheirExitCodes) {
  EXPECT_EQ(run("verify --ledger none.db").status, 5);
  EXPECT_EQ(run("verify --ledger source.h5").status, 3);
  EXPECT_EQ(run("lineage --ledger out/ledger.db").status, 2);
  EXPECT_EQ(run("lineage ffffffffff --ledger out/ledger.db").status, 5);
  EXPECT_EQ(run("export --format other --ledger out/ledger.db").status, 2);
  EXPECT_EQ(run("nonsense").status, 2);
  EXPECT_EQ(run("verify --ledger out").status, 2);
  EXPECT_EQ(run("verify --help").status, 0);
}

TEST_F(LedgerCli, ProvJsonRefersOnlyToWhatItDescribes) {
  const json prov = run("export " + decide_.hex() + " --ledger out/ledger.db").parsed();
  EXPECT_EQ(prov["activity"].size(), 3U);
  EXPECT_EQ(prov["entity"].size(), 4U);  // series, peaks, file, action
  EXPECT_EQ(prov["used"].size(), 2U);
  EXPECT_EQ(prov["wasGeneratedBy"].size(), 3U);
  EXPECT_EQ(prov["wasInformedBy"].size(), 2U);
  for (const char* relation : {"used", "wasGeneratedBy"})
    for (const auto& [name, members] : prov[relation].items()) {
      EXPECT_TRUE(prov["activity"].contains(members["prov:activity"]));
      EXPECT_TRUE(prov["entity"].contains(members["prov:entity"]));
    }
  for (const auto& [name, members] : prov["wasInformedBy"].items())
    EXPECT_TRUE(prov["activity"].contains(members["prov:informant"]));
  for (const auto& [name, members] : prov["wasAssociatedWith"].items())
    EXPECT_TRUE(prov["agent"].contains(members["prov:agent"]));
  for (const char* group : {"activity", "entity", "agent"})
    for (const auto& [name, members] : prov[group].items())
      EXPECT_TRUE(prov["prefix"].contains(name.substr(0, name.find(':')))) << name;
}

}  // namespace
}  // namespace etalon
