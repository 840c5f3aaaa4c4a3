#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/thread_pool.hpp"
#include "codec/dither.hpp"
#include "commands.hpp"
#include "reduce_input.hpp"
#include "store/file.hpp"

namespace etalon::cli {
namespace {

struct Options {
  ArrayInput input;
  std::string output, bound = "lossless", mask;
  std::vector<std::string> regions;
  unsigned threads = 0;
  bool overwrite = false, json = false, dither = false;
  std::uint64_t seed = 0;
  int level = 0;
};

struct Totals {
  std::uint64_t bytes = 0, chunks = 0;
};

// One frame a chunk, batch by batch: frames of a batch are encoded side by side.
Result<Totals> compress_frames(const Array& array, CompressOptions options,
                               const RegionSet& regions, OutputFile& file) {
  const std::size_t frames = array.shape()[0];
  Shape chunk = array.shape();
  chunk[0] = 1;
  const bool widens = options.dither && !is_float(array.dtype());
  ETALON_ASSIGN(auto writer,
                ContainerWriter::create(widens ? dithered_dtype(array.dtype()) : array.dtype(),
                                        chunk, options.bound, array.dtype()));
  Totals totals;
  const auto put = [&](ByteSpan bytes) {
    totals.bytes += bytes.size();
    return file.write(bytes);
  };
  ETALON_TRY(put(writer.header()));
  if (!regions.by_image()) {
    ETALON_ASSIGN(options.regions, regions.of_image(0, array.view(), options.mask));
  }
  ThreadPool pool(options.threads - 1 > 0 ? options.threads - 1 : 1);
  const std::size_t batch = 4 * std::size_t{options.threads};
  Progress progress("compress", frames, "frames");
  for (std::size_t first = 0; first < frames; first += batch) {
    if (interrupted) return Error{Errc::interrupted, "compress: interrupted"};
    const std::size_t count = std::min(batch, frames - first);
    std::vector<std::optional<Result<Bytes>>> encoded(count);
    const auto code = [&](std::size_t i) -> Result<Bytes> {
      ArrayView frame = array.view()[first + i];
      frame.shape = chunk;
      if (!regions.by_image() && !options.dither) return encode_chunk(frame, options);
      CompressOptions own = options;
      own.seed = codec::dither_bits(options.seed, first + i);
      if (regions.by_image()) {
        ETALON_ASSIGN(own.regions, regions.of_image(first + i, frame, options.mask));
      }
      return encode_chunk(frame, own);
    };
    const auto encode = [&](std::size_t i) { encoded[i] = code(i); };
    if (options.threads > 1)
      pool.for_each(count, encode);
    else
      for (std::size_t i = 0; i < count; ++i) encode(i);
    for (std::size_t i = 0; i < count; ++i) {
      if (!encoded[i]->ok())
        return std::move(*encoded[i]).error().in("frame " + std::to_string(first + i));
      ETALON_ASSIGN(const Bytes section, writer.chunk(**encoded[i]));
      ETALON_TRY(put(section));
    }
    progress.update(first + count);
  }
  totals.chunks = frames;
  ETALON_TRY(put(writer.finish()));
  return totals;
}

Result<Totals> compress_whole(const Array& array, CompressOptions options, const RegionSet& regions,
                              OutputFile& file) {
  ETALON_ASSIGN(options.regions, regions.of_image(0, array.view(), options.mask));
  ETALON_ASSIGN(const Bytes bytes, compress(array.view(), options));
  ETALON_TRY(file.write(bytes));
  ETALON_ASSIGN(const StreamInfo info, inspect(bytes));
  return Totals{bytes.size(), info.chunks};
}

Result<void> run(const Options& options) {
  if (options.level != 0)
    return Error{Errc::usage, "-" + std::to_string(options.level) +
                                  ": levels do not exist in this version; there is one"};
  CompressOptions compress_options;
  std::optional<Target> target;
  if (names_target(options.bound)) {
    ETALON_ASSIGN(target, parse_target(options.bound));
  } else {
    ETALON_ASSIGN(compress_options.bound, parse_bound(options.bound));
  }
  compress_options.dither = options.dither;
  compress_options.seed = options.seed;
  for (const std::string& region : options.regions) ETALON_TRY(parse_region(region));
  compress_options.threads =
      options.threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : options.threads;
  ETALON_TRY(check_ending(options.output, FileKind::raw, "an Etalon container"));
  ETALON_TRY(refuse_same_file(options.input.path, options.output));
  ETALON_ASSIGN(OutputFile file, OutputFile::create(options.output, options.overwrite));
  ETALON_ASSIGN(const Array array, read_input(options.input));
  ETALON_ASSIGN(compress_options.mask, read_mask(options.input, options.mask, array.shape()));
  ETALON_ASSIGN(RegionSet regions, RegionSet::create(options.regions, array.shape()));
  if (regions.need_range()) {
    ValueRange range;
    range.add(array.view());
    regions.give_range(range);
  }
  if (target) {
    if (regions.by_image() && images_of(array.shape()) > 1)
      return Error{Errc::usage, "--bound " + options.bound +
                                    ": not with regions that differ from frame to frame; find a "
                                    "bound without them first"};
    CompressOptions trial = compress_options;
    ETALON_ASSIGN(trial.regions, regions.of_image(0, array.view(), compress_options.mask));
    auto found = find_bound(array.view(), trial, *target);
    if (!found.ok()) return std::move(found).error().in(options.input.path);
    compress_options.bound = *found;
    note(options.bound + " is met by " + to_string(*found));
  }
  compress_options = with_ranges(std::move(compress_options), array.view());

  const auto start = std::chrono::steady_clock::now();
  const bool frames = array.shape().rank() == 3 && array.count() != 0;
  auto done = frames ? compress_frames(array, compress_options, regions, file)
                     : compress_whole(array, compress_options, regions, file);
  if (!done.ok()) return std::move(done).error().in(options.input.path);
  ETALON_TRY(file.commit());
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const double raw = static_cast<double>(array.view().size_bytes());
  const double ratio = raw / static_cast<double>(std::max<std::uint64_t>(done->bytes, 1));
  if (options.json) {
    const nlohmann::json report = {{"schema", "etalon.compress/1"},
                                   {"input", options.input.path},
                                   {"output", options.output},
                                   {"dtype", name_of(array.dtype())},
                                   {"shape", array.shape().extents()},
                                   {"bound", to_string(compress_options.bound)},
                                   {"raw_bytes", array.view().size_bytes()},
                                   {"bytes", done->bytes},
                                   {"ratio", ratio},
                                   {"chunks", done->chunks},
                                   {"seconds", seconds}};
    return print_report(report.dump(2), options.output);
  }
  char text[160];
  std::snprintf(text, sizeof text, "%s -> %s: ratio %.2f, %.3f bits per element, %.0f MB/s",
                human_bytes(raw).c_str(), human_bytes(static_cast<double>(done->bytes)).c_str(),
                ratio,
                8.0 * static_cast<double>(done->bytes) /
                    static_cast<double>(std::max<std::size_t>(array.count(), 1)),
                raw / 1e6 / std::max(seconds, 1e-9));
  note(text);
  return {};
}

}  // namespace

void add_compress(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      cli, "compress", "Compress an array or a series within an error bound, region by region",
      options, run);
  command
      ->add_option(
          "input", options->input.path,
          "HDF5, .npy, CBF or raw file, a folder or a pattern of CBF files; - reads .npy or\n"
          "raw from standard input")
      ->required();
  command->add_option("-o,--output", options->output, "Container to write; - is standard output")
      ->required();
  command->add_option("--bound", options->bound,
                      "How far an element x may be off:\n"
                      "lossless  abs:E  rel:R (of the array's range; or rel:R,range=A..B)\n"
                      "pwrel:R (R |x|)  sigma:S[,gain=G][,noise=N] (S sqrt(G max(x,0) + N^2));\n"
                      "or a target for the whole: psnr:D (at least D dB)  ratio:X (at least X)");
  command
      ->add_option("--region", options->regions,
                   "KIND[:key=value,...]@BOUND, may be repeated; later ones win:\n"
                   "peaks:file=p.csv,half=4@lossless  box:y=0..9,x=0..9@abs:1\n"
                   "annulus:r=50..80,centre=515/532@abs:1  mask:file=m.npy@lossless\n"
                   "active:quantile=0.9[,window=5][,grow=0]@rel:1e-4 (each image's own elements\n"
                   "whose spread in a window plus gradient is at or above that quantile)")
      ->allow_extra_args(false);
  command->add_option("--mask", options->mask,
                      "File, or /dataset of the input, that is not zero where pixels are bad; "
                      "helps the ratio only. HDF5: the file's pixel_mask is found by itself");
  command->add_option("--dataset", options->input.dataset,
                      "HDF5 dataset; the images are found by themselves");
  command->add_option("--dtype", options->input.dtype, "Element type of raw bytes: u16, f32, ...");
  command->add_option("--shape", options->input.shape, "Extents of raw bytes: 100,1065,1030");
  command
      ->add_option("-T,--threads", options->threads,
                   "Threads, 0 for one per core; the bytes do not depend on it")
      ->check(CLI::Range(0, 1024));
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON; to standard error with -o -");
  command->add_flag("--dither", options->dither,
                    "Errors of abs and rel bounds get zero mean whatever the signal: sums over\n"
                    "weak spots stay right. Unsigned types become signed ones of twice the width");
  command->add_option("--seed", options->seed, "Of the dither");
  for (int level = 1; level <= 9; ++level)
    command
        ->add_flag_callback("-" + std::to_string(level),
                            [options, level] { options->level = level; })
        ->group("");
  command->footer(
      "The whole array is held in memory. NaN, infinities and -0 come back bit for bit under\n"
      "every bound, and every bound is checked on every element before it is written.");
}

}  // namespace etalon::cli
