// Both ends over real sockets, with a network in between that loses, repeats and damages messages.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "stream/receiver.hpp"
#include "stream/shipper.hpp"

namespace etalon {
namespace {

using std::chrono::milliseconds;

Hello small_hello() {
  Hello hello;
  hello.info.geometry.ny = hello.info.geometry.nx = 4;
  hello.program = "test";
  return hello;
}

ShippedFrame frame_of(std::uint64_t number) {
  ShippedFrame frame;
  frame.number = number;
  frame.chunk.assign(100 + number % 50, std::byte(number));
  return frame;
}

// Stores frame numbers in the order in which they are handed out, until End.
struct Collector {
  Receiver receiver;
  std::vector<std::uint64_t> stored;
  std::optional<End> end;
  std::optional<Failure> failure;
  std::string error;
  bool seen_off = false;

  void run(std::size_t reject_at = SIZE_MAX, milliseconds slowness = milliseconds(0)) {
    for (;;) {
      auto message = receiver.next(milliseconds(20000));
      if (!message.ok() || !*message) {
        error = message.ok() ? "nothing came" : message.error().message;
        return;
      }
      if (auto* f = std::get_if<Failure>(&(*message)->body)) {
        failure = *f;
        return;
      }
      if (auto* frame = std::get_if<ShippedFrame>(&(*message)->body)) {
        std::this_thread::sleep_for(slowness);
        if (stored.size() == reject_at) return receiver.reject({Errc::io, "a.h5: disk full"});
        EXPECT_EQ(frame->chunk, frame_of(frame->number).chunk);
        stored.push_back(frame->number);
      }
      if (auto* e = std::get_if<End>(&(*message)->body)) {
        end = *e;
        receiver.done({"stored.h5", {}, stored.size(), 0});
        seen_off = receiver.see_off(milliseconds(5000));
        return;
      }
      if (auto accepted = receiver.accept(); !accepted.ok()) error = accepted.error().message;
    }
  }
};

Collector make_collector(std::size_t window = 8) {
  ReceiverOptions options;
  options.address = "tcp://127.0.0.1:*";
  options.window = window;
  auto receiver = Receiver::bind(options);
  if (!receiver.ok()) throw std::runtime_error(receiver.error().message);
  return {std::move(*receiver), {}, {}, {}, {}, false};
}

ShipperOptions ship_to(const std::string& address) {
  ShipperOptions options;
  options.address = address;
  options.window = 8;
  options.resend_after = milliseconds(30);
  return options;
}

std::vector<std::uint64_t> first(std::uint64_t n) {
  std::vector<std::uint64_t> numbers(n);
  for (std::uint64_t i = 0; i < n; ++i) numbers[i] = i;
  return numbers;
}

TEST(Wire, CarriesARunInOrder) {
  Collector collector = make_collector();
  std::thread centre([&] { collector.run(); });
  {
    auto shipper = Shipper::connect(ship_to(collector.receiver.address()), small_hello());
    ASSERT_TRUE(shipper.ok()) << shipper.error().message;
    for (std::uint64_t i = 0; i < 200; ++i)
      ASSERT_TRUE((*shipper)->send(frame_of(i), Shipper::Clock::now()).ok());
    ASSERT_TRUE((*shipper)->send(Vetoes{{{200, 0, 0, 0, false, "few", {}}}}).ok());
    End end;
    end.received = 201;
    auto done = (*shipper)->finish(end);
    ASSERT_TRUE(done.ok()) << done.error().message;
    EXPECT_EQ(done->stored, 200u);
    EXPECT_EQ(done->path, "stored.h5");
    EXPECT_EQ((*shipper)->counters().latencies.count(), 200u);
  }
  centre.join();
  EXPECT_EQ(collector.error, "");
  EXPECT_EQ(collector.stored, first(200));
  EXPECT_EQ(collector.end->received, 201u);
}

TEST(Wire, CreditHoldsTheEdgeBack) {
  Collector collector = make_collector(3);
  std::atomic<std::uint64_t> sent{0};
  std::thread edge([&] {
    auto shipper = Shipper::connect(ship_to(collector.receiver.address()), small_hello());
    ASSERT_TRUE(shipper.ok());
    for (std::uint64_t i = 0; i < 30; ++i, ++sent)
      ASSERT_TRUE((*shipper)->send(frame_of(i), Shipper::Clock::now()).ok());
    EXPECT_TRUE((*shipper)->finish({}).ok());
  });
  auto hello = collector.receiver.next(milliseconds(5000));
  ASSERT_TRUE(hello.ok() && *hello);
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(sent, 0u);  // no credit before the collector is ready
  ASSERT_TRUE(collector.receiver.accept().ok());
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_LE(sent, 8u);  // the edge's own window
  collector.run();
  edge.join();
  EXPECT_EQ(collector.stored, first(30));
}

TEST(Wire, AnAbsentCollectorIsMissedInTime) {
  ShipperOptions options = ship_to("tcp://127.0.0.1:1");
  options.connect_limit = milliseconds(300);
  auto shipper = Shipper::connect(options, small_hello());
  ASSERT_FALSE(shipper.ok());
  EXPECT_EQ(shipper.error().code, Errc::missing);
  EXPECT_NE(shipper.error().message.find("tcp://127.0.0.1:1"), std::string::npos);
}

TEST(Wire, SenselessAddressesAreUsageErrors) {
  EXPECT_EQ(Shipper::connect(ship_to("nonsense"), small_hello()).error().code, Errc::usage);
  ReceiverOptions options;
  options.address = "tcp://";
  EXPECT_EQ(Receiver::bind(options).error().code, Errc::usage);
}

TEST(Wire, ATakenAddressIsAnError) {
  Collector collector = make_collector();
  ReceiverOptions options;
  options.address = collector.receiver.address();
  auto second = Receiver::bind(options);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Errc::io);
  EXPECT_NE(second.error().message.find(options.address), std::string::npos);
}

TEST(Wire, TheCollectorsFailureReachesTheEdge) {
  Collector collector = make_collector();
  std::thread centre([&] { collector.run(3); });
  auto shipper = Shipper::connect(ship_to(collector.receiver.address()), small_hello());
  ASSERT_TRUE(shipper.ok());
  Result<void> sent;
  for (std::uint64_t i = 0; i < 100 && sent.ok(); ++i)
    sent = (*shipper)->send(frame_of(i), Shipper::Clock::now());
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code, Errc::io);
  EXPECT_NE(sent.error().message.find("disk full"), std::string::npos);
  centre.join();
}

