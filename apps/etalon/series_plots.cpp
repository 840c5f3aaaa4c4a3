#include "series_plots.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <numbers>

#include "analyse/hits.hpp"
#include "analyse/powder.hpp"
#include "cli.hpp"
#include "plot/plot.hpp"

namespace etalon::cli {
namespace {

namespace fs = std::filesystem;
using Peaks = std::vector<std::vector<Peak>>;

std::vector<double> as_doubles(const ArrayView& image) {
  std::vector<double> values(image.count());
  visit(image.dtype, [&](auto zero) {
    const auto pixels = image.as<decltype(zero)>();
    std::transform(pixels.begin(), pixels.end(), values.begin(),
                   [](auto v) { return static_cast<double>(v); });
  });
  return values;
}

std::vector<std::uint8_t> good_pixels(const SeriesInfo& info) {
  std::vector<std::uint8_t> good(info.geometry.pixels(), 1);
  if (info.pixel_mask.size() == good.size())
    for (std::size_t i = 0; i < good.size(); ++i) good[i] = info.pixel_mask[i] == 0;
  return good;
}

Result<plot::Picture> draw_frame(SeriesReader& reader, std::uint64_t index, const Peaks& peaks) {
  const Geometry& g = reader.info().geometry;
  ETALON_ASSIGN(const Frame frame, reader.read(index));
  std::vector<double> values = as_doubles(frame.image.view());
  const std::vector<std::uint8_t> good = good_pixels(reader.info());
  plot::ImagePlot image;
  image.title = reader.info().name + ", frame " + std::to_string(reader.source_number(index));
  image.value_label = "counts";
  image.values = values;
  image.good = good;
  image.ny = g.ny;
  image.nx = g.nx;
  image.scale = plot::Scale::sqrt;
  if (index < peaks.size()) {
    image.title += ", " + std::to_string(peaks[index].size()) + " peaks";
    for (const Peak& peak : peaks[index]) image.marks.push_back({peak.y, peak.x, 5});
  }
  return plot::draw(image);
}

Result<plot::Picture> draw_powder(const Powder& powder) {
  const std::vector<double> mean = powder.mean();
  const Mask& mask = powder.mask();
  std::vector<std::uint8_t> good(mean.size(), 1);
  for (std::size_t i = 0; i < good.size() && !mask.empty(); ++i) good[i] = mask[i] != 0;
  plot::ImagePlot image;
  image.title = powder.info().name + ", mean of " + std::to_string(powder.frames()) + " frames";
  image.value_label = "counts a frame";
  image.values = mean;
  image.good = good;
  image.ny = powder.info().geometry.ny;
  image.nx = powder.info().geometry.nx;
  image.scale = plot::Scale::sqrt;
  return plot::draw(image);
}

// Means over rings one pixel wide.
Result<plot::Picture> draw_radial(const Powder& powder) {
  const Geometry& g = powder.info().geometry;
  const std::vector<float> radius = radius_map(g);
  const std::vector<double> mean = powder.mean();
  const Mask& mask = powder.mask();
  std::vector<double> sums, counts;
  for (std::size_t i = 0; i < mean.size(); ++i) {
    if ((!mask.empty() && mask[i] == 0) || !std::isfinite(radius[i])) continue;
    const auto ring = static_cast<std::size_t>(std::lround(radius[i]));
    if (ring > (std::size_t{1} << 20)) continue;
    if (ring >= sums.size()) sums.resize(ring + 1), counts.resize(ring + 1);
    sums[ring] += mean[i];
    ++counts[ring];
  }
  const bool has_q = g.wavelength_angstrom > 0 && g.distance_m > 0 && g.pixel_size_x_m > 0;
  std::vector<double> x, y;
  for (std::size_t r = 0; r < sums.size(); ++r) {
    if (counts[r] == 0) continue;
    const double angle = std::atan(static_cast<double>(r) * g.pixel_size_x_m / g.distance_m);
    x.push_back(has_q ? 4 * std::numbers::pi * std::sin(angle / 2) / g.wavelength_angstrom
                      : static_cast<double>(r));
    y.push_back(sums[r] / counts[r]);
  }
  plot::LinePlot lines;
  lines.title = powder.info().name + ", mean round the beam";
  lines.x.label = has_q ? "q (Å⁻¹)" : "distance from the beam (pixels)";
  lines.y.label = "counts a pixel and frame";
  lines.series.push_back({"", x, y, {}, false});
  return plot::draw(lines);
}

// Where frames were left out, these count as no hits.
Result<plot::Picture> draw_hits(const SeriesReader& reader, const Peaks& peaks,
                                std::uint32_t min_peaks) {
  const SeriesInfo& info = reader.info();
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < peaks.size(); ++i) numbers.push_back(reader.source_number(i));
  const std::uint64_t first = *std::min_element(numbers.begin(), numbers.end());
  const std::uint64_t all = *std::max_element(numbers.begin(), numbers.end()) - first + 1;
  const std::uint64_t window =
      std::max<std::uint64_t>(std::min<std::uint64_t>(all, 10), (all + 49) / 50);
  std::vector<double> hits((all + window - 1) / window), x, y;
  for (std::uint64_t i = 0; i < peaks.size(); ++i)
    if (peaks[i].size() >= min_peaks) ++hits[(numbers[i] - first) / window];
  const double step = info.frame_time_s > 0 ? info.frame_time_s : 1;
  for (std::uint64_t w = 0; w < hits.size(); ++w) {
    const std::uint64_t frames = std::min(window, all - w * window);
    x.push_back((static_cast<double>(first + w * window) + static_cast<double>(frames) / 2) * step);
    y.push_back(100 * hits[w] / static_cast<double>(frames));
  }
  plot::LinePlot lines;
  lines.title = info.name + ", hits in " + std::to_string(window) + " frames each";
  lines.x.label = info.frame_time_s > 0 ? "time (s)" : "frame";
  lines.y.label = "frames of " + std::to_string(min_peaks) + " peaks or more (%)";
  lines.y.range = {{0, 100}};
  lines.series.push_back({"", x, y, {}, x.size() < 3});
  return plot::draw(lines);
}

}  // namespace

