#include "pipeline/edge_memory.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace etalon {
namespace {

namespace fs = std::filesystem;

Hello hello_of(const std::string& name) {
  Hello hello;
  hello.info.name = name;
  hello.info.geometry.ny = hello.info.geometry.nx = 4;
  hello.spooled = true;
  return hello;
}

ShippedFrame frame_of(std::uint64_t number) {
  ShippedFrame frame;
  frame.number = number;
  frame.chunk.assign(200, std::byte(number));
  frame.peaks = {{1, 2, 3, 4, 5, 6, 7}};
  frame.raw_sum.bytes[0] = static_cast<std::uint8_t>(number);
  return frame;
}

struct EdgeMemoryTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("etalon_memory_" + std::to_string(::getpid()));
  void SetUp() override { fs::remove_all(folder); }
  void TearDown() override { fs::remove_all(folder); }

  Result<EdgeMemory> open() const { return EdgeMemory::open(folder.string(), 100000); }
  // What a shipper does with a message.
  static void spool(EdgeMemory& memory, Message::Body body) {
    ASSERT_TRUE(
        memory.spool()
            .append(encode_message({memory.hello()->run, memory.spool().next(), std::move(body)}))
            .ok());
  }
  static ShippedFrame audited_frame() {
    ShippedFrame frame = frame_of(6);
    frame.rejected = Rejected{{6, 1, 2, 0, true, "few", {}}, true};
    return frame;
  }
  static void ship(EdgeMemory& memory, std::uint64_t number) {
    spool(memory, frame_of(number));
    ASSERT_TRUE(memory.commit({facts_of(frame_of(number))}).ok());
  }
};

TEST_F(EdgeMemoryTest, WhatIsCommittedIsThereAgain) {
  RunId run;
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok()) << memory.error().message;
    EXPECT_TRUE(memory->is_empty());
    EXPECT_FALSE(memory->hello().has_value());
    auto begun = memory->begin(hello_of("a"));
    ASSERT_TRUE(begun.ok());
    run = *begun;
    ship(*memory, 3);
    const Vetoes vetoes{{{4, 1, 2, 0, false, "few", {}}, {5, 0, 0, 0, false, "few", {}}}};
    spool(*memory, vetoes);
    ASSERT_TRUE(memory->commit(facts_of(vetoes)).ok());
    spool(*memory, audited_frame());
    ASSERT_TRUE(memory->commit({facts_of(audited_frame())}).ok());
    spool(*memory, frame_of(7));  // killed before the journal had it
  }
  for (int again = 0; again < 2; ++again) {
    auto memory = open();
    ASSERT_TRUE(memory.ok()) << memory.error().message;
    auto gone_on = memory->begin(hello_of("a"));
    ASSERT_TRUE(gone_on.ok());
    EXPECT_EQ(*gone_on, run);
    ASSERT_EQ(memory->committed().size(), 5u);
    EXPECT_EQ(memory->committed()[0], facts_of(frame_of(3)));
    EXPECT_FALSE(memory->committed()[1].chunk.has_value());
    EXPECT_EQ(memory->committed()[2].number, 5u);
    EXPECT_EQ(memory->committed()[3], facts_of(audited_frame()));
    EXPECT_FALSE(memory->committed()[3].is_kept());
    EXPECT_EQ(memory->committed()[3].judged_hit, true);
    EXPECT_EQ(memory->committed()[4], facts_of(frame_of(7)));
    EXPECT_EQ(memory->spool().next(), 5u);
    EXPECT_FALSE(memory->end().has_value());
  }
}

TEST_F(EdgeMemoryTest, TheFactsOutliveTheMessages) {
  {
    auto memory = EdgeMemory::open(folder.string(), 1000);
    ASSERT_TRUE(memory.ok() && memory->begin(hello_of("a")).ok());
    for (std::uint64_t n = 0; n < 20; ++n) ship(*memory, n);
    memory->spool().release(20);
    EXPECT_GT(memory->spool().first(), 10u);
  }
  auto memory = open();
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  ASSERT_EQ(memory->committed().size(), 20u);
  EXPECT_EQ(memory->committed()[2], facts_of(frame_of(2)));
}

