#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "jobs/job_files.hpp"
#include "jobs/wire.hpp"

namespace etalon::jobs {
namespace {

SpecRecord some_spec() {
  SpecRecord record;
  record.spec.argv = {"prog", "", "caf\xc3\xa9", "\xff\xfe raw"};
  record.spec.name = "prog";
  record.spec.urgent = true;
  record.spec.directory = "/data/run 7";
  record.spec.environment = {{"A", "1"}, {"B", ""}};
  record.environment = {"PATH=/bin", "BAD=\x80"};
  record.key = "0123456789abcdef0123456789abcdef";
  record.umask = 027;
  record.submitted = {1.7e9, 42.5};
  return record;
}

void expect_equal(const SpecRecord& a, const SpecRecord& b) {
  EXPECT_EQ(a.spec.argv, b.spec.argv);
  EXPECT_EQ(a.spec.name, b.spec.name);
  EXPECT_EQ(a.spec.urgent, b.spec.urgent);
  EXPECT_EQ(a.spec.directory, b.spec.directory);
  EXPECT_EQ(a.spec.environment, b.spec.environment);
  EXPECT_EQ(a.environment, b.environment);
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.umask, b.umask);
  EXPECT_EQ(a.submitted.unix_s, b.submitted.unix_s);
  EXPECT_EQ(a.submitted.monotonic_s, b.submitted.monotonic_s);
}

class RecordFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "recordXXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string path(const char* name) const { return directory_ + "/" + name; }
  std::string directory_;
};

TEST_F(RecordFile, ComesBackAsWritten) {
  const auto written =
      write_record(path("spec"), to_cbor(some_spec()), Durable::yes, Existing::keep);
  ASSERT_TRUE(written.ok()) << written.error().message;
  EXPECT_TRUE(*written);
  const auto back = load<SpecRecord>(path("spec"));
  ASSERT_TRUE(back.ok()) << back.error().message;
  expect_equal(*back, some_spec());
}

TEST_F(RecordFile, TheFirstWriterWinsOrTheLastAsAsked) {
  const ControlRecord first{true, 1}, second{false, 2};
  EXPECT_TRUE(*write_record(path("c"), to_cbor(first), Durable::no, Existing::keep));
  EXPECT_FALSE(*write_record(path("c"), to_cbor(second), Durable::no, Existing::keep));
  EXPECT_EQ(load<ControlRecord>(path("c"))->suspensions, 1u);
  EXPECT_TRUE(*write_record(path("c"), to_cbor(second), Durable::no, Existing::replace));
  EXPECT_EQ(load<ControlRecord>(path("c"))->suspensions, 2u);
  // No temporary file stays behind.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_), {}), 1);
}

TEST_F(RecordFile, AbsentOneIsMissingAndAnUnwritableFolderIsSaid) {
  EXPECT_EQ(load<SpecRecord>(path("none")).error().code, Errc::missing);
  const auto written =
      write_record(directory_ + "/no/where", cbor::Value(), Durable::no, Existing::replace);
  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.error().message.find("/no/where"), std::string::npos);
}

TEST_F(RecordFile, EveryFlippedBitAndEveryTruncationIsMalformed) {
  const Bytes good = pack_record(to_cbor(some_spec()));
  ASSERT_TRUE(unpack_record(good).ok());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(unpack_record(ByteSpan(good).first(size)).error().code, Errc::malformed) << size;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      Bytes bad = good;
      bad[i] ^= std::byte{1} << bit;
      const auto read = unpack_record(bad);
      ASSERT_FALSE(read.ok()) << "byte " << i;
      EXPECT_EQ(read.error().code, Errc::malformed);
    }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(unpack_record(longer).ok());
}

TEST_F(RecordFile, ADeviceOrFolderInItsPlaceIsMalformed) {
  std::filesystem::create_directory(path("spec"));
  EXPECT_EQ(load<SpecRecord>(path("spec")).error().code, Errc::malformed);
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(load<SpecRecord>(path("pipe")).error().code, Errc::malformed);
}

