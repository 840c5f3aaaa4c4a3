#include "analyse/azimuthal.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>

#include "analyse/pixel_split.hpp"
#include "etalon/backend.hpp"

namespace etalon {
namespace {

constexpr Splitting splittings[] = {Splitting::no, Splitting::bounding_box, Splitting::full};

Geometry flat_detector(std::size_t ny = 300, std::size_t nx = 260) {
  Geometry g;
  g.ny = ny;
  g.nx = nx;
  g.centre_x = 121.3;
  g.centre_y = 160.8;
  g.pixel_size_x_m = g.pixel_size_y_m = 1e-4;
  g.distance_m = 0.08;
  g.wavelength_angstrom = 1.2;
  return g;
}

// Of the same detector, turned about the sample.
Geometry tilted_detector() {
  Geometry g = flat_detector();
  const double c = std::cos(0.3), s = std::sin(0.3);
  const Vector3 corner{-0.0121, -0.016, 0.08};
  PanelPlace place;
  place.origin_m = {c * corner[0] + s * corner[2], corner[1], c * corner[2] - s * corner[0]};
  place.x_step_m = {c * 1e-4, 0, -s * 1e-4};
  place.y_step_m = {0, 1e-4, 0};
  g.panels = {Panel{0, g.ny, 0, g.nx}};
  g.places = {place};
  return g;
}

AzimuthalIntegrator make(const Geometry& g, const AzimuthalOptions& options,
                         const Mask& mask = {}) {
  ThreadPool pool(2);
  auto made = AzimuthalIntegrator::create(g, mask, options, pool);
  EXPECT_TRUE(made.ok()) << made.error().message;
  return std::move(*made);
}

Profile profile_of(const AzimuthalIntegrator& integrator, const Array& image) {
  auto profile = integrator.integrate(image.view());
  EXPECT_TRUE(profile.ok()) << profile.error().message;
  return std::move(*profile);
}

Array image_of(const Geometry& g, const std::function<double(std::size_t)>& value,
               DType type = DType::f64) {
  Array image(type, {g.ny, g.nx});
  visit(type, [&](auto zero) {
    for (std::size_t i = 0; i < g.pixels(); ++i)
      image.as<decltype(zero)>()[i] = static_cast<decltype(zero)>(value(i));
  });
  return image;
}

double q_of(const Geometry& g, std::size_t i) {
  const double dx = (static_cast<double>(i % g.nx) - g.centre_x) * g.pixel_size_x_m;
  const double dy = (static_cast<double>(i / g.nx) - g.centre_y) * g.pixel_size_y_m;
  return 4 * std::numbers::pi / g.wavelength_angstrom *
         std::sin(std::atan(std::hypot(dx, dy) / g.distance_m) / 2);
}

TEST(PixelSplitter, SharesOfAPixelSumToOne) {
  ThreadPool pool(1);
  for (const Geometry& g : {flat_detector(), tilted_detector()})
    for (const RadialUnit unit : {RadialUnit::q_per_angstrom, RadialUnit::r_mm}) {
      auto field = RadialField::create(g, unit, {}, true, pool);
      ASSERT_TRUE(field.ok());
      for (const Splitting splitting : splittings)
        for (const double width : {0.5, 0.01, 0.001}) {
          PixelSplitter splitter(*field, {0, width, 60000}, splitting);
          for (std::size_t i = 0; i < g.pixels(); i += 7) {
            const auto& shares = splitter.split(i);
            ASSERT_EQ(std::accumulate(shares.begin(), shares.end(), 0U), azimuthal::whole_pixel)
                << name_of(splitting) << ", pixel " << i;
            ASSERT_NE(shares.back(), 0);
            // The pixel's own radius is among its bins.
            const double bin = std::floor(field->centre(i) / width);
            ASSERT_LE(static_cast<double>(splitter.first()), bin);
            ASSERT_GE(static_cast<double>(splitter.first() + shares.size() - 1), bin);
          }
        }
    }
}

// r_mm, pixels of 1 mm far from the beam: a pixel on the x axis is as wide as itself, one on the
// diagonal is a triangle of √2 mm.
TEST(PixelSplitter, FollowsThePolygonsArea) {
  Geometry g = flat_detector(1200, 1200);
  g.pixel_size_x_m = g.pixel_size_y_m = 1e-3;
  g.centre_x = g.centre_y = 0;
  ThreadPool pool(2);
  auto field = RadialField::create(g, RadialUnit::r_mm, {}, true, pool);
  ASSERT_TRUE(field.ok());
  PixelSplitter splitter(*field, {0, 0.1, 20000}, Splitting::full);
  auto shares = splitter.split(1000);
  ASSERT_EQ(splitter.first(), 9995U);
  for (std::size_t k = 0; k < 10; ++k)
    EXPECT_NEAR(shares[k] / double{azimuthal::whole_pixel}, 0.1, 0.002);

  shares = splitter.split(1000 * g.nx + 1000);
  const double middle = 1000 * std::numbers::sqrt2, half = std::numbers::sqrt2 / 2;
  double before = 0;
  for (std::size_t k = 0; k < shares.size(); ++k) {
    const double edge = 0.1 * static_cast<double>(splitter.first() + k + 1) - middle;
    const double t = std::clamp(edge / half, -1.0, 1.0);
    const double below = t < 0 ? (1 + t) * (1 + t) / 2 : 1 - (1 - t) * (1 - t) / 2;
    EXPECT_NEAR(shares[k] / double{azimuthal::whole_pixel}, below - before, 0.002) << k;
    before = below;
  }
}

TEST(PixelSplitter, LeavesOutWhatIsOutsideTheBins) {
  const Geometry g = flat_detector();
  ThreadPool pool(1);
  auto field = RadialField::create(g, RadialUnit::r_mm, {}, true, pool);
  ASSERT_TRUE(field.ok());
  const std::size_t pixel = 160 * g.nx + 222;  // 10.07 mm from the beam, along x
  PixelSplitter cut(*field, {10.07, 1, 3}, Splitting::full);
  const auto& shares = cut.split(pixel);
  ASSERT_EQ(shares.size(), 1U);
  EXPECT_NEAR(shares[0] / double{azimuthal::whole_pixel}, 0.5, 0.02);
  PixelSplitter outside(*field, {11, 1, 3}, Splitting::full);
  EXPECT_TRUE(outside.split(pixel).empty());
  PixelSplitter inside(*field, {0, 1, 3}, Splitting::no);
  EXPECT_TRUE(inside.split(pixel).empty());
}

TEST(Azimuthal, EvenScatteringIsAConstant) {
  const Geometry g = tilted_detector();
  ThreadPool pool(1);
  auto field = RadialField::create(g, RadialUnit::q_per_angstrom, 0.95, true, pool);
  ASSERT_TRUE(field.ok());
  AzimuthalOptions options;
  options.bins = 200;
  options.polarization = 0.95;
  for (std::size_t i = 0; i < g.pixels(); ++i) {
    options.flat.push_back(static_cast<float>(1 + 0.3 * std::sin(static_cast<double>(i))));
    options.dark.push_back(static_cast<float>(i % 17));
  }
  const Array image = image_of(g, [&](std::size_t i) {
    return 1000 * field->normalization(i) * double{options.flat[i]} + double{options.dark[i]};
  });
  for (const Splitting splitting : splittings) {
    options.splitting = splitting;
    const Profile p = profile_of(make(g, options), image);
    for (std::size_t b = 0; b < options.bins; ++b)
      if (p.pixels[b] > 0.01) {
        ASSERT_NEAR(p.intensity[b], 1000, 1e-3) << b;
      }
  }
}

// Ω and P of a detector perpendicular to the beam, by the textbook.
TEST(Azimuthal, NormalizationIsSolidAngleTimesPolarization) {
  const Geometry g = flat_detector();
  ThreadPool pool(1);
  auto field = RadialField::create(g, RadialUnit::two_theta_rad, 0.9, true, pool);
  ASSERT_TRUE(field.ok());
  for (std::size_t i = 0; i < g.pixels(); i += 11) {
    const double dx = (static_cast<double>(i % g.nx) - g.centre_x) * 1e-4;
    const double dy = (static_cast<double>(i / g.nx) - g.centre_y) * 1e-4;
    const double two_theta = std::atan(std::hypot(dx, dy) / 0.08), chi = std::atan2(dy, dx);
    const double c = std::cos(two_theta), s = std::sin(two_theta);
    EXPECT_NEAR(field->normalization(i),
                c * c * c * (1 + c * c - 0.9 * std::cos(2 * chi) * s * s) / 2, 1e-12);
    EXPECT_NEAR(field->centre(i), two_theta, 1e-12);
  }
}

TEST(Azimuthal, RingsAreAtTheirQ) {
  const Geometry g = flat_detector();
  const double rings[] = {0.5, 0.9, 1.3};
  const Array image = image_of(g, [&](std::size_t i) {
    double sum = 0;
    for (const double q : rings) sum += 100 * std::exp(-std::pow((q_of(g, i) - q) / 0.02, 2) / 2);
    return sum;
  });
  for (const RadialUnit unit : {RadialUnit::q_per_angstrom, RadialUnit::q_per_nm,
                                RadialUnit::two_theta_deg, RadialUnit::r_mm}) {
    AzimuthalOptions options;
    options.bins = 150;
    options.unit = unit;
    for (const Splitting splitting : splittings) {
      options.splitting = splitting;
      const AzimuthalIntegrator integrator = make(g, options);
      const Profile p = profile_of(integrator, image);
      for (const double q : rings) {
        const double two_theta = 2 * std::asin(q * 1.2 / (4 * std::numbers::pi));
        const double expected = unit == RadialUnit::q_per_angstrom ? q
                                : unit == RadialUnit::q_per_nm     ? 10 * q
                                : unit == RadialUnit::two_theta_deg
                                    ? two_theta * 180 / std::numbers::pi
                                    : 80 * std::tan(two_theta);
        double sum = 0, moment = 0, most = 0;
        for (std::size_t b = 0; b < options.bins; ++b) {
          const double x = integrator.centres()[b];
          if (std::abs(x - expected) > 0.1 * expected || !(p.pixels[b] > 0)) continue;
          sum += p.intensity[b];
          moment += p.intensity[b] * x;
          most = std::max(most, p.intensity[b]);
        }
        EXPECT_NEAR(moment / sum, expected, 0.003 * expected) << name_of(unit);
        EXPECT_GT(most, 85);
        EXPECT_LT(most, 115);  // cos³ is at least 0.9 here
      }
    }
  }
}

TEST(Azimuthal, SigmaIsPoissons) {
  const Geometry g = flat_detector();
  AzimuthalOptions options;
  options.bins = 100;
  options.solid_angle = false;
  options.splitting = Splitting::no;
  const auto of_constant = [&](double counts) {
    return profile_of(make(g, options), image_of(
                                            g, [&](std::size_t) { return counts; }, DType::i32));
  };
  const Profile p = of_constant(49), none = of_constant(0);
  for (std::size_t b = 0; b < options.bins; ++b) {
    if (p.pixels[b] == 0) continue;
    EXPECT_DOUBLE_EQ(p.intensity[b], 49);
    EXPECT_DOUBLE_EQ(p.sigma[b], 7 / std::sqrt(p.pixels[b]));
    EXPECT_DOUBLE_EQ(none.sigma[b], 1 / std::sqrt(p.pixels[b]));  // no count: at most about one
  }
  // A shared pixel tells less to each of its bins than a whole one.
  options.splitting = Splitting::full;
  const Profile shared = of_constant(49);
  for (std::size_t b = 0; b < options.bins; ++b)
    EXPECT_LE(shared.sigma[b], 7 / std::sqrt(shared.pixels[b]) * (1 + 1e-9));
}

TEST(Azimuthal, LostValuesAreAsIfMasked) {
  const Geometry g = flat_detector();
  AzimuthalOptions options;
  options.bins = 120;
  options.range = {{0.1, 1.4}};
  options.valid = {0, 1e6};
  options.dark.assign(g.pixels(), 3.5F);
  Mask mask(g.pixels(), 1);
  const auto lost = [&](std::size_t i) {
    return i % 13 == 0 || std::abs(q_of(g, i) - 0.7) < 0.02;  // a ring is lost as a whole
  };
  const Array image = image_of(g, [&](std::size_t i) {
    return lost(i) ? (i % 2 ? -1.0 : NAN) : static_cast<double>(i % 97);
  });
  for (std::size_t i = 0; i < g.pixels(); ++i)
    if (lost(i)) mask[i] = 0;
  for (const Splitting splitting : splittings) {
    options.splitting = splitting;
    const Profile seen = profile_of(make(g, options), image);
    const Profile masked = profile_of(make(g, options, mask), image);
    EXPECT_EQ(seen.pixels, masked.pixels);
    std::size_t empty = 0;
    for (std::size_t b = 0; b < options.bins; ++b) {
      empty += std::isnan(masked.intensity[b]);
      ASSERT_EQ(std::isnan(seen.intensity[b]), std::isnan(masked.intensity[b]));
      if (masked.pixels[b] > 0.01) {
        ASSERT_NEAR(seen.intensity[b], masked.intensity[b], 1e-6);
        ASSERT_NEAR(seen.sigma[b], masked.sigma[b], 1e-6);
      }
    }
    EXPECT_GT(empty, 0U);
    EXPECT_LT(empty, 10U);
  }
}

TEST(Azimuthal, TheBitsDoNotDependOnThreadsOrBackend) {
  const Geometry g = flat_detector(900, 800);  // eleven bands
  const Array image = image_of(
      g, [](std::size_t i) { return std::exp(std::sin(static_cast<double>(i))); }, DType::f32);
  AzimuthalOptions options;
  options.bins = 333;
  const AzimuthalIntegrator integrator = make(g, options);
  const Profile expected = profile_of(integrator, image);
  for (const std::size_t threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    for (const std::string& name : backends()) {
      ASSERT_TRUE(set_backend(name).ok());
      auto made = AzimuthalIntegrator::create(g, {}, options, pool);
      ASSERT_TRUE(made.ok());
      auto p = made->integrate(image.view(), &pool);
      ASSERT_TRUE(p.ok());
      EXPECT_EQ(p->signal, expected.signal) << name << ", " << threads;
      EXPECT_EQ(p->variance, expected.variance);
      EXPECT_EQ(p->normalization, expected.normalization);
    }
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

TEST(Azimuthal, PanelsWithPlacesAreTheWholeThatTheyMake) {
  Geometry whole = flat_detector(), halves = whole;
  for (const std::size_t x0 : {0, 130}) {
    halves.panels.push_back({0, 300, x0, x0 + 130});
    PanelPlace place;
    place.origin_m = {(static_cast<double>(x0) - whole.centre_x) * 1e-4, -whole.centre_y * 1e-4,
                      0.08};
    place.x_step_m = {1e-4, 0, 0};
    place.y_step_m = {0, 1e-4, 0};
    halves.places.push_back(place);
  }
  const Array image = image_of(
      whole, [](std::size_t i) { return static_cast<double>(i % 251); }, DType::u16);
  AzimuthalOptions options;
  options.bins = 90;
  const Profile a = profile_of(make(whole, options), image),
                b = profile_of(make(halves, options), image);
  for (std::size_t i = 0; i < options.bins; ++i) {
    EXPECT_NEAR(a.pixels[i], b.pixels[i], 1e-3);
    EXPECT_NEAR(a.intensity[i], b.intensity[i], 1e-3);
  }
  // What is in no panel counts for nothing.
  halves.panels.pop_back();
  halves.places.pop_back();
  const Profile half = profile_of(make(halves, options), image);
  const double all = std::accumulate(a.pixels.begin(), a.pixels.end(), 0.0);
  EXPECT_NEAR(all, 78000, 1e-6);
  EXPECT_NEAR(std::accumulate(half.pixels.begin(), half.pixels.end(), 0.0), 39000, 1e-6);
}

TEST(Azimuthal, ProfilesAddUp) {
  const Geometry g = flat_detector();
  AzimuthalOptions options;
  options.bins = 50;
  const AzimuthalIntegrator integrator = make(g, options);
  const Array image = image_of(
      g, [](std::size_t i) { return static_cast<double>(i % 31); }, DType::i32);
  const Profile once = profile_of(integrator, image);
  Profile twice = once;
  twice.add(once);
  for (std::size_t b = 0; b < options.bins; ++b) {
    if (once.pixels[b] == 0) continue;
    EXPECT_DOUBLE_EQ(twice.intensity[b], once.intensity[b]);
    EXPECT_DOUBLE_EQ(twice.sigma[b], once.sigma[b] / std::numbers::sqrt2);
  }
}

TEST(Azimuthal, RefusesWhatMakesNoSense) {
  ThreadPool pool(1);
  const auto refused = [&](const Geometry& g, const AzimuthalOptions& o, const Mask& mask = {}) {
    auto made = AzimuthalIntegrator::create(g, mask, o, pool);
    return !made.ok() && made.error().code == Errc::usage;
  };
  const Geometry g = flat_detector();
  AzimuthalOptions o;
  EXPECT_FALSE(refused(g, o));
  o.bins = 0;
  EXPECT_TRUE(refused(g, o));
  o.bins = 70000;
  EXPECT_TRUE(refused(g, o));
  o = {};
  o.range = {{2, 1}};
  EXPECT_TRUE(refused(g, o));
  o.range = {{100, 101}};
  EXPECT_TRUE(refused(g, o));
  o.range = {{0.5, 0.5 + 1e-7}};  // a pixel is half a million times as wide as a bin
  o.bins = 50000;
  EXPECT_FALSE(refused(g, o));
  o = {};
  o.unit = RadialUnit::r_mm;
  Geometry infinite = g;
  infinite.pixel_size_x_m = 1e307;
  EXPECT_TRUE(refused(infinite, o));
  o = {};
  o.polarization = 1.5;
  EXPECT_TRUE(refused(g, o));
  o = {};
  o.flat.assign(7, 1);
  EXPECT_TRUE(refused(g, o));
  EXPECT_TRUE(refused(g, {}, Mask(3, 1)));
  EXPECT_TRUE(refused(g, {}, Mask(g.pixels(), 0)));
  Geometry unknown = g;
  unknown.wavelength_angstrom = 0;
  EXPECT_TRUE(refused(unknown, {}));
  o = {};
  o.unit = RadialUnit::two_theta_deg;
  EXPECT_FALSE(refused(unknown, o));
  unknown.distance_m = 0;
  EXPECT_TRUE(refused(unknown, o));
  const AzimuthalIntegrator integrator = make(g, {});
  EXPECT_EQ(integrator.integrate(Array(DType::u16, {3, 3}).view()).error().code, Errc::usage);
  EXPECT_EQ(parse_radial_unit("q").error().code, Errc::usage);
  EXPECT_EQ(*parse_radial_unit("2th_deg"), RadialUnit::two_theta_deg);
  EXPECT_EQ(parse_splitting("half").error().code, Errc::usage);
  EXPECT_EQ(*parse_splitting("bbox"), Splitting::bounding_box);
}

}  // namespace
}  // namespace etalon
