// The virtual powder: what all frames of a series show together, pixel by pixel.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "store/series_reader.hpp"

namespace etalon {

// Integer sums over good pixels: the result is the same in any order of frames and for any division
// among threads. Bad pixels are 0 in every image.
class Powder {
 public:
  // Errc::usage for elements that are no integers of at most 32 bits.
  static Result<Powder> create(const SeriesInfo& info);

  // A (ny, nx) image of the series' type; Errc::usage otherwise.
  Result<void> add(const ArrayView& image);
  // Of a series of the same extents and type; where the masks differ, a pixel is good when it is in
  // both.
  Result<void> merge(const Powder& other);

  const SeriesInfo& info() const { return info_; }
  const Mask& mask() const { return mask_; }
  std::uint64_t frames() const { return frames_; }
  std::uint64_t good_pixels() const;
  // Frames with a good pixel at or above the detector's saturation value, where that is known.
  std::uint64_t saturated_frames() const { return saturated_frames_; }

  // (ny, nx). Variance is that of the sample (over n - 1), 0 for fewer than two frames; numerator
  // and denominator are exact integers.
  std::vector<std::int64_t> sum() const;
  std::vector<std::int64_t> max() const;
  std::vector<double> mean() const;
  std::vector<double> variance() const;
  double mean_of_good_pixels() const;  // over pixels and frames; 0 without any

  // Everything, as bytes for another process. Errc::malformed for bytes that are no powder of
  // images of this size and type.
  Bytes pack() const;
  static Result<Powder> unpack(const SeriesInfo& info, ByteSpan bytes);

 private:
  explicit Powder(const SeriesInfo& info);
  template <typename T>
  void add_pixels(std::span<const T> pixels);

  SeriesInfo info_;
  Mask mask_;
  std::uint64_t frames_ = 0, saturated_frames_ = 0;
  std::vector<std::int64_t> sum_, max_;
  // Sum of squares: low words, and the carries out of them for types of 32 bits.
  std::vector<std::uint64_t> squares_, squares_high_;
};

struct AnalysisOptions {
  OpenOptions open;
  unsigned threads = 1;                         // 0: one per hardware thread
  std::function<void(std::uint64_t)> progress;  // frames done so far; called from any thread
  const std::atomic<bool>* stop = nullptr;      // ends with Errc::interrupted when true
};

// Of all frames of a series; each thread reads with a reader of its own. Errors name the file.
Result<Powder> powder_of(const std::string& path, const AnalysisOptions& options = {});

// HDF5 with NXdata /entry/powder: sum, max (i64), mean, variance (f64), mask (u8, 1 is good), all
// (ny, nx), and frames. Errc::usage when the file exists and not `overwrite`.
Result<void> write_powder(const std::string& path, const Powder& powder, bool overwrite);

}  // namespace etalon
