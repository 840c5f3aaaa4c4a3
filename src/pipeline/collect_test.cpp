// A collector against edges that are wrong in one thing each.
#include "pipeline/collect.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include "control/simulated_instrument.hpp"
#include "ledger/sqlite.hpp"
#include "pipeline/run.hpp"
#include "pipeline/stored_series.hpp"
#include "store/series_reader.hpp"
#include "stream/shipper.hpp"

namespace etalon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t ny = 20, nx = 30;

Array image(std::uint64_t number) {
  Array a(DType::u16, {1, ny, nx});
  for (std::size_t i = 0; i < a.count(); ++i)
    a.as<std::uint16_t>()[i] = static_cast<std::uint16_t>((i * (number + 3)) % 17);
  return a;
}

ShippedFrame shipped(std::uint64_t number) {
  const Array a = image(number);
  ShippedFrame frame;
  frame.number = number;
  frame.chunk = encode_chunk(a.view(), {}).value();
  frame.raw_sum = frame_sum(a.view().bytes());
  frame.decoded_sum = frame.raw_sum;
  return frame;
}

class CollectorTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("etalon_collect_" + std::to_string(::getpid()));
    fs::remove_all(folder_);
    recipe_ = parse_recipe("[analyse]\nkind = \"none\"\n", (folder_ / "r.toml").string()).value();
    hello_.info.name = "a";
    hello_.info.frames = 4;
    hello_.info.geometry.ny = ny;
    hello_.info.geometry.nx = nx;
    hello_.recipe = recipe_.hash;
    end_.received = 4;
    end_.kept = 3;
    end_.vetoed = 1;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What the edge's records say of these frames and the one veto row.
  static std::vector<Record> announced(const std::vector<ShippedFrame>& frames) {
    std::vector<FrameSum> kept, chunks;
    std::set<std::uint64_t> numbers;
    for (const ShippedFrame& frame : frames)
      if (numbers.insert(frame.number).second) {
        kept.push_back(frame.raw_sum);
        chunks.push_back(frame_sum(frame.chunk));
      }
    const std::vector<FrameSum> vetoed(1);
    return {
        {"veto",
         {},
         {{"kept", merkle_root(kept), ""},
          {"vetoed", merkle_root(vetoed), ""},
          {"audited", merkle_root(std::vector<FrameSum>()), ""}},
         cbor::Value(cbor::Map{}),
         "test"},
        {"reduce", {}, {{"chunks", merkle_root(chunks), ""}}, cbor::Value(cbor::Map{}), "test"}};
  }

  // Sends frames, one veto row and the end; what the collector makes of it.
  Result<CollectReport> collect(const std::vector<ShippedFrame>& frames) {
    edge_.reset();
    if (!records_given_) end_.records = announced(frames);
    options_.folder = (folder_ / "out").string();
    ETALON_ASSIGN(Collector collector, Collector::open(recipe_, options_));
    ETALON_ASSIGN(Receiver receiver, bind_receiver(recipe_, "tcp://127.0.0.1:*"));
    std::optional<Result<CollectReport>> report;
    std::thread centre([&] { report.emplace(collector.run(receiver)); });
    ShipperOptions wire;
    wire.address = receiver.address();
    auto shipper = Shipper::connect(wire, hello_);
    Result<void> sent = shipper.ok() ? Result<void>() : Result<void>(shipper.error());
    for (std::size_t i = 0; i < frames.size() && sent.ok(); ++i)
      sent = (*shipper)->send(frames[i], Shipper::Clock::now());
    if (sent.ok() && failure_) {
      while ((*shipper)->counters().latencies.count() < frames.size()) std::this_thread::yield();
      (*shipper)->abandon(*failure_);
      sent = *failure_;
    }
    if (sent.ok())
      sent = (*shipper)->send(Vetoes{{{3, 1, 1.5, 0, false, "peaks < 15, \"x\"\n", {}}}});
    if (sent.ok()) {
      auto done = (*shipper)->finish(end_);
      if (!done.ok()) sent = done.error();
    }
    if (!sent.ok()) edge_ = sent.error();
    centre.join();
    return std::move(*report);
  }

  // Names in the output folder but the ledger's.
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_ / "out"))
      if (!entry.path().filename().string().starts_with("ledger.db"))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }

  void expect_refused(const Result<CollectReport>& report, Errc code, const std::string& words) {
    ASSERT_FALSE(report.ok());
    EXPECT_EQ(report.error().code, code);
    EXPECT_NE(report.error().message.find(words), std::string::npos) << report.error().message;
    ASSERT_TRUE(edge_.has_value());
    EXPECT_EQ(edge_->code, code);  // the edge is told the same
    EXPECT_NE(edge_->message.find(words), std::string::npos) << edge_->message;
    EXPECT_TRUE(left().empty());
    EXPECT_FALSE(fs::exists(out("ledger.db")));  // there was nothing to record
  }

  std::string out(const std::string& name) const { return (folder_ / "out" / name).string(); }

  static std::string text(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path folder_;
  CollectOptions options_;
  bool records_given_ = false;
  Recipe recipe_;
  Hello hello_;
  End end_;
  std::optional<Error> edge_, failure_;
};

