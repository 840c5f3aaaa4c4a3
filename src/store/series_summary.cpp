#include "store/series_summary.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <vector>

#include "store/array_file.hpp"
#include "store/hdf5.hpp"
#include "store/remarks.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

constexpr std::size_t most_rows = std::size_t{1} << 26;

std::optional<SeriesSummary::Peaks> peaks_in(const h5::File& file) {
  auto counts = file.numbers("/entry/result_1/nPeaks", most_rows);
  if (!counts) counts = file.numbers("/entry_1/result_1/nPeaks", most_rows);
  if (!counts || counts->empty()) return std::nullopt;
  // Of more peaks than a list of CXI can hold, or of no number at all, nothing can be summed.
  constexpr double most = std::numeric_limits<std::uint32_t>::max();
  for (std::size_t i = 0; i < counts->size(); ++i) {
    if (const double n = (*counts)[i]; n >= 0 && n <= most) continue;
    remark(file.path() + ": nPeaks: frame " + std::to_string(i) +
           " has no number of peaks: left out");
    return std::nullopt;
  }
  std::sort(counts->begin(), counts->end());
  const auto count = [](double n) { return static_cast<std::uint64_t>(n); };
  SeriesSummary::Peaks peaks;
  peaks.frames = counts->size();
  for (const double n : *counts) peaks.all += count(n);
  peaks.least = count(counts->front());
  peaks.median = count((*counts)[counts->size() / 2]);
  peaks.most = count(counts->back());
  return peaks;
}

std::optional<SeriesSummary::Audit> audit_in(const h5::File& file) {
  const auto hits = file.numbers("/entry/audit/hit", most_rows);
  if (!hits) return std::nullopt;
  const auto called = std::count_if(hits->begin(), hits->end(), [](double h) { return h != 0; });
  return SeriesSummary::Audit{hits->size(), static_cast<std::uint64_t>(called)};
}

}  // namespace

Result<SeriesSummary> summarize_series(const std::string& path) {
  // Before the reader: a file that this process has open already does not say that it grows.
  std::optional<h5::File> hdf5;
  if (!is_folder_or_pattern(path) && file_kind(path) == FileKind::hdf5) {
    ETALON_ASSIGN(hdf5, h5::File::open(path));
  }
  OpenOptions open;
  open.any_mask = true;  // what is shown is the file as it is
  ETALON_ASSIGN(const auto reader, open_series(path, open));
  SeriesSummary s;
  s.info = reader->info();
  const Geometry& g = s.info.geometry;
  s.raw_bytes = s.info.frames * g.pixels() * size_of(s.info.dtype);
  s.masked =
      static_cast<std::uint64_t>(std::count_if(s.info.pixel_mask.begin(), s.info.pixel_mask.end(),
                                               [](std::uint32_t bits) { return bits != 0; }));
  if (reader->has_source_numbers() && s.info.frames > 0) {
    s.first_number = reader->source_number(0);
    s.last_number = reader->source_number(s.info.frames - 1);
  }
  for (const std::string& file : reader->files()) {
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(file, unknown);
    if (!unknown) s.file_bytes += bytes;
  }
  if (!hdf5) return s;
  s.is_growing = hdf5->is_growing();
  s.peaks = peaks_in(*hdf5);
  s.audit = audit_in(*hdf5);
  return s;
}

}  // namespace etalon
