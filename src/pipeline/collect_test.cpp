// A collector against edges that are wrong in one thing each.
#include "pipeline/collect.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "control/simulated_instrument.hpp"
#include "pipeline/run.hpp"
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

  // Sends frames, one veto row and the end; what the collector makes of it.
  Result<CollectReport> collect(const std::vector<ShippedFrame>& frames) {
    CollectOptions options;
    options.folder = (folder_ / "out").string();
    ETALON_ASSIGN(Collector collector, Collector::open(recipe_, options));
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
    if (sent.ok()) sent = (*shipper)->send(Vetoes{{{3, 1, "peaks < 15, \"x\"\n", {}}}});
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
  }

  fs::path folder_;
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
  EXPECT_EQ(line, "3,1,peaks < 15   x  ,00000000000000000000000000000000");
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

// A name from outside does not leave the folder.
TEST_F(CollectorTest, NamesOfSeriesAreNoPaths) {
  hello_.info.name = "../../escape";
  auto report = collect({shipped(0), shipped(1), shipped(2)});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(fs::path(report->output).parent_path(), folder_ / "out");
}

}  // namespace
}  // namespace etalon