TEST_F(CollectorTest, StoresWhatCame) {
  auto report = collect({shipped(0), shipped(1), shipped(2)});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->stored, 3u);
  EXPECT_EQ(report->vetoed, 1u);
  EXPECT_EQ(report->checked, 3u);
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
  auto reader = open_series(report->output);
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  for (std::uint64_t i = 0; i < 3; ++i) {
    auto frame = (*reader)->read(i);
    ASSERT_TRUE(frame.ok()) << frame.error().message;
    EXPECT_EQ(frame_sum(frame->image.view().bytes()), frame_sum(image(i).view().bytes()));
  }
  std::ifstream table(report->veto_table);
  std::string line;
  std::getline(table, line);
  std::getline(table, line);
  EXPECT_EQ(line, "3,1,1.5,0,0,peaks < 15   x  ,00000000000000000000000000000000");
}

TEST_F(CollectorTest, AFrameThatComesTwiceIsStoredOnce) {
  auto report = collect({shipped(0), shipped(1), shipped(1), shipped(2), shipped(0)});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->stored, 3u);
  EXPECT_EQ(report->dropped.at("frame stored already"), 2u);
}

TEST_F(CollectorTest, FramesThatAreNotAccountedForEndTheRun) {
  expect_refused(collect({shipped(0), shipped(1)}), Errc::check, "frames are not conserved");
}

TEST_F(CollectorTest, ACompleteSeriesHasAllFramesThatWereAnnounced) {
  hello_.info.frames = 5;
  expect_refused(collect({shipped(0), shipped(1), shipped(2)}), Errc::check, "5 announced");
}

TEST_F(CollectorTest, LossesWithACauseAreAccountedFor) {
  end_.kept = 2;
  end_.lost["unreadable"] = 1;
  auto report = collect({shipped(0), shipped(1)});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->lost.at("unreadable"), 1u);
}

TEST_F(CollectorTest, AFileThatGivesBackOtherFramesIsRefused) {
  ShippedFrame wrong = shipped(1);
  wrong.decoded_sum->bytes[0] ^= 1;
  expect_refused(collect({shipped(0), wrong, shipped(2)}), Errc::check, "frame 1");
}

TEST_F(CollectorTest, ChunksThatAreNotOfTheSeriesAreRefused) {
  ShippedFrame wrong = shipped(1);
  Array other(DType::u16, {1, ny, nx + 1});
  wrong.chunk = encode_chunk(other.view(), {}).value();
  expect_refused(collect({shipped(0), wrong, shipped(2)}), Errc::malformed, "1x20x31");
}

TEST_F(CollectorTest, BytesThatAreNoChunkAreRefused) {
  ShippedFrame wrong = shipped(1);
  wrong.chunk.resize(wrong.chunk.size() / 2);
  expect_refused(collect({wrong}), Errc::malformed, "frame 1");
}

TEST_F(CollectorTest, RulesWhoseActionsDoNotExistAreRefusedBeforeTheRun) {
  recipe_ = parse_recipe("[[decide.rule]]\nwhen = \"hits > 5\"\naction = \"dance\"\n",
                         (folder_ / "r.toml").string())
                .value();
  SimulatedInstrument instrument;
  CollectOptions options;
  options.folder = (folder_ / "out").string();
  options.instrument = &instrument;
  const auto collector = Collector::open(recipe_, options);
  ASSERT_FALSE(collector.ok());
  EXPECT_EQ(collector.error().code, Errc::usage);
  EXPECT_NE(collector.error().message.find("rule]] 1"), std::string::npos);
  EXPECT_NE(collector.error().message.find("dance"), std::string::npos);
}

TEST_F(CollectorTest, AnotherRecipeIsRefused) {
  hello_.recipe.bytes[0] ^= 1;
  expect_refused(collect({}), Errc::usage, "another recipe");
}

TEST_F(CollectorTest, WhatIsThereStaysThere) {
  ASSERT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  auto again = collect({shipped(0), shipped(1), shipped(2)});
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, Errc::usage);
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
}