Result<Pictures> draw_series(const std::string& file, const PlotRequest& request) {
  ETALON_ASSIGN(const auto reader, open_series(file));
  const std::uint64_t frames = reader->info().frames;
  if (frames == 0) return Error{Errc::malformed, file + ": holds no frames to draw"};
  if (request.frame && *request.frame >= frames)
    return Error{Errc::usage, file + ": no frame " + std::to_string(*request.frame) +
                                  "; there are " + std::to_string(frames)};
  Pictures pictures;
  const auto keep = [&](const char* name, Result<plot::Picture> picture) -> Result<void> {
    if (!picture.ok()) return std::move(picture).error().in(file);
    pictures.drawn.emplace_back(name, std::move(*picture));
    return {};
  };
  Peaks peaks;
  if (auto found = read_peaks(file); found.ok() && found->size() == frames)
    peaks = std::move(*found);
  else
    pictures.missing.push_back("hits over time: " + (found.ok()
                                                         ? file + ": its peaks are of other frames"
                                                         : found.error().message));
  const auto most = std::max_element(
      peaks.begin(), peaks.end(), [](const auto& a, const auto& b) { return a.size() < b.size(); });
  pictures.frame =
      request.frame.value_or(peaks.empty() ? 0 : static_cast<std::uint64_t>(most - peaks.begin()));
  ETALON_TRY(keep("frame", draw_frame(*reader, pictures.frame, peaks)));
  if (!peaks.empty()) ETALON_TRY(keep("hits", draw_hits(*reader, peaks, request.min_peaks)));

  Progress progress("powder", frames, "frames");
  AnalysisOptions how;
  how.threads = 0;
  how.progress = [&](std::uint64_t done) { progress.update(done); };
  how.stop = &interrupted;
  const auto powder = powder_of(file, how);
  if (!powder.ok()) {
    if (powder.error().code != Errc::usage) return powder.error();
    pictures.missing.push_back("powder and radial mean: " + powder.error().message);
    return pictures;
  }
  ETALON_TRY(keep("powder", draw_powder(*powder)));
  ETALON_TRY(keep("radial", draw_radial(*powder)));
  return pictures;
}

Result<Plots> plot_series(const std::string& file, const PlotRequest& request) {
  std::error_code failed;
  ETALON_ASSIGN(Pictures pictures, draw_series(file, request));
  fs::create_directories(request.folder, failed);
  if (failed) return Error{Errc::io, request.folder + ": cannot be made: " + failed.message()};
  const std::string stem = (fs::path(request.folder) / fs::path(file).stem()).string();
  Plots plots;
  plots.missing = std::move(pictures.missing);
  for (const auto& [what, picture] : pictures.drawn) {
    plots.files.push_back(stem + "." + what + ".png");
    ETALON_TRY(plot::write_png(plots.files.back(), picture, request.overwrite));
  }
  return plots;
}

}  // namespace etalon::cli
