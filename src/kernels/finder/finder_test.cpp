// The finders by name, and what is left out on request: ice rings and streaks.
#include "kernels/finder/finder.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "kernels/finder/ice_rings.hpp"
#include "kernels/peakfinder8/peakfinder8_cases.hpp"

namespace etalon {
namespace {

// A flat detector of 360 x 400 pixels of 200 µm, 0.1 m away, at 1 Å: d = 1.8 Å in the corners.
Geometry detector() {
  Geometry g;
  g.ny = 360;
  g.nx = 400;
  g.centre_y = 180.2;
  g.centre_x = 199.7;
  g.distance_m = 0.1;
  g.pixel_size_x_m = g.pixel_size_y_m = 200e-6;
  g.wavelength_angstrom = 1;
  return g;
}

// Photons: background of 2, Gaussian spots of 400 photons in a grid, and what `more` adds to the
// rate at (y, x).
template <typename More>
Array photograph(const Geometry& g, More&& more, bool spots = true) {
  pf8::Dice dice(11);
  std::vector<std::int64_t> image(g.pixels());
  for (std::size_t y = 0; y < g.ny; ++y)
    for (std::size_t x = 0; x < g.nx; ++x) {
      double rate = 2 + more(static_cast<double>(y), static_cast<double>(x));
      if (spots) {
        const double dy = std::remainder(static_cast<double>(y) - 20.3, 40);
        const double dx = std::remainder(static_cast<double>(x) - 15.8, 40);
        rate += 100 * std::exp(-(dy * dy + dx * dx) / 1.3);
      }
      image[y * g.nx + x] = dice.photons(std::min(rate, 600.0));
    }
  return pf8::as_type(image, DType::u16, g);
}
constexpr std::size_t spots_of_photograph = 9 * 10;

std::vector<Peak> find(const Geometry& g, const FinderSettings& settings, const Array& image) {
  auto finder = Finder::create(g, Mask(g.pixels(), 1), settings);
  EXPECT_TRUE(finder.ok()) << finder.error().message;
  auto peaks = finder->find(image.view());
  EXPECT_TRUE(peaks.ok()) << peaks.error().message;
  return *peaks;
}

constexpr FindMethod all_methods[] = {FindMethod::peakfinder8, FindMethod::dispersion,
                                      FindMethod::dispersion_extended};

TEST(Finder, NamesAreUnderstood) {
  for (const FindMethod method : all_methods) {
    const auto parsed = parse_find_method(name_of(method));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, method);
    EXPECT_EQ(semantics_of(method), std::string(name_of(method)) + "/1");
  }
  EXPECT_EQ(find_method_names().size(), 3U);
  EXPECT_EQ(parse_find_method("guess").error().code, Errc::usage);
}

TEST(Finder, IsTheFinderThatWasNamed) {
  const Geometry g = detector();
  const Array image = photograph(g, [](double, double) { return 0; });
  const Mask mask(g.pixels(), 1);
  FinderSettings settings;
  settings.dispersion.extended = true;  // the method says
  EXPECT_EQ(find(g, settings, image),
            *PeakFinder8::create(g, mask, settings.parameters)->find(image.view()));
  settings.method = FindMethod::dispersion_extended;
  const auto extended = *Dispersion::create(g, mask, settings.dispersion)->find(image.view());
  EXPECT_EQ(find(g, settings, image), extended);
  EXPECT_EQ(extended.size(), spots_of_photograph);
  settings.method = FindMethod::dispersion;
  settings.dispersion.extended = false;
  const auto plain = *Dispersion::create(g, mask, settings.dispersion)->find(image.view());
  settings.dispersion.extended = true;
  EXPECT_EQ(find(g, settings, image), plain);
  EXPECT_NE(plain, extended);
}

TEST(IceRings, AreWhereIceDiffracts) {
  const Geometry g = detector();
  Mask mask(g.pixels(), 1);
  ASSERT_TRUE(mask_ice_rings(g, 0.004, mask).ok());
  const auto good_at = [&](double d_angstrom) {
    const double r = radius_of_resolution(g, d_angstrom);
    return mask[180 * g.nx + static_cast<std::size_t>(std::lround(199.7 - r))] != 0;
  };
  for (const double d : {3.895, 3.661, 3.438, 2.668}) EXPECT_FALSE(good_at(d)) << d;
  for (const double d : {10.0, 5.0, 3.0}) EXPECT_TRUE(good_at(d)) << d;
  const auto share = static_cast<double>(std::count(mask.begin(), mask.end(), 0)) /
                     static_cast<double>(mask.size());
  EXPECT_GT(share, 0.05);
  EXPECT_LT(share, 0.3);
}

TEST(IceRings, GrainsAreLeftOutAndSpotsBesideThemAreNot) {
  const Geometry g = detector();
  const std::vector<float> radius = radius_map(g);
  const double ring = radius_of_resolution(g, 3.661);          // (002)
  const Array image = photograph(g, [&](double y, double x) {  // ice: grains on its ring
    const double r = radius[static_cast<std::size_t>(y) * g.nx + static_cast<std::size_t>(x)];
    const double angle = std::atan2(y - g.centre_y, x - g.centre_x);
    return std::cos(23 * angle) > 0.99 ? 60 * std::exp(-(r - ring) * (r - ring)) : 0.0;
  });
  Mask rings(g.pixels(), 1);
  ASSERT_TRUE(mask_ice_rings(g, 0.004, rings).ok());
  const auto far_from_rings = [&](const Peak& p) {
    const auto cy = static_cast<std::size_t>(p.y), cx = static_cast<std::size_t>(p.x);
    for (std::size_t y = std::max<std::size_t>(cy, 5) - 5; y < std::min(cy + 6, g.ny); ++y)
      for (std::size_t x = std::max<std::size_t>(cx, 5) - 5; x < std::min(cx + 6, g.nx); ++x)
        if (rings[y * g.nx + x] == 0) return false;
    return true;
  };
  const auto on_ring = [&](const Peak& p) { return std::abs(radius_at(g, p.y, p.x) - ring) < 1.5; };
  for (const FindMethod method : all_methods) {
    FinderSettings settings;
    settings.method = method;
    const auto before = find(g, settings, image);
    EXPECT_GT(std::count_if(before.begin(), before.end(), on_ring), 10) << name_of(method);
    settings.ice_rings = 0.004;
    const auto after = find(g, settings, image);
    EXPECT_EQ(std::count_if(after.begin(), after.end(), on_ring), 0) << name_of(method);
    std::size_t far = 0;
    for (const Peak& p : before) {
      if (!far_from_rings(p)) continue;
      ++far;
      EXPECT_TRUE(std::any_of(
          after.begin(), after.end(),
          [&](const Peak& same) { return std::hypot(p.x - same.x, p.y - same.y) < 0.5F; }))
          << name_of(method) << ": " << p.x << ", " << p.y;
    }
    EXPECT_GT(far, 10U) << name_of(method);
  }
}

TEST(IceRings, NeedAGeometry) {
  Geometry g = detector();
  FinderSettings settings;
  settings.ice_rings = 0.002;
  const Mask mask(g.pixels(), 1);
  EXPECT_TRUE(Finder::create(g, mask, settings).ok());
  settings.ice_rings = -1;
  EXPECT_EQ(Finder::create(g, mask, settings).error().code, Errc::usage);
  settings.ice_rings = 0.002;
  g.wavelength_angstrom = 0;
  EXPECT_EQ(Finder::create(g, mask, settings).error().code, Errc::usage);
}

TEST(Elongation, StreaksAreLeftOutAndSpotsAreNot) {
  const Geometry g = detector();
  // A jet's streak through the beam: a line at 30 degrees, 2 pixels wide, bright in places.
  const auto streak = [&](double y, double x) {
    const double dy = y - g.centre_y, dx = x - g.centre_x;
    const double across = dx * 0.5 - dy * std::sqrt(0.75), along = dx * std::sqrt(0.75) + dy * 0.5;
    if (std::abs(along) > 150) return 0.0;
    return (25 + 15 * std::sin(along / 3)) * std::exp(-across * across / 1.5);
  };
  const auto on_streak = [&](const Peak& p) {
    const double dy = p.y - g.centre_y, dx = p.x - g.centre_x;
    return std::abs(dx * 0.5 - dy * std::sqrt(0.75)) < 3 &&
           std::abs(dx * std::sqrt(0.75) + dy * 0.5) < 155;
  };
  const Array spots = photograph(g, [](double, double) { return 0; });
  const Array alone = photograph(g, streak, false), both = photograph(g, streak);
  for (const FindMethod method : all_methods) {
    FinderSettings settings;
    settings.method = method;
    settings.dispersion.max_separation = 100;  // else it leaves out streaks itself
    EXPECT_GT(find(g, settings, alone).size(), 0U) << name_of(method);
    EXPECT_EQ(find(g, settings, spots).size(), spots_of_photograph) << name_of(method);
    settings.max_elongation = 3;
    EXPECT_EQ(find(g, settings, alone).size(), 0U) << name_of(method);
    EXPECT_EQ(find(g, settings, spots).size(), spots_of_photograph) << name_of(method);
    const auto left = find(g, settings, both);
    EXPECT_EQ(std::count_if(left.begin(), left.end(), on_streak), 0) << name_of(method);
    EXPECT_GE(left.size(), 0.9 * spots_of_photograph) << name_of(method);
  }
}

TEST(Elongation, IsARatioOfStandardDeviations) {
  Geometry g;
  g.ny = g.nx = 60;
  Array image(DType::f32, {60, 60});
  Peak peak;
  peak.max = 10;
  peak.sigma = 1;
  peak.y = peak.x = 20;
  const Elongation elongation(g, Mask(3600, 1));
  const auto at = [&](std::size_t y, std::size_t x) -> float& {
    return image.as<float>()[y * 60 + x];
  };
  at(20, 20) = 10;
  EXPECT_EQ(elongation(image.view(), peak), 1);
  at(20, 21) = at(21, 20) = at(21, 21) = 10;
  EXPECT_EQ(elongation(image.view(), peak), 1);
  for (std::size_t i = 20; i < 24; ++i) at(20, i) = at(21, i) = 10;
  EXPECT_DOUBLE_EQ(elongation(image.view(), peak), 2);
  for (std::size_t i = 20; i < 24; ++i) at(20, i) = at(21, i) = 2;  // below a quarter
  at(20, 20) = 10;
  EXPECT_EQ(elongation(image.view(), peak), 1);
  for (std::size_t i = 15; i < 50; ++i) at(i, i) = 10;  // a diagonal, as far as it is looked at
  EXPECT_GT(elongation(image.view(), peak), 20);
  Mask mask(3600, 1);
  mask[22 * 60 + 22] = mask[18 * 60 + 18] = 0;
  EXPECT_LT(Elongation(g, mask)(image.view(), peak), 5);
  g.panels = {{0, 60, 0, 20}, {0, 60, 20, 60}};
  EXPECT_LT(Elongation(g, Mask(3600, 1))(image.view(), peak), elongation(image.view(), peak));

  FinderSettings settings;
  settings.max_elongation = 0.5;
  EXPECT_EQ(Finder::create(g, Mask(3600, 1), settings).error().code, Errc::usage);
}

}  // namespace
}  // namespace etalon
