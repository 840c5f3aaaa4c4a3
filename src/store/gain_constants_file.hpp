// Constants of a detector with three gains, in HDF5.
#pragma once

#include <optional>
#include <string>

#include "etalon/result.hpp"
#include "frame/gain_constants.hpp"

namespace etalon {

// Layout (all planes of one (y, x) shape, f32; * may be absent):
//   /gain/g0, g1, g2       ADU/keV, negative where the gain counts down
//   /pedestal/g0, g1, g2   ADU
//   /mask *                u8, not 0: not to be used
//   /energy_kev *          of a photon, for which the file was made
// Read as well: /calib/gain_adu_per_keV (3, y, x), /calib/pedestal_g1 and _g2 beside dark frames of
// G0 in /dark/g0, and the energy in /photon_energy_keV.
struct GainConstantsFile {
  GainConstants constants;
  std::optional<double> energy_kev;
  bool dark_applied = false;  // pedestals of G0 are from the dark frames in the file
};

// `dark`: an HDF5 file with dark frames, (frame, y, x) u16, in /dark/g0, /dark/g1, /dark/g2 or,
// where it has none of these, in its images; their pedestals and bad pixels replace those of the
// file. Empty: no such file. Errors name file and dataset; Errc::malformed for planes of another
// shape.
Result<GainConstantsFile> read_gain_constants(const std::string& path, const std::string& dark);

Result<void> write_gain_constants(const std::string& path, const GainConstants& constants,
                                  std::optional<double> energy_kev, bool overwrite);

}  // namespace etalon