// The disk got the facts of a message that it did not get: what was not sent is done again.
TEST_F(EdgeMemoryTest, FactsWithoutTheirMessagesAreForgotten) {
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok() && memory->begin(hello_of("a")).ok());
    for (std::uint64_t n = 1; n < 5; ++n) ship(*memory, n);
  }
  const fs::path messages = folder / "1.spool";
  fs::resize_file(messages, fs::file_size(messages) - 300);
  for (std::uint64_t next = 4; next < 6; ++next) {  // the cut is for good
    auto memory = open();
    ASSERT_TRUE(memory.ok()) << memory.error().message;
    EXPECT_EQ(memory->spool().next(), next);
    EXPECT_EQ(memory->committed().size(), next - 1);
    ship(*memory, 9);
  }
}

TEST_F(EdgeMemoryTest, MessagesThatWereSafeMustBeThere) {
  {
    auto memory = EdgeMemory::open(folder.string(), 1000);
    ASSERT_TRUE(memory.ok() && memory->begin(hello_of("a")).ok());
    for (std::uint64_t n = 1; n < 6; ++n) ship(*memory, n);
  }
  for (const auto& file : fs::directory_iterator(folder))
    if (file.path().extension() == ".spool") fs::remove(file.path());
  EXPECT_EQ(open().error().code, Errc::malformed);
}

TEST_F(EdgeMemoryTest, TheEndAndTheLastWordAreRemembered) {
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok() && memory->begin(hello_of("a")).ok());
    ship(*memory, 1);
    End end;
    end.received = 9;
    spool(*memory, end);
  }
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok() && memory->end());
    EXPECT_EQ(memory->end()->received, 9u);
    EXPECT_FALSE(memory->done().has_value());
    ASSERT_TRUE(memory->finish({"x.h5", {}, 1, 0}).ok());
  }
  auto memory = open();
  ASSERT_TRUE(memory.ok() && memory->done());
  EXPECT_EQ(memory->done()->path, "x.h5");
  EXPECT_EQ(memory->committed().size(), 1u);
  memory->remove();
  EXPECT_FALSE(fs::exists(folder));
}

TEST_F(EdgeMemoryTest, ActionsCountWhenTheirFramesAreCommitted) {
  FastAction one{3, 1, {}}, other{4, 0, {}};
  one.id.bytes[0] = 7;
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok() && memory->begin(hello_of("a")).ok());
    ASSERT_TRUE(memory->act({one}).ok());
    ship(*memory, 3);
    ASSERT_TRUE(memory->act({other}).ok());  // killed before its frame was committed
  }
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok()) << memory.error().message;
    EXPECT_EQ(memory->actions(), std::vector<FastAction>{one});
    ASSERT_TRUE(memory->act({other}).ok());  // taken again
    ship(*memory, 4);
  }
  auto memory = open();
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_EQ(memory->actions(), (std::vector<FastAction>{one, other}));
}

TEST_F(EdgeMemoryTest, AnotherRunIsNotGoneOnWith) {
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok() && memory->begin(hello_of("a")).ok());
  }
  auto memory = open();
  ASSERT_TRUE(memory.ok());
  const auto other = memory->begin(hello_of("b"));
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code, Errc::usage);
  EXPECT_NE(other.error().message.find(folder.string()), std::string::npos);
  EXPECT_EQ(open().error().code, Errc::io);  // held
}

TEST_F(EdgeMemoryTest, WhatARemovalThatWasKilledLeftIsNobodys) {
  {
    auto memory = open();
    ASSERT_TRUE(memory.ok() && memory->begin(hello_of("a")).ok());
    ship(*memory, 1);
  }
  fs::remove(folder / "run.journal");
  auto memory = open();
  ASSERT_TRUE(memory.ok()) << memory.error().message;
  EXPECT_TRUE(memory->is_empty());
  EXPECT_TRUE(memory->committed().empty());
}

}  // namespace
}  // namespace etalon
