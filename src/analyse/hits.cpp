#include "analyse/hits.hpp"

#include <algorithm>
#include <cmath>

#include "store/hdf5.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

// A column of peak values (frames, width) as f32 elements.
Result<Array> read_column(const h5::File& file, const std::string& name, std::size_t frames) {
  ETALON_ASSIGN(const h5::Dataset dataset, file.dataset(name));
  const Shape& shape = dataset.shape();
  if (dataset.dtype() != DType::f32 || shape.rank() != 2 || shape[0] != frames)
    return Error{Errc::malformed, dataset.place() + ": " + to_string(shape) + " " +
                                      std::string(name_of(dataset.dtype())) +
                                      " is not a list of f32 for each of " +
                                      std::to_string(frames) + " frames"};
  ETALON_TRY(dataset.check_size(shape.count() * size_of(dataset.dtype())));
  return dataset.read_all();
}

}  // namespace

Result<std::vector<std::vector<Peak>>> read_peaks(const std::string& path) {
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  std::string group = "/entry/result_1";
  if (!file.exists(group + "/nPeaks")) group = "/entry_1/result_1";
  if (!file.exists(group + "/nPeaks"))
    return Error{Errc::missing, path + ": /entry/result_1/nPeaks: no peaks are stored"};
  ETALON_ASSIGN(const h5::Dataset count_data, file.dataset(group + "/nPeaks"));
  if (count_data.dtype() != DType::i32 || count_data.shape().rank() != 1)
    return Error{Errc::malformed, count_data.place() + ": is not a list of i32"};
  ETALON_TRY(count_data.check_size(count_data.shape().count() * sizeof(std::int32_t)));
  ETALON_ASSIGN(const Array counts, count_data.read_all());
  const std::size_t frames = counts.count();
  ETALON_ASSIGN(const Array x, read_column(file, group + "/peakXPosRaw", frames));
  ETALON_ASSIGN(const Array y, read_column(file, group + "/peakYPosRaw", frames));
  ETALON_ASSIGN(const Array intensity, read_column(file, group + "/peakTotalIntensity", frames));
  if (!(x.shape() == y.shape()) || !(x.shape() == intensity.shape()))
    return Error{Errc::malformed, path + ": " + group + ": lists of different widths"};

  const std::size_t width = x.shape()[1];
  std::vector<std::vector<Peak>> peaks(frames);
  for (std::size_t i = 0; i < frames; ++i) {
    const std::int32_t n = counts.as<std::int32_t>()[i];
    if (n < 0 || static_cast<std::size_t>(n) > width)
      return Error{Errc::malformed, count_data.place() + ": " + std::to_string(n) +
                                        " peaks in row " + std::to_string(i) + ", lists hold " +
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
