#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "kernels/jungfrau/jungfrau.hpp"
#include "reduce_input.hpp"
#include "store/array_writer.hpp"
#include "store/flat_field_file.hpp"
#include "store/gain_constants_file.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string input, output, dataset, constants, dark, common_mode = "none", asic = "256,256";
  std::string save_constants, flat;
  double energy_kev = 0;  // 0: the file's
  bool kev = false, overwrite = false, json = false;
};

Error usage(const std::string& reason) { return {Errc::usage, "calibrate: " + reason}; }

// How one frame is converted, and what the report says of it.
struct Ready {
  DType type;
  std::function<Result<void>(const ArrayView&, const MutableArrayView&)> convert;
  std::uint64_t bad;
  std::string words;
  nlohmann::json report;
};

Result<Ready> gains(const Options& options) {
  ETALON_ASSIGN(const Shape asic, parse_shape(options.asic));
  if (asic.rank() != 2) return usage("--asic '" + options.asic + "' is not NY,NX");
  ETALON_ASSIGN(const jungfrau::CommonMode mode, jungfrau::parse_common_mode(options.common_mode));
  const std::string& path = options.constants.empty() ? options.input : options.constants;
  ETALON_ASSIGN(GainConstantsFile file, read_gain_constants(path, options.dark));
  const double energy = options.energy_kev != 0 ? options.energy_kev : file.energy_kev.value_or(0);
  if (energy == 0) return usage(path + " does not say the photon energy: --energy-kev");
  auto constants = jungfrau::make_constants(file.constants, energy);
  if (!constants.ok()) return std::move(constants).error().in(path);
  ETALON_ASSIGN(auto converter,
                jungfrau::Converter::create(std::move(*constants), {mode, asic[0], asic[1]}));
  if (!options.save_constants.empty())
    ETALON_TRY(
        write_gain_constants(options.save_constants, file.constants, energy, options.overwrite));
  const auto bad = std::count(file.constants.bad.begin(), file.constants.bad.end(), 1);
  auto shared = std::make_shared<jungfrau::Converter>(std::move(converter));
  return Ready{options.kev ? DType::f32 : DType::i32,
               [shared](const ArrayView& raw, const MutableArrayView& out) {
                 return shared->convert(raw, out);
               },
               static_cast<std::uint64_t>(bad),
               " at " + std::to_string(energy) + " keV",
               {{"semantics", jungfrau::semantics},
                {"energy_kev", energy},
                {"common_mode", options.common_mode}}};
}

Result<Ready> flat_field(const Options& options, const Geometry& image) {
  if (options.dark.empty()) return usage("--flat needs --dark");
  const auto named = [&](const std::string& written) -> FramesIn {
    std::error_code ignored;
    const FramesIn frames = frames_in(written);
    const bool is_inside = frames.dataset.empty() && frames.file.front() == '/' &&
                           !std::filesystem::exists(frames.file, ignored);
    return is_inside ? FramesIn{options.input, written} : frames;
  };
  ETALON_ASSIGN(FlatField field,
                read_flat_field(named(options.dark), named(options.flat), image.ny, image.nx));
  const auto bad = std::count(field.mask().begin(), field.mask().end(), 0);
  auto shared = std::make_shared<FlatField>(std::move(field));
  return Ready{DType::f32,
               [shared](const ArrayView& raw, const MutableArrayView& out) {
                 return shared->apply(raw, out);
               },
               static_cast<std::uint64_t>(bad),
               " as shares of the open beam",
               {{"semantics", "flat field"}}};
}

