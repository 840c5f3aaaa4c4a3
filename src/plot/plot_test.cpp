#include "plot/plot.hpp"

#include <cairo.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "plot/axis.hpp"
#include "plot/colour_map.hpp"
#include "store/file.hpp"

namespace etalon::plot {
namespace {

constexpr Colour first_series{0, 114, 178};

// A PNG read back.
class Pixels {
 public:
  explicit Pixels(ByteSpan png) {
    struct From {
      ByteSpan bytes;
      std::size_t at = 0;
    } from{png};
    const auto read = [](void* closure, unsigned char* to, unsigned length) {
      From& f = *static_cast<From*>(closure);
      if (f.bytes.size() - f.at < length) return CAIRO_STATUS_READ_ERROR;
      std::memcpy(to, f.bytes.data() + f.at, length);
      f.at += length;
      return CAIRO_STATUS_SUCCESS;
    };
    surface_ = cairo_image_surface_create_from_png_stream(read, &from);
    EXPECT_EQ(cairo_surface_status(surface_), CAIRO_STATUS_SUCCESS);
  }
  ~Pixels() { cairo_surface_destroy(surface_); }
  Pixels(const Pixels&) = delete;
  Pixels& operator=(const Pixels&) = delete;

  int width() const { return cairo_image_surface_get_width(surface_); }
  int height() const { return cairo_image_surface_get_height(surface_); }
  Colour at(int x, int y) const {
    const unsigned char* data = cairo_image_surface_get_data(surface_);
    std::uint32_t v;
    std::memcpy(&v, data + y * cairo_image_surface_get_stride(surface_) + 4 * x, sizeof v);
    return {static_cast<std::uint8_t>(v >> 16), static_cast<std::uint8_t>(v >> 8),
            static_cast<std::uint8_t>(v)};
  }
  // A pixel of about this colour within `reach` pixels of a place.
  bool has(Colour colour, double x, double y, int reach = 1) const {
    for (int dy = -reach; dy <= reach; ++dy)
      for (int dx = -reach; dx <= reach; ++dx) {
        const int px = static_cast<int>(std::floor(x)) + dx;
        const int py = static_cast<int>(std::floor(y)) + dy;
        if (px < 0 || py < 0 || px >= width() || py >= height()) continue;
        const Colour c = at(px, py);
        if (std::abs(c.red - colour.red) + std::abs(c.green - colour.green) +
                std::abs(c.blue - colour.blue) <
            60)
          return true;
      }
    return false;
  }

