#include <charconv>
#include <nlohmann/json.hpp>
#include <thread>

#include "analyse/hits.hpp"
#include "commands.hpp"
#include "etalon/codec.hpp"
#include "export_series.hpp"
#include "pipeline/ordered.hpp"
#include "store/series_reader.hpp"
#include "stream/dectris_compression.hpp"

namespace etalon::cli {
namespace {

struct Options : ExportRequest {
  bool json = false;
};

struct Range {
  std::uint64_t first, end;
};

// "3:5" as a numpy slice.
Result<Range> range_of(const std::string& text, std::uint64_t frames) {
  Range range{0, frames};
  if (text.empty()) return range;
  const std::size_t colon = text.find(':');
  const auto number = [](std::string_view t, std::uint64_t& value) {
    if (t.empty()) return true;
    const auto [end, status] = std::from_chars(t.data(), t.data() + t.size(), value);
    return status == std::errc{} && end == t.data() + t.size();
  };
  const std::string_view all = text;
  if (colon == std::string::npos || !number(all.substr(0, colon), range.first) ||
      !number(all.substr(colon + 1), range.end))
    return Error{Errc::usage, "--frames '" + text + "': expected 10:20, 10: or :20"};
  if (range.first >= range.end || range.end > frames)
    return Error{Errc::usage, "--frames " + text + ": the series has frames 0 to " +
                                  std::to_string(frames) + " (the last not included)"};
  return range;
}

// A frame as it will lie in the file.
struct Coded {
  std::uint64_t number = 0;
  double time_s = 0;
  Result<Bytes> bytes = Bytes();
};

Result<Bytes> code(SeriesReader& reader, std::uint64_t index, const Frame& frame,
                   FrameFilter filter) {
  const ArrayView image = frame.image.view();
  const ByteSpan pixels = image.bytes();
  if (filter == FrameFilter::bitshuffle_lz4)
    return compress_dectris(DectrisCompression::bslz4, size_of(image.dtype), pixels);
  if (filter == FrameFilter::deflate) return Bytes(pixels.begin(), pixels.end());
  ETALON_ASSIGN(Bytes chunk, reader.stored_chunk(index));
  if (!chunk.empty()) return chunk;
  return encode_chunk({image.data, image.dtype, {1, image.shape[0], image.shape[1]}}, {});
}

// Chunks are taken over as they are, and so is the bound that they were made with.
Result<Bound> bound_of(const SeriesReader& reader, std::uint64_t index) {
  ETALON_ASSIGN(const Bytes chunk, reader.stored_chunk(index));
  if (chunk.empty()) return Bound::lossless();
  ETALON_ASSIGN(const StreamInfo info, inspect_chunk(chunk));
  return info.bound;
}

// Those that are stored with the series, if any.
Result<std::vector<std::vector<Peak>>> peaks_of(const SeriesReader& reader) {
  auto peaks = read_peaks(reader.files().front());
  if (peaks.ok())
    return peaks->size() == reader.info().frames ? std::move(*peaks)
                                                 : std::vector<std::vector<Peak>>{};
  const Errc why = peaks.error().code;
  if (why == Errc::missing || is_folder_or_pattern(reader.files().front()))
    return std::vector<std::vector<Peak>>{};
  return std::move(peaks).error();
}

Result<void> copy_frames(const ExportRequest& options, const OpenOptions& open, const Range& range,
                         FrameFilter filter, const std::vector<std::vector<Peak>>& peaks,
                         SeriesFiles& files) {
  const unsigned threads =
      options.threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : options.threads;
  std::vector<std::unique_ptr<SeriesReader>> readers(threads);
  for (auto& reader : readers) {
    ETALON_ASSIGN(reader, open_series(options.input, open));
  }
  std::uint64_t next = range.first, written = range.first;
  Progress progress("export", range.end - range.first, "frames");
  return run_ordered<std::uint64_t, Coded>(
      threads, std::size_t{2} * threads,
      [&]() -> std::optional<std::uint64_t> {
        if (next == range.end || interrupted) return std::nullopt;
        return next++;
      },
      [&](unsigned worker, std::uint64_t index) {
        SeriesReader& reader = *readers[worker];
        Coded coded{reader.source_number(index), 0, Bytes()};
        auto frame = reader.read(index);
        if (!frame.ok()) {
          coded.bytes = std::move(frame).error();
        } else {
          coded.time_s = frame->time_s;
          coded.bytes = code(reader, index, *frame, filter);
        }
        return coded;
      },
      [&](Coded coded) -> Result<void> {
        if (interrupted) return Error{Errc::interrupted, "export: interrupted"};
        if (!coded.bytes.ok()) return std::move(coded.bytes).error();
        static const std::vector<Peak> none;
        ETALON_TRY(files.append(coded.number, coded.time_s, *coded.bytes,
                                peaks.empty() ? none : peaks[written]));
        progress.update(++written - range.first);
        return {};
      });
}

Result<void> run(const Options& options) {
  reuse_memory();
  ETALON_ASSIGN(const Exported done, export_series(options));
  if (options.json) {
    nlohmann::json report = {{"schema", "etalon.export/1"}, {"input", options.input},
                             {"output", options.output},    {"filter", options.filter},
                             {"frames", done.frames},       {"files", nlohmann::json::array()}};
    for (const NxmxWriter::Piece& piece : done.pieces)
      report["files"].push_back({{"file", piece.file}, {"frames", piece.frames}});
    return print_report(report.dump(2) + "\n", options.output);
  }
  note(options.input + ": " + std::to_string(done.frames) + " frames -> " + options.output +
       (done.pieces.empty() ? "" : " and " + std::to_string(done.pieces.size()) + " more") + " (" +
       options.filter + ")");
  return {};
}

}  // namespace

Result<Exported> export_series(const ExportRequest& options) {
  ETALON_TRY(refuse_same_file(options.input, options.output));
  ETALON_ASSIGN(const FrameFilter filter, parse_frame_filter(options.filter));
  OpenOptions open;
  open.dataset = options.dataset;
  ETALON_ASSIGN(const auto reader, open_series(options.input, open));
  for (const std::string& file : reader->files())
    ETALON_TRY(refuse_same_file(file, options.output));
  SeriesInfo info = reader->info();
  ETALON_ASSIGN(const Range range, range_of(options.frames, info.frames));
  if (range.end == range.first) return Error{Errc::malformed, options.input + ": holds no frames"};
  ETALON_ASSIGN(const auto peaks, peaks_of(*reader));
  info.frames = range.end - range.first;
  SeriesFiles::Options how;
  how.filter = filter;
  how.frames_per_file = options.frames_per_file;
  how.overwrite = options.overwrite;
  ETALON_ASSIGN(how.bound, bound_of(*reader, range.first));
  ETALON_ASSIGN(SeriesFiles files, SeriesFiles::create(options.output, info, how));
  ETALON_TRY(copy_frames(options, open, range, filter, peaks, files));
  if (interrupted) return Error{Errc::interrupted, "export: interrupted"};
  ETALON_TRY(files.finish());
  return Exported{info.frames, files.pieces()};
}

void add_export(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "export",
      "Write a series as NXmx for other programs' readers, in one file or in several with a master",
      options, run);
  command
      ->add_option("input", options->input,
                   "Series: NXmx or other HDF5, a DECTRIS master, an Etalon container, .npy, CBF, "
                   "TIFF, or a folder of these")
      ->required();
  command
      ->add_option("-o,--output", options->output, "NXmx file; with --frames-per-file the master")
      ->required();
  command
      ->add_option("--filter", options->filter,
                   "How images are stored: bslz4 (Bitshuffle with LZ4, which readers of "
                   "detectors' files bring), deflate (which every HDF5 program reads), etalon "
                   "(chunks as they are stored; what is none is coded without loss)")
      ->capture_default_str();
  command->add_option("--frames", options->frames, "Which frames, as 10:20; default: all");
  command
      ->add_option("--frames-per-file", options->frames_per_file,
                   "Images in files of so many frames beside the master, which shows them as one "
                   "virtual dataset; 0: all in one file")
      ->capture_default_str();
  command->add_option("--dataset", options->dataset, "Path of the images inside an HDF5 file");
  command->add_option("-T,--threads", options->threads, "Threads; 0: all cores")
      ->capture_default_str();
  command->add_flag("-f,--force", options->overwrite, "Write over files that exist");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer(
      "Pixels are what `etalon decompress` gives: bounds that they were reduced with hold as they "
      "did, and nothing more is lost. Numbers, times, peaks, mask and geometry come with them.");
}

}  // namespace etalon::cli
