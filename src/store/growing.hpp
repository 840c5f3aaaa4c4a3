// HDF5 datasets that grow along their first axis.
#pragma once

#include <string>
#include <string_view>

#include "codec/hdf5_filter.hpp"
#include "store/hdf5_write.hpp"

namespace etalon::h5 {

class Growing {
 public:
  // `chunk` has the dataset's rank; the dataset starts with no rows. Every axis may grow.
  struct Options {
    bool deflate = false;                    // byte shuffle and deflate
    const FilterSettings* etalon = nullptr;  // the Etalon filter; chunks come encoded
    bool bitshuffle = false;                 // Bitshuffle with LZ4 (32008); chunks come encoded
    std::string_view units = {};
  };
  static Result<Growing> create(hid_t file, const std::string& name, DType dtype,
                                const Shape& chunk, const Options& options);

  // Rows of the dataset's type behind the last one. Where the other axes are shorter than before
  // the rest is zero; where they are longer the dataset grows.
  Result<void> append(const ArrayView& rows);
  // One chunk of one row as it lies in the file.
  Result<void> append_chunk(std::span<const std::byte> bytes);
  hid_t id() const { return id_; }

 private:
  Result<void> grow_to(std::size_t rows, const Shape& shape);

  Id id_;
  std::string name_;
  Shape extents_;
};

}  // namespace etalon::h5