 private:
  cairo_surface_t* surface_;
};

TEST(Ticks, AreAtNiceValuesInsideTheRange) {
  const auto ticks = ticks_of({-0.13, 0.97, false}, 6);
  ASSERT_EQ(ticks.size(), 5u);
  for (std::size_t i = 0; i < ticks.size(); ++i)
    EXPECT_NEAR(ticks[i].value, 0.2 * static_cast<double>(i), 1e-12);
  EXPECT_EQ(ticks[0].label, "0");
  EXPECT_EQ(ticks[3].label, "0.6");
  EXPECT_EQ(ticks_of({-2, -1, false}, 2)[0].label, "\u22122.0");
  const auto large = ticks_of({0, 3e7, false}, 3);
  EXPECT_EQ(large[1].label, "1e+07");
}

TEST(Ticks, OfALogarithmicAxisArePowersOfTen) {
  const auto ticks = ticks_of({0.5, 3e6, true}, 10);
  ASSERT_EQ(ticks.size(), 7u);
  EXPECT_EQ(ticks[0].label, "1");
  EXPECT_EQ(ticks[4].label, "10000");
  EXPECT_EQ(ticks[6].label, "10");
  EXPECT_EQ(ticks[6].exponent, "6");
  EXPECT_EQ(ticks_of({15, 70, true}, 5).size(), 2u);  // 20 and 50
  EXPECT_LE(ticks_of({1e-200, 1e200, true}, 8).size(), 9u);
}

TEST(ColourMap, GetsLighterAndIsNeverGrey) {
  double before = -1;
  for (const Colour& c : colour_map()) {
    const double light = 0.2126 * std::pow(c.red / 255.0, 2.2) +
                         0.7152 * std::pow(c.green / 255.0, 2.2) +
                         0.0722 * std::pow(c.blue / 255.0, 2.2);
    EXPECT_GT(light, before - 0.002);
    before = light;
    const auto [least, most] = std::minmax({c.red, c.green, c.blue});
    EXPECT_GT(most - least, 40);
  }
}

TEST(LinePlot, PixelsOfTheLineAreWhereTheValuesSay) {
  std::vector<double> x(200), y(200);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = 0.1 * static_cast<double>(i);
    y[i] = 3 + std::sin(x[i]);
  }
  LinePlot plot{"A sine", {"x (mm)", false, {}}, {"y", false, {}}, {{"sine", x, y, {}, false}}};
  auto picture = draw(plot);
  ASSERT_TRUE(picture.ok());
  const Pixels pixels(picture->png);
  ASSERT_EQ(pixels.width(), 960);
  ASSERT_EQ(pixels.height(), 600);
  for (std::size_t i = 5; i + 5 < x.size(); i += 7) {
    const double px = picture->area.pixel_x(x[i]);
    EXPECT_TRUE(pixels.has(first_series, px, picture->area.pixel_y(y[i]))) << i;
    // Well above and below the line there is none (the legend is above the curve's right end).
    EXPECT_FALSE(pixels.has(first_series, px, picture->area.pixel_y(y[i] > 3 ? 2.05 : 3.9), 2))
        << i;
  }
}

TEST(LinePlot, LogarithmicAxesGapsAndPoints) {
  std::vector<double> x, y;
  for (int e = 0; e <= 4; ++e) {
    x.push_back(std::pow(10, e));
    y.push_back(std::pow(10, 2 * e - 3));
  }
  y[2] = NAN;
  LinePlot plot{"", {"", true, {}}, {"", true, {}}, {{"", x, y, {}, true}}};
  const auto points = draw(plot);
  ASSERT_TRUE(points.ok());
  const Pixels dots(points->png);
  for (const std::size_t i : {0, 1, 3, 4})
    EXPECT_TRUE(dots.has(first_series, points->area.pixel_x(x[i]), points->area.pixel_y(y[i])));
  // A power law is straight: halfway between two points in the logarithm. Without a line, nothing.
  const double px = points->area.pixel_x(std::sqrt(x[0] * x[1]));
  const double py = points->area.pixel_y(std::sqrt(y[0] * y[1]));
  EXPECT_FALSE(dots.has(first_series, px, py));
  plot.series[0].points = false;
  const auto line = draw(plot);
  ASSERT_TRUE(line.ok());
  const Pixels drawn(line->png);
  EXPECT_TRUE(drawn.has(first_series, px, py));
  EXPECT_FALSE(drawn.has(first_series, line->area.pixel_x(100), line->area.pixel_y(10), 3));
}

TEST(LinePlot, TakesAnyValues) {
  const std::vector<double> x{0, 1, 2, 3}, wild{-1e308, 1e308, INFINITY, NAN}, none(4, NAN);
  for (const auto& y : {wild, none, std::vector<double>(4, 7.0), std::vector<double>(4, 0.0)})
    for (const bool log : {false, true}) {
      const auto picture =
          draw(LinePlot{"", {"", log, {}}, {"", log, {}}, {{"a", x, y, {}, false}}});
      ASSERT_TRUE(picture.ok()) << picture.error().message;
    }
  const auto empty = draw(LinePlot{});
  EXPECT_TRUE(empty.ok());
}

TEST(LinePlot, RefusesWhatIsNoPlot) {
  const std::vector<double> x{0, 1}, y{1};
  EXPECT_EQ(draw(LinePlot{"", {}, {}, {{"", x, y, {}, false}}}).error().code, Errc::usage);
  LinePlot plot{"", {}, {}, {{"", x, x, {}, false}}};
  plot.x.range = {{1, 1}};
  EXPECT_EQ(draw(plot).error().code, Errc::usage);
  plot.x = {"", true, {{-1, 1}}};
  EXPECT_EQ(draw(plot).error().code, Errc::usage);
  plot.x = {};
  plot.width_px = 1 << 20;
  EXPECT_EQ(draw(plot).error().code, Errc::usage);
}

TEST(ImagePlot, ColoursFollowTheValuesAndMaskedPixelsAreGrey) {
  constexpr std::size_t ny = 40, nx = 60;
  std::vector<double> values(ny * nx);
  std::iota(values.begin(), values.end(), 1.0);
  std::vector<std::uint8_t> good(ny * nx, 1);
  for (std::size_t x = 20; x < 30; ++x) good[10 * nx + x] = 0;
  values[30 * nx + 7] = NAN;
  for (const Scale scale : {Scale::linear, Scale::sqrt, Scale::log}) {
    ImagePlot plot{"", "counts", values, good, ny, nx, scale};
    plot.low_percent = 0, plot.high_percent = 100;
    const auto picture = draw(plot);
    ASSERT_TRUE(picture.ok()) << picture.error().message;
    const Pixels pixels(picture->png);
    const auto at = [&](double x, double y) {
      return pixels.at(static_cast<int>(picture->area.pixel_x(x)),
                       static_cast<int>(picture->area.pixel_y(y)));
    };
    EXPECT_EQ(at(25, 10), masked_colour);
    EXPECT_EQ(at(7, 30), masked_colour);
    EXPECT_EQ(at(0, 0), colour_of(0));
    EXPECT_EQ(at(59, 39), colour_of(1));
    const double value = 1 + 20.0 * nx + 5, low = 1, high = ny * nx;
    const double linear = (value - low) / (high - low);
    EXPECT_EQ(at(5, 20),
              colour_of(scale == Scale::linear ? linear
                        : scale == Scale::sqrt ? std::sqrt(linear)
                                               : std::log(value / low) / std::log(high / low)));
  }
}

TEST(ImagePlot, MarksAreCirclesAtTheirPlaces) {
  const std::vector<double> values(100 * 100, 0);
  ImagePlot plot{"", "", values, {}, 100, 100};
  plot.marks = {{30, 70, 6}};
  const auto picture = draw(plot);
  ASSERT_TRUE(picture.ok());
  const Pixels pixels(picture->png);
  const auto& area = picture->area;
  for (int i = 0; i < 12; ++i) {
    const double turn = 2 * std::acos(-1.0) * i / 12;
    EXPECT_TRUE(pixels.has(mark_colour, area.pixel_x(70 + 6 * std::cos(turn)),
                           area.pixel_y(30 + 6 * std::sin(turn))));
  }
  EXPECT_FALSE(pixels.has(mark_colour, area.pixel_x(70), area.pixel_y(30), 3));
  EXPECT_FALSE(pixels.has(mark_colour, area.pixel_x(30), area.pixel_y(70), 20));
}

TEST(ImagePlot, LargeImagesAreMeansOfGoodPixels) {
  constexpr std::size_t n = 2001;  // 3 × 3 pixels a pixel; the last block is whole, too
  std::vector<double> values(n * n, 0);
  std::vector<std::uint8_t> good(n * n, 1);
  values[0] = 50, values[1] = 40;
  for (std::size_t y = 0; y < 3; ++y)
    for (std::size_t x = 0; x < 3; ++x) {
      good[y * n + x] = y == 0 && x < 2;  // mean 45
      values[(3 + y) * n + x] = 90;
      good[(6 + y) * n + x] = 0;
    }
  ImagePlot plot{"", "", values, good, n, n};
  plot.low_percent = 0, plot.high_percent = 100;
  const auto picture = draw(plot);
  ASSERT_TRUE(picture.ok());
  const Pixels pixels(picture->png);
  const int left = static_cast<int>(picture->area.left), top = static_cast<int>(picture->area.top);
  EXPECT_EQ(picture->area.right - picture->area.left, 667);
  EXPECT_EQ(pixels.at(left, top), colour_of(0.5));
  EXPECT_EQ(pixels.at(left, top + 1), colour_of(1));
  EXPECT_EQ(pixels.at(left, top + 2), masked_colour);
}

TEST(ImagePlot, RefusesWhatIsNoImageAndTakesAnyValues) {
  const std::vector<double> values{1, NAN, -INFINITY, 1e308};
  EXPECT_EQ(draw(ImagePlot{"", "", values, {}, 2, 3}).error().code, Errc::usage);
  EXPECT_EQ(draw(ImagePlot{"", "", values, {}, std::size_t{1} << 63, 4}).error().code, Errc::usage);
  for (const Scale scale : {Scale::linear, Scale::sqrt, Scale::log})
    EXPECT_TRUE(draw(ImagePlot{"", "", values, {}, 2, 2, scale}).ok());
}

TEST(WritePng, IsWholeOrNotThereAndTheSameEveryTime) {
  const std::string folder = ::testing::TempDir() + "plot_test_" + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  const std::vector<double> x{0, 1, 2}, y{3, 1, 2};
  const LinePlot plot{"t", {"x", false, {}}, {"y", false, {}}, {{"s", x, y, y, false}}};
  const auto one = draw(plot), two = draw(plot);
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_EQ(one->png, two->png);
  const std::string path = folder + "/a.png";
  ASSERT_TRUE(write_png(path, *one, false).ok());
  EXPECT_EQ(*read_file(path), one->png);
  EXPECT_EQ(write_png(path, *one, false).error().code, Errc::usage);
  EXPECT_TRUE(write_png(path, *two, true).ok());
  EXPECT_FALSE(write_png(folder + "/none/a.png", *one, false).ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace etalon::plot