TEST(Wire, TheEdgesFailureReachesTheCollector) {
  Collector collector = make_collector();
  std::thread centre([&] { collector.run(); });
  auto shipper = Shipper::connect(ship_to(collector.receiver.address()), small_hello());
  ASSERT_TRUE(shipper.ok());
  (*shipper)->abandon({Errc::malformed, "x.h5: frame 3: truncated"});
  centre.join();
  ASSERT_TRUE(collector.failure.has_value());
  EXPECT_EQ(collector.failure->code, Errc::malformed);
}

TEST(Wire, ACollectorThatWorksLongOnTheEndIsNotTakenForDead) {
  Collector collector = make_collector();
  ShipperOptions options = ship_to(collector.receiver.address());
  options.silence_limit = milliseconds(1500);
  std::thread centre([&] {
    for (;;) {
      auto message = collector.receiver.next(milliseconds(20000));
      if (!message.ok() || !*message) return;
      if (std::holds_alternative<End>((*message)->body)) break;
      (void)collector.receiver.accept();
    }
    for (int i = 0; i < 60; ++i) {  // twice the edge's patience
      std::this_thread::sleep_for(milliseconds(50));
      collector.receiver.keep_waiting();
    }
    collector.receiver.done({"stored.h5", {}, 1, 0});
    (void)collector.receiver.next(milliseconds(200));
  });
  auto shipper = Shipper::connect(options, small_hello());
  ASSERT_TRUE(shipper.ok()) << shipper.error().message;
  EXPECT_TRUE((*shipper)->send(frame_of(0), Shipper::Clock::now()).ok());
  auto done = (*shipper)->finish({});
  centre.join();
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(done->stored, 1u);
}

TEST(Wire, TheLastWordIsRepeatedUntilItIsHeard) {
  Collector collector = make_collector();
  std::optional<Result<Done>> done;
  std::thread edge([&] {
    auto shipper = Shipper::connect(ship_to(collector.receiver.address()), small_hello());
    ASSERT_TRUE(shipper.ok());
    done = (*shipper)->finish({});
  });
  collector.run();
  edge.join();
  EXPECT_TRUE(collector.seen_off);
  ASSERT_TRUE(done.has_value() && done->ok());
  EXPECT_TRUE(collector.end.has_value());
}

TEST(Wire, AnEdgeThatIsGoneIsNotSeenOffForEver) {
  Collector collector = make_collector();
  std::thread edge([&] {
    auto socket = Socket::connect(collector.receiver.address(), {});
    ASSERT_TRUE(socket.ok());
    (void)socket->send(encode_message({{}, 0, small_hello()}));
    (void)socket->send(encode_message({{}, 1, End{}}));  // and never a word again
  });
  auto hello = collector.receiver.next(milliseconds(5000));
  ASSERT_TRUE(hello.ok() && *hello);
  ASSERT_TRUE(collector.receiver.accept().ok());
  auto end = collector.receiver.next(milliseconds(5000));
  ASSERT_TRUE(end.ok() && *end);
  collector.receiver.done({"stored.h5", {}, 0, 0});
  EXPECT_FALSE(collector.receiver.see_off(milliseconds(200)));
  edge.join();
}

