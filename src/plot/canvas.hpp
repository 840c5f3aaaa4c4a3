// A picture being drawn: cairo with an owner, and text.
#pragma once

#include <cairo.h>

#include <memory>
#include <string>

#include "plot/axis.hpp"
#include "plot/colour_map.hpp"

namespace etalon::plot {

inline constexpr double text_px = 13;

// Coordinates in pixels from the upper left corner; white at first.
class Canvas {
 public:
  static Result<Canvas> create(int width_px, int height_px);

  cairo_t* cairo() const { return cairo_.get(); }
  void colour(Colour c, double alpha = 1) const;
  void line(double x0, double y0, double x1, double y1, double width = 1) const;
  void rectangle(double left, double top, double right, double bottom, double width = 1) const;

  double text_width(const std::string& text, double size = text_px) const;
  // Anchored at (x, y): `across` 0 is the left end, 0.5 the middle, 1 the right end; y is the
  // baseline.
  void text(double x, double y, double across, const std::string& text,
            double size = text_px) const;
  void upright_text(double x, double y, const std::string& text) const;  // from below, centred
  double tick_width(const Tick& tick) const;
  void tick_label(double x, double y, double across, const Tick& tick) const;

  // Ends the drawing.
  Result<Bytes> png() const;
  // Colours pixel by pixel, rows top down: for images.
  void set_pixel(int x, int y, Colour c) const;
  void flush() const { cairo_surface_flush(surface_.get()); }
  void changed() const { cairo_surface_mark_dirty(surface_.get()); }

 private:
  struct Surface {
    void operator()(cairo_surface_t* s) const { cairo_surface_destroy(s); }
  };
  struct Context {
    void operator()(cairo_t* c) const { cairo_destroy(c); }
  };
  Canvas() = default;
  std::unique_ptr<cairo_surface_t, Surface> surface_;
  std::unique_ptr<cairo_t, Context> cairo_;
};

// The frame of `area` with ticks and labels below and at its left; an empty label takes no place.
void draw_axes(const Canvas& canvas, const Area& area, const std::string& x_label,
               const std::string& y_label, const std::vector<Tick>& x_ticks,
               const std::vector<Tick>& y_ticks);

}  // namespace etalon::plot
