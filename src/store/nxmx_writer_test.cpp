#include "store/nxmx_writer.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <random>

#include "store/file.hpp"
#include "store/folder_test.hpp"
#include "store/hdf5.hpp"
#include "store/inspect_file.hpp"
#include "store/nxmx_layout.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

constexpr std::size_t ny = 60, nx = 50;

SeriesInfo some_info() {
  SeriesInfo info;
  info.name = "run7";
  info.dtype = DType::u16;
  info.geometry = {ny, nx, 25.5, 31.25, 75e-6, 80e-6, 0.125, 1.3, {}, {}};
  info.geometry.panels = {{0, 28, 0, nx}, {32, ny, 0, nx}};
  info.pixel_mask.assign(ny * nx, 0);
  for (std::size_t i = 28 * nx; i < 32 * nx; ++i) info.pixel_mask[i] = 1;
  info.saturation_value = 65000;
  info.count_time_s = 0.009;
  info.frame_time_s = 0.01;
  info.start_time = "2026-12-31T23:59:59.995Z";
  info.detector = "a detector";
  info.sensor_material = "Si";
  info.sensor_thickness_m = 450e-6;
  return info;
}

Frame some_frame(std::uint64_t number) {
  Frame frame{number, static_cast<double>(number) * 0.01, Array(DType::u16, {ny, nx})};
  std::mt19937 random(static_cast<unsigned>(number));
  std::poisson_distribution<int> counts(3);
  for (auto& pixel : frame.image.as<std::uint16_t>())
    pixel = static_cast<std::uint16_t>(counts(random));
  return frame;
}

std::vector<std::byte> encoded(const Frame& frame, const Bound& bound) {
  CompressOptions options;
  options.bound = bound;
  const ArrayView image = frame.image.view();
  auto chunk = encode_chunk({image.data, image.dtype, {1, ny, nx}}, options);
  EXPECT_TRUE(chunk.ok());
  return std::move(chunk).value();
}

class NxmxWriterTest : public TestFolder {
 protected:
  // `count` frames, each third of the source series kept, frame i with i peaks.
  void write(const std::string& name, std::uint64_t count, bool raw,
             const Bound& bound = Bound::lossless()) {
    auto writer = NxmxWriter::create(path(name), some_info(), bound, false);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    for (std::uint64_t i = 0; i < count; ++i) {
      const Frame frame = some_frame(3 * i);
      std::vector<Peak> peaks(i);
      for (std::size_t k = 0; k < peaks.size(); ++k)
        peaks[k] = {static_cast<float>(k), static_cast<float>(i), 100, 50, 1, 20, 4};
      const auto done =
          raw ? writer->append_raw(frame)
              : writer->append(frame.number, frame.time_s, encoded(frame, bound), peaks);
      ASSERT_TRUE(done.ok()) << done.error().message;
    }
    const auto done = writer->finish();
    ASSERT_TRUE(done.ok()) << done.error().message;
  }
};

TEST_F(NxmxWriterTest, FramesAndMetadataComeBack) {
  for (const bool raw : {false, true}) {
    const std::string name = raw ? "raw.h5" : "chunks.h5";
    write(name, 70, raw);  // more than the writer holds back
    auto series = open_series(path(name));
    ASSERT_TRUE(series.ok()) << series.error().message;
    const SeriesInfo expected = some_info();
    const SeriesInfo& info = (*series)->info();
    EXPECT_EQ(info.frames, 70U);
    EXPECT_EQ(info.dtype, DType::u16);
    EXPECT_EQ(info.geometry, expected.geometry);
    EXPECT_EQ(info.pixel_mask, expected.pixel_mask);
    EXPECT_EQ(info.saturation_value, expected.saturation_value);
    EXPECT_EQ(info.count_time_s, expected.count_time_s);
    EXPECT_EQ(info.frame_time_s, expected.frame_time_s);
    EXPECT_EQ(info.start_time, expected.start_time);
    EXPECT_EQ(info.detector, expected.detector);
    EXPECT_EQ(info.sensor_material, expected.sensor_material);
    EXPECT_EQ(info.sensor_thickness_m, expected.sensor_thickness_m);
    for (std::uint64_t i = 0; i < 70; ++i) {
      auto frame = (*series)->read(i);
      ASSERT_TRUE(frame.ok()) << frame.error().message;
      const Frame original = some_frame(3 * i);
      expect_same(frame->image, original.image);
      EXPECT_EQ(frame->number, i);
      EXPECT_EQ((*series)->source_number(i), 3 * i);
      EXPECT_EQ(frame->time_s, original.time_s);
    }
    auto all = read_array(path(name));  // through HDF5's own pipeline
    ASSERT_TRUE(all.ok()) << all.error().message;
    EXPECT_EQ(to_string(all->shape()), "70x60x50");
    EXPECT_EQ(all->as<std::uint16_t>()[69 * ny * nx + 5],
              some_frame(207).image.as<std::uint16_t>()[5]);
  }
}

