#include <array>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "bundle_command.hpp"
#include "commands.hpp"
#include "compress_chunks.hpp"
#include "compress_images.hpp"

namespace etalon::cli {
namespace {

struct Options {
  ArrayInput input;
  std::string output, bound = "lossless", mask, chunk;
  std::vector<std::string> regions;
  unsigned threads = 0;
  bool overwrite = false, json = false, dither = false;
  std::uint64_t seed = 0;
  int level = default_level;
  BundleRequest bundle;
};

Result<CompressJob> job_of(const Options& options) {
  CompressJob job;
  if (names_target(options.bound)) {
    ETALON_ASSIGN(job.target, parse_target(options.bound));
  } else {
    ETALON_ASSIGN(job.options.bound, parse_bound(options.bound));
  }
  for (const std::string& region : options.regions) ETALON_TRY(parse_region(region));
  job.regions = options.regions;
  job.options.dither = options.dither;
  job.options.seed = options.seed;
  job.options.level = options.level;
  job.options.threads =
      options.threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : options.threads;
  job.name = options.input.path;
  return job;
}

std::string target_text(const std::string& wanted, const codec::MetTarget& met,
                        const Target& target) {
  char reached[48];
  std::snprintf(reached, sizeof reached,
                target.kind == Target::Kind::ratio ? "a ratio of %.4g" : "%.4g dB", met.reached);
  return wanted + " is met by " + to_string(met.bound) + ": " + reached +
         (met.remark.empty() ? "" : "; " + met.remark);
}

Result<void> run(const Options& options) {
  ETALON_ASSIGN(CompressJob job, job_of(options));
  ETALON_TRY(check_ending(options.output, FileKind::raw, "an Etalon container"));
  ETALON_TRY(refuse_same_file(options.input.path, options.output));
  if (wants_bundle(options.input, options.bundle)) {
    if (job.target || options.dither || !options.regions.empty() || !options.mask.empty())
      return Error{Errc::usage,
                   "targets, regions, --mask and --dither: not for files of many "
                   "arrays, and not with --valid"};
    return compress_bundle(options.input, options.bundle, job.options.bound, options.level,
                           {options.output, options.overwrite, options.json, job.options.threads});
  }
  ETALON_ASSIGN(OutputFile file, OutputFile::create(options.output, options.overwrite));
  ETALON_ASSIGN(const OpenOptions open, open_options(options.input));
  ETALON_ASSIGN(const auto source, open_images(options.input.path, open));
  if (!options.chunk.empty()) {
    ETALON_ASSIGN(job.options.chunk, parse_chunk_shape(options.chunk, *source));
  }
  // For parts of images the whole array is held to cut a mask: not for one that only comes along.
  if (!options.mask.empty() || !cuts_images(job.options.chunk, source->shape())) {
    ETALON_ASSIGN(job.options.mask, read_mask(options.input, options.mask, source->shape()));
  }

  const auto start = std::chrono::steady_clock::now();
  ETALON_ASSIGN(const Compressed done, compress_images(*source, job, file));
  ETALON_TRY(file.commit());
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (done.target) note(target_text(options.bound, *done.target, *job.target));
  const std::size_t raw_bytes = done.shape.count() * size_of(source->dtype());
  const auto raw = static_cast<double>(raw_bytes), bytes = static_cast<double>(done.bytes);
  const double ratio = raw / std::max(bytes, 1.0);
  if (options.json) {
    nlohmann::json report = {{"schema", "etalon.compress/1"},
                             {"input", options.input.path},
                             {"output", options.output},
                             {"dtype", name_of(source->dtype())},
                             {"shape", done.shape.extents()},
                             {"bound", to_string(done.bound)},
                             {"raw_bytes", raw_bytes},
                             {"bytes", done.bytes},
                             {"ratio", ratio},
                             {"chunks", done.chunks},
                             {"seconds", seconds}};
    if (done.target) {
      const double reached = done.target->reached;
      report["target"] = {
          {"wanted", options.bound},
          {"reached", std::isfinite(reached) ? nlohmann::json(reached) : nlohmann::json("inf")},
          {"remark", done.target->remark}};
    }
    return print_report(report.dump(2), options.output);
  }
  char text[160];
  std::snprintf(text, sizeof text, "%s -> %s: ratio %.2f, %.3f bits per element, %.0f MB/s",
                human_bytes(raw).c_str(), human_bytes(bytes).c_str(), ratio,
                8.0 * bytes / std::max(static_cast<double>(done.shape.count()), 1.0),
                raw / 1e6 / std::max(seconds, 1e-9));
  note(text);
  return {};
}

}  // namespace

void add_compress(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "compress", "Compress an array or a series within an error bound, region by region",
      options, run);
  command
      ->add_option(
          "input", options->input.path,
          "HDF5, .npy, CBF, TIFF or raw file, a folder or pattern of CBF or TIFF; a file of many "
          "arrays\n"
          "(.npz, .vtk, .vtu, netCDF classic, SU2); - reads .npy or raw from standard input")
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
                   "active:quantile=0.9[,window=5][,grow=0][,over=array]@rel:1e-4 (elements whose\n"
                   "spread in a window plus gradient is at or above that quantile of their\n"
                   "image's, or of the whole array's, which then is held in memory)")
      ->allow_extra_args(false);
  command
      ->add_option(
          "--chunk", options->chunk,
          "Extents of a chunk, one for every axis: 16,128,128; those above the array's are\n"
          "the array's. A chunk is the least that can be decoded: smaller ones make boxes\n"
          "cheaper and the ratio less. By default an image of integers, of floats as many\n"
          "whole images as make 2^22 elements; arrays of fewer than three axes are one")
      ->type_name("Z,Y,X");
  command->add_option("--mask", options->mask,
                      "File, or /dataset of the input, that is not zero where pixels are bad; "
                      "helps the ratio only. HDF5: the file's pixel_mask is found by itself");
  add_bundle_options(*command, options->bundle);
  command->add_option("--dataset", options->input.dataset,
                      "HDF5 dataset; the images are found by themselves");
  command->add_option("--dtype", options->input.dtype, "Element type of raw bytes: u16, f32, ...");
  command->add_option(
      "--shape", options->input.shape,
      "Extents of raw bytes: 100,1065,1030; :,1065,1030 for as many images as there are");
  command
      ->add_option("-T,--threads", options->threads,
                   "Threads, 0 for one per core; the bytes do not depend on it")
      ->range(0, 1024);
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON; to standard error with -o -");
  command->add_flag("--dither", options->dither,
                    "Errors of abs and rel bounds get zero mean whatever the signal: sums over\n"
                    "weak spots stay right. Unsigned types become signed ones of twice the width");
  command->add_option("--seed", options->seed, "Of the dither");
  const std::array<const char*, most_level> levels = {
      "Memory speed, for what no other level can keep up with",
      "To -4: one way of coding, chosen by samples",
      "",
      "",
      "The default: small fields get a slower coder",
      "",
      "Floats in every way, whole, and the smallest: slow",
      "",
      "The same for all types: slower",
  };
  for (int level = least_level; level <= most_level; ++level) {
    const std::string help = levels[static_cast<std::size_t>(level - 1)];
    command
        ->add_flag_callback(
            "-" + std::to_string(level), [options, level] { options->level = level; }, help)
        ->group(help.empty() ? "" : "Levels");
  }
  command->footer(
      "Arrays of three axes and more go through image by image, floats by as many images as make\n"
      "2^22 elements: a few such pieces a thread are in memory, whatever the length. rel without\n"
      "a range reads a file twice; psnr and ratio hold the whole. NaN, infinities and -0 come\n"
      "back bit for bit under every bound, and every bound is checked on every element before it\n"
      "is written.");
}

}  // namespace etalon::cli
