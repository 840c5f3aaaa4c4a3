// Between places on the detector and vectors in reciprocal space.
#pragma once

#include <optional>

#include "analyse/places.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"

namespace etalon {

double dot(const Vector3& a, const Vector3& b);
Vector3 cross(const Vector3& a, const Vector3& b);
double length(const Vector3& v);
Vector3 operator+(const Vector3& a, const Vector3& b);
Vector3 operator-(const Vector3& a, const Vector3& b);
Vector3 operator*(double factor, const Vector3& v);

// Laboratory axes: z along the beam; of a flat detector x along its fast, y along its slow axis.
// |k| = 1 / wavelength, in 1/angstrom; a place that is seen along the unit vector s shows
// q = k (s - z).
class ScatteringMap {
 public:
  // Errc::usage names what the geometry does not know: wavelength, distance, pixel sizes.
  static Result<ScatteringMap> create(const Geometry& geometry);

  double wavenumber() const { return k_; }
  // 1/angstrom that a pixel's width makes at the beam: of the panel that is nearest to the sample.
  double pixel_width() const { return pixel_width_; }
  double q_max() const { return q_max_; }  // of all corners of panels

  // None outside the panels.
  std::optional<Vector3> q_at(const Place& place) const;
  // Where the wave k_out, of any length, meets a panel's pixels; none where it meets none. The
  // first panel that it meets.
  std::optional<Place> place_of(const Vector3& k_out) const;

 private:
  struct Screen {
    Panel area;
    PanelPlace place;
    Vector3 normal{};               // x_step x y_step
    double distance = 0;            // origin . normal
    double xx = 0, xy = 0, yy = 0;  // products of the steps
  };
  const Screen* screen_at(const Place& place) const;

  double k_ = 0, pixel_width_ = 0, q_max_ = 0;
  std::vector<Screen> screens_;
};

}  // namespace etalon
