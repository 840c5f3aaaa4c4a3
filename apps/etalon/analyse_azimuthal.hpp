// `etalon analyse azimuthal`, in steps that a job of many processes goes through, too.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analyse/azimuthal_series.hpp"
#include "analyse_job.hpp"
#include "cli.hpp"

namespace etalon::cli {

struct AzimuthalCommand {
  std::vector<std::string> files;
  std::string output, plot, dataset, poni, mask, geometry, centre, flat, dark;
  double distance_m = 0, energy_kev = 0, pixel_size_m = 0;  // 0: as the file says
  std::string unit = "q_A^-1", splitting = "full";
  std::size_t bins = 1000;
  std::vector<double> range, valid;
  std::optional<double> polarization;
  bool no_solid_angle = false, no_sigma = false, log_scale = false;
  unsigned threads = 0;
  bool overwrite = false, json = false;
};

// Declares the command and its options. `options` must outlive it.
Command* declare_azimuthal(Command& analyse, AzimuthalCommand& options);

// Errc::usage for outputs that cannot be.
Result<void> check_azimuthal(const AzimuthalCommand& options);
Result<OpenOptions> open_azimuthal(const AzimuthalCommand& options, const std::string& file);

struct AzimuthalSetup {
  AzimuthalIntegrator integrator;
  AzimuthalOptions settings;
  std::vector<std::uint64_t> frames;  // of each file that was looked at
};
// From these of the command's files, its first one before all: Errc::usage where the geometry, mask
// or type of one is not that of the first.
Result<AzimuthalSetup> set_up_azimuthal(const AzimuthalCommand& options,
                                        std::span<const std::string> files);
// Writes the outputs and prints.
Result<void> report_azimuthal(const AzimuthalCommand& options, const AzimuthalSetup& setup,
                              const ProfileSeries& series, const JobReport& job = {});

void add_analyse_azimuthal(Cli& cli, Command& analyse);

}  // namespace etalon::cli
