#include "store/cbf_series.hpp"

#include <glob.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "store/array_file.hpp"
#include "store/file.hpp"
#include "store/inflate.hpp"

namespace etalon {
namespace {

constexpr std::size_t max_file_bytes = std::size_t{1} << 30;

class CbfSeries final : public SeriesReader {
 public:
  CbfSeries(std::vector<std::string> paths, CbfImage first) : paths_(std::move(paths)) {
    info_ = std::move(first.info);
    info_.frames = paths_.size();
    info_.pixel_mask.assign(info_.geometry.pixels(), 0);
    const auto values = first.image.as<std::int32_t>();
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] < 0) info_.pixel_mask[i] = values[i] == -1 ? 1U << 0 : 1U << 1;
    std::filesystem::path name = std::filesystem::path(paths_.front()).filename();
    while (name.has_extension() &&
           (name.extension() == ".cbf" || name.extension() == ".bz2" || name.extension() == ".gz"))
      name = name.stem();
    info_.name = name.string();
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
    ETALON_ASSIGN(CbfImage cbf, read_cbf(paths_[index]));
    const Shape expected{info_.geometry.ny, info_.geometry.nx};
    if (!(cbf.image.shape() == expected))
      return Error{Errc::malformed, paths_[index] + ": CBF: image of " +
                                        to_string(cbf.image.shape()) + "; the series' first is " +
                                        to_string(expected)};
    frame.image = std::move(cbf.image);
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

Result<std::unique_ptr<SeriesReader>> open_cbf_series(std::vector<std::string> paths) {
  if (paths.empty()) return Error{Errc::missing, "no CBF files"};
  ETALON_ASSIGN(CbfImage first, read_cbf(paths.front()));
  return std::unique_ptr<SeriesReader>(
      std::make_unique<CbfSeries>(std::move(paths), std::move(first)));
}

Result<std::vector<std::string>> list_cbf_files(const std::string& path) {
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
  std::erase_if(paths, [](const std::string& name) { return file_kind(name) != FileKind::cbf; });
  std::sort(paths.begin(), paths.end());
  if (paths.empty())
    return Error{Errc::missing,
                 path + ": no CBF files there; of other formats one file is read at a time"};
  return paths;
}

}  // namespace etalon
