#include "store/array_writer.hpp"

#include "store/array_file.hpp"
#include "store/hdf5_write.hpp"
#include "store/npy.hpp"

namespace etalon {

struct ArrayWriter::Hdf5 {
  h5::Id file, dataset;
};

ArrayWriter::ArrayWriter(OutputFile file) : file_(std::move(file)) {}
ArrayWriter::ArrayWriter(ArrayWriter&&) noexcept = default;
ArrayWriter& ArrayWriter::operator=(ArrayWriter&&) noexcept = default;

// HDF5 writes what it holds when it closes: before the file is removed.
ArrayWriter::~ArrayWriter() { hdf5_.reset(); }

Result<ArrayWriter> ArrayWriter::create(const std::string& path, DType dtype, const Shape& shape,
                                        bool overwrite, const OpenOptions& options) {
  const FileKind kind = ending_kind(path);
  if (kind == FileKind::hdf5) {
    ETALON_ASSIGN(OutputFile file, OutputFile::create_regular(path, overwrite));
    ArrayWriter writer(std::move(file));
    writer.path_ = path;
    writer.hdf5_ = std::make_unique<Hdf5>();
    ETALON_ASSIGN(writer.hdf5_->file, h5::create_file(writer.file_.temporary_path()));
    auto dataset = h5::make_dataset(
        writer.hdf5_->file, options.dataset.empty() ? "/data" : options.dataset, dtype, shape);
    if (!dataset.ok()) return std::move(dataset).error().in(path);
    writer.hdf5_->dataset = std::move(*dataset);
    return writer;
  }
  const std::string_view format = kind == FileKind::cbf    ? "CBF"
                                  : kind == FileKind::tiff ? "TIFF"
                                                           : foreign_ending(path);
  if (!format.empty())
    return Error{Errc::usage, path + ": " + std::string(format) +
                                  " is not written; .npy, .h5 and raw bytes (.raw) are"};
  if (!options.dataset.empty())
    return Error{Errc::usage,
                 path + ": is no HDF5 file: dataset " + options.dataset + " has no meaning"};
  ETALON_ASSIGN(OutputFile file, OutputFile::create(path, overwrite));
  ArrayWriter writer(std::move(file));
  writer.path_ = path;
  if (kind == FileKind::npy) ETALON_TRY(writer.file_.write(npy_header(dtype, shape)));
  return writer;
}

Result<void> ArrayWriter::write(const ArrayView& piece, const Shape& origin) {
  if (!hdf5_) return file_.write(piece.bytes());
  auto written = h5::write_box(hdf5_->dataset, piece, origin);
  if (!written.ok()) return std::move(written).error().in(path_);
  return {};
}

Result<void> ArrayWriter::commit() {
  if (hdf5_) {
    hdf5_->dataset = h5::Id();
    ETALON_TRY(h5::close_file(std::move(hdf5_->file), path_));
  }
  return file_.commit();
}

Result<void> write_array(const std::string& path, const ArrayView& array, bool overwrite,
                         const OpenOptions& options) {
  ETALON_ASSIGN(ArrayWriter writer,
                ArrayWriter::create(path, array.dtype, array.shape, overwrite, options));
  Shape origin = array.shape;
  for (std::size_t axis = 0; axis < origin.rank(); ++axis) origin[axis] = 0;
  ETALON_TRY(writer.write(array, origin));
  return writer.commit();
}

}  // namespace etalon
