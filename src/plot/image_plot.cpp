#include <algorithm>
#include <cmath>

#include "plot/canvas.hpp"

namespace etalon::plot {
namespace {

Result<void> check(const ImagePlot& plot) {
  const std::string what = "image of " + std::to_string(plot.ny) + " by " + std::to_string(plot.nx);
  std::size_t count = 0;
  if (plot.ny == 0 || plot.nx == 0 || __builtin_mul_overflow(plot.ny, plot.nx, &count) ||
      plot.values.size() != count || (!plot.good.empty() && plot.good.size() != count))
    return Error{Errc::usage, what + ": " + std::to_string(plot.values.size()) + " values, " +
                                  std::to_string(plot.good.size()) + " in the mask"};
  if (!(plot.low_percent >= 0 && plot.low_percent < plot.high_percent && plot.high_percent <= 100))
    return Error{Errc::usage, what + ": percentiles of the colours must rise from 0 to 100"};
  if (plot.longest_side_px < 100 || plot.longest_side_px > 16000)
    return Error{Errc::usage, what + ": the longest side is from 100 to 16000 pixels"};
  return {};
}

// `block` × `block` pixels as one: the mean of the good ones, NaN without any.
struct Blocks {
  std::size_t ny, nx;
  std::vector<double> values;
};

Blocks blocks_of(const ImagePlot& plot, std::size_t block) {
  Blocks out{(plot.ny + block - 1) / block, (plot.nx + block - 1) / block, {}};
  out.values.reserve(out.ny * out.nx);
  for (std::size_t by = 0; by < out.ny; ++by)
    for (std::size_t bx = 0; bx < out.nx; ++bx) {
      double sum = 0;
      std::size_t n = 0;
      for (std::size_t y = by * block; y < std::min(plot.ny, (by + 1) * block); ++y)
        for (std::size_t x = bx * block; x < std::min(plot.nx, (bx + 1) * block); ++x) {
          const std::size_t i = y * plot.nx + x;
          if ((plot.good.empty() || plot.good[i]) && std::isfinite(plot.values[i])) {
            sum += plot.values[i];
            ++n;
          }
        }
      out.values.push_back(n ? sum / static_cast<double>(n) : NAN);
    }
  return out;
}

double percentile(std::vector<double>& values, double percent) {
  const auto at = static_cast<std::ptrdiff_t>(
      std::llround(percent / 100 * static_cast<double>(values.size() - 1)));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

// From percentile to percentile of what is drawn; of positive values alone where the scale is
// logarithmic.
Range colours_of(const ImagePlot& plot, const std::vector<double>& values) {
  const bool log = plot.scale == Scale::log;
  std::vector<double> shown;
  std::ranges::copy_if(values, std::back_inserter(shown),
                       [log](double v) { return std::isfinite(v) && (!log || v > 0); });
  if (shown.empty()) return log ? Range{1, 10, true} : Range{0, 1, false};
  const double low = percentile(shown, plot.low_percent);
  const double high = percentile(shown, plot.high_percent);
  if (high > low) return {low, high, log};
  return {low, log ? 2 * low : low + std::max(1.0, std::abs(low)), log};
}

double share_of(const Range& range, Scale scale, double value) {
  if (range.log && value <= 0) return 0;
  const double share = std::clamp(range.share(value), 0.0, 1.0);
  return scale == Scale::sqrt ? std::sqrt(share) : share;
}

void draw_pixels(const Canvas& canvas, const Area& area, const Blocks& blocks, int enlarge,
                 const Range& range, Scale scale) {
  canvas.flush();
  const int left = static_cast<int>(area.left), top = static_cast<int>(area.top);
  for (int y = 0; y < static_cast<int>(blocks.ny) * enlarge; ++y)
    for (int x = 0; x < static_cast<int>(blocks.nx) * enlarge; ++x) {
      const double value = blocks.values[static_cast<std::size_t>(y / enlarge) * blocks.nx +
                                         static_cast<std::size_t>(x / enlarge)];
      canvas.set_pixel(
          left + x, top + y,
          std::isnan(value) ? masked_colour : colour_of(share_of(range, scale, value)));
    }
  canvas.changed();
}

void draw_marks(const Canvas& canvas, const Area& area, const std::vector<Mark>& marks) {
  cairo_t* c = canvas.cairo();
  cairo_save(c);
  cairo_rectangle(c, area.left, area.top, area.right - area.left, area.bottom - area.top);
  cairo_clip(c);
  canvas.colour(mark_colour);
  cairo_set_line_width(c, 1.5);
  const double per_pixel = (area.right - area.left) / (area.x_right - area.x_left);
  for (const Mark& mark : marks) {
    if (!std::isfinite(mark.x) || !std::isfinite(mark.y)) continue;
    cairo_new_path(c);
    cairo_arc(c, area.pixel_x(mark.x), area.pixel_y(mark.y),
              std::clamp(mark.radius_px * per_pixel, 3.0, 1e4), 0, 2 * std::acos(-1.0));
    cairo_stroke(c);
  }
  cairo_restore(c);
}

void draw_bar(const Canvas& canvas, const Area& area, const Range& range, Scale scale,
              const std::string& label) {
  constexpr double gap = 18, width = 16;
  Area bar = area;
  bar.left = area.right + gap;
  bar.right = bar.left + width;
  bar.y_top = range.high, bar.y_bottom = range.low, bar.y_log = range.log;
  canvas.flush();
  const int rows = static_cast<int>(bar.bottom - bar.top);
  for (int y = 0; y < rows; ++y)
    for (int x = 0; x < static_cast<int>(width); ++x)
      canvas.set_pixel(static_cast<int>(bar.left) + x, static_cast<int>(bar.top) + y,
                       colour_of(1 - (y + 0.5) / rows));
  canvas.changed();
  canvas.colour({30, 30, 30});
  canvas.rectangle(bar.left - 0.5, bar.top - 0.5, bar.right + 0.5, bar.bottom + 0.5);
  for (const Tick& tick : ticks_of(range, std::max(2, rows / 70))) {
    const double y = bar.bottom - share_of(range, scale, tick.value) * rows;
    canvas.line(bar.right + 1, y, bar.right + 6, y);
    canvas.tick_label(bar.right + 9, y + 0.36 * text_px, 0, tick);
  }
  if (!label.empty()) canvas.text(bar.right + 60, bar.top - 8, 1, label);
}

}  // namespace

Result<Picture> draw(const ImagePlot& plot) {
  ETALON_TRY(check(plot));
  const std::size_t longest = std::max(plot.ny, plot.nx);
  const std::size_t side = static_cast<std::size_t>(plot.longest_side_px);
  const std::size_t block = (longest + side - 1) / side;
  const int enlarge = static_cast<int>(block > 1 ? 1 : side / longest);
  const Blocks blocks = blocks_of(plot, block);
  const Range range = colours_of(plot, blocks.values);

  Area area;
  area.left = 64;
  area.top = plot.title.empty() ? 28 : 50;
  area.right = area.left + static_cast<double>(blocks.nx) * enlarge;
  area.bottom = area.top + static_cast<double>(blocks.ny) * enlarge;
  area.x_left = area.y_top = -0.5;  // pixel centres are at integers
  area.x_right = static_cast<double>(blocks.nx * block) - 0.5;
  area.y_bottom = static_cast<double>(blocks.ny * block) - 0.5;

  const int width = std::max(220, static_cast<int>(area.right) + 110);
  const int height = std::max(120, static_cast<int>(area.bottom) + 54);
  ETALON_ASSIGN(const Canvas canvas, Canvas::create(width, height));
  draw_pixels(canvas, area, blocks, enlarge, range, plot.scale);
  draw_marks(canvas, area, plot.marks);
  const auto ticks = [&](double low, double high, double pixels) {
    return ticks_of({low, high, false}, std::max(1, static_cast<int>(pixels / 110)));
  };
  draw_axes(canvas, area, "x (pixels)", "y (pixels)",
            ticks(area.x_left, area.x_right, area.right - area.left),
            ticks(area.y_top, area.y_bottom, area.bottom - area.top));
  draw_bar(canvas, area, range, plot.scale, plot.value_label);
  canvas.text((area.left + area.right) / 2, 22, 0.5, plot.title, 15);
  ETALON_ASSIGN(Bytes png, canvas.png());
  return Picture{std::move(png), width, height, area};
}

}  // namespace etalon::plot
