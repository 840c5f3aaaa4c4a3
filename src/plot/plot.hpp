// Curves and images as PNG files. The spans are somebody else's and must live while a plot is
// drawn.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon::plot {

struct Axis {
  std::string label;                               // with the unit, UTF-8: "q (Å⁻¹)"
  bool log = false;                                // values that are not positive are left out
  std::optional<std::pair<double, double>> range;  // empty: what the values need
};

// Points that are not finite interrupt the line.
struct Series {
  std::string name;               // in the legend; empty: not there
  std::span<const double> x, y;   // as many each
  std::span<const double> sigma;  // empty, or as many: a band of y ± sigma
  bool points = false;            // dots instead of a line
};

struct LinePlot {
  std::string title;
  Axis x, y;
  std::vector<Series> series;
  int width_px = 960, height_px = 600;
};

// A circle; pixel centres are at integers.
struct Mark {
  double y = 0, x = 0, radius_px = 5;
};

enum class Scale : std::uint8_t { linear, sqrt, log };

struct ImagePlot {
  std::string title, value_label;
  std::span<const double> values;      // (ny, nx); what is not finite counts as masked
  std::span<const std::uint8_t> good;  // 1 is good; empty: all are
  std::size_t ny = 0, nx = 0;
  Scale scale = Scale::linear;
  // Percentiles of the good values at the two ends of the colours.
  double low_percent = 0.5, high_percent = 99.5;
  std::vector<Mark> marks{};
  // The image is drawn with whole pixels: each enlarged, or the mean of the good ones of k × k.
  int longest_side_px = 900;
};

// Where the data are in the picture: a rectangle in pixels, and the values at its edges.
struct Area {
  double left = 0, top = 0, right = 0, bottom = 0;
  double x_left = 0, x_right = 0, y_top = 0, y_bottom = 0;
  bool x_log = false, y_log = false;

  double pixel_x(double x) const;
  double pixel_y(double y) const;
};

struct Picture {
  Bytes png;
  int width_px = 0, height_px = 0;
  Area area;
};

// Errc::usage for spans of unlike lengths, sides outside 100 to 16384 pixels, ranges that are none.
Result<Picture> draw(const LinePlot& plot);
Result<Picture> draw(const ImagePlot& plot);

// Errc::usage when the file exists and not `overwrite`; a failure leaves nothing.
Result<void> write_png(const std::string& path, const Picture& picture, bool overwrite);

}  // namespace etalon::plot