TEST_F(CollectorTest, WhatWasStoredBeforeTheEdgeFailedIsKeptAsAPart) {
  failure_ = Error{Errc::io, "the detector went away"};
  auto report = collect({shipped(0), shipped(2)});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, Errc::io);
  EXPECT_NE(report.error().message.find("the detector went away"), std::string::npos);
  EXPECT_NE(report.error().message.find("2 frames"), std::string::npos) << report.error().message;
  EXPECT_EQ(left(), (std::vector<std::string>{"a.partial.h5", "a.partial.vetoes.csv"}));
  auto reader = open_series((folder_ / "out" / "a.partial.h5").string());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  EXPECT_EQ((*reader)->info().frames, 2u);
  auto ledger = Ledger::open((folder_ / "out" / "ledger.db").string(), true);
  ASSERT_TRUE(ledger.ok());
  EXPECT_TRUE(ledger->verify()->empty());
  auto hash = sha256_file((folder_ / "out" / "a.partial.h5").string());
  EXPECT_EQ(ledger->producers(*hash)->size(), 1u);
}

TEST_F(CollectorTest, APartNeverHasTheNameOfTheWhole) {
  end_.complete = false;
  ASSERT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  ASSERT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  EXPECT_EQ(left(), (std::vector<std::string>{"a.partial-2.h5", "a.partial-2.vetoes.csv",
                                              "a.partial.h5", "a.partial.vetoes.csv"}));
}

TEST_F(CollectorTest, WhatTheEdgeAnnouncesIsWhatIsStored) {
  const std::vector<ShippedFrame> frames{shipped(0), shipped(1), shipped(2)};
  records_given_ = true;
  for (const std::string role : {"kept", "vetoed", "audited", "chunks"}) {
    end_.records = announced(frames);
    for (Record& record : end_.records)
      for (Artifact& output : record.outputs)
        if (output.role == role) output.hash.bytes[5] ^= 1;
    expect_refused(collect(frames), Errc::check, "'" + role + "' is not what the edge sent");
  }
  end_.records.pop_back();
  expect_refused(collect(frames), Errc::check, "announces no checksum of 'chunks'");
}

TEST_F(CollectorTest, AnyOutputThatIsThereIsToldBeforeTheFirstFrame) {
  recipe_ = parse_recipe("", (folder_ / "r.toml").string()).value();  // with an analysis
  hello_.recipe = recipe_.hash;
  fs::create_directories(folder_ / "out");
  std::ofstream(out("a.powder.h5")) << "precious";
  auto report = collect({});
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, Errc::usage);
  EXPECT_NE(report.error().message.find("a.powder.h5: exists already"), std::string::npos);
  EXPECT_EQ(left(), (std::vector<std::string>{"a.powder.h5"}));
}

TEST_F(CollectorTest, TheSeriesIsReportedWhenItsAnalysisFails) {
  recipe_ = parse_recipe("", (folder_ / "r.toml").string()).value();
  hello_.recipe = recipe_.hash;
  options_.executable = "/bin/false";
  ::setenv("ETALON_STATE", (folder_ / "state").c_str(), 1);
  auto report = collect({shipped(0), shipped(1), shipped(2)});
  ::unsetenv("ETALON_STATE");
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->stored, 3u);
  EXPECT_FALSE(report->analysis.has_value());
  EXPECT_FALSE(report->action.has_value());
  ASSERT_TRUE(report->failure.has_value());
  EXPECT_EQ(report->failure->code, Errc::io);
  EXPECT_FALSE(edge_.has_value());  // the edge's part is done
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
}

TEST_F(CollectorTest, WithoutARecordTheNameSaysSo) {
  fs::create_directories(folder_ / "out");
  { ASSERT_TRUE(Ledger::open(out("ledger.db")).ok()); }
  auto database = Sqlite::open("ledger", out("ledger.db"), SQLITE_OPEN_READWRITE);
  ASSERT_TRUE((*database)
                  ->run("CREATE TRIGGER refuse BEFORE INSERT ON event "
                        "BEGIN SELECT RAISE(ABORT, 'not today'); END")
                  .ok());
  auto report = collect({shipped(0), shipped(1), shipped(2)});
  ASSERT_FALSE(report.ok());
  ASSERT_TRUE(edge_.has_value());
  for (const Error& error : {report.error(), *edge_})
    for (const char* words : {"not today", "without a record", "a.unrecorded.h5"})
      EXPECT_NE(error.message.find(words), std::string::npos) << error.message;
  EXPECT_EQ(left(), (std::vector<std::string>{"a.unrecorded.h5", "a.unrecorded.vetoes.csv"}));
  EXPECT_EQ((*open_series(out("a.unrecorded.h5")))->info().frames, 3u);
  EXPECT_TRUE(Ledger::open(out("ledger.db"))->all()->empty());  // not a part of the records

  // A part of a series stays one.
  end_.complete = false;
  ASSERT_FALSE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  EXPECT_TRUE(fs::exists(out("a.partial.h5")));
}

