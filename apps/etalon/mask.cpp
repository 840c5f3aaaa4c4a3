#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "frame/hot_pixels.hpp"
#include "reduce_input.hpp"
#include "store/array_writer.hpp"
#include "store/crystfel_geometry.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string input, output, dataset, geometry;
  std::uint64_t frames = 100;
  std::int32_t threshold = 1;
  double share = 50;
  bool overwrite = false, json = false;
};

// Values as HotPixels takes them: those that are no number are never above.
std::vector<std::int32_t> whole_numbers(const Array& image) {
  std::vector<std::int32_t> out(image.count());
  visit(image.dtype(), [&](auto zero) {
    const auto values = image.as<decltype(zero)>();
    constexpr double most = std::numeric_limits<std::int32_t>::max();
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto v = static_cast<double>(values[i]);
      out[i] = v > -1 ? static_cast<std::int32_t>(std::min(v, most)) : -1;
    }
  });
  return out;
}

// Adds to `bad`; how many pixels stood out too often.
Result<std::uint64_t> learn_hot(const Options& options, SeriesReader& reader,
                                std::vector<std::uint8_t>& bad) {
  const std::uint64_t frames = std::min(options.frames, reader.info().frames);
  if (frames == 0) return std::uint64_t{0};
  HotPixels hot(bad.size(),
                {options.threshold, options.share / 100, static_cast<std::uint32_t>(frames)});
  Progress progress("learning", frames, "frames");
  for (std::uint64_t i = 0; i < frames; ++i) {
    if (interrupted.load()) return Error{Errc::interrupted, options.input + ": interrupted"};
    // Evenly from the whole series, so that a crystal that stays for a while is no hot pixel.
    ETALON_ASSIGN(const Frame frame, reader.read(i * reader.info().frames / frames));
    hot.add(whole_numbers(frame.image));
    progress.update(i + 1);
  }
  std::uint64_t found = 0;
  for (const std::uint32_t pixel : hot.hot()) {
    found += bad[pixel] == 0;
    bad[pixel] = 1;
  }
  return found;
}

Result<void> run(const Options& options) {
  ETALON_TRY(refuse_same_file(options.input, options.output));
  ETALON_ASSIGN(OpenOptions open, open_options({options.input, options.dataset, "", ""}));
  open.any_mask = true;  // who has none that fits needs one
  ETALON_ASSIGN(const auto reader, open_series(options.input, open));
  const SeriesInfo& info = reader->info();
  const std::size_t ny = info.geometry.ny, nx = info.geometry.nx;
  std::vector<std::uint8_t> bad(ny * nx);
  std::uint64_t source = 0, geometry = 0;
  const auto add = [&](const Mask& good, std::uint64_t& counter) {
    for (std::size_t i = 0; i < bad.size(); ++i) {
      if (good[i] != 0 || bad[i] != 0) continue;
      bad[i] = 1;
      ++counter;
    }
  };
  add(info.mask(), source);
  if (!options.geometry.empty()) {
    SeriesInfo placed = info;
    ETALON_TRY(place_panels(options.geometry, placed));
    add(placed.mask(), geometry);
  }
  ETALON_ASSIGN(const std::uint64_t hot, learn_hot(options, *reader, bad));

  const std::span<const std::uint8_t> bytes(bad);
  const Shape shape{ny, nx};
  ETALON_ASSIGN(ArrayWriter writer,
                ArrayWriter::create(options.output, DType::u8, shape, options.overwrite));
  ETALON_TRY(writer.write(view_of(bytes, shape), Shape{0, 0}));
  ETALON_TRY(writer.commit());
  const auto masked = static_cast<std::uint64_t>(std::count(bad.begin(), bad.end(), 1));
  if (options.json) {
    const nlohmann::json report = {{"schema", "etalon.mask/1"},
                                   {"input", options.input},
                                   {"output", options.output},
                                   {"shape", {ny, nx}},
                                   {"masked", masked},
                                   {"source", source},
                                   {"geometry", geometry},
                                   {"hot", hot},
                                   {"threshold", options.threshold},
                                   {"share", options.share},
                                   {"frames", std::min(options.frames, info.frames)}};
    return print(report.dump(2) + "\n");
  }
  note(options.input + ": " + std::to_string(masked) + " pixels masked (" + std::to_string(source) +
       " by the file, " + std::to_string(geometry) + " by the geometry, " + std::to_string(hot) +
       " hot) -> " + options.output);
  return {};
}

}  // namespace

void add_mask(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command =
      add_command(cli, "mask", "Which pixels not to look at: learned from a series", options, run);
  command->footer(
      "A (y, x) array of bytes that is 1 at pixels that the file masks, that a geometry file "
      "masks,\n"
      "and that are hot: above a threshold in too many of the frames. `find --mask` and recipes'\n"
      "calibrate.mask take it.\n\n"
      "  etalon mask series.h5 -o bad.npy\n"
      "  etalon mask series.h5 -o bad.npy --threshold 20 --share 25 --frames 500 --geometry "
      "a.geom");
  command->add_option("input", options->input, "Series of frames")->required()->default_str("");
  command->add_option("-o,--output", options->output, ".npy, .h5 (dataset /data) or raw")
      ->required();
  command->add_option("--dataset", options->dataset, "Images in an HDF5 file")->default_str("");
  command->add_option("--geometry", options->geometry, "A CrystFEL geometry file")
      ->type_name("GEOM")
      ->default_str("");
  command->add_option("--frames", options->frames, "Learn from so many, taken evenly; 0: none")
      ->range(0U, 1000000U);
  command->add_option("--threshold", options->threshold, "A pixel with more stands out")
      ->range(0, 2147483646);
  command->add_option("--share", options->share, "Per cent of the frames: more often, it is hot")
      ->range(0.0, 100.0);
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