TEST_F(NxmxWriterTest, PlacesOfPanelsComeBack) {
  SeriesInfo info = some_info();
  // One turned by 30 degrees in its plane and tilted, one farther away.
  const double c = std::sqrt(0.75), p = 75e-6;
  info.geometry.places = {{{0.001, -0.002, 0.12}, {c * p, p / 2, 0}, {-p / 2, c * p, 1e-6}},
                          {{-0.003, 0.0025, 0.15}, {-p, 0, 0}, {0, -80e-6, 0}}};
  auto writer = NxmxWriter::create(path("a.h5"), info, Bound::lossless(), false);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  ASSERT_TRUE(writer->append_raw(some_frame(0)).ok());
  ASSERT_TRUE(writer->finish().ok());
  auto series = open_series(path("a.h5"));
  ASSERT_TRUE(series.ok()) << series.error().message;
  const Geometry& read = (*series)->info().geometry;
  EXPECT_EQ(read.panels, info.geometry.panels);
  ASSERT_EQ(read.places.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i)
    for (const double y : {0.0, 27.0})
      for (const double x : {0.0, 49.0}) {
        const Vector3 at = read.places[i].at(x, y), want = info.geometry.places[i].at(x, y);
        for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(at[k], want[k], 1e-12);
      }
  EXPECT_NEAR(radius_at(read, 3, 4), radius_at(info.geometry, 3, 4), 1e-6);
}

TEST_F(NxmxWriterTest, InspectionAddsTheChunksUp) {
  write("chunks.h5", 70, false);
  const auto chunks = inspect_file(path("chunks.h5"));
  ASSERT_TRUE(chunks.ok()) << chunks.error().message;
  EXPECT_EQ(chunks->format.substr(0, 7), "etalon ");
  EXPECT_EQ(to_string(chunks->shape), "70x60x50");
  EXPECT_EQ(chunks->chunks, 70U);
  EXPECT_EQ(chunks->raw_bytes, 70U * ny * nx * 2);
  std::uint64_t elements = 0;
  for (const RegionInfo& r : chunks->regions) elements += r.elements;
  EXPECT_EQ(elements, 70U * ny * nx);
  EXPECT_GT(chunks->bytes, 0U);
  EXPECT_LT(chunks->bytes, chunks->raw_bytes);

  write("raw.h5", 3, true);
  const auto raw = inspect_file(path("raw.h5"));
  ASSERT_TRUE(raw.ok()) << raw.error().message;
  EXPECT_EQ(raw->format, "HDF5 /entry/data/data, shuffle, deflate");
  EXPECT_EQ(raw->chunks, 3U);
  expect_error(inspect_file(path("none.h5")), Errc::missing, {"none.h5"});
}

TEST_F(NxmxWriterTest, PeakListsAreCxi) {
  write("a.h5", 66, false);
  auto file = h5::File::open(path("a.h5"));
  ASSERT_TRUE(file.ok());
  auto counts = file->dataset("/entry_1/result_1/nPeaks");
  ASSERT_TRUE(counts.ok()) << counts.error().message;
  auto n = counts->read_all();
  ASSERT_TRUE(n.ok());
  ASSERT_EQ(n->count(), 66U);
  EXPECT_EQ(n->as<std::int32_t>()[65], 65);
  for (const char* name : {"peakXPosRaw", "peakYPosRaw", "peakTotalIntensity"}) {
    auto list = file->dataset(std::string("/entry_1/result_1/") + name);
    ASSERT_TRUE(list.ok()) << list.error().message;
    auto values = list->read_all();
    ASSERT_TRUE(values.ok()) << values.error().message;
    ASSERT_EQ(to_string(values->shape()), "66x65");
    const auto at = [&](std::size_t row, std::size_t k) {
      return values->as<float>()[row * 65 + k];
    };
    const bool x = name[4] == 'X', y = name[4] == 'Y';
    EXPECT_EQ(at(65, 64), x ? 64.0F : y ? 65.0F : 100.0F);
    EXPECT_EQ(at(10, 9), x ? 9.0F : y ? 10.0F : 100.0F);
    EXPECT_EQ(at(10, 10), 0.0F);
  }
}

TEST_F(NxmxWriterTest, TheSameCallsGiveTheSameBytes) {
  for (const bool raw : {false, true}) {
    const std::string tail = raw ? "raw.h5" : "chunks.h5";
    write("a_" + tail, 5, raw);
    write("b_" + tail, 5, raw);
    auto a = read_file(path("a_" + tail)), b = read_file(path("b_" + tail));
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_TRUE(*a == *b) << tail;
  }
}

