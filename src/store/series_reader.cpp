#include "store/series_reader.hpp"

#include <algorithm>
#include <filesystem>

#include "store/array_file.hpp"
#include "store/container_series.hpp"
#include "store/image_files.hpp"
#include "store/nxmx_reader.hpp"

namespace etalon {
namespace {

// A series that is one array in memory: .npy and raw files. Frames are the last two axes.
class ArraySeries final : public SeriesReader {
 public:
  ArraySeries(std::string path, Array array) : path_(std::move(path)), array_(std::move(array)) {
    const Shape& shape = array_.shape();
    info_.name = std::filesystem::path(path_).stem().string();
    info_.dtype = array_.dtype();
    info_.geometry.ny = shape[shape.rank() - 2];
    info_.geometry.nx = shape[shape.rank() - 1];
    info_.frames = Shape(shape.extents().first(shape.rank() - 2)).count();
  }
  const SeriesInfo& info() const override { return info_; }
  std::vector<std::string> files() const override { return {path_}; }
  Result<Frame> read(std::uint64_t index) override {
    if (index >= info_.frames)
      return Error{Errc::usage, path_ + ": no frame " + std::to_string(index) + "; there are " +
                                    std::to_string(info_.frames)};
    Frame frame{index, 0, Array(info_.dtype, {info_.geometry.ny, info_.geometry.nx})};
    const MutableArrayView to = frame.image.mutable_view();
    const std::byte* from = array_.view().data + index * to.size_bytes();
    std::copy_n(from, to.size_bytes(), to.data);
    return frame;
  }

 private:
  std::string path_;
  Array array_;
  SeriesInfo info_;
};

}  // namespace

bool is_folder_or_pattern(const std::string& path) {
  std::error_code ignored;
  return !std::filesystem::is_regular_file(path, ignored) &&
         (std::filesystem::is_directory(path, ignored) ||
          path.find_first_of("*?[") != std::string::npos);
}

Result<std::unique_ptr<SeriesReader>> open_series(const std::string& path,
                                                  const OpenOptions& options) {
  if (is_folder_or_pattern(path)) {
    ETALON_ASSIGN(std::vector<std::string> paths, list_image_files(path));
    return open_image_files(std::move(paths));
  }
  const FileKind kind = file_kind(path);
  if (kind == FileKind::hdf5) return open_hdf5_series(path, options);
  if (kind == FileKind::cbf) return open_image_files({path});
  if (kind == FileKind::raw && options.shape.rank() == 0 && is_container_file(path))
    return open_container_series(path);
  ETALON_ASSIGN(Array array, read_array(path, options));
  if (array.shape().rank() < 2)
    return Error{Errc::malformed, path + ": " + to_string(array.shape()) +
                                      " is no series of images; two axes or more are"};
  return std::unique_ptr<SeriesReader>(std::make_unique<ArraySeries>(path, std::move(array)));
}

}  // namespace etalon
