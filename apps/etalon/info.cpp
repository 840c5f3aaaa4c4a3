#include <nlohmann/json.hpp>

#include "bundle_command.hpp"
#include "codec/container_format.hpp"
#include "commands.hpp"
#include "etalon/codec.hpp"
#include "reduce_input.hpp"
#include "store/byte_stream.hpp"
#include "store/inspect_file.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string file, dataset;
  bool json = false;
};

double share_of(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string table(const StreamInfo& info, double ratio) {
  std::uint64_t elements = 0;
  for (const RegionInfo& r : info.regions) elements += r.elements;
  char line[400];
  std::string text = info.format + ", " + std::string(name_of(info.dtype)) + " " +
                     to_string(info.shape) + " in " + std::to_string(info.chunks) + " chunks of " +
                     to_string(info.chunk_shape) + "\n";
  std::snprintf(line, sizeof line, "%s -> %s, ratio %.2f\n\n",
                human_bytes(static_cast<double>(info.raw_bytes)).c_str(),
                human_bytes(static_cast<double>(info.bytes)).c_str(), ratio);
  text += line;
  std::size_t widest = 14;
  for (const RegionInfo& r : info.regions) widest = std::max(widest, to_string(r.bound).size());
  const int width = static_cast<int>(widest);
  std::snprintf(line, sizeof line, "%-10s %-*s %10s %12s %12s\n", "region", width, "bound", "share",
                "bytes", "max error");
  text += line;
  for (const RegionInfo& r : info.regions) {
    std::snprintf(line, sizeof line, "%-10s %-*s %9.4f%% %12llu %12g\n", r.kind.c_str(), width,
                  to_string(r.bound).c_str(), 100 * share_of(r.elements, elements),
                  static_cast<unsigned long long>(r.bytes), r.max_error);
    text += line;
  }
  return text;
}

Result<StreamInfo> inspect_any(const Options& options) {
  ETALON_TRY(open_options({options.file, options.dataset, "", ""}));
  if (options.file != "-" && file_kind(options.file) != FileKind::raw)
    return inspect_file(options.file, options.dataset);
  ETALON_ASSIGN(const auto source, open_source(options.file));
  Bytes room;
  ETALON_ASSIGN(const ByteSpan start,
                source->read(0, std::min<std::size_t>(source->size(), 3), room));
  const bool is_chunk = text_of(start) == "Etc";
  const auto inspect_alone = [&]() -> Result<StreamInfo> {
    ETALON_ASSIGN(const ByteSpan chunk, source->read(0, source->size(), room));
    return inspect_chunk(chunk);
  };
  auto read = is_chunk ? inspect_alone() : codec::inspect_container(*source);
  if (!read.ok()) {
    if (const auto format = foreign_format(options.file); !format.empty())
      return Error{Errc::malformed, options.file + ": " + std::string(format) + " is not read"};
    return std::move(read).error().in(options.file);
  }
  return read;
}

Result<void> run(const Options& options) {
  if (names_bundle(options.file)) return info_bundle(options.file, options.json);
  ETALON_ASSIGN(const StreamInfo info, inspect_any(options));
  const double ratio = share_of(info.raw_bytes, info.bytes);
  if (!options.json) return print(table(info, ratio));
  std::uint64_t elements = 0;
  for (const RegionInfo& r : info.regions) elements += r.elements;
  nlohmann::json regions = nlohmann::json::array();
  for (const RegionInfo& r : info.regions)
    regions.push_back({{"kind", r.kind},
                       {"bound", to_string(r.bound)},
                       {"share", share_of(r.elements, elements)},
                       {"bytes", r.bytes},
                       {"max_error", r.max_error}});
  const nlohmann::json report = {{"schema", "etalon.info/1"},
                                 {"format", info.format},
                                 {"dtype", name_of(info.dtype)},
                                 {"shape", info.shape.extents()},
                                 {"chunk_shape", info.chunk_shape.extents()},
                                 {"bound", to_string(info.bound)},
                                 {"raw_bytes", info.raw_bytes},
                                 {"bytes", info.bytes},
                                 {"ratio", ratio},
                                 {"chunks", info.chunks},
                                 {"regions", regions}};
  return print(report.dump(2) + "\n");
}

}  // namespace

void add_info(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "info", "Show what a container or an image file holds, region by region", options, run);
  command
      ->add_option("file", options->file,
                   "Container, single chunk, HDF5, .npy, CBF or TIFF; - is standard input")
      ->required();
  command->add_option("--dataset", options->dataset,
                      "HDF5 dataset; the images are found by themselves");
  command->add_flag("--json", options->json, "Print JSON");
  command->footer("A region's bytes are modelled: what its elements cost in their tables.");
}

}  // namespace etalon::cli