// Nor does a second that passes between them make a difference.
TEST_F(NxmxWriterTest, LiveFilesOfTheSameCallsHaveTheSameBytes) {
  const auto write_live = [&](const std::string& name) {
    auto writer = NxmxWriter::create_live(path(name), some_info(), Bound::lossless(), false, true);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    for (std::uint64_t i = 0; i < 40; ++i)
      ASSERT_TRUE(writer->append(i, 0, encoded(some_frame(i), {}), {}).ok());
    ASSERT_TRUE(writer->finish().ok());
  };
  write_live("a.h5");
  ::usleep(1100000);
  write_live("b.h5");
  EXPECT_EQ(*read_file(path("a.h5")), *read_file(path("b.h5")));
}

TEST_F(NxmxWriterTest, NoFramesIsAValidFile) {
  write("none.h5", 0, false);
  auto series = open_series(path("none.h5"));
  ASSERT_TRUE(series.ok()) << series.error().message;
  EXPECT_EQ((*series)->info().frames, 0U);
}

TEST_F(NxmxWriterTest, TimesAreRead) {
  write("a.h5", 2, false);
  auto file = h5::File::open(path("a.h5"));
  ASSERT_TRUE(file.ok());
  // The last frame starts 0.03 s in and takes 0.01 s: over midnight and over the year.
  EXPECT_EQ(file->text("/entry/end_time"), "2027-01-01T00:00:00.035000Z");
  EXPECT_EQ(file->text("/entry/definition"), "NXmx");
  EXPECT_EQ(file->attribute("/entry", "NX_class"), "NXentry");
  EXPECT_EQ(add_seconds("2024-02-28T23:59:59+01:00", 1), "2024-02-29T00:00:00.000000+01:00");
  for (const char* none : {"", "yesterday", "2024-02-30T00:00:00Z", "2024-02-28"})
    EXPECT_EQ(add_seconds(none, 1), "") << none;
}

TEST_F(NxmxWriterTest, AttachedDatasetsComeBack) {
  auto writer = NxmxWriter::create(path("a.h5"), some_info(), Bound::lossless(), false);
  ASSERT_TRUE(writer.ok());
  const Array truth = counting<double>({4, 3, 3});
  ASSERT_TRUE(writer->attach("/entry/truth/orientation", truth.view(), "1/angstrom").ok());
  expect_error(writer->attach("/entry/truth/orientation", truth.view(), ""), Errc::io,
               {"a.h5", "/entry/truth/orientation"});
}

