#include "verify_statistics.hpp"

#include <cmath>
#include <cstdio>
#include <utility>

#include "codec/boxes.hpp"

namespace etalon::cli {
namespace {

Result<void> go_on() {
  if (interrupted) return Error{Errc::interrupted, "verify: interrupted"};
  return {};
}

ErrorStatistics statistics_of(const Tally& tally) {
  return {tally.low(), tally.high(), tally.mean_error()};
}

template <typename... Numbers>
std::string line(const char* format, Numbers... numbers) {
  char text[240];
  std::snprintf(text, sizeof text, format, numbers...);
  return text;
}

nlohmann::json judged(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

std::uint64_t sampled(const ErrorStatistics& s) {
  return s.blocks() == 0 ? 0 : s.blocks() * s.block().count();
}

double share(const ErrorStatistics& s, std::uint64_t elements) {
  return elements == 0 ? 0 : static_cast<double>(sampled(s)) / static_cast<double>(elements);
}

// The sides of SSIM's windows, "7x7".
Shape window_of(const Shape& block) {
  const std::size_t rank = block.rank(), side = StructuralSimilarity::window;
  const std::size_t nx = std::min(side, block[rank - 1]);
  return rank == 1 ? Shape{nx} : Shape{std::min(side, block[rank - 2]), nx};
}

std::string similarity_text(const ErrorStatistics& s) {
  const StructuralSimilarity& ssim = s.similarity();
  if (ssim.windows() == 0)
    return "SSIM       not judged: no range, or no window of finite values\n";
  std::string text = line("SSIM       %.9g, the mean of %llu windows of %s", ssim.mean(),
                          static_cast<unsigned long long>(ssim.windows()),
                          to_string(window_of(s.block())).c_str());
  if (ssim.left_out() > 0)
    text += line("; %llu with NaN or infinities left out",
                 static_cast<unsigned long long>(ssim.left_out()));
  return text + "\n";
}

std::string spectrum_text(const AxisSpectrum& axis, std::size_t number, bool first) {
  const std::string name = line("%s axis %zu", first ? "spectrum  " : "          ", number);
  const auto shells = axis.shells();
  if (shells.empty()) return name + ": not judged: no line of finite values\n";
  if (const auto at = axis.reaches_signal_at())
    return name + line(": errors reach the signal at %.3g cycles an element, waves of %.3g\n", *at,
                       1 / *at);
  double most = 0;
  for (const auto& shell : shells)
    if (shell.signal > 0) most = std::max(most, shell.error / shell.signal);
  return name + line(": errors stay below the signal, at most %.3g of its power\n", most);
}

}  // namespace

void add_statistics_options(Command& command, StatisticsOptions& options) {
  Option* const flag = command.add_flag(
      "--statistics", options.wanted,
      "Also SSIM, the autocorrelation of the errors and their spectrum beside the\n"
      "original's (docs/science.md)");
  command
      .add_option("--statistics-sample", options.sample,
                  "Arrays of more elements are judged by eight boxes with as many together")
      ->range(std::uint64_t{1}, std::uint64_t{1} << 40)
      ->needs(flag);
}

Array cut(const ArrayView& whole, const Box& box) {
  const std::size_t rank = whole.shape.rank();
  Shape origin = codec::zeros(rank), extent = origin;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    origin[axis] = box.axes[axis].begin;
    extent[axis] = box.axes[axis].end - origin[axis];
  }
  Array part(whole.dtype, extent);
  codec::copy_box(whole.data, whole.shape, origin, part.mutable_view().data, extent,
                  codec::zeros(rank), extent, size_of(whole.dtype));
  return part;
}

Result<ErrorStatistics> array_statistics(const ArrayView& original, const BoxReader& reduced,
                                         const Tally& tally, const StatisticsOptions& options) {
  ErrorStatistics found = statistics_of(tally);
  const std::vector<Box> boxes = sample_boxes(original.shape, options.sample);
  Progress progress("statistics", boxes.size(), "blocks");
  for (std::size_t b = 0; b < boxes.size(); ++b) {
    ETALON_TRY(go_on());
    ETALON_ASSIGN(const Array after, reduced(boxes[b]));
    if (boxes.size() == 1)
      found.add(original, after.view());
    else
      found.add(cut(original, boxes[b]).view(), after.view());
    progress.update(b + 1);
  }
  return found;
}

Result<ErrorStatistics> series_statistics(SeriesReader& original, SeriesReader& stored,
                                          const Tally& tally, const StatisticsOptions& options) {
  ErrorStatistics found = statistics_of(tally);
  const std::uint64_t frames = stored.info().frames;
  const Geometry& image = original.info().geometry;
  const std::uint64_t pixels = std::max<std::uint64_t>(1, image.ny * image.nx);
  const std::uint64_t taken = std::min(frames, std::max<std::uint64_t>(1, options.sample / pixels));
  const bool in_step = !stored.has_source_numbers();
  Progress progress("statistics", taken, "frames");
  for (std::uint64_t t = 0; t < taken; ++t) {
    ETALON_TRY(go_on());
    const std::uint64_t i = frames * t / taken;
    ETALON_ASSIGN(const Frame from, original.read(in_step ? i : stored.source_number(i)));
    ETALON_ASSIGN(const Frame to, stored.read(i));
    ArrayView before = from.image.view(), after = to.image.view();
    before.shape = after.shape = {1, image.ny, image.nx};
    found.add(before, after);
    progress.update(t + 1);
  }
  return found;
}

std::string statistics_text(const ErrorStatistics& s, std::uint64_t elements) {
  if (s.blocks() == 0) return "statistics not judged: no elements\n";
  const bool whole = sampled(s) == elements && s.blocks() == 1;
  std::string text = whole ? "statistics of the whole array\n"
                           : line("statistics of %llu blocks of %s, %.3g %% of the elements\n",
                                  static_cast<unsigned long long>(s.blocks()),
                                  to_string(s.block()).c_str(), 100 * share(s, elements));
  text += similarity_text(s);
  if (const auto largest = s.autocorrelation().largest())
    text += line("errors     autocorrelation at most %+.4f, at lag %zu along axis %zu\n",
                 largest->value, largest->lag, largest->axis);
  else
    text += "errors     none, or no neighbours: no autocorrelation\n";
  const auto& axes = s.spectrum().axes();
  bool first = true;
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (axes[axis].segment == 0) continue;
    text += spectrum_text(axes[axis], axis, std::exchange(first, false));
  }
  return text;
}

