// Azimuthal integration: images to profiles of intensity against the scattering angle.
//
// A pixel i with value d has a signal d - dark and a normalization flat · Ω · P: its solid angle
// relative to one at normal incidence, cos³ of the angle of incidence, and what polarization leaves
// of the intensity, P = (1 + cos² 2θ - f cos 2χ sin² 2θ) / 2. With w the share of the pixel in a
// bin, the bin's intensity is Σ w (d - dark) / Σ w flat Ω P; its sigma, by Poisson's statistics, is
// √(Σ w² max(1, d)) / Σ w flat Ω P. Source: J. Kieffer and D. Karkoulis, "PyFAI, a versatile
// library for azimuthal regrouping", J. Phys. Conf. Ser. 425 (2013) 202012, and pyFAI's
// integrate1d_ng.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/thread_pool.hpp"
#include "etalon/array.hpp"
#include "frame/geometry.hpp"
#include "kernels/azimuthal/azimuthal.hpp"

namespace etalon {

enum class RadialUnit : std::uint8_t {
  q_per_angstrom,
  q_per_nm,
  two_theta_deg,
  two_theta_rad,
  r_mm
};

// pyFAI's names: q_A^-1, q_nm^-1, 2th_deg, 2th_rad, r_mm. Errc::usage lists them.
Result<RadialUnit> parse_radial_unit(std::string_view name);
std::string_view name_of(RadialUnit unit);
std::string_view label_of(RadialUnit unit);  // "q (Å⁻¹)"

// How a pixel is shared among bins: all of it where its centre is; evenly from the least to the
// greatest distance that a corner may have; or by the area, in radius and azimuth, of the polygon
// of its corners.
enum class Splitting : std::uint8_t { no, bounding_box, full };

Result<Splitting> parse_splitting(std::string_view name);  // no, bbox, full
std::string_view name_of(Splitting splitting);

struct AzimuthalOptions {
  std::size_t bins = 1000;
  RadialUnit unit = RadialUnit::q_per_angstrom;
  Splitting splitting = Splitting::full;
  std::optional<std::pair<double, double>> range;  // in the unit; empty: all good pixels
  std::optional<double> polarization;  // f: 1 along the rows, -1 along the columns; empty: none
  bool solid_angle = true;
  std::vector<float> flat, dark;  // (y, x); empty: none. No pixel whose flat is not positive
  azimuthal::ValidRange valid;    // values outside are no measurements
  bool sigma = true;
};

// A value a bin. Where no pixel counts, intensity and sigma are NaN.
struct Profile {
  std::vector<double> intensity, sigma;       // sigma empty unless asked for
  std::vector<double> signal, normalization;  // Σ w (d - dark), Σ w flat Ω P
  std::vector<double> variance;               // Σ w² max(1, d); empty unless asked for
  std::vector<double> pixels;                 // Σ w

  // Adds what went into another profile of the same bins, and divides again.
  void add(const Profile& other);
};

// Everything that does not depend on the frame is computed once. Thread-safe once made.
class AzimuthalIntegrator {
 public:
  // `mask` empty: all pixels are good. Errc::usage for a geometry that lacks distance, pixel size
  // or (for q) wavelength, for options without sense, and when no good pixel is in the range.
  static Result<AzimuthalIntegrator> create(const Geometry& geometry, const Mask& mask,
                                            const AzimuthalOptions& options, ThreadPool& pool);

  const std::vector<double>& centres() const { return centres_; }  // of the bins, in the unit
  const AzimuthalOptions& options() const { return options_; }
  // Weights that are not nothing, for who wants to know the size of the matrix.
  std::uint64_t entries() const { return entries_; }

  // Of a (ny, nx) image of any type; Errc::usage for other extents. The same bits with any pool,
  // and without one.
  Result<Profile> integrate(const ArrayView& image, ThreadPool* pool = nullptr) const;

 private:
  AzimuthalIntegrator() = default;
  void sum_normalization();
  Profile profile_of(const std::vector<azimuthal::BandSums>& bands) const;

  AzimuthalOptions options_;
  std::size_t ny_ = 0, nx_ = 0;
  std::vector<double> centres_;
  std::vector<azimuthal::Band> bands_;
  std::uint64_t entries_ = 0;
  std::vector<float> normalization_;  // a pixel
  // Of all pixels with weights, a value a bin; what is lost in a frame is taken off.
  std::vector<std::uint64_t> weight_;
  std::vector<double> normalization_sum_, dark_sum_;
};

}  // namespace etalon