TEST_F(CollectorTest, WhatIsRecordedIsNamedByTheNextRun) {
  options_.opened = [&](const SeriesInfo&) { fs::create_directories(out("a.h5")); };
  auto report = collect({shipped(0), shipped(1), shipped(2)});
  ASSERT_FALSE(report.ok());
  EXPECT_NE(report.error().message.find("whole and recorded, and lies in"), std::string::npos);
  EXPECT_EQ(left(),
            (std::vector<std::string>{"a.h5", "a.h5.part.etalon", "a.vetoes.csv.part.etalon"}));
  options_.opened = {};
  for (const bool overwrite : {false, true}) {  // nothing is lost as long as the name is taken
    options_.overwrite = overwrite;
    auto again = collect({});
    ASSERT_FALSE(again.ok());
    EXPECT_NE(again.error().message.find("is whole and in the ledger as"), std::string::npos)
        << again.error().message;
  }
  options_.overwrite = false;
  fs::remove(out("a.h5"));
  auto ledger = Ledger::open(out("ledger.db"), true);
  EXPECT_EQ(ledger->verify()->size(), 2u);  // two files are missing under their names
  auto last = collect({});
  ASSERT_FALSE(last.ok());
  EXPECT_NE(last.error().message.find("a.h5: exists already"), std::string::npos);
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
  EXPECT_TRUE(ledger->verify()->empty());
  EXPECT_EQ((*open_series(out("a.h5")))->info().frames, 3u);
}

TEST_F(CollectorTest, KilledBetweenTheTwoNames) {
  ASSERT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  fs::rename(out("a.h5"), out("a.h5.part.etalon"));
  ASSERT_FALSE(collect({}).ok());
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
  EXPECT_TRUE(Ledger::open(out("ledger.db"), true)->verify()->empty());
}

TEST_F(CollectorTest, APartThatIsNotRecordedIsWrittenOver) {
  fs::create_directories(folder_ / "out");
  std::ofstream(out("a.h5.part.etalon")) << "what a killed run left";
  std::ofstream(out("a.vetoes.csv.part.etalon")) << "number,pea";
  ASSERT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
}

// One that went on after a kill, and was killed after it had made the same file again.
TEST_F(CollectorTest, APartOfWhatHasItsNameAlreadyIsWrittenOver) {
  ASSERT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  fs::copy_file(out("a.h5"), out("a.h5.part.etalon"));
  options_.overwrite = true;
  auto again = collect({shipped(0), shipped(1), shipped(2)});
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
}

TEST_F(CollectorTest, OverwritingReplacesBothFilesOrNone) {
  ASSERT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
  const std::string before = text(out("a.vetoes.csv"));
  options_.overwrite = true;
  options_.opened = [&](const SeriesInfo&) {
    fs::rename(out("a.h5"), out("aside.h5"));
    fs::create_directories(out("a.h5"));  // cannot be replaced
  };
  std::vector<ShippedFrame> frames{shipped(0), shipped(1)};
  end_.received = 3;
  hello_.info.frames = 3;
  end_.kept = 2;
  ASSERT_FALSE(collect(frames).ok());
  EXPECT_EQ(text(out("a.vetoes.csv")), before);
  EXPECT_TRUE(fs::is_directory(out("a.h5")));

  fs::remove(out("a.h5"));
  for (const char* part : {"a.h5.part.etalon", "a.vetoes.csv.part.etalon"}) fs::remove(out(part));
  fs::rename(out("aside.h5"), out("a.h5"));
  options_.opened = {};
  auto report = collect(frames);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ((*open_series(out("a.h5")))->info().frames, 2u);
  EXPECT_EQ(left(), (std::vector<std::string>{"a.h5", "a.vetoes.csv"}));
}

TEST_F(CollectorTest, AnOutputHasOneWriter) {
  options_.opened = [&](const SeriesInfo&) {
    auto twin = StoredSeries::create({(folder_ / "out").string(), "", true, "", false}, hello_);
    EXPECT_FALSE(twin.ok());
    EXPECT_NE(twin.error().message.find("another program is writing it"), std::string::npos);
  };
  EXPECT_TRUE(collect({shipped(0), shipped(1), shipped(2)}).ok());
}

// A name from outside does not leave the folder.
TEST_F(CollectorTest, NamesOfSeriesAreNoPaths) {
  hello_.info.name = "../../escape";
  auto report = collect({shipped(0), shipped(1), shipped(2)});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(fs::path(report->output).parent_path(), folder_ / "out");
}

}  // namespace
}  // namespace etalon
