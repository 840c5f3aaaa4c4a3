#include "store/image_files.hpp"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "store/array_file.hpp"
#include "store/file.hpp"
#include "store/inflate.hpp"
#include "store/tiff.hpp"

namespace etalon {
namespace {

constexpr std::size_t max_file_bytes = std::size_t{1} << 30;

// One frame of either format; TIFF says nothing but its pixels.
Result<CbfImage> read_frame(const std::string& path) {
  if (file_kind(path) == FileKind::cbf) return read_cbf(path);
  ETALON_ASSIGN(Array image, read_tiff(path));
  if (image.shape().rank() != 2)
    return Error{Errc::malformed, path + ": TIFF: " + std::to_string(image.shape()[0]) +
                                      " pages; of a series, each file has one"};
  CbfImage out;
  out.info.dtype = image.dtype();
  out.info.geometry.ny = image.shape()[0];
  out.info.geometry.nx = image.shape()[1];
  out.image = std::move(image);
  return out;
}

std::string name_of_series(const std::string& path) {
  std::filesystem::path name = std::filesystem::path(path).filename();
  const auto known = [](const std::string& ending) {
    for (const char* e : {".cbf", ".bz2", ".gz", ".tif", ".tiff"})
      if (ending == e) return true;
    return false;
  };
  while (name.has_extension() && known(name.extension().string())) name = name.stem();
  return name.string();
}

class ImageFiles final : public SeriesReader {
 public:
  ImageFiles(std::vector<std::string> paths, CbfImage first) : paths_(std::move(paths)) {
    info_ = std::move(first.info);
    info_.frames = paths_.size();
    if (file_kind(paths_.front()) == FileKind::cbf) {
      info_.pixel_mask.assign(info_.geometry.pixels(), 0);
      const auto values = first.image.as<std::int32_t>();
      for (std::size_t i = 0; i < values.size(); ++i)
        if (values[i] < 0) info_.pixel_mask[i] = values[i] == -1 ? 1U << 0 : 1U << 1;
    }
    info_.name = name_of_series(paths_.front());
    first_ = std::move(first.image);
  }
  const SeriesInfo& info() const override { return info_; }
  std::vector<std::string> files() const override { return paths_; }

  Result<Frame> read(std::uint64_t index) override {
    if (index >= paths_.size())
      return Error{Errc::usage, paths_.front() + ": no frame " + std::to_string(index) +
                                    "; there are " + std::to_string(paths_.size())};
    Frame frame{index, static_cast<double>(index) * info_.frame_time_s, {}};
    if (index == 0 && first_) {
      frame.image = std::move(*first_);
      first_.reset();
      return frame;
    }
    ETALON_ASSIGN(CbfImage read, read_frame(paths_[index]));
    const Shape expected{info_.geometry.ny, info_.geometry.nx};
    if (!(read.image.shape() == expected) || read.image.dtype() != info_.dtype)
      return Error{Errc::malformed, paths_[index] + ": image of " + to_string(read.image.shape()) +
                                        " " + std::string(name_of(read.image.dtype())) +
                                        "; the series' first is " + to_string(expected) + " " +
                                        std::string(name_of(info_.dtype))};
    frame.image = std::move(read.image);
    return frame;
  }

 private:
  std::vector<std::string> paths_;
  SeriesInfo info_;
  std::optional<Array> first_;  // decoded for the mask, given to the first read
};

}  // namespace

Result<CbfImage> read_cbf(const std::string& path) {
  ETALON_ASSIGN(Bytes packed, read_file(path));
  auto cbf = [&]() -> Result<CbfImage> {
    ETALON_ASSIGN(const Bytes bytes, inflate_any(std::move(packed), max_file_bytes));
    return parse_cbf(bytes);
  }();
  if (!cbf.ok()) return std::move(cbf).error().in(path);
  return cbf;
}

Result<Array> read_tiff(const std::string& path) {
  ETALON_ASSIGN(const Bytes bytes, read_file(path));
  auto array = parse_tiff(bytes);
  if (!array.ok()) return std::move(array).error().in(path);
  return array;
}

Result<std::unique_ptr<SeriesReader>> open_image_files(std::vector<std::string> paths) {
  if (paths.empty()) return Error{Errc::missing, "no image files"};
  ETALON_ASSIGN(CbfImage first, read_frame(paths.front()));
  return std::unique_ptr<SeriesReader>(
      std::make_unique<ImageFiles>(std::move(paths), std::move(first)));
}

Result<std::vector<std::string>> list_image_files(const std::string& path) {
  std::vector<std::string> paths;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    for (std::filesystem::directory_iterator at(path, error), end; !error && at != end;
         at.increment(error))
      if (at->is_regular_file(error)) paths.push_back(at->path().string());
    if (error) return Error{Errc::io, path + ": cannot list: " + error.message()};
  } else {
    glob_t found{};
    if (::glob(path.c_str(), 0, nullptr, &found) == 0)
      paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    ::globfree(&found);
  }
  bool has_cbf = false, has_tiff = false;
  std::erase_if(paths, [&](const std::string& name) {
    const FileKind kind = file_kind(name);
    has_cbf |= kind == FileKind::cbf;
    has_tiff |= kind == FileKind::tiff;
    return kind != FileKind::cbf && kind != FileKind::tiff;
  });
  std::sort(paths.begin(), paths.end());
  if (has_cbf && has_tiff)
    return Error{Errc::usage, path + ": CBF and TIFF files; a series has one format"};
  if (paths.empty())
    return Error{Errc::missing, path +
                                    ": no CBF or TIFF files there; of other formats one file is "
                                    "read at a time"};
  return paths;
}

}  // namespace etalon
