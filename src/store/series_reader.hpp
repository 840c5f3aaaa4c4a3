// Opens whatever holds a series of frames: NXmx and other HDF5, CBF (also .bz2), Etalon containers,
// .npy, raw.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "frame/series.hpp"

namespace etalon {

struct OpenOptions {
  std::string dataset;       // HDF5: path of the image dataset; empty: found as NXmx says, else the
                             // largest dataset of three axes or more, else of two
  DType dtype = DType::u16;  // raw files only
  Shape shape;               // raw files only
  bool any_length = false;   // raw files only: the first extent is what the bytes make of it
  bool any_mask = false;     // a mask of the file that does not fit is left out with a remark;
                             // without this it is an error
};

// Not thread-safe: one reader per thread, or one thread that reads.
class SeriesReader {
 public:
  virtual ~SeriesReader() = default;
  virtual const SeriesInfo& info() const = 0;
  // The frame at `index` of [0, info().frames). Errors name file, place and reason.
  virtual Result<Frame> read(std::uint64_t index) = 0;
  // The number that the frame at `index` had in the series it was taken from: where frames were
  // left out, stored files keep it.
  virtual std::uint64_t source_number(std::uint64_t index) const { return index; }
  // Whether the file itself says these numbers.
  virtual bool has_source_numbers() const { return false; }
  // The Etalon chunk that the frame is stored as; empty when it is stored in any other way.
  virtual Result<std::vector<std::byte>> stored_chunk(std::uint64_t) const {
    return std::vector<std::byte>{};
  }
  // Files that were read, for the ledger.
  virtual std::vector<std::string> files() const = 0;
};

bool is_folder_or_pattern(const std::string& path);

// `path`: a file, a folder (its .cbf, .cbf.bz2, .cbf.gz files in name order), or a glob pattern of
// such files.
Result<std::unique_ptr<SeriesReader>> open_series(const std::string& path,
                                                  const OpenOptions& options = {});

// Any array file as one array: .npy, raw (options' dtype and shape), HDF5 (options.dataset), CBF.
Result<Array> read_array(const std::string& path, const OpenOptions& options = {});
// By ending: .npy, HDF5 (dataset /data unless options name another), anything else raw. Written
// beside and renamed, so that a failure leaves nothing; Errc::usage when the file exists and not
// `overwrite`, for the ending of a format that is not written, and for a dataset outside HDF5.
Result<void> write_array(const std::string& path, const ArrayView& array, bool overwrite,
                         const OpenOptions& options = {});

}  // namespace etalon