Result<void> run(const Options& options) {
  for (const std::string& read : {options.input, options.constants, frames_in(options.dark).file,
                                  frames_in(options.flat).file})
    for (const std::string& written : {options.output, options.save_constants})
      if (!read.empty() && !written.empty()) ETALON_TRY(refuse_same_file(read, written));
  ETALON_ASSIGN(const OpenOptions open, open_options({options.input, options.dataset, "", ""}));
  ETALON_ASSIGN(const auto reader, open_series(options.input, open));
  const SeriesInfo& info = reader->info();
  ETALON_ASSIGN(Ready ready,
                options.flat.empty() ? gains(options) : flat_field(options, info.geometry));
  const Shape frame{1, info.geometry.ny, info.geometry.nx};
  Shape all = frame;
  all[0] = info.frames;
  ETALON_ASSIGN(ArrayWriter writer,
                ArrayWriter::create(options.output, ready.type, all, options.overwrite));
  Array out(ready.type, frame);
  Progress progress("calibrating", info.frames, "frames");
  for (std::uint64_t index = 0; index < info.frames; ++index) {
    if (interrupted.load())
      return Error{Errc::interrupted,
                   options.input + ": interrupted after " + std::to_string(index) + " frames"};
    ETALON_ASSIGN(const Frame raw, reader->read(index));
    MutableArrayView image = out.mutable_view();
    image.shape = Shape{frame[1], frame[2]};
    auto done = ready.convert(raw.image.view(), image);
    if (!done.ok())
      return std::move(done).error().in(options.input + ": frame " + std::to_string(index));
    ETALON_TRY(writer.write(out.view(), Shape{index, 0, 0}));
    progress.update(index + 1);
  }
  ETALON_TRY(writer.commit());
  if (options.json) {
    nlohmann::json report = {{"schema", "etalon.calibrate/1"}, {"input", options.input},
                             {"output", options.output},       {"frames", info.frames},
                             {"shape", all.extents()},         {"dtype", name_of(ready.type)},
                             {"bad_pixels", ready.bad}};
    report.update(ready.report);
    return print(report.dump(2) + "\n");
  }
  note(options.input + ": " + std::to_string(info.frames) + " frames" + ready.words + ", " +
       std::to_string(ready.bad) + " bad pixels -> " + options.output);
  return {};
}

}  // namespace

void add_calibrate(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "calibrate",
      "Raw frames to photons (three gains) or to shares of the open beam (dark and flat)", options,
      run);
  command->footer(
      "Writes i32 photons (bad pixels -2147483648), or f32 keV with --kev (bad pixels NaN).\n"
      "Dark frames are looked for in /dark/g0, /dark/g1, /dark/g2, else in the file's images.\n"
      "With --flat, for integrating cameras: f32 (raw - dark) / (flat - dark), dead pixels NaN.\n\n"
      "  etalon calibrate raw.h5 -o photons.h5 --constants constants.h5 --common-mode rows\n"
      "  etalon calibrate raw.h5 -o photons.h5 --constants gains.h5 --dark dark.h5 --energy-kev "
      "12.4\n"
      "  etalon calibrate tomo.h5 --dataset /exchange/data -o share.h5 --dark /exchange/data_dark "
      "--flat /exchange/data_white");
  command->add_option("input", options->input, "Series of raw frames (three gains: u16)")
      ->required()
      ->type_name("RAW")
      ->default_str("");
  command->add_option("-o,--output", options->output, ".h5 (dataset /data), .npy or raw")
      ->required();
  command->add_option("--dataset", options->dataset, "Images in an HDF5 file")->default_str("");
  Option* flat =
      command
          ->add_option("--flat", options->flat,
                       "Frames of the open beam: FILE, FILE:/dataset, or a /dataset of RAW")
          ->default_str("");
  command
      ->add_option("--dark", options->dark,
                   "Dark frames: an HDF5 file, pedestals from these; with --flat as there")
      ->default_str("");
  command
      ->add_option("--constants", options->constants,
                   "HDF5 file of gains and pedestals (default: they are in RAW)")
      ->excludes(flat)
      ->default_str("");
  command->add_option("--save-constants", options->save_constants, "Write what was used")
      ->excludes(flat)
      ->default_str("");
  command
      ->add_option("--energy-kev", options->energy_kev,
                   "Photon energy in keV (0: what the constants' file says)")
      ->excludes(flat);
  command->add_option("--common-mode", options->common_mode, "none, rows, columns or asics")
      ->excludes(flat);
  command->add_option("--asic", options->asic, "Extents of an ASIC NY,NX in pixels")
      ->excludes(flat);
  command->add_flag("--kev", options->kev, "keV in place of photons")->excludes(flat);
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
