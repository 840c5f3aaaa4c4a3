// Writes an NXmx HDF5 file whose images are Etalon chunks, by direct chunk write.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "etalon/codec.hpp"
#include "etalon/peaks.hpp"
#include "etalon/result.hpp"
#include "frame/series.hpp"

namespace etalon {

// HDF5 filter id of Etalon chunks, from the range for private use until one is assigned.
inline constexpr int hdf5_filter_id = 32810;

// Files are written under a temporary name beside `path` and renamed by finish(), so what has the
// name is whole.
class NxmxWriter {
 public:
  // `bound` is recorded in cd_values so that the filter can describe the dataset.
  static Result<NxmxWriter> create(const std::string& path, const SeriesInfo& info,
                                   const Bound& bound, bool overwrite);
  ~NxmxWriter();  // without finish(): removes the temporary file
  NxmxWriter(NxmxWriter&&) noexcept;
  NxmxWriter& operator=(NxmxWriter&&) noexcept;

  // `chunk` is one frame of the series' dtype and extents, shape (1, ny, nx), as encode_chunk gives
  // it. `number` is the frame's number in the source series; rows are in the order of the calls.
  Result<void> append(std::uint64_t number, double time_s, std::span<const std::byte> chunk,
                      const std::vector<Peak>& peaks);
  // Frames without compression, with ground truth of a simulation and the like: see `attach`.
  Result<void> append_raw(const Frame& frame);
  // An extra dataset, for instance "/entry/truth/orientation".
  Result<void> attach(const std::string& dataset, const ArrayView& values,
                      const std::string& units);
  Result<void> finish();

 private:
  struct Impl;
  explicit NxmxWriter(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
