#include "pipeline/raw_conversion.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <random>

#include "store/gain_constants_file.hpp"

namespace etalon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t ny = 256, nx = 256;
constexpr double pedestal_adu = 3000, photon_adu = 400, noise_adu = 12;

// A detector in G0 whose pedestals rise by 0.5 ADU a frame: every fourth frame is dark.
class DriftingPedestals : public testing::Test {
 protected:
  static constexpr std::uint64_t every = 4, offset = 1, frames = 400;

  void SetUp() override {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    GainConstants measured;
    measured.ny = ny;
    measured.nx = nx;
    for (std::size_t g = 0; g < 3; ++g) {
      measured.pedestal_adu[g].assign(ny * nx, g == 0 ? pedestal_adu : 15000);
      measured.gain_adu_per_kev[g].assign(ny * nx, g == 0 ? photon_adu / 10 : -1);
    }
    measured.bad.assign(ny * nx, 0);
    ASSERT_TRUE(write_gain_constants((folder_ / "c.h5").string(), measured, 10, true).ok());
  }
  void TearDown() override { fs::remove_all(folder_); }

  Result<std::optional<RawConversion>> conversion(const std::string& more) const {
    auto recipe = parse_recipe(
        "[calibrate]\ndetector = \"jungfrau\"\nconstants = \"c.h5\"\n" + more, folder_ / "r.toml");
    if (!recipe.ok()) return std::move(recipe).error();
    Geometry geometry;
    geometry.ny = ny;
    geometry.nx = nx;
    return raw_conversion(*recipe, "source", geometry);
  }
  static bool is_dark(std::uint64_t number) { return number % every == offset; }
  static int photons(std::uint64_t number, std::size_t pixel) {
    return is_dark(number) ? 0 : static_cast<int>((number + pixel) % 3);
  }
  static Frame raw(std::uint64_t number) {
    std::mt19937 random(static_cast<unsigned>(number));
    std::normal_distribution<double> noise(0, noise_adu);
    Frame frame{number, 0, Array(DType::u16, {ny, nx})};
    const auto pixels = frame.image.as<std::uint16_t>();
    for (std::size_t i = 0; i < pixels.size(); ++i)
      pixels[i] =
          static_cast<std::uint16_t>(std::lround(pedestal_adu + 0.5 * static_cast<double>(number) +
                                                 photon_adu * photons(number, i) + noise(random)));
    return frame;
  }
  // The share of pixels with another number of photons, over the last hundred frames.
  static double misrounded(const RawConversion& convert) {
    std::size_t wrong = 0, all = 0;
    for (std::uint64_t n = 0; n < frames; ++n) {
      const auto frame = convert(raw(n));
      if (!frame.ok()) {
        ADD_FAILURE() << frame.error().message;
        return 1;
      }
      if (n < frames - 100 || is_dark(n)) continue;
      const auto found = frame->image.as<std::int32_t>();
      for (std::size_t i = 0; i < found.size(); ++i) wrong += found[i] != photons(n, i);
      all += found.size();
    }
    return static_cast<double>(wrong) / static_cast<double>(all);
  }

  fs::path folder_ = fs::temp_directory_path() / ("etalon_raw_" + std::to_string(::getpid()));
};

TEST_F(DriftingPedestals, AreFollowedByDarkFrames) {
  const auto fixed = conversion(""), followed = conversion("dark_every = 4\ndark_offset = 1\n");
  ASSERT_TRUE(fixed.ok() && followed.ok());
  // 150 to 200 ADU are nearly half a photon. Followed, a pedestal lies behind by at most 17 dark
  // frames, 34 ADU: 166 ADU, 13 standard deviations, are left to half a photon.
  EXPECT_GT(misrounded(**fixed), 0.05);
  EXPECT_LT(misrounded(**followed), 1e-4);
}

TEST_F(DriftingPedestals, ADarkFrameCountsForThoseBehindIt) {
  const auto with = conversion("dark_every = 4\ndark_offset = 1\ndark_memory = 2\n");
  const auto without = conversion("");
  ASSERT_TRUE(with.ok() && without.ok());
  const auto same = [&](std::uint64_t number, double more_adu) {
    Frame frame = raw(number);
    for (std::uint16_t& v : frame.image.as<std::uint16_t>())
      v = static_cast<std::uint16_t>(v + more_adu);
    Frame copy = frame;
    const auto a = (**with)(std::move(frame)), b = (**without)(std::move(copy));
    if (!a.ok() || !b.ok()) return false;
    const auto x = a->image.as<std::int32_t>(), y = b->image.as<std::int32_t>();
    return std::equal(x.begin(), x.end(), y.begin());
  };
  EXPECT_TRUE(same(0, 0));
  EXPECT_TRUE(same(1, 800));   // dark itself: two photons in both
  EXPECT_FALSE(same(2, 800));  // half of these 800 ADU have become pedestal
}

TEST_F(DriftingPedestals, SenselessKeysAreUsage) {
  EXPECT_EQ(conversion("dark_every = 4\ndark_offset = 4\n").error().code, Errc::usage);
  EXPECT_EQ(conversion("dark_memory = 3\n").error().code, Errc::usage);
  const auto recipe = parse_recipe("[calibrate]\ndark_every = 2\n", "r.toml");
  ASSERT_TRUE(recipe.ok());
  EXPECT_EQ(raw_conversion(*recipe, "source", {}).error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