TEST_F(NxmxWriterTest, NothingIsLeftWithoutFinish) {
  {
    auto writer = NxmxWriter::create(path("a.h5"), some_info(), Bound::lossless(), false);
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE(writer->append_raw(some_frame(0)).ok());
    EXPECT_FALSE(std::filesystem::exists(path("a.h5")));
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(NxmxWriterTest, MisuseIsRefused) {
  write("a.h5", 1, true);
  expect_error(NxmxWriter::create(path("a.h5"), some_info(), Bound::lossless(), false), Errc::usage,
               {"a.h5", "exists"});
  expect_error(NxmxWriter::create(path("no/a.h5"), some_info(), Bound::lossless(), false), Errc::io,
               {"no/a.h5"});
  auto writer = NxmxWriter::create(path("a.h5"), some_info(), Bound::lossless(), true);
  ASSERT_TRUE(writer.ok());
  Frame wrong{0, 0, Array(DType::u16, {ny, nx + 1})};
  expect_error(writer->append_raw(wrong), Errc::usage, {"a.h5", "60x51"});
  const std::byte junk[16] = {};
  expect_error(writer->append(0, 0, junk, {}), Errc::malformed, {"a.h5"});
  ASSERT_TRUE(writer->append_raw(some_frame(0)).ok());
  expect_error(writer->append(1, 0, encoded(some_frame(1), Bound::lossless()), {}), Errc::usage,
               {"do not mix"});
  EXPECT_TRUE(writer->finish().ok()) << "a refused frame must not spoil the file";
}

TEST_F(NxmxWriterTest, ADamagedChunkIsNamedByFrame) {
  write("a.h5", 3, false);
  auto bytes = read_file(path("a.h5"));
  ASSERT_TRUE(bytes.ok());
  const auto chunk = encoded(some_frame(3), Bound::lossless());
  const auto at = std::search(bytes->begin(), bytes->end(), chunk.begin(), chunk.end());
  ASSERT_NE(at, bytes->end());
  at[static_cast<std::ptrdiff_t>(chunk.size() / 2)] ^= std::byte{0x10};
  std::FILE* file = std::fopen(path("a.h5").c_str(), "wb");
  std::fwrite(bytes->data(), 1, bytes->size(), file);
  std::fclose(file);
  auto series = open_series(path("a.h5"));
  ASSERT_TRUE(series.ok());
  EXPECT_TRUE((*series)->read(0).ok());
  expect_error((*series)->read(1), Errc::malformed, {"a.h5", "/entry/data/data", "frame 1"});
  EXPECT_TRUE((*series)->read(2).ok());
  expect_error(read_array(path("a.h5")), Errc::malformed, {"a.h5", "/entry/data/data"});
}

// Frames are shown in sixteens: of 40 there are 32 when the writer is killed.
TEST_F(NxmxWriterTest, ALiveFileIsReadableWhenItsWriterIsKilled) {
  const auto write_live = [&](std::uint64_t count) {
    auto writer =
        NxmxWriter::create_live(path("live.h5"), some_info(), Bound::lossless(), true, true);
    for (std::uint64_t i = 0; writer.ok() && i < count; ++i) {
      const Frame frame = some_frame(3 * i);
      const std::vector<Peak> peaks(i % 20, Peak{1, 2, 100, 50, 1, 20, 4});
      auto done = writer->append(frame.number, frame.time_s, encoded(frame, {}), peaks);
      if (done.ok() && i % 10 == 0)
        done = writer->append_audited(3 * i + 1, 0, encoded(some_frame(3 * i + 1), {}), 2, false);
      if (!done.ok()) return Result<NxmxWriter>(std::move(done).error());
    }
    return writer;
  };
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto writer = write_live(40);
    std::raise(writer.ok() ? SIGKILL : SIGTERM);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  const std::string part = path("live.h5.part.etalon");
  {
    auto series = open_series(part);
    ASSERT_TRUE(series.ok()) << series.error().message;
    ASSERT_GE((*series)->info().frames, 32U);
    for (std::uint64_t i = 0; i < 32; ++i) {
      auto frame = (*series)->read(i);
      ASSERT_TRUE(frame.ok()) << frame.error().message;
      expect_same(frame->image, some_frame(3 * i).image);
      EXPECT_EQ((*series)->source_number(i), 3 * i);
    }
    auto counts = read_array(part, {"/entry/result_1/nPeaks", {}, {}});
    ASSERT_TRUE(counts.ok()) << counts.error().message;
    EXPECT_EQ(counts->as<std::int32_t>()[21], 1);
    auto audited = read_array(part, {"/entry/audit/number", {}, {}});
    ASSERT_TRUE(audited.ok()) << audited.error().message;
    EXPECT_EQ(audited->as<std::uint64_t>()[3], 91U);
  }
  // The next of that name begins anew, and what is whole has nothing of it.
  auto writer = write_live(20);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  const auto done = writer->finish();
  ASSERT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(files(), 1U);
  auto series = open_series(path("live.h5"));
  ASSERT_TRUE(series.ok()) << series.error().message;
  EXPECT_EQ((*series)->info().frames, 20U);
  auto end = read_array(path("live.h5"), {"/entry/result_1/peakXPosRaw", {}, {}});
  ASSERT_TRUE(end.ok()) << end.error().message;
  EXPECT_EQ(end->shape(), (Shape{20, 19}));
}

// A disk that is full, as seen by a process that may not write past a size. In a child, since the
// limit would stay; exit codes tell where it failed.
TEST_F(NxmxWriterTest, AFullDiskLeavesNothingUnderTheName) {
  for (const rlim_t limit : {1000, 20000, 60000, 200000, 600000, 1150000, 1190000}) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit size{limit, limit};
      ::setrlimit(RLIMIT_FSIZE, &size);
      Result<void> done;
      {
        auto writer = NxmxWriter::create(path("full.h5"), some_info(), Bound::lossless(), false);
        if (!writer.ok()) done = std::move(writer).error();
        std::mt19937 random(1);
        for (std::uint64_t i = 0; done.ok() && i < 200; ++i) {
          Frame frame{i, 0, Array(DType::u16, {ny, nx})};
          for (auto& pixel : frame.image.as<std::uint16_t>())
            pixel = static_cast<std::uint16_t>(random());
          done = writer->append(i, 0, encoded(frame, Bound::lossless()), {});
        }
        if (done.ok()) done = writer->finish();
      }
      const bool named = !done.ok() && done.error().code == Errc::io &&
                         done.error().message.find("full.h5") != std::string::npos &&
                         done.error().message.find("File too large") != std::string::npos;
      if (!named) std::fprintf(stderr, "%s\n", done.ok() ? "ok" : done.error().message.c_str());
      std::exit(named ? 42 : 43);  // exit, not _exit: the library's own end must not crash either
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "killed by signal " << WTERMSIG(status) << " at " << limit;
    EXPECT_EQ(WEXITSTATUS(status), 42) << "limit " << limit;
    EXPECT_EQ(files(), 0U) << "limit " << limit;
  }
}

}  // namespace
}  // namespace etalon
