// An array written piece by piece.
#pragma once

#include <memory>
#include <string>

#include "store/file.hpp"
#include "store/series_reader.hpp"

namespace etalon {

// By ending: .npy, HDF5 (dataset /data unless options name another), anything else raw; as
// write_array. The file appears under its name when commit() is done.
class ArrayWriter {
 public:
  // Errors as write_array's, before anything is written.
  static Result<ArrayWriter> create(const std::string& path, DType dtype, const Shape& shape,
                                    bool overwrite, const OpenOptions& options = {});
  ArrayWriter(ArrayWriter&&) noexcept;
  ArrayWriter& operator=(ArrayWriter&&) noexcept;
  ~ArrayWriter();  // what was not committed is removed

  // Boxes of the array whose elements follow each other in it, one after the other until it is
  // full.
  Result<void> write(const ArrayView& piece, const Shape& origin);
  Result<void> commit();

 private:
  struct Hdf5;
  explicit ArrayWriter(OutputFile file);

  OutputFile file_;
  std::unique_ptr<Hdf5> hdf5_;
  std::string path_;
};

}  // namespace etalon
