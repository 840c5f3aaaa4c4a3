#include <mpi.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli.hpp"
#include "codec/limits.hpp"
#include "commands.hpp"
#include "filtered_dataset.hpp"
#include "output.hpp"
#include "pieces.hpp"
#include "store/file.hpp"

namespace etalon::mpi {
namespace {

struct Options {
  InputOptions input;
  std::string output, output_dataset = "/data", bound = "lossless", chunk;
  int level = default_level;
  bool overwrite = false, json = false, dither = false;
};

Result<Shape> chunk_of(const Options& options, const Input& input) {
  if (options.chunk.empty()) return parallel_chunk(input.dtype(), input.shape());
  ETALON_ASSIGN(Shape chunk, parse_shape(options.chunk));
  const auto refuse = [&](const std::string& reason) {
    return Error{Errc::usage, "--chunk " + options.chunk + ": " + reason};
  };
  if (chunk.rank() != input.shape().rank())
    return refuse("the array has " + std::to_string(input.shape().rank()) + " axes");
  for (std::size_t axis = 0; axis < chunk.rank(); ++axis) {
    if (chunk[axis] == 0) return refuse("an extent of 0");
    chunk[axis] = std::min(chunk[axis], input.shape()[axis]);
  }
  if (chunk.count() > codec::max_chunk_raw_bytes / size_of(input.dtype()))
    return refuse("a chunk has at most 1 GiB");
  return chunk;
}

Result<FilterSettings> settings_of(const Options& options, const Input& input) {
  if (names_target(options.bound))
    return Error{Errc::usage,
                 "bound " + options.bound +
                     ": a target needs the whole array in one process: etalon compress "
                     "finds the bound that meets it"};
  FilterSettings settings;
  settings.dither = options.dither;
  settings.dtype = options.dither ? dithered_dtype(input.dtype()) : input.dtype();
  settings.level = options.level;
  ETALON_ASSIGN(settings.bound, parse_bound(options.bound));
  ETALON_ASSIGN(settings.chunk, chunk_of(options, input));
  if (const auto checked = parse_cd_values(to_cd_values(settings)); !checked.ok())
    return Error{Errc::usage, checked.error().message};
  return settings;
}

// rel without a range refers to the finite values of all ranks.
Result<Bound> settled(const Ranks& ranks, const Input& input, const Pieces& pieces, Bound bound) {
  CompressOptions options;
  options.bound = bound;
  if (!needs_range(options)) return bound;
  ValueRange range;
  ETALON_TRY(ranks.agree(for_each_own(pieces, ranks, [&](const Piece& piece) -> Result<void> {
    ETALON_ASSIGN(const Array elements, input.read(piece));
    range.add(elements.view());
    return {};
  })));
  range.low = ranks.least(range.low);
  range.high = ranks.most(range.high);
  return with_ranges(options, range).bound;
}

// Unsigned elements as the signed ones that they become with dither.
Array as_dtype(Array elements, DType dtype) {
  if (elements.dtype() == dtype) return elements;
  Array wide(dtype, elements.shape());
  visit(elements.dtype(), [&](auto from) {
    visit(dtype, [&](auto to) {
      const auto in = elements.as<decltype(from)>();
      std::transform(in.begin(), in.end(), wide.as<decltype(to)>().begin(),
                     [](auto x) { return static_cast<decltype(to)>(x); });
    });
  });
  return wide;
}

// In rounds that all take part in: those without a piece write no elements. All know that all could
// read before any writes.
Result<void> write_pieces(const Ranks& ranks, const Input& input, const Pieces& pieces,
                          DType stored, FilteredDataset& dataset) {
  for (std::size_t first = 0; first < pieces.count(); first += ranks.size()) {
    const std::size_t own = first + ranks.rank();
    Piece piece{input.shape(), input.shape()};
    piece.extent[0] = 0;
    if (own < pieces.count()) piece = pieces[own];
    auto elements = input.read(piece);
    ETALON_TRY(ranks.agree(elements));
    dataset.write(piece.origin, as_dtype(std::move(*elements), stored).view());
  }
  return {};
}

Result<void> report(const Options& options, const Ranks& ranks, const Input& input,
                    const FilterSettings& settings, std::uint64_t stored, double seconds) {
  if (!ranks.first()) return {};
  const std::size_t raw_bytes = input.shape().count() * size_of(input.dtype());
  const auto raw = static_cast<double>(raw_bytes), bytes = static_cast<double>(stored);
  const double rate = raw / 1e6 / std::max(seconds, 1e-9);
  if (options.json) {
    const nlohmann::json about = {{"schema", "etalon.mpi.compress/1"},
                                  {"input", options.input.path},
                                  {"output", options.output},
                                  {"dataset", options.output_dataset},
                                  {"dtype", name_of(input.dtype())},
                                  {"shape", input.shape().extents()},
                                  {"chunk", settings.chunk.extents()},
                                  {"bound", to_string(settings.bound)},
                                  {"ranks", ranks.size()},
                                  {"raw_bytes", raw_bytes},
                                  {"bytes", stored},
                                  {"ratio", raw / bytes},
                                  {"seconds", seconds},
                                  {"mb_per_s", rate}};
    return cli::print(about.dump(2) + "\n");
  }
  char text[160];
  std::snprintf(text, sizeof text, "%s -> %s: ratio %.2f, %.0f MB/s with %zu rank%s",
                cli::human_bytes(raw).c_str(), cli::human_bytes(bytes).c_str(), raw / bytes, rate,
                ranks.size(), ranks.size() == 1 ? "" : "s");
  cli::note(text);
  return {};
}

Result<void> run(const Options& options, const Ranks& ranks) {
  ETALON_TRY(ranks.agree(refuse_same_file(options.input.path, options.output)));
  auto opened = Input::open(options.input);
  ETALON_TRY(ranks.agree(opened));
  const Input& input = *opened;
  auto settings = settings_of(options, input);
  ETALON_TRY(ranks.agree(settings));

  MPI_Barrier(MPI_COMM_WORLD);
  const double start = MPI_Wtime();
  ETALON_ASSIGN(Output output, Output::create(ranks, options.output, options.overwrite));
  const Pieces pieces(input.dtype(), input.shape(), settings->chunk, ranks.size());
  ETALON_ASSIGN(settings->bound, settled(ranks, input, pieces, settings->bound));
  FilteredDataset dataset(ranks, output.part(), options.output_dataset, input.shape(), *settings);
  ETALON_TRY(write_pieces(ranks, input, pieces, settings->dtype, dataset));
  const std::uint64_t stored = dataset.close();
  ETALON_TRY(output.commit());
  return ranks.agree(report(options, ranks, input, *settings, stored, MPI_Wtime() - start));
}

}  // namespace

void add_compress(Cli& cli) {
  auto options = std::make_shared<Options>();
  cli::Command* command = add_command(
      cli, "compress", "Compress an array into an HDF5 dataset that all ranks write together",
      options, run);
  add_input(*command, options->input, "input");
  command->add_option("-o,--output", options->output, "HDF5 file to write")->required();
  command->add_option("--output-dataset", options->output_dataset, "Its name in that file");
  command->add_option("--bound", options->bound,
                      "How far an element x may be off:\n"
                      "lossless  abs:E  rel:R (of the array's range; or rel:R,range=A..B)\n"
                      "pwrel:R (R |x|)  sigma:S[,gain=G][,noise=N] (S sqrt(G max(x,0) + N^2))");
  command->add_option("--chunk", options->chunk,
                      "Extents of a chunk, which one rank compresses: 1,1065,1030. Without it one\n"
                      "image of integers; as many of floats as have 2^20 elements");
  for (int level = least_level; level <= most_level; ++level)
    command
        ->add_flag_callback(
            "-" + std::to_string(level), [options, level] { options->level = level; },
            level == least_level  ? "Memory speed; -2 to -8 lie between, -5 is the default"
            : level == most_level ? "The smallest: slow"
                                  : "")
        ->group(level == least_level || level == most_level ? "Levels" : "");
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag(
      "--dither", options->dither,
      "Errors of abs and rel bounds get zero mean whatever the signal. Unsigned types\n"
      "become signed ones of twice the width");
  command->footer(
      "The file opens in every HDF5 program that has the Etalon plugin. Its chunks are the same\n"
      "bytes for any number of ranks. rel without a range reads the input twice.");
}

}  // namespace etalon::mpi