TEST(Wire, ADeadCollectorIsNoticed) {
  auto collector = std::make_unique<Collector>(make_collector());
  ShipperOptions options = ship_to(collector->receiver.address());
  options.silence_limit = milliseconds(500);
  auto connecting = std::thread([&] {
    auto hello = collector->receiver.next(milliseconds(5000));
    ASSERT_TRUE(hello.ok() && *hello);
    ASSERT_TRUE(collector->receiver.accept().ok());
  });
  auto shipper = Shipper::connect(options, small_hello());
  connecting.join();
  collector.reset();
  ASSERT_TRUE(shipper.ok());
  ASSERT_TRUE((*shipper)->send(frame_of(0), Shipper::Clock::now()).ok());
  auto done = (*shipper)->finish({});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code, Errc::io);
  EXPECT_NE(done.error().message.find("connection lost"), std::string::npos);
}

TEST(Wire, HostilePeersAreCountedAndDoNoHarm) {
  Collector collector = make_collector();
  Socket::Options options;
  options.linger = milliseconds(0);
  auto hostile = Socket::connect(collector.receiver.address(), options);
  ASSERT_TRUE(hostile.ok());
  std::mt19937 random(7);
  for (int i = 0; i < 20; ++i) {
    Bytes noise(random() % 300);
    for (std::byte& b : noise) b = std::byte(random());
    ASSERT_TRUE(hostile->send(noise).ok());
  }
  // Well-formed, but out of turn.
  ASSERT_TRUE(hostile->send(encode_message({{}, 1, frame_of(0)})).ok());
  auto nothing = collector.receiver.next(milliseconds(300));
  ASSERT_TRUE(nothing.ok());
  EXPECT_FALSE(nothing->has_value());
  EXPECT_EQ(collector.receiver.counters().dropped.at("malformed"), 20u);
  EXPECT_EQ(collector.receiver.counters().dropped.at("before hello"), 1u);

  std::thread centre([&] { collector.run(); });
  auto shipper = Shipper::connect(ship_to(collector.receiver.address()), small_hello());
  ASSERT_TRUE(shipper.ok());
  for (std::uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE((*shipper)->send(frame_of(i), Shipper::Clock::now()).ok());
    ASSERT_TRUE(hostile->send(encode_message({{}, i + 1, frame_of(99)})).ok());
  }
  EXPECT_TRUE((*shipper)->finish({}).ok());
  centre.join();
  EXPECT_EQ(collector.stored, first(20));
}

// A network that is as bad as the seed says: between the edge and the collector.
class BadNetwork {
 public:
  BadNetwork(const std::string& collector, unsigned seed) : random_(seed) {
    Socket::Options options;
    options.linger = milliseconds(0);
    auto front = Socket::bind("tcp://127.0.0.1:*", options);
    auto back = Socket::connect(collector, options);
    if (!front.ok() || !back.ok()) throw std::runtime_error("no sockets");
    address_ = front->address();
    thread_ = std::thread(&BadNetwork::run, this, std::move(*front), std::move(*back));
  }
  ~BadNetwork() {
    stop_ = true;
    thread_.join();
  }
  const std::string& address() const { return address_; }

 private:
  void run(Socket front, Socket back) {
    Bytes edge;
    while (!stop_) {
      bool idle = true;
      if (auto packet = front.receive(); packet.ok() && *packet) {
        edge = (*packet)->peer;
        pass((*packet)->bytes.bytes, [&](const Bytes& bytes) { (void)back.send(bytes); });
        idle = false;
      }
      if (auto packet = back.receive(); packet.ok() && *packet) {
        pass((*packet)->bytes.bytes, [&](const Bytes& bytes) { (void)front.send(bytes, edge); });
        idle = false;
      }
      if (idle) (void)front.wait(milliseconds(1));
    }
  }
  template <typename Send>
  void pass(ByteSpan came, Send send) {
    Bytes bytes(came.begin(), came.end());
    switch (random_() % 8) {
      case 0:
        return;  // lost
      case 1:
        send(bytes);  // twice
        break;
      case 2:
        if (!bytes.empty()) bytes[random_() % bytes.size()] ^= std::byte{16};
        break;
      default:
        break;
    }
    send(bytes);
  }

  std::mt19937 random_;
  std::string address_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

class WireOverABadNetwork : public testing::TestWithParam<unsigned> {};

TEST_P(WireOverABadNetwork, StoresEveryFrameExactlyOnceInOrder) {
  Collector collector = make_collector();
  BadNetwork network(collector.receiver.address(), GetParam());
  std::thread centre([&] { collector.run(); });
  auto shipper = Shipper::connect(ship_to(network.address()), small_hello());
  ASSERT_TRUE(shipper.ok()) << shipper.error().message;
  for (std::uint64_t i = 0; i < 60; ++i)
    ASSERT_TRUE((*shipper)->send(frame_of(i), Shipper::Clock::now()).ok());
  auto done = (*shipper)->finish({});
  EXPECT_TRUE(done.ok()) << done.error().message;
  centre.join();
  EXPECT_EQ(collector.stored, first(60));
  EXPECT_GT((*shipper)->counters().resent, 0u);
  EXPECT_GT(collector.receiver.counters().dropped.count("malformed"), 0u);
}
INSTANTIATE_TEST_SUITE_P(Seeds, WireOverABadNetwork, testing::Values(1, 2, 3));

}  // namespace
}  // namespace etalon
