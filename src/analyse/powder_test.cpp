#include "analyse/powder.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <random>

#include "store/nxmx_writer.hpp"

namespace etalon {
namespace {

SeriesInfo series(DType dtype) {
  SeriesInfo info;
  info.dtype = dtype;
  info.geometry.ny = 7;
  info.geometry.nx = 5;
  info.pixel_mask.assign(35, 0);
  info.pixel_mask[3] = 1;
  return info;
}

template <typename T>
std::vector<Array> random_frames(std::size_t n, T low, T high) {
  std::mt19937_64 random(1);
  std::vector<Array> frames;
  for (std::size_t i = 0; i < n; ++i) {
    Array image(DTypeOf<T>::value, {7, 5});
    for (T& v : image.as<T>())
      v = static_cast<T>(std::uniform_int_distribution<std::int64_t>(low, high)(random));
    frames.push_back(std::move(image));
  }
  return frames;
}

template <typename T>
void expect_equal_to_plain_sums(T low, T high) {
  const auto frames = random_frames<T>(9, low, high);
  auto powder = Powder::create(series(DTypeOf<T>::value));
  ASSERT_TRUE(powder.ok());
  for (const Array& frame : frames) ASSERT_TRUE(powder->add(frame.view()).ok());
  for (std::size_t i = 0; i < 35; ++i) {
    long double sum = 0, squares = 0;
    std::int64_t max = std::numeric_limits<std::int64_t>::min();
    for (const Array& frame : frames) {
      const std::int64_t v = frame.as<T>()[i];
      sum += v;
      max = std::max(max, v);
    }
    for (const Array& frame : frames) {
      const long double d = frame.as<T>()[i] - sum / 9;
      squares += d * d;
    }
    const bool good = i != 3;
    EXPECT_EQ(powder->sum()[i], good ? static_cast<std::int64_t>(sum) : 0);
    EXPECT_EQ(powder->max()[i], good ? max : 0);
    EXPECT_DOUBLE_EQ(powder->mean()[i], good ? static_cast<double>(sum / 9) : 0);
    const double variance = good ? static_cast<double>(squares / 8) : 0;
    EXPECT_NEAR(powder->variance()[i], variance, 1e-12 * variance);
  }
}

TEST(Powder, EqualsPlainSumsForEveryType) {
  expect_equal_to_plain_sums<std::uint8_t>(0, 255);
  expect_equal_to_plain_sums<std::uint16_t>(0, 65535);
  expect_equal_to_plain_sums<std::uint32_t>(0, std::numeric_limits<std::uint32_t>::max());
  expect_equal_to_plain_sums<std::uint32_t>(4294967000U, 4294967295U);
  expect_equal_to_plain_sums<std::int16_t>(-32768, 32767);
  expect_equal_to_plain_sums<std::int32_t>(std::numeric_limits<std::int32_t>::min(),
                                           std::numeric_limits<std::int32_t>::max());
}

TEST(Powder, OrderAndDivisionDoNotMatter) {
  const auto frames = random_frames<std::uint32_t>(8, 0, 4294967295U);
  const auto of = [&](std::initializer_list<std::size_t> order) {
    auto powder = Powder::create(series(DType::u32));
    for (std::size_t i : order) EXPECT_TRUE(powder->add(frames[i].view()).ok());
    return std::move(powder).value();
  };
  const Powder whole = of({0, 1, 2, 3, 4, 5, 6, 7});
  Powder parts = of({7, 2, 5});
  ASSERT_TRUE(parts.merge(of({1})).ok());
  ASSERT_TRUE(parts.merge(of({})).ok());
  ASSERT_TRUE(parts.merge(of({6, 4, 3, 0})).ok());
  EXPECT_EQ(parts.frames(), 8U);
  EXPECT_EQ(parts.sum(), whole.sum());
  EXPECT_EQ(parts.max(), whole.max());
  EXPECT_EQ(parts.variance(), whole.variance());
}

TEST(Powder, CountsFramesWithSaturatedGoodPixels) {
  SeriesInfo info = series(DType::u16);
  info.saturation_value = 1000;
  auto powder = Powder::create(info);
  Array image(DType::u16, {7, 5});
  image.as<std::uint16_t>()[3] = 65535;  // masked
  image.as<std::uint16_t>()[4] = 999;
  ASSERT_TRUE(powder->add(image.view()).ok());
  EXPECT_EQ(powder->saturated_frames(), 0U);
  image.as<std::uint16_t>()[4] = 1000;
  image.as<std::uint16_t>()[5] = 2000;
  ASSERT_TRUE(powder->add(image.view()).ok());
  EXPECT_EQ(powder->saturated_frames(), 1U);
}

TEST(Powder, AnEmptySeriesIsAllZero) {
  const auto powder = Powder::create(series(DType::u16));
  ASSERT_TRUE(powder.ok());
  EXPECT_EQ(powder->sum(), std::vector<std::int64_t>(35));
  EXPECT_EQ(powder->max(), std::vector<std::int64_t>(35));
  EXPECT_EQ(powder->mean(), std::vector<double>(35));
  EXPECT_EQ(powder->variance(), std::vector<double>(35));
  EXPECT_EQ(powder->good_pixels(), 34U);
}

TEST(Powder, RefusesWhatDoesNotFit) {
  EXPECT_EQ(Powder::create(series(DType::f32)).error().code, Errc::usage);
  EXPECT_EQ(Powder::create(series(DType::i64)).error().code, Errc::usage);
  SeriesInfo torn = series(DType::u16);
  torn.pixel_mask.resize(34);
  EXPECT_FALSE(Powder::create(torn).ok());
  auto powder = Powder::create(series(DType::u16));
  EXPECT_FALSE(powder->add(Array(DType::u32, {7, 5}).view()).ok());
  EXPECT_FALSE(powder->add(Array(DType::u16, {5, 7}).view()).ok());
  EXPECT_FALSE(powder->merge(Powder::create(series(DType::u32)).value()).ok());
}

class PowderFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("etalon_powder_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
    auto writer = NxmxWriter::create(path("in.h5"), series(DType::u16), Bound::lossless(), false);
    ASSERT_TRUE(writer.ok()) << writer.error().message;
    auto frames = random_frames<std::uint16_t>(7, 0, 65535);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto added = writer->append_raw({i, 0.0, frames[i]});
      ASSERT_TRUE(added.ok()) << added.error().message;
    }
    ASSERT_TRUE(writer->finish().ok());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

TEST_F(PowderFile, ThreadsDoNotMatter) {
  const auto one = powder_of(path("in.h5"));
  ASSERT_TRUE(one.ok()) << one.error().message;
  EXPECT_EQ(one->frames(), 7U);
  for (unsigned threads : {2U, 3U, 16U}) {
    AnalysisOptions options;
    options.threads = threads;
    std::atomic<std::uint64_t> most = 0;
    options.progress = [&](std::uint64_t done) {
      std::uint64_t seen = most;
      while (seen < done && !most.compare_exchange_weak(seen, done)) {
      }
    };
    const auto many = powder_of(path("in.h5"), options);
    ASSERT_TRUE(many.ok()) << many.error().message;
    EXPECT_EQ(many->sum(), one->sum());
    EXPECT_EQ(many->variance(), one->variance());
    EXPECT_EQ(most, 7U);
  }
}

TEST_F(PowderFile, IsWrittenWholeAndReadBack) {
  const auto powder = powder_of(path("in.h5"));
  ASSERT_TRUE(powder.ok());
  const auto written = write_powder(path("out.h5"), *powder, false);
  ASSERT_TRUE(written.ok()) << written.error().message;
  const auto read = [&](const std::string& name) {
    OpenOptions options;
    options.dataset = "/entry/powder/" + name;
    return read_array(path("out.h5"), options);
  };
  const auto sum = read("sum"), variance = read("variance"), mask = read("mask");
  ASSERT_TRUE(sum.ok() && variance.ok() && mask.ok());
  EXPECT_TRUE(std::ranges::equal(sum->as<std::int64_t>(), powder->sum()));
  EXPECT_TRUE(std::ranges::equal(variance->as<double>(), powder->variance()));
  EXPECT_TRUE(std::ranges::equal(mask->as<std::uint8_t>(), powder->mask()));
  ASSERT_TRUE(read("mean").ok() && read("max").ok());

  EXPECT_EQ(write_powder(path("out.h5"), *powder, false).error().code, Errc::usage);
  EXPECT_TRUE(write_powder(path("out.h5"), *powder, true).ok());
}

TEST_F(PowderFile, MissingFilesAndInterruptionAreSaid) {
  const auto missing = powder_of(path("none.h5"));
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, Errc::missing);
  EXPECT_NE(missing.error().message.find("none.h5"), std::string::npos);
  AnalysisOptions options;
  const std::atomic<bool> stop = true;
  options.stop = &stop;
  EXPECT_EQ(powder_of(path("in.h5"), options).error().code, Errc::interrupted);
}

}  // namespace
}  // namespace etalon
