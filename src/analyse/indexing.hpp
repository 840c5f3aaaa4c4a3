// The orientation of a crystal of known cell, from the places of the spots on one still.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyse/scattering.hpp"
#include "etalon/peaks.hpp"
#include "frame/point_group.hpp"

namespace etalon {

struct IndexingSettings {
  UnitCell cell;
  PointGroup point_group;
  // P, A, B, C, I, F or R (hexagonal axes, obverse): lattice points that the cell's centring
  // leaves out.
  char centring = 'P';
  // How far a spot may be from where the lattice has it, seen on the detector.
  double tolerance_px = 1.5;
  // How far a lattice point that diffracts may be from the Ewald sphere, 1/angstrom: mosaicity,
  // divergence, bandwidth and size of the crystal together, at the most.
  double max_excitation = 2e-3;
  double min_fraction = 0.25;      // of the peaks that one lattice must explain
  std::uint32_t min_peaks = 6;     // that it must explain
  double max_chance = 1e-3;        // expected number of orientations that explain as many by chance
  std::uint32_t max_lattices = 1;  // looked for one after the other, in the peaks that are left
  bool refine_scale = true;  // of the cell, as one number (or of the distance: few peaks tell)
  bool refine_beam = true;   // the beam's place on the detector, along x and y
};

// A spot with the reflection that it is.
struct IndexedPeak {
  std::size_t peak = 0;  // its number in the list of peaks
  Miller index{};
  double off_px = 0;      // from its place, across the direction it is seen along, pixels
  double excitation = 0;  // e: |k_in + A h| - |k_in| at the place where it is seen, 1/angstrom
};

struct CrystalLattice {
  Matrix3 a_matrix{};  // columns a*, b*, c* in laboratory axes, 1/angstrom: q = A (h, k, l)
  double scale = 1;    // of the reciprocal cell, against the given one
  double beam_dx = 0, beam_dy = 0;  // pixels to add to a place to have it seen without a shift
  std::vector<IndexedPeak> peaks;
  double chance = 0;          // expected number of orientations that explain as many by chance
  double rms_px = 0;          // of off_px
  double excitation_rms = 0;  // of excitation, 1/angstrom
};

// A search in two steps. Two spots of low angle have lengths and a distance that few pairs of
// lattice points have, and each such pair is an orientation (as in SPIND: Li et al., IUCrJ 6 (2019)
// 72; TORO: Gasparotto et al., J. Appl. Cryst. 57 (2024) 931, rates its candidates likewise by
// the spots they explain). Candidates are rated, the best ones refined by least squares with
// weights that tell the detector's two directions, which spots fix well, from the excitation error,
// which they do not (Sauter et al., Acta Cryst. D70 (2014) 3299), and the first that explains
// nearly all ends the search. Thread-safe; the same peaks give the same bits.
class Indexer {
 public:
  // Errc::usage for a cell that is none, a point group or centring that is not the cell's,
  // tolerances that are not above 0, and a geometry without wavelength, distance or pixel size.
  static Result<Indexer> create(const Geometry& geometry, const IndexingSettings& settings);

  const IndexingSettings& settings() const;
  const ScatteringMap& map() const;
  // The reciprocal basis that an orientation turns: A = scale R B.
  const Matrix3& basis() const;
  bool is_present(const Miller& h) const;  // not left out by the centring

  // Lattices in the order they were found, none where the spots are of no such crystal. At most
  // the 2000 brightest peaks are looked at.
  std::vector<CrystalLattice> index(std::span<const Peak> peaks) const;

 private:
  struct Impl;
  explicit Indexer(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// The least angle, in degrees, that turns the lattice `a` onto `b`, over the rotations of the point
// group: both as A = R B, of the same basis up to a scale.
double misorientation_deg(const Matrix3& a, const Matrix3& b, const PointGroup& group);

}  // namespace etalon
