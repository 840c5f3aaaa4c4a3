// Both ends over a real socket: what leaves, and what is acknowledged, is on the disk.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "stream/receiver.hpp"
#include "stream/shipper.hpp"

namespace etalon {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

ShippedFrame frame_of(std::uint64_t number) {
  ShippedFrame frame;
  frame.number = number;
  frame.chunk.assign(100, std::byte(number));
  return frame;
}

struct DurableTest : testing::Test {
  fs::path folder = fs::temp_directory_path() / ("etalon_durable_" + std::to_string(::getpid()));
  std::optional<Receiver> receiver;
  std::optional<Spool> spool;
  SpoolOptions spooling;
  ShipperOptions wire;
  std::atomic<bool> slow{false};  // the edge's disk has not done what it was told yet

  void SetUp() override {
    fs::remove_all(folder);
    fs::create_directories(folder);
    spooling.folder = folder.string();
    ReceiverOptions options;
    options.address = "tcp://127.0.0.1:*";
    options.window = 8;
    receiver.emplace(Receiver::bind(options).value());
    wire.address = receiver->address();
    wire.window = 8;
  }
  void TearDown() override { fs::remove_all(folder); }

  Result<std::unique_ptr<Shipper>> connect() {
    spool.emplace(Spool::open(spooling).value());
    wire.spool = &*spool;
    Hello hello;
    hello.info.geometry.ny = hello.info.geometry.nx = 4;
    return Shipper::connect(wire, hello);
  }
  // Of the frames that come within a time.
  std::size_t taken(milliseconds time) {
    std::size_t count = 0;
    const auto until = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < until) {
      auto message = receiver->next(milliseconds(10));
      if (!message.ok() || !*message) continue;
      EXPECT_TRUE(receiver->take().ok());
      if (std::holds_alternative<Hello>((*message)->body)) {
        EXPECT_TRUE(receiver->accept().ok());
        continue;
      }
      EXPECT_FALSE(slow);
      ++count;
    }
    return count;
  }
};

TEST_F(DurableTest, NothingLeavesBeforeItIsSynced) {
  slow = true;
  spooling.before_sync = [&]() -> Result<void> {
    while (slow) std::this_thread::sleep_for(milliseconds(1));
    return {};
  };
  std::thread edge([&] {
    auto shipper = connect();
    ASSERT_TRUE(shipper.ok()) << shipper.error().message;
    for (std::uint64_t n = 0; n < 5; ++n)  // a slow disk is not the caller's affair
      ASSERT_TRUE((*shipper)->send(frame_of(n), Shipper::Clock::now()).ok());
    EXPECT_EQ(spool->next(), 6u);
    std::this_thread::sleep_for(milliseconds(300));
    slow = false;
    std::this_thread::sleep_for(milliseconds(500));
  });
  EXPECT_EQ(taken(milliseconds(700)), 5u);
  edge.join();
}

TEST_F(DurableTest, ADiskThatFailsEndsTheRun) {
  std::atomic<bool> broken{false};
  spooling.before_sync = [&]() -> Result<void> {
    if (broken) return Error{Errc::io, "spool: no more"};
    return {};
  };
  std::thread centre([&] { EXPECT_EQ(taken(milliseconds(700)), 0u); });
  auto shipper = connect();
  ASSERT_TRUE(shipper.ok());
  broken = true;
  EXPECT_TRUE((*shipper)->send(frame_of(0), Shipper::Clock::now()).ok());
  const auto done = (*shipper)->finish({});
  centre.join();
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().message, "spool: no more");
}

TEST_F(DurableTest, WhatIsTakenIsAcknowledgedWhenItIsAccepted) {
  wire.resend_after = milliseconds(50);  // asking again does not help
  std::atomic<bool> over{false};
  std::thread edge([&] {
    auto shipper = connect();
    ASSERT_TRUE(shipper.ok());
    for (std::uint64_t n = 0; n < 5; ++n)
      ASSERT_TRUE((*shipper)->send(frame_of(n), Shipper::Clock::now()).ok());
    while (!over) {
      EXPECT_EQ((*shipper)->unacknowledged(), 5u);
      std::this_thread::sleep_for(milliseconds(20));
    }
    EXPECT_TRUE(receiver->accept().ok());
    for (int i = 0; i < 1000 && (*shipper)->unacknowledged() != 0; ++i)
      std::this_thread::sleep_for(milliseconds(10));
    EXPECT_EQ((*shipper)->unacknowledged(), 0u);
  });
  EXPECT_EQ(taken(milliseconds(600)), 5u);
  over = true;
  edge.join();
}

// What a collector that is killed, or a proxy in between, may leave the edge with: a connection
// that is open, and silent.
TEST(Reconnect, AConnectionThatNobodyServesIsMadeAnew) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &size), 0);
  const std::string address = "tcp://127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  std::thread centre([&] {
    const int silent = ::accept(listener, nullptr, nullptr);
    ::close(listener);
    ReceiverOptions options;
    options.address = address;
    auto receiver = Receiver::bind(options);
    ASSERT_TRUE(receiver.ok()) << receiver.error().message;
    auto hello = receiver->next(milliseconds(15000));
    ASSERT_TRUE(hello.ok() && *hello);
    EXPECT_TRUE(receiver->accept().ok());
    (void)receiver->next(milliseconds(200));
    ::close(silent);
  });
  ShipperOptions options;
  options.address = address;
  options.connect_limit = milliseconds(15000);
  Hello hello;
  hello.info.geometry.ny = hello.info.geometry.nx = 4;
  const auto shipper = Shipper::connect(options, hello);
  EXPECT_TRUE(shipper.ok()) << shipper.error().message;
  centre.join();
}

// A disk that lost what it had synced: this edge would give new frames numbers that are taken.
TEST_F(DurableTest, ACollectorThatHasMoreThanTheSpoolIsNotTalkedOver) {
  const RunId run = RunId::random().value();
  wire.run = run;
  receiver->resume(run, 7);
  std::thread centre([&] { (void)taken(milliseconds(500)); });
  const auto shipper = connect();
  centre.join();
  ASSERT_FALSE(shipper.ok());
  EXPECT_EQ(shipper.error().code, Errc::check);
  EXPECT_NE(shipper.error().message.find("has 6 messages"), std::string::npos)
      << shipper.error().message;
}

}  // namespace
}  // namespace etalon
