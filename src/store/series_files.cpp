#include "store/series_files.hpp"

#include <cstdio>
#include <filesystem>

namespace etalon {
namespace {

namespace fs = std::filesystem;

std::string piece_name(const std::string& master, std::size_t number) {
  char ending[32];
  std::snprintf(ending, sizeof ending, "_%06zu.h5", number);
  return fs::path(master).stem().string() + ending;
}

Result<NxmxWriter> create(const std::string& path, const SeriesInfo& info,
                          const SeriesFiles::Options& options) {
  if (options.filter == FrameFilter::etalon)
    return NxmxWriter::create(path, info, options.bound, options.overwrite);
  return NxmxWriter::create_as(options.filter, true, path, info, options.overwrite);
}

}  // namespace

Result<SeriesFiles> SeriesFiles::create(const std::string& path, const SeriesInfo& info,
                                        const Options& options) {
  ETALON_ASSIGN(NxmxWriter master, etalon::create(path, info, options));
  return SeriesFiles(path, info, options, std::move(master));
}

Result<void> SeriesFiles::write(NxmxWriter& to, std::uint64_t number, double time_s,
                                std::span<const std::byte> bytes,
                                const std::vector<Peak>& peaks) const {
  if (options_.filter == FrameFilter::etalon) return to.append(number, time_s, bytes, peaks);
  if (options_.filter == FrameFilter::bitshuffle_lz4)
    return to.append_bitshuffled(number, time_s, bytes, peaks);
  return to.append_pixels(number, time_s, bytes, peaks);
}

Result<void> SeriesFiles::append(std::uint64_t number, double time_s,
                                 std::span<const std::byte> bytes, const std::vector<Peak>& peaks) {
  if (options_.frames_per_file == 0) return write(master_, number, time_s, bytes, peaks);
  if (piece_ && pieces_.back().frames == options_.frames_per_file) ETALON_TRY(close_piece());
  if (!piece_) {
    const std::string name = piece_name(path_, pieces_.size() + 1);
    ETALON_ASSIGN(piece_,
                  etalon::create((fs::path(path_).parent_path() / name).string(), info_, options_));
    pieces_.push_back({name, 0});
  }
  ETALON_TRY(write(*piece_, number, time_s, bytes, peaks));
  ++pieces_.back().frames;
  return master_.append_row(number, time_s, peaks);
}

Result<void> SeriesFiles::close_piece() {
  ETALON_ASSIGN(OutputFile file, piece_->close());
  closed_.push_back(std::move(file));
  piece_.reset();
  return {};
}

Result<void> SeriesFiles::finish() {
  if (options_.frames_per_file == 0) return master_.finish();
  if (piece_) ETALON_TRY(close_piece());
  ETALON_TRY(master_.show_pieces(pieces_));
  ETALON_ASSIGN(OutputFile master, master_.close());
  for (OutputFile& file : closed_) ETALON_TRY(file.commit());
  closed_.clear();
  return master.commit();
}

}  // namespace etalon
