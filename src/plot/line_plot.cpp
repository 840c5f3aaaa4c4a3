#include <algorithm>
#include <cmath>

#include "plot/canvas.hpp"

namespace etalon::plot {
namespace {

// Well apart for the colour-blind, too (Okabe and Ito, "Color Universal Design", 2008).
constexpr Colour series_colours[] = {{0, 114, 178}, {213, 94, 0},   {0, 158, 115}, {204, 121, 167},
                                     {230, 159, 0}, {86, 180, 233}, {90, 90, 90}};

Colour colour_of_series(std::size_t i) { return series_colours[i % std::size(series_colours)]; }

Result<void> check(const LinePlot& plot) {
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const Series& s = plot.series[i];
    if (s.x.size() != s.y.size() || (!s.sigma.empty() && s.sigma.size() != s.x.size()))
      return Error{Errc::usage, "series " + std::to_string(i) +
                                    " of the plot: " + std::to_string(s.x.size()) + " x, " +
                                    std::to_string(s.y.size()) + " y, " +
                                    std::to_string(s.sigma.size()) + " sigma"};
  }
  return {};
}

// The values that the range of an axis must hold.
std::vector<double> all_x(const LinePlot& plot) {
  std::vector<double> values;
  for (const Series& s : plot.series) values.insert(values.end(), s.x.begin(), s.x.end());
  return values;
}

std::vector<double> all_y(const LinePlot& plot) {
  std::vector<double> values;
  for (const Series& s : plot.series) {
    values.insert(values.end(), s.y.begin(), s.y.end());
    if (s.sigma.empty() || plot.y.log) continue;
    for (std::size_t i = 0; i < s.y.size(); ++i) {
      values.push_back(s.y[i] - s.sigma[i]);
      values.push_back(s.y[i] + s.sigma[i]);
    }
  }
  return values;
}

// Far outside a plot, where nothing shows any more and cairo's fixed point still holds.
double near_by(double pixel) { return std::clamp(pixel, -30000.0, 30000.0); }

struct Point {
  double x, y;
  bool there;
};

Point point_of(const Area& area, double x, double y) {
  const bool there =
      std::isfinite(x) && std::isfinite(y) && (!area.x_log || x > 0) && (!area.y_log || y > 0);
  if (!there) return {0, 0, false};
  return {near_by(area.pixel_x(x)), near_by(area.pixel_y(y)), true};
}

void draw_band(const Canvas& canvas, const Area& area, const Series& s) {
  const double floor = area.y_log ? std::min(area.y_top, area.y_bottom) : -HUGE_VAL;
  for (std::size_t i = 0; i + 1 < s.x.size(); ++i) {
    Point corners[4];
    for (std::size_t k = 0; k < 2; ++k) {
      corners[k] = point_of(area, s.x[i + k], std::max(floor, s.y[i + k] - s.sigma[i + k]));
      corners[3 - k] = point_of(area, s.x[i + k], s.y[i + k] + s.sigma[i + k]);
    }
    if (!std::ranges::all_of(corners, &Point::there)) continue;
    cairo_new_path(canvas.cairo());
    for (const Point& p : corners) cairo_line_to(canvas.cairo(), p.x, p.y);
    cairo_close_path(canvas.cairo());
    cairo_fill(canvas.cairo());
  }
}

void draw_curve(const Canvas& canvas, const Area& area, const Series& s) {
  cairo_t* c = canvas.cairo();
  cairo_set_line_width(c, 1.5);
  cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
  cairo_set_line_cap(c, CAIRO_LINE_CAP_ROUND);
  cairo_new_path(c);
  bool drawing = false;
  for (std::size_t i = 0; i < s.x.size(); ++i) {
    const Point p = point_of(area, s.x[i], s.y[i]);
    if (p.there && s.points) {
      cairo_arc(c, p.x, p.y, 2.5, 0, 2 * std::acos(-1.0));
      cairo_fill(c);
    } else if (p.there) {
      drawing ? cairo_line_to(c, p.x, p.y) : cairo_move_to(c, p.x, p.y);
      // A point between two gaps shows as a dot.
      if (!drawing) cairo_line_to(c, p.x, p.y);
    }
    drawing = p.there;
  }
  cairo_stroke(c);
}

void draw_legend(const Canvas& canvas, const Area& area, const LinePlot& plot) {
  constexpr double row = 18, sample = 24;
  double widest = 0;
  std::size_t rows = 0;
  for (const Series& s : plot.series)
    if (!s.name.empty()) {
      widest = std::max(widest, canvas.text_width(s.name));
      ++rows;
    }
  if (rows == 0) return;
  const double left = area.right - widest - sample - 26, top = area.top + 10;
  const double bottom = top + row * static_cast<double>(rows) + 8;
  cairo_rectangle(canvas.cairo(), left, top, area.right - 10 - left, bottom - top);
  canvas.colour({255, 255, 255}, 0.85);
  cairo_fill(canvas.cairo());
  double y = top + 4 + row / 2;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    if (plot.series[i].name.empty()) continue;
    canvas.colour(colour_of_series(i));
    if (plot.series[i].points) {
      cairo_arc(canvas.cairo(), left + sample / 2, y, 2.5, 0, 2 * std::acos(-1.0));
      cairo_fill(canvas.cairo());
    } else {
      canvas.line(left + 2, y, left + sample - 2, y, 1.5);
    }
    canvas.colour({30, 30, 30});
    canvas.text(left + sample + 4, y + 0.36 * text_px, 0, plot.series[i].name);
    y += row;
  }
}

