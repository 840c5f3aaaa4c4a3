// What the ranks read: an array in a file, box by box, each rank through a handle of its own.
#pragma once

#include <optional>
#include <string>

#include "base/posix.hpp"
#include "etalon/array.hpp"
#include "etalon/codec.hpp"
#include "pieces.hpp"
#include "store/hdf5.hpp"

namespace etalon::mpi {

struct InputOptions {
  std::string path, dataset, dtype, shape;
};

// Raw, .npy or HDF5. Reading needs no other rank, so one that fails keeps nobody waiting.
class Input {
 public:
  // Errc::usage for options that this kind of file has no use for, or where an HDF5 file holds
  // several arrays and none is named; else as the file's reader has it.
  static Result<Input> open(const InputOptions& options);

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  const std::string& place() const { return place_; }  // "a.npy", "a.h5: /data"
  // What is best read whole: the dataset's chunk, or one of parallel_chunk.
  Shape chunk() const;
  // The bound of the Etalon filter that the elements went through, if they did.
  const std::optional<Bound>& stored_bound() const { return bound_; }
  // A box of the array; one without elements is not looked for.
  Result<Array> read(const Piece& piece) const;

 private:
  Result<void> open_hdf5(const InputOptions& options);
  Result<void> open_bytes(const InputOptions& options);

  std::string place_;
  DType dtype_ = DType::u8;
  Shape shape_;
  std::optional<Bound> bound_;
  std::optional<h5::File> file_;
  std::optional<h5::Dataset> dataset_;
  Fd bytes_;
  std::size_t skip_ = 0;  // bytes before the first element
  bool swap_ = false;
};

}  // namespace etalon::mpi