nlohmann::json statistics_json(const ErrorStatistics& s, std::uint64_t elements) {
  if (s.blocks() == 0) return nullptr;
  const StructuralSimilarity& ssim = s.similarity();
  const ErrorAutocorrelation& correlation = s.autocorrelation();
  nlohmann::json lags = nlohmann::json::array(), spectra = nlohmann::json::array();
  for (std::size_t axis = 0; axis < correlation.rank(); ++axis) {
    nlohmann::json own = nlohmann::json::array();
    for (std::size_t lag = 1; lag <= ErrorAutocorrelation::max_lag; ++lag)
      own.push_back(judged(correlation.at(axis, lag)));
    lags.push_back(own);
  }
  for (const AxisSpectrum& axis : s.spectrum().axes()) {
    nlohmann::json shells = nlohmann::json::array();
    for (const auto& shell : axis.shells())
      shells.push_back({{"low", shell.low},
                        {"high", shell.high},
                        {"signal", shell.signal},
                        {"error", shell.error},
                        {"ratio", judged(shell.error / shell.signal)}});
    const auto at = axis.reaches_signal_at();
    spectra.push_back({{"segment", axis.segment},
                       {"segments", axis.segments},
                       {"left_out", axis.left_out},
                       {"reaches_signal_at", at ? nlohmann::json(*at) : nlohmann::json()},
                       {"shells", shells}});
  }
  nlohmann::json largest;
  if (const auto found = correlation.largest())
    largest = {{"axis", found->axis}, {"lag", found->lag}, {"value", found->value}};
  return {{"blocks", s.blocks()},
          {"block_shape", s.block().extents()},
          {"share", share(s, elements)},
          {"ssim",
           {{"mean", judged(ssim.mean())},
            {"window", window_of(s.block()).extents()},
            {"windows", ssim.windows()},
            {"left_out", ssim.left_out()}}},
          {"autocorrelation", {{"largest", largest}, {"lags", lags}}},
          {"spectrum", spectra}};
}

}  // namespace etalon::cli
