#include "pipeline/frame_source.hpp"

#include <algorithm>
#include <utility>

#include "base/stopwatch.hpp"
#include "pipeline/raw_conversion.hpp"
#include "pipeline/stream_source.hpp"
#include "store/series_reader.hpp"

namespace etalon {

void Arrival::unpack() {
  if (!packed || !frame.ok()) return;
  auto image = std::exchange(packed, std::nullopt)->unpack();
  if (image.ok()) {
    frame->image = std::move(image).value();
  } else {
    frame = std::move(image).error();
    is_damaged = true;
  }
}

namespace {

class FileSource final : public FrameSource {
 public:
  FileSource(std::unique_ptr<SeriesReader> reader, std::optional<RawConversion> conversion,
             std::uint64_t begin, std::uint64_t end)
      : reader_(std::move(reader)), conversion_(std::move(conversion)), at_(begin), end_(end) {
    info_ = reader_->info();
    if (conversion_) conversion_->describe(info_);
    info_.frames = end - begin;
  }

  const SeriesInfo& info() const override { return info_; }
  std::optional<Arrival> next() override {
    if (at_ == end_) return std::nullopt;
    const Stopwatch watch(busy_s_);
    Arrival arrival(std::chrono::steady_clock::now(), reader_->read(at_++));
    if (arrival.frame.ok() && conversion_)
      arrival.frame = (*conversion_)(std::move(arrival.frame).value());
    return arrival;
  }
  double busy_s() const override { return busy_s_; }
  std::vector<std::string> files() const override {
    std::vector<std::string> files = reader_->files();
    if (conversion_)
      for (const std::string& file : conversion_->files)
        if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
    return files;
  }

 private:
  std::unique_ptr<SeriesReader> reader_;
  std::optional<RawConversion> conversion_;
  std::uint64_t at_, end_;
  double busy_s_ = 0;
  SeriesInfo info_;
};

Result<std::unique_ptr<FrameSource>> open_file(const Recipe& recipe, const std::string& path) {
  OpenOptions open;
  open.dataset = recipe.source.dataset;
  open.any_mask = !recipe.calibrate.pixel_mask;
  ETALON_ASSIGN(auto reader, open_series(path, open));
  const std::uint64_t frames = reader->info().frames;
  const std::uint64_t first = recipe.source.first, count = recipe.source.frames;
  if (frames == 0) return Error{Errc::malformed, path + ": holds no frames"};
  if (first >= frames || count > frames - first)
    return Error{Errc::usage, path + ": frames " + std::to_string(first) + " to " +
                                  std::to_string(first + std::max<std::uint64_t>(count, 1) - 1) +
                                  " are asked for (source.first, source.frames), it has " +
                                  std::to_string(frames)};
  ETALON_ASSIGN(auto conversion, raw_conversion(recipe, path, reader->info().geometry));
  return std::unique_ptr<FrameSource>(new FileSource(std::move(reader), std::move(conversion),
                                                     first, count == 0 ? frames : first + count));
}

}  // namespace

Result<std::unique_ptr<FrameSource>> open_frames(const Recipe& recipe, const std::string& source,
                                                 const SourceOptions& options) {
  return is_stream(source) ? open_stream(recipe, source, options) : open_file(recipe, source);
}

}  // namespace etalon
