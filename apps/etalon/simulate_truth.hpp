// Ground truth of a simulated series, gathered frame by frame and written under /entry/truth as
// docs/simulator.md lays out.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/stills.hpp"
#include "store/nxmx_writer.hpp"

namespace etalon::cli {

class StillsTruthTable {
 public:
  void add(const StillTruth& truth);
  std::uint64_t hits() const { return hits_; }
  std::uint64_t spots() const { return x_.size(); }
  Result<void> write(const StillsSimulator& simulator, NxmxWriter& writer) const;

 private:
  std::uint64_t hits_ = 0;
  std::vector<std::uint8_t> is_hit_, has_jet_;
  std::vector<double> a_matrix_, crystal_scale_, background_scale_, jet_scale_;
  std::vector<std::uint64_t> first_{0};  // row of each frame's first spot, and the end
  std::vector<std::int16_t> hkl_;
  std::vector<float> x_, y_, partiality_, photons_;
};

}  // namespace etalon::cli