void draw_grid(const Canvas& canvas, const Area& area, const std::vector<Tick>& x,
               const std::vector<Tick>& y) {
  canvas.colour({225, 225, 225});
  for (const Tick& tick : x)
    canvas.line(area.pixel_x(tick.value), area.top, area.pixel_x(tick.value), area.bottom);
  for (const Tick& tick : y)
    canvas.line(area.left, area.pixel_y(tick.value), area.right, area.pixel_y(tick.value));
}

void draw_series(const Canvas& canvas, const Area& area, const LinePlot& plot) {
  cairo_save(canvas.cairo());
  cairo_rectangle(canvas.cairo(), area.left, area.top, area.right - area.left,
                  area.bottom - area.top);
  cairo_clip(canvas.cairo());
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    if (!plot.series[i].sigma.empty()) {
      canvas.colour(colour_of_series(i), 0.2);
      draw_band(canvas, area, plot.series[i]);
    }
    canvas.colour(colour_of_series(i));
    draw_curve(canvas, area, plot.series[i]);
  }
  cairo_restore(canvas.cairo());
}

}  // namespace

Result<Picture> draw(const LinePlot& plot) {
  ETALON_TRY(check(plot));
  ETALON_ASSIGN(const Canvas canvas, Canvas::create(plot.width_px, plot.height_px));
  ETALON_ASSIGN(const Range x, range_of(plot.x, all_x(plot), plot.x.log ? 0.02 : 0.0));
  ETALON_ASSIGN(const Range y, range_of(plot.y, all_y(plot), 0.05));
  const auto x_ticks = ticks_of(x, plot.width_px / 110);
  const auto y_ticks = ticks_of(y, plot.height_px / 70);
  double widest = 0;
  for (const Tick& tick : y_ticks) widest = std::max(widest, canvas.tick_width(tick));

  Area area;
  area.left = std::ceil(widest + 20 + (plot.y.label.empty() ? 0 : 22));
  area.top = plot.title.empty() ? 18 : 40;
  area.right = plot.width_px - 24;
  area.bottom = plot.height_px - (plot.x.label.empty() ? 34 : 56);
  area.x_left = x.low, area.x_right = x.high, area.x_log = x.log;
  area.y_top = y.high, area.y_bottom = y.low, area.y_log = y.log;

  draw_grid(canvas, area, x_ticks, y_ticks);
  draw_series(canvas, area, plot);
  draw_axes(canvas, area, plot.x.label, plot.y.label, x_ticks, y_ticks);
  canvas.text((area.left + area.right) / 2, 26, 0.5, plot.title, 15);
  draw_legend(canvas, area, plot);
  ETALON_ASSIGN(Bytes png, canvas.png());
  return Picture{std::move(png), plot.width_px, plot.height_px, area};
}

}  // namespace etalon::plot
