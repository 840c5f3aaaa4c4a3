#include "analyse/hits.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "store/nxmx_writer.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

Geometry geometry() {
  Geometry g;
  g.ny = 64;
  g.nx = 64;
  g.centre_x = 30;
  g.centre_y = 20;
  g.pixel_size_x_m = g.pixel_size_y_m = 1e-3;
  g.distance_m = 0.1;
  g.wavelength_angstrom = 1;
  return g;
}

std::vector<Peak> peaks_at(std::size_t n, float x, float y) {
  Peak peak;
  peak.x = x;
  peak.y = y;
  peak.intensity = 12.5F;
  return std::vector<Peak>(n, peak);
}

TEST(HitStatistics, CountsMeansAndHistogram) {
  HitStatistics hits(15);
  for (std::size_t n : {0U, 14U, 15U, 20U, 40U, 20U}) hits.add(peaks_at(n, 40, 20), geometry());
  EXPECT_EQ(hits.frames(), 6U);
  EXPECT_EQ(hits.hits(), 4U);
  EXPECT_DOUBLE_EQ(hits.hit_rate(), 4.0 / 6);
  EXPECT_DOUBLE_EQ(hits.mean_peaks(), 23.75);
  EXPECT_NEAR(hits.sigma_peaks(), std::sqrt((76.5625 + 2 * 14.0625 + 264.0625) / 3), 1e-12);
  const std::map<std::uint32_t, std::uint64_t> expected{{15, 1}, {20, 2}, {40, 1}};
  EXPECT_EQ(hits.histogram(), expected);
}

TEST(HitStatistics, ResolutionByBraggsLaw) {
  HitStatistics hits(1);
  hits.add(peaks_at(3, 40, 20), geometry());  // 10 px: tan 2theta = 0.1
  hits.add(peaks_at(1, 30, 60), geometry());  // 40 px: 0.4
  const double coarse = 1 / (2 * std::sin(std::atan(0.1) / 2));
  const double fine = 1 / (2 * std::sin(std::atan(0.4) / 2));
  EXPECT_NEAR(hits.resolution_angstrom(0.5), coarse, 1e-9);
  EXPECT_NEAR(hits.resolution_angstrom(1), fine, 1e-9);
  EXPECT_EQ(HitStatistics().resolution_angstrom(0.5), 0);
}

TEST(HitStatistics, MergingIsAdding) {
  HitStatistics whole, left, right;
  for (std::size_t n = 0; n < 40; ++n) {
    const auto peaks = peaks_at(n, 30 + static_cast<float>(n), 20);
    whole.add(peaks, geometry());
    (n % 3 == 0 ? left : right).add(peaks, geometry());
  }
  right.merge(left);
  EXPECT_EQ(right.frames(), whole.frames());
  EXPECT_EQ(right.histogram(), whole.histogram());
  EXPECT_EQ(right.sigma_peaks(), whole.sigma_peaks());
  for (double f : {0.0, 0.3, 0.5, 1.0})
    EXPECT_EQ(right.resolution_angstrom(f), whole.resolution_angstrom(f));
}

TEST(HitStatistics, NothingIsZeroNotNaN) {
  const HitStatistics hits;
  EXPECT_EQ(hits.hit_rate(), 0);
  EXPECT_EQ(hits.mean_peaks(), 0);
  EXPECT_EQ(hits.sigma_peaks(), 0);
}

class StoredPeaks : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        std::filesystem::temp_directory_path() / ("etalon_hits_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  std::filesystem::path folder_;
};

TEST_F(StoredPeaks, AreReadBack) {
  SeriesInfo info;
  info.dtype = DType::u16;
  info.geometry = geometry();
  auto writer = NxmxWriter::create(path("a.h5"), info, Bound::lossless(), false);
  ASSERT_TRUE(writer.ok()) << writer.error().message;
  const Array image(DType::u16, {1, 64, 64});
  const auto chunk = encode_chunk(image.view(), {});
  ASSERT_TRUE(chunk.ok()) << chunk.error().message;
  for (std::size_t n : {20U, 0U, 300U, 15U}) {
    const auto added = writer->append(n, 0, *chunk, peaks_at(n, 40, 21));
    ASSERT_TRUE(added.ok()) << added.error().message;
  }
  ASSERT_TRUE(writer->finish().ok());

  const auto peaks = read_peaks(path("a.h5"));
  ASSERT_TRUE(peaks.ok()) << peaks.error().message;
  ASSERT_EQ(peaks->size(), 4U);
  EXPECT_EQ((*peaks)[1].size(), 0U);
  EXPECT_EQ((*peaks)[2].size(), 300U);
  EXPECT_EQ((*peaks)[2][299].x, 40);
  EXPECT_EQ((*peaks)[2][299].y, 21);
  EXPECT_EQ((*peaks)[2][299].intensity, 12.5F);

  const auto hits = hits_of(path("a.h5"));
  ASSERT_TRUE(hits.ok()) << hits.error().message;
  EXPECT_EQ(hits->hits(), 3U);
  EXPECT_EQ(hits->frames(), 4U);
}

TEST_F(StoredPeaks, AbsenceIsMissing) {
  ASSERT_TRUE(write_array(path("b.h5"), Array(DType::u16, {2, 3}).view(), false).ok());
  EXPECT_EQ(read_peaks(path("b.h5")).error().code, Errc::missing);
  EXPECT_EQ(read_peaks(path("none.h5")).error().code, Errc::missing);
}

}  // namespace
}  // namespace etalon
