#include "stream/message.hpp"

#include <gtest/gtest.h>

#include "base/crc32c.hpp"
#include "stream/latency.hpp"
#include "stream/message_body.hpp"

namespace etalon {
namespace {

Hello example_hello() {
  Hello hello;
  hello.info.name = "lyso_7";
  hello.info.frames = 3;
  hello.info.dtype = DType::i32;
  hello.info.geometry = {4, 5, 2.25, 1.5, 75e-6, 76e-6, 0.2, 1.3, {{0, 2, 0, 5}, {2, 4, 0, 5}}, {}};
  hello.info.geometry.places = {{{-1e-4, 2e-4, 0.2}, {75e-6, 0, 0}, {0, 76e-6, 1e-7}},
                                {{1e-4, -2e-4, 0.21}, {-75e-6, 0, 0}, {0, -76e-6, 0}}};
  hello.info.pixel_mask.assign(20, 0);
  hello.info.pixel_mask[7] = 0x80000001;
  hello.info.start_time = "2026-01-02T03:04:05Z";
  hello.bound = Bound::abs(1.5);
  hello.recipe.bytes[3] = 9;
  hello.program = "etalon test";
  return hello;
}

template <typename T>
T round_trip(const T& body, std::uint64_t sequence = 5) {
  Message message{{}, sequence, body};
  message.run.bytes[0] = 77;
  auto back = decode_message(encode_message(message));
  if (!back.ok()) {
    ADD_FAILURE() << back.error().message;
    return {};
  }
  EXPECT_EQ(back->run, message.run);
  EXPECT_EQ(back->sequence, sequence);
  if (!std::holds_alternative<T>(back->body)) {
    ADD_FAILURE() << "another type came back";
    return {};
  }
  return std::get<T>(back->body);
}

TEST(Message, HelloKeepsEverythingAboutTheSeries) {
  const Hello hello = example_hello(), back = round_trip(hello);
  EXPECT_EQ(back.info.name, hello.info.name);
  EXPECT_EQ(back.info.frames, 3u);
  EXPECT_EQ(back.info.dtype, DType::i32);
  EXPECT_EQ(back.info.geometry, hello.info.geometry);
  EXPECT_EQ(back.info.pixel_mask, hello.info.pixel_mask);
  EXPECT_EQ(back.info.start_time, hello.info.start_time);
  EXPECT_EQ(back.bound, hello.bound);
  EXPECT_EQ(back.recipe, hello.recipe);
  EXPECT_EQ(back.program, hello.program);
}

TEST(Message, FrameComesBackBitForBit) {
  ShippedFrame frame;
  frame.number = 41;
  frame.time_s = 0.125;
  frame.chunk = {std::byte{1}, std::byte{0}, std::byte{255}};
  frame.peaks = {{1.25F, 2.5F, 100, 50, 1.5F, 66, 9}, {3, 4, 5, 6, 7, 8, 2}};
  frame.raw_sum.bytes[15] = 3;
  ShippedFrame back = round_trip(frame);
  EXPECT_EQ(back.number, frame.number);
  EXPECT_EQ(back.time_s, frame.time_s);
  EXPECT_EQ(back.chunk, frame.chunk);
  EXPECT_EQ(back.peaks, frame.peaks);
  EXPECT_EQ(back.raw_sum, frame.raw_sum);
  EXPECT_FALSE(back.decoded_sum.has_value());
  EXPECT_FALSE(back.rejected.has_value());
  frame.rejected = Rejected{{41, 1, 2.5, 3.25, true, "peaks < 15", {}}, true};
  EXPECT_EQ(round_trip(frame).rejected, frame.rejected);
  frame.rejected->row.number = 40;  // of another frame
  EXPECT_FALSE(decode_message(encode_message({{}, 1, frame})).ok());
  frame.rejected.reset();
  frame.decoded_sum = FrameSum{};
  frame.decoded_sum->bytes[0] = 8;
  EXPECT_EQ(round_trip(frame).decoded_sum, frame.decoded_sum);
}

TEST(Message, EndCarriesCountersAndRecords) {
  End end;
  end.received = 10;
  end.kept = 2;
  end.vetoed = 7;
  end.audited = 3;
  end.lost = {{"unreadable", 1}};
  end.complete = false;
  end.raw_bytes_kept = 5;
  end.latency_p99_ms = 0.5;
  Record record;
  record.kind = "veto";
  record.inputs = {{"peaks", Hash{}, ""}};
  record.outputs = {{"kept", Hash{}, "a/b"}};
  record.settings.set("min_peaks", 15);
  record.program = "etalon test";
  end.records = {record};
  const End back = round_trip(end);
  EXPECT_EQ(back.lost, end.lost);
  EXPECT_EQ(back.received, 10u);
  EXPECT_EQ(back.audited, 3u);
  EXPECT_FALSE(back.complete);
  EXPECT_EQ(back.raw_bytes_kept, 5u);
  EXPECT_EQ(back.latency_p99_ms, 0.5);
  ASSERT_EQ(back.records.size(), 1u);
  EXPECT_EQ(back.records[0].inputs, record.inputs);
  EXPECT_EQ(back.records[0].outputs, record.outputs);
  EXPECT_EQ(back.records[0].settings, record.settings);
}

TEST(Message, SmallOnesComeBack) {
  const Ack ack = round_trip(Ack{7, 39, true, true, {8, 11}}, 0);
  EXPECT_EQ(ack.next, 7u);
  EXPECT_EQ(ack.limit, 39u);
  EXPECT_TRUE(ack.resend);
  EXPECT_TRUE(ack.stop);
  EXPECT_EQ(ack.missing, (std::vector<std::uint64_t>{8, 11}));
  EXPECT_TRUE(round_trip(Ack{7, 39, false, false, {}}, 0).missing.empty());
  EXPECT_EQ(round_trip(Failure{Errc::missing, "gone"}).code, Errc::missing);
  EXPECT_EQ(round_trip(Done{"x.h5", {}, 3, 4}).stored, 3u);
  (void)round_trip(Bye{}, 0);
  const Vetoes vetoes{
      {{3, 1, 2.5, 3.25, true, "peaks < 15", {}}, {4, 0, 0, 0, false, "peaks < 15", {}}}};
  EXPECT_EQ(round_trip(vetoes).rows, vetoes.rows);
}

TEST(Message, EveryFlippedBitIsNoticed) {
  const Bytes good = encode_message({{}, 0, example_hello()});
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= std::byte(1 << (bit % 8));
    auto result = decode_message(bad);
    ASSERT_FALSE(result.ok()) << "bit " << bit;
    ASSERT_EQ(result.error().code, Errc::malformed);
  }
}

TEST(Message, EveryTruncationIsNoticed) {
  const Bytes good = encode_message({{}, 0, example_hello()});
  for (std::size_t n = 0; n < good.size(); ++n)
    ASSERT_FALSE(decode_message(ByteSpan(good).first(n)).ok()) << n;
}

Bytes sealed(const cbor::Value& value) {
  Bytes bytes = cbor::encode(value);
  const std::uint32_t crc = crc32c(bytes);
  const auto tail = std::as_bytes(std::span(&crc, 1));
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

// What is wrong although the checksum is right.
TEST(Message, SenselessContentIsRefusedWithItsPlace) {
  using cbor::List;
  const Bytes run(16);
  auto message = [&](cbor::Value version, cbor::Value type, cbor::Value body) {
    return decode_message(
        sealed(List{wire_name, std::move(version), std::move(type), run, 0, std::move(body)}));
  };
  EXPECT_NE(message(3, 5, cbor::Map{}).error().message.find("version 3"), std::string::npos);
  EXPECT_NE(message(wire_version, 99, cbor::Map{}).error().message.find("type 99"),
            std::string::npos);
  EXPECT_NE(message(wire_version, 2, cbor::Map{}).error().message.find("number"),
            std::string::npos);
  EXPECT_FALSE(decode_message(sealed(List{"other", 1, 5, run, 0, cbor::Map{}})).ok());
  EXPECT_FALSE(
      decode_message(sealed(List{wire_name, wire_version, 5, Bytes(15), 0, cbor::Map{}})).ok());
  EXPECT_FALSE(decode_message(sealed(7)).ok());

  cbor::Value info = wire::to_cbor(example_hello().info);
  auto hello = [&](std::string_view key, cbor::Value value) {
    cbor::Value changed = info, body;
    changed.set(key, std::move(value));
    body.set("info", changed).set("recipe", Bytes(32)).set("bound", "lossless");
    body.set("program", "p");
    return message(wire_version, 1, body);
  };
  EXPECT_TRUE(hello("ny", 4).ok());
  EXPECT_FALSE(hello("ny", 0).ok());
  EXPECT_FALSE(hello("ny", std::uint64_t{1} << 60).ok());
  EXPECT_FALSE(hello("nx", -5).ok());
  EXPECT_FALSE(hello("dtype", "u7").ok());
  EXPECT_FALSE(hello("pixel_mask", Bytes(79)).ok());
  EXPECT_FALSE(hello("panels", List{List{0, 9, 0, 5}}).ok());
  EXPECT_FALSE(hello("places", List{}).ok());
  EXPECT_FALSE(hello("places", List{List{1.0}, List{1.0}}).ok());
  List nine(9, cbor::Value(1.0));
  EXPECT_TRUE(hello("places", List{nine, nine}).ok());
  nine[4] = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(hello("places", List{nine, nine}).ok());
}

TEST(Latencies, QuantilesAreWithinTwoPercent) {
  Latencies latencies;
  EXPECT_EQ(latencies.quantile_ms(0.5), 0);
  for (int i = 1; i <= 1000; ++i) latencies.add(std::chrono::milliseconds(i));
  EXPECT_NEAR(latencies.quantile_ms(0.5), 500, 500 * 0.02);
  EXPECT_NEAR(latencies.quantile_ms(0.99), 990, 990 * 0.02);
  EXPECT_NEAR(latencies.quantile_ms(1), 1000, 1000 * 0.02);
  latencies.add(std::chrono::hours(10));
  EXPECT_EQ(latencies.count(), 1001u);
}

}  // namespace
}  // namespace etalon
