#include "analyse/hits.hpp"

#include <algorithm>
#include <cmath>

#include "store/series_reader.hpp"

namespace etalon {
namespace {

// A column of peak values (frames, width) of f32 elements.
Result<h5::Dataset> open_column(const h5::File& file, const std::string& name, std::size_t frames) {
  ETALON_ASSIGN(h5::Dataset dataset, file.dataset(name));
  const Shape& shape = dataset.shape();
  if (dataset.dtype() != DType::f32 || shape.rank() != 2 || shape[0] != frames)
    return Error{Errc::malformed, dataset.place() + ": " + to_string(shape) + " " +
                                      std::string(name_of(dataset.dtype())) +
                                      " is not a list of f32 for each of " +
                                      std::to_string(frames) + " frames"};
  ETALON_TRY(dataset.check_size(shape.count() * size_of(dataset.dtype())));
  return dataset;
}

// Rows [begin, end) of a dataset.
Result<Array> read_rows(const h5::Dataset& dataset, std::uint64_t begin, std::uint64_t end) {
  Shape extent = dataset.shape();
  extent[0] = end - begin;
  std::vector<std::size_t> start(extent.rank(), 0);
  start[0] = begin;
  Array rows(dataset.dtype(), extent);
  ETALON_TRY(dataset.read(start, extent.extents(), rows.mutable_view()));
  return rows;
}

}  // namespace

Result<PeakLists> PeakLists::open(const std::string& path) {
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  std::string group = "/entry/result_1";
  if (!file.exists(group + "/nPeaks")) group = "/entry_1/result_1";
  if (!file.exists(group + "/nPeaks"))
    return Error{Errc::missing, path + ": /entry/result_1/nPeaks: no peaks are stored"};
  ETALON_ASSIGN(h5::Dataset counts, file.dataset(group + "/nPeaks"));
  if (counts.dtype() != DType::i32 || counts.shape().rank() != 1)
    return Error{Errc::malformed, counts.place() + ": is not a list of i32"};
  ETALON_TRY(counts.check_size(counts.shape().count() * sizeof(std::int32_t)));
  const std::size_t frames = counts.shape()[0];
  ETALON_ASSIGN(h5::Dataset x, open_column(file, group + "/peakXPosRaw", frames));
  ETALON_ASSIGN(h5::Dataset y, open_column(file, group + "/peakYPosRaw", frames));
  ETALON_ASSIGN(h5::Dataset intensity, open_column(file, group + "/peakTotalIntensity", frames));
  if (!(x.shape() == y.shape()) || !(x.shape() == intensity.shape()))
    return Error{Errc::malformed, path + ": " + group + ": lists of different widths"};
  return PeakLists(std::move(counts), std::move(x), std::move(y), std::move(intensity));
}

Result<std::vector<std::vector<Peak>>> PeakLists::read(std::uint64_t begin,
                                                       std::uint64_t end) const {
  std::vector<std::vector<Peak>> peaks(end - begin);
  if (peaks.empty()) return peaks;
  ETALON_ASSIGN(const Array counts, read_rows(counts_, begin, end));
  ETALON_ASSIGN(const Array x, read_rows(x_, begin, end));
  ETALON_ASSIGN(const Array y, read_rows(y_, begin, end));
  ETALON_ASSIGN(const Array intensity, read_rows(intensity_, begin, end));
  const std::size_t width = x.shape()[1];
  for (std::size_t i = 0; i < peaks.size(); ++i) {
    const std::int32_t n = counts.as<std::int32_t>()[i];
    if (n < 0 || static_cast<std::size_t>(n) > width)
      return Error{Errc::malformed, counts_.place() + ": " + std::to_string(n) + " peaks in row " +
                                        std::to_string(begin + i) + ", lists hold " +
                                        std::to_string(width)};
    peaks[i].resize(static_cast<std::size_t>(n));
    for (std::size_t k = 0; k < peaks[i].size(); ++k) {
      peaks[i][k].x = x.as<float>()[i * width + k];
      peaks[i][k].y = y.as<float>()[i * width + k];
      peaks[i][k].intensity = intensity.as<float>()[i * width + k];
    }
  }
  return peaks;
}

Result<std::vector<std::vector<Peak>>> read_peaks(const std::string& path) {
  ETALON_ASSIGN(const PeakLists lists, PeakLists::open(path));
  return lists.read(0, lists.frames());
}

void HitStatistics::add(const std::vector<Peak>& peaks, const Geometry& geometry) {
  ++frames_;
  if (peaks.size() < min_peaks_) return;
  ++hits_;
  peaks_ += peaks.size();
  squares_ += peaks.size() * peaks.size();
  ++histogram_[static_cast<std::uint32_t>(peaks.size())];
  if (!(geometry.distance_m > 0 && geometry.pixel_size_x_m > 0 && geometry.pixel_size_y_m > 0 &&
        geometry.wavelength_angstrom > 0))
    return;
  for (const Peak& peak : peaks) {
    // In units of x pixels, as resolution_angstrom takes them.
    const double dx = static_cast<double>(peak.x) - geometry.centre_x;
    const double dy = (static_cast<double>(peak.y) - geometry.centre_y) * geometry.pixel_size_y_m /
                      geometry.pixel_size_x_m;
    const double d = etalon::resolution_angstrom(geometry, std::sqrt(dx * dx + dy * dy));
    if (std::isfinite(d)) resolutions_.push_back(d);
  }
}

void HitStatistics::merge(const HitStatistics& other) {
  frames_ += other.frames_;
  hits_ += other.hits_;
  peaks_ += other.peaks_;
  squares_ += other.squares_;
  for (const auto& [peaks, hits] : other.histogram_) histogram_[peaks] += hits;
  resolutions_.insert(resolutions_.end(), other.resolutions_.begin(), other.resolutions_.end());
}

double HitStatistics::hit_rate() const {
  return frames_ > 0 ? static_cast<double>(hits_) / static_cast<double>(frames_) : 0;
}

double HitStatistics::mean_peaks() const {
  return hits_ > 0 ? static_cast<double>(peaks_) / static_cast<double>(hits_) : 0;
}

double HitStatistics::sigma_peaks() const {
  if (hits_ < 2) return 0;
  const double n = static_cast<double>(hits_);
  return std::sqrt(static_cast<double>(hits_ * squares_ - peaks_ * peaks_) / (n * (n - 1)));
}

double HitStatistics::resolution_angstrom(double fraction) const {
  if (resolutions_.empty()) return 0;
  std::vector<double> coarse_first = resolutions_;
  const double last = static_cast<double>(coarse_first.size() - 1);
  const auto rank = static_cast<std::ptrdiff_t>(std::clamp(fraction, 0.0, 1.0) * last);
  std::nth_element(coarse_first.begin(), coarse_first.begin() + rank, coarse_first.end(),
                   std::greater<>());
  return coarse_first[static_cast<std::size_t>(rank)];
}

Result<HitStatistics> hits_of(const std::string& path, std::uint32_t min_peaks) {
  ETALON_ASSIGN(const auto peaks, read_peaks(path));
  ETALON_ASSIGN(const auto reader, open_series(path));
  if (peaks.size() != reader->info().frames)
    return Error{Errc::malformed, path + ": peaks of " + std::to_string(peaks.size()) +
                                      " frames stored with " +
                                      std::to_string(reader->info().frames) + " frames"};
  HitStatistics statistics(min_peaks);
  for (const auto& frame : peaks) statistics.add(frame, reader->info().geometry);
  return statistics;
}

}  // namespace etalon
