// Hit statistics of a series whose peaks are stored with it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/geometry.hpp"
#include "store/hdf5.hpp"

namespace etalon {

// Peaks of every stored frame as CXI keeps them (/entry/result_1 or /entry_1/result_1: nPeaks,
// peakXPosRaw, peakYPosRaw, peakTotalIntensity).
class PeakLists {
 public:
  // Errc::missing when the file holds none, Errc::malformed when the lists do not fit together.
  static Result<PeakLists> open(const std::string& path);
  std::uint64_t frames() const { return counts_.shape()[0]; }
  // Of the frames [begin, end). Errc::malformed for counts that the lists cannot have.
  Result<std::vector<std::vector<Peak>>> read(std::uint64_t begin, std::uint64_t end) const;

 private:
  PeakLists(h5::Dataset counts, h5::Dataset x, h5::Dataset y, h5::Dataset intensity)
      : counts_(std::move(counts)),
        x_(std::move(x)),
        y_(std::move(y)),
        intensity_(std::move(intensity)) {}

  h5::Dataset counts_, x_, y_, intensity_;
};

// Of all frames.
Result<std::vector<std::vector<Peak>>> read_peaks(const std::string& path);

// Sums are integers and the rest is sorted: the order of frames does not matter.
class HitStatistics {
 public:
  explicit HitStatistics(std::uint32_t min_peaks = 15) : min_peaks_(min_peaks) {}

  // One frame; resolutions are taken where the geometry knows distance, pixel size and wavelength.
  void add(const std::vector<Peak>& peaks, const Geometry& geometry);

  void merge(const HitStatistics& other);

  std::uint32_t min_peaks() const { return min_peaks_; }  // of a hit
  std::uint64_t frames() const { return frames_; }
  std::uint64_t hits() const { return hits_; }
  double hit_rate() const;  // 0 without frames
  // Over hits; 0 without any. Sigma is that of the sample (over n - 1).
  double mean_peaks() const;
  double sigma_peaks() const;
  // Hits by number of peaks: peaks -> hits.
  const std::map<std::uint32_t, std::uint64_t>& histogram() const { return histogram_; }
  // Resolution in angstrom that `fraction` of the hits' peaks reach or exceed in d: 0.5 is the
  // median, 1 the finest peak. 0 without peaks.
  double resolution_angstrom(double fraction) const;

  // Everything, as bytes for another process. Errc::malformed for bytes that no statistics have.
  Bytes pack() const;
  static Result<HitStatistics> unpack(ByteSpan bytes);

 private:
  std::uint32_t min_peaks_;
  std::uint64_t frames_ = 0, hits_ = 0, peaks_ = 0, squares_ = 0;
  std::map<std::uint32_t, std::uint64_t> histogram_;
  std::vector<double> resolutions_;
};

// Of every stored frame.
Result<HitStatistics> hits_of(const std::string& path, std::uint32_t min_peaks = 15);

}  // namespace etalon
