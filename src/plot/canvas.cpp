#include "plot/canvas.hpp"

#include <algorithm>
#include <cmath>

#include "base/utf8.hpp"

#ifdef ETALON_SANITIZED
// Fontconfig keeps patterns that it found to the end of the program, where nothing points to them.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }
extern "C" const char* __lsan_default_options() { return "print_suppressions=0"; }
#endif

namespace etalon::plot {
namespace {

constexpr Colour ink{30, 30, 30};
constexpr double exponent_px = 0.75 * text_px;

Error cairo_error(cairo_status_t status) {
  return {Errc::io, std::string("cannot draw the plot: ") + cairo_status_to_string(status)};
}

}  // namespace

Result<Canvas> Canvas::create(int width_px, int height_px) {
  if (std::min(width_px, height_px) < 100 || std::max(width_px, height_px) > 16384)
    return Error{Errc::usage, "a plot of " + std::to_string(width_px) + " by " +
                                  std::to_string(height_px) +
                                  " pixels: sides are from 100 to 16384 pixels"};
  Canvas canvas;
  canvas.surface_.reset(cairo_image_surface_create(CAIRO_FORMAT_RGB24, width_px, height_px));
  canvas.cairo_.reset(cairo_create(canvas.surface_.get()));
  cairo_t* c = canvas.cairo();
  if (const auto status = cairo_status(c); status != CAIRO_STATUS_SUCCESS)
    return cairo_error(status);
  cairo_set_source_rgb(c, 1, 1, 1);
  cairo_paint(c);
  cairo_select_font_face(c, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_font_options_t* options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  cairo_set_font_options(c, options);
  cairo_font_options_destroy(options);
  return canvas;
}

void Canvas::colour(Colour c, double alpha) const {
  cairo_set_source_rgba(cairo(), c.red / 255.0, c.green / 255.0, c.blue / 255.0, alpha);
}

void Canvas::line(double x0, double y0, double x1, double y1, double width) const {
  cairo_set_line_width(cairo(), width);
  cairo_move_to(cairo(), x0, y0);
  cairo_line_to(cairo(), x1, y1);
  cairo_stroke(cairo());
}

void Canvas::rectangle(double left, double top, double right, double bottom, double width) const {
  cairo_set_line_width(cairo(), width);
  cairo_rectangle(cairo(), left, top, right - left, bottom - top);
  cairo_stroke(cairo());
}

double Canvas::text_width(const std::string& text, double size) const {
  cairo_set_font_size(cairo(), size);
  cairo_text_extents_t extents;
  cairo_text_extents(cairo(), to_utf8(text).c_str(), &extents);
  return extents.x_advance;
}

void Canvas::text(double x, double y, double across, const std::string& text, double size) const {
  cairo_move_to(cairo(), x - across * text_width(text, size), y);
  cairo_show_text(cairo(), to_utf8(text).c_str());
}

void Canvas::upright_text(double x, double y, const std::string& text) const {
  cairo_save(cairo());
  cairo_translate(cairo(), x, y);
  cairo_rotate(cairo(), -std::acos(-1.0) / 2);
  this->text(0, 0, 0.5, text);
  cairo_restore(cairo());
}

double Canvas::tick_width(const Tick& tick) const {
  return text_width(tick.label) + text_width(tick.exponent, exponent_px);
}

void Canvas::tick_label(double x, double y, double across, const Tick& tick) const {
  const double left = x - across * tick_width(tick);
  text(left, y, 0, tick.label);
  text(left + text_width(tick.label), y - 0.4 * text_px, 0, tick.exponent, exponent_px);
}

void Canvas::set_pixel(int x, int y, Colour c) const {
  unsigned char* data = cairo_image_surface_get_data(surface_.get());
  const std::ptrdiff_t stride = cairo_image_surface_get_stride(surface_.get());
  reinterpret_cast<std::uint32_t*>(data + y * stride)[x] =
      static_cast<std::uint32_t>(c.red) << 16 | static_cast<std::uint32_t>(c.green) << 8 | c.blue;
}

Result<Bytes> Canvas::png() const {
  if (const auto status = cairo_status(cairo()); status != CAIRO_STATUS_SUCCESS)
    return cairo_error(status);
  flush();
  Bytes bytes;
  const auto append = [](void* to, const unsigned char* data, unsigned length) {
    const auto* first = reinterpret_cast<const std::byte*>(data);
    static_cast<Bytes*>(to)->insert(static_cast<Bytes*>(to)->end(), first, first + length);
    return CAIRO_STATUS_SUCCESS;
  };
  const auto status = cairo_surface_write_to_png_stream(surface_.get(), append, &bytes);
  if (status != CAIRO_STATUS_SUCCESS) return cairo_error(status);
  return bytes;
}

void draw_axes(const Canvas& canvas, const Area& area, const std::string& x_label,
               const std::string& y_label, const std::vector<Tick>& x_ticks,
               const std::vector<Tick>& y_ticks) {
  canvas.colour(ink);
  canvas.rectangle(area.left - 0.5, area.top - 0.5, area.right + 0.5, area.bottom + 0.5);
  for (const Tick& tick : x_ticks) {
    const double x = area.pixel_x(tick.value);
    canvas.line(x, area.bottom + 1, x, area.bottom + 6);
    canvas.tick_label(x, area.bottom + 20, 0.5, tick);
  }
  double widest = 0;
  for (const Tick& tick : y_ticks) {
    const double y = area.pixel_y(tick.value);
    canvas.line(area.left - 6, y, area.left - 1, y);
    canvas.tick_label(area.left - 9, y + 0.36 * text_px, 1, tick);
    widest = std::max(widest, canvas.tick_width(tick));
  }
  if (!x_label.empty()) canvas.text((area.left + area.right) / 2, area.bottom + 42, 0.5, x_label);
  if (!y_label.empty())
    canvas.upright_text(area.left - widest - 18, (area.top + area.bottom) / 2, y_label);
}

}  // namespace etalon::plot
