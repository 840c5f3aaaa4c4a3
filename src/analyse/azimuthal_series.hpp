// Azimuthal integration of stored series, and profiles into files.
#pragma once

#include <string>
#include <vector>

#include "analyse/azimuthal.hpp"
#include "analyse/powder.hpp"
#include "analyse/profile_block.hpp"

namespace etalon {

// The values of a type that a detector measures: 0 to the largest value but one of integers (the
// largest one, and negative ones, mark gaps and dead pixels), all that is finite of floats.
azimuthal::ValidRange measured_values(DType type);

struct ProfileSeries {
  std::vector<double> centres;           // of the bins
  std::vector<std::uint64_t> numbers;    // of the frames in their series
  std::vector<double> intensity, sigma;  // (frame, bin); sigma empty unless asked for
  Profile all;                           // of all frames together
  std::size_t frames() const { return numbers.size(); }
  void append(const ProfileBlock& block);  // the next one of its series
};

// All frames of a series behind those that `series` has. Each thread reads with a reader of its
// own; a series of one frame is shared among the threads. The result does not depend on them.
// Errors name the file.
Result<void> add_profiles(const std::string& path, const AzimuthalIntegrator& integrator,
                          const AnalysisOptions& options, ProfileSeries& series);

// By ending. .csv: bin, intensity and sigma of all frames together, with a line of names. .xy (two
// columns) and .xye (three): the same for programs of powder diffraction, # begins a comment. HDF5:
// NXdata /entry/azimuthal of all frames together, and /entry/frames with a row a frame. "-": CSV
// on standard output. Errc::usage for other endings, and when the file exists and not `overwrite`.
Result<void> check_profile_name(const std::string& path);
Result<void> write_profiles(const std::string& path, const ProfileSeries& series,
                            const AzimuthalOptions& options, bool overwrite);

}  // namespace etalon
