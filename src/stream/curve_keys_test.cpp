#include "stream/curve_keys.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "stream/receiver.hpp"
#include "stream/shipper.hpp"

namespace etalon {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

struct CurveKeysTest : testing::Test {
  fs::path base = fs::temp_directory_path() / ("etalon_keys_" + std::to_string(::getpid()));
  std::string ours = (base / "ours").string(), others = (base / "others").string();
  void SetUp() override {
    fs::remove_all(base);
    ASSERT_TRUE(make_keys(ours).ok());
    ASSERT_TRUE(make_keys(others).ok());
  }
  void TearDown() override { fs::remove_all(base); }

  static std::optional<CurveKeys> keys(const std::string& folder, const std::string& own,
                                       const std::string& peer) {
    auto loaded = load_keys(folder, own, peer);
    EXPECT_TRUE(loaded.ok());
    return loaded.ok() ? std::optional(*loaded) : std::nullopt;
  }

  // What an edge with these keys hears from a collector with ours.
  Result<void> meet(std::optional<CurveKeys> edge) {
    ReceiverOptions options;
    options.address = "tcp://127.0.0.1:*";
    options.keys = keys(ours, "collector", "edge");
    auto receiver = Receiver::bind(options);
    if (!receiver.ok()) return receiver.error();
    std::atomic<bool> over{false};
    std::thread centre([&] {
      while (!over) {
        auto message = receiver->next(milliseconds(20));
        if (message.ok() && *message) (void)receiver->accept();
      }
    });
    ShipperOptions wire;
    wire.address = receiver->address();
    wire.connect_limit = milliseconds(3000);
    wire.keys = std::move(edge);
    Hello hello;
    hello.info.geometry.ny = hello.info.geometry.nx = 4;
    auto shipper = Shipper::connect(wire, hello);
    over = true;
    centre.join();
    strangers = receiver->counters().dropped;
    if (!shipper.ok()) return shipper.error();
    return {};
  }
  std::map<std::string, std::uint64_t> strangers;
};

TEST_F(CurveKeysTest, TheRightKeysTalk) {
  auto met = meet(keys(ours, "edge", "collector"));
  EXPECT_TRUE(met.ok()) << met.error().message;
  EXPECT_EQ(strangers.count("key not known"), 0u);
}

TEST_F(CurveKeysTest, AnEdgeThatIsNotKnownIsRefused) {
  CurveKeys stranger = *keys(others, "edge", "collector");
  stranger.peer_public = keys(ours, "edge", "collector")->peer_public;
  auto met = meet(stranger);
  ASSERT_FALSE(met.ok());
  EXPECT_EQ(met.error().code, Errc::usage);
  EXPECT_NE(met.error().message.find("does not know our key"), std::string::npos);
  EXPECT_GT(strangers["key not known"], 0u);
}

TEST_F(CurveKeysTest, ACollectorThatIsNotKnownIsNotTalkedTo) {
  auto met = meet(keys(others, "edge", "collector"));
  ASSERT_FALSE(met.ok());
  EXPECT_EQ(met.error().code, Errc::usage);
}

TEST_F(CurveKeysTest, AnEdgeWithoutKeysIsRefused) {
  auto met = meet(std::nullopt);
  ASSERT_FALSE(met.ok());
  // The collector hangs up as soon as it has read that we have none. What it was saying itself may
  // or may not have come by then; without it we know no more than that it hung up.
  EXPECT_TRUE(met.error().code == Errc::usage || met.error().code == Errc::missing);
  EXPECT_TRUE(met.error().message.find("one end has keys") != std::string::npos ||
              met.error().message.find("as by one that has keys") != std::string::npos)
      << met.error().message;
}

TEST_F(CurveKeysTest, FilesThatAreNoKeysAreSaid) {
  EXPECT_EQ(make_keys(ours).error().code, Errc::usage);  // not written over
  EXPECT_EQ(load_keys((base / "none").string(), "edge", "collector").error().code, Errc::missing);
  fs::permissions(base / "ours" / "edge.key", fs::perms(0644));
  EXPECT_EQ(load_keys(ours, "edge", "collector").error().code, Errc::usage);
  fs::permissions(base / "ours" / "edge.key", fs::perms(0600));
  std::ofstream(base / "ours" / "collector.pub") << "etalon.public abc\n";
  const auto loaded = load_keys(ours, "edge", "collector");
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().code, Errc::malformed);
  EXPECT_NE(loaded.error().message.find("collector.pub"), std::string::npos);
  EXPECT_FALSE(parse_key("etalon.public " + std::string(40, '~') + "\n", "public").ok());
  EXPECT_FALSE(parse_key("etalon.secret " + std::string(40, '0') + "\n", "public").ok());
}

TEST(CurveKeys, AddressesOfThisMachine) {
  for (const char* address :
       {"ipc:///tmp/x", "tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1"})
    EXPECT_TRUE(is_local_address(address)) << address;
  for (const char* address :
       {"tcp://*:1", "tcp://0.0.0.0:1", "tcp://10.0.0.1:1", "tcp://localhost.evil:1"})
    EXPECT_FALSE(is_local_address(address)) << address;
}

}  // namespace
}  // namespace etalon