TEST(Records, SenselessContentsAreMalformedAndNameTheKey) {
  const auto reason = [](cbor::Value value, auto record) {
    const auto parsed = from_cbor(value, record);
    return parsed.ok() ? std::string("accepted") : parsed.error().message;
  };
  const cbor::Value spec = to_cbor(some_spec());
  EXPECT_NE(reason(cbor::Value(spec).set("argv", cbor::List{}), SpecRecord{}).find("argv"),
            std::string::npos);
  EXPECT_NE(reason(cbor::Value(spec).set("key", Bytes{}), SpecRecord{}).find("key"),
            std::string::npos);
  EXPECT_NE(reason(cbor::Value(spec).set("directory", Bytes(3)), SpecRecord{}).find("zero byte"),
            std::string::npos);
  EXPECT_NE(reason(cbor::Value(spec).set("submitted_s", 0.0 / 0.0), SpecRecord{}).find("finite"),
            std::string::npos);
  const cbor::Value result = to_cbor(ResultRecord{JobState::done, 0, "", 1.0, 0});
  EXPECT_NE(reason(cbor::Value(result).set("state", "running"), ResultRecord{}).find("state"),
            std::string::npos);
  EXPECT_NE(reason(cbor::Value(result).set("exit_code", 256), ResultRecord{}).find("exit_code"),
            std::string::npos);
  EXPECT_NE(reason(cbor::Value(7), ClaimRecord{}), "accepted");
}

TEST(Wire, MessagesComeBackFromAnyCutting) {
  const Request request{Request::Kind::submit, 0, some_spec()};
  Bytes stream = pack_message(to_cbor(request));
  const Bytes second = pack_message(to_cbor(Request{Request::Kind::cancel, 7, {}}));
  stream.insert(stream.end(), second.begin(), second.end());
  for (const std::size_t step : {1u, 3u, 1000u}) {
    MessageReader reader(max_request_bytes);
    std::vector<Request> got;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      reader.add(ByteSpan(stream).subspan(at, std::min(step, stream.size() - at)));
      for (auto next = reader.next(); next.ok() && next->has_value(); next = reader.next())
        got.push_back(*parse_request(**next));
    }
    ASSERT_EQ(got.size(), 2u);
    expect_equal(got[0].spec, some_spec());
    EXPECT_EQ(got[1].kind, Request::Kind::cancel);
    EXPECT_EQ(got[1].id, 7u);
  }
}

TEST(Wire, WrongLengthsContentsAndVersionsAreErrors) {
  const auto error_of = [](ByteSpan bytes) {
    MessageReader reader(1000);
    reader.add(bytes);
    return reader.next();
  };
  ByteWriter huge, empty, junk;
  huge.put(std::uint32_t{1001});
  empty.put(std::uint32_t{0});
  junk.put(std::uint32_t{1});
  junk.put(std::uint8_t{0xff});
  EXPECT_EQ(error_of(huge.buffer()).error().code, Errc::malformed);
  EXPECT_EQ(error_of(empty.buffer()).error().code, Errc::malformed);
  EXPECT_EQ(error_of(junk.buffer()).error().code, Errc::malformed);
  cbor::Value other = to_cbor(Request{});
  other.set("version", 99);
  EXPECT_EQ(parse_request(other).error().code, Errc::usage);
  EXPECT_FALSE(parse_request(cbor::Value("list")).ok());
  EXPECT_FALSE(parse_request(to_cbor(Request{}).set("kind", "dance")).ok());
}

TEST(Wire, StatusAndErrorsComeBack) {
  JobStatus status;
  status.id = 12;
  status.spec = some_spec().spec;
  status.state = JobState::failed;
  status.exit_code = 127;
  status.reason = "x: no such command";
  status.suspensions = 3;
  status.latency_s = 0.03;
  status.output = "/o";
  status.errors = "/e";
  const auto back = parse_status(to_cbor(status));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(back->spec.argv, status.spec.argv);
  EXPECT_EQ(back->state, status.state);
  EXPECT_EQ(back->exit_code, 127);
  EXPECT_EQ(back->reason, status.reason);
  EXPECT_EQ(back->output, "/o");
  EXPECT_EQ(back->errors, "/e");
  EXPECT_EQ(back->suspensions, 3u);
  EXPECT_EQ(back->latency_s, 0.03);
  const auto error = check_reply(reply_error({Errc::missing, "job 9: none"}));
  EXPECT_EQ(error.error().code, Errc::missing);
  EXPECT_EQ(error.error().message, "job 9: none");
  EXPECT_TRUE(check_reply(reply_ok()).ok());
}

}  // namespace
}  // namespace etalon::jobs
