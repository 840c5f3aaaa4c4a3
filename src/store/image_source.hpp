// An array read image by image, in order: what is larger than memory can be worked on.
#pragma once

#include <memory>
#include <string>

#include "store/series_reader.hpp"

namespace etalon {

// Images are the array's last two axes; an array of fewer than three axes is one image. Not
// thread-safe.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  DType dtype() const { return dtype_; }
  // While the first extent is not known (OpenOptions::any_length on what cannot be measured) it is
  // 0; after the last image it is.
  const Shape& shape() const { return shape_; }
  bool is_counted() const { return counted_; }
  Shape image_shape() const;

  // The next image into memory of image_shape(); false, with nothing written, after the last.
  // Errc::malformed where bytes are missing or left over.
  virtual Result<bool> next(const MutableArrayView& image) = 0;
  // Begins with the first image again. Errc::usage for what can be read once only.
  virtual Result<void> rewind() = 0;
  // Everything, before anything was read with next().
  virtual Result<Array> read_all();

 protected:
  DType dtype_ = DType::u8;
  Shape shape_;
  bool counted_ = true;
  bool measured_ = true;  // that many elements are there
};

// .npy, HDF5, CBF or raw; a folder or a pattern of CBF files as (frame, y, x); "-" is .npy or raw
// bytes from standard input.
Result<std::unique_ptr<ImageSource>> open_images(const std::string& path,
                                                 const OpenOptions& options = {});

}  // namespace etalon
