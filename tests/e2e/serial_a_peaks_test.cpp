// The peaks of a simulated serial-crystallography series against a public program's list of them:
// same hits, same peaks.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "kernels/peakfinder8/peakfinder8.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

using PeaksOfFrames = std::map<std::uint64_t, std::vector<Peak>>;

std::filesystem::path data_folder() {
  if (const char* data = std::getenv("ETALON_DATA")) return data;
  const char* source = std::getenv("ETALON_SOURCE_DIR");
  return std::filesystem::path(source ? source : ".") / "../shared/data";
}

PeaksOfFrames read_list(const std::filesystem::path& path) {
  PeaksOfFrames frames;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // frame,x,y,tot,max,sigma,snr,npix
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::uint64_t frame = 0;
    char comma = 0;
    Peak p;
    fields >> frame >> comma >> p.x >> comma >> p.y >> comma >> p.intensity >> comma >> p.max >>
        comma >> p.sigma >> comma >> p.snr >> comma >> p.pixels;
    EXPECT_TRUE(fields) << line;
    frames[frame].push_back(p);
  }
  return frames;
}

// How many of `these` have one of `those` within a pixel, each taken once.
std::size_t matched(const std::vector<Peak>& these, std::vector<Peak> those) {
  std::size_t n = 0;
  for (const Peak& p : these)
    for (std::size_t i = 0; i < those.size(); ++i)
      if (std::hypot(p.x - those[i].x, p.y - those[i].y) <= 1) {
        those.erase(those.begin() + static_cast<std::ptrdiff_t>(i));
        ++n;
        break;
      }
  return n;
}

TEST(SerialPeaks, AgreeWithTheReferenceList) {
  const auto folder = data_folder() / "sim/serial";
  if (!std::filesystem::exists(folder / "serial_a.h5"))
    GTEST_SKIP() << "needs sim/serial/serial_a.h5 in ETALON_DATA";
  const PeaksOfFrames listed = read_list(folder / "serial_a_pf8.csv");
  ASSERT_EQ(listed.size(), 24U);  // its hits

  auto reader = open_series((folder / "serial_a.h5").string());
  ASSERT_TRUE(reader.ok()) << reader.error().message;
  const SeriesInfo& info = (*reader)->info();
  ASSERT_EQ(info.frames, 100U);
  EXPECT_NEAR(info.geometry.centre_x, 515.3, 1e-9);
  EXPECT_NEAR(info.geometry.centre_y, 532.6, 1e-9);
  auto finder = PeakFinder8::create(info.geometry, info.mask(), PeakParameters{});
  ASSERT_TRUE(finder.ok()) << finder.error().message;

  std::size_t in_list = 0, found = 0, agreed = 0, hits = 0, false_hits = 0;
  for (std::uint64_t index = 0; index < info.frames; ++index) {
    const auto frame = (*reader)->read(index);
    ASSERT_TRUE(frame.ok()) << frame.error().message;
    const auto peaks = finder->find(frame->image.view());
    ASSERT_TRUE(peaks.ok()) << peaks.error().message;
    const auto expected = listed.find(index);
    if (peaks->size() >= 15) ++(expected != listed.end() ? hits : false_hits);
    found += peaks->size();
    if (expected == listed.end()) continue;
    in_list += expected->second.size();
    agreed += matched(expected->second, *peaks);
  }
  EXPECT_EQ(in_list, 3542U);
  EXPECT_EQ(hits, 24U);
  EXPECT_EQ(false_hits, 0U);
  EXPECT_GE(static_cast<double>(agreed), 0.98 * static_cast<double>(in_list));
  EXPECT_LE(static_cast<double>(found - agreed), 0.02 * static_cast<double>(in_list));
  RecordProperty("agreed", static_cast<int>(agreed));
  RecordProperty("found", static_cast<int>(found));
}

}  // namespace
}  // namespace etalon
