#include <charconv>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "etalon/codec.hpp"
#include "store/file.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string input, output, box, dataset;
  unsigned threads = 0;
  bool overwrite = false, json = false;
};

// "3:5,0:100,:" as numpy slices; an end left out is the axis' own.
Result<Box> parse_box(const std::string& text, const Shape& shape) {
  const auto fail = [&](const std::string& reason) {
    return Error{Errc::usage, "--box '" + text + "': " + reason};
  };
  Box box;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = rest.find(','), axis = box.axes.size();
    const std::string_view item = rest.substr(0, comma);
    if (axis == shape.rank())
      return fail("the array has " + std::to_string(shape.rank()) + " axes");
    Box::Range range{0, shape[axis]};
    const std::size_t colon = item.find(':');
    const auto number = [](std::string_view t, std::size_t& value) {
      if (t.empty()) return true;
      const auto [end, status] = std::from_chars(t.data(), t.data() + t.size(), value);
      return status == std::errc{} && end == t.data() + t.size();
    };
    if (!number(item.substr(0, colon), range.begin)) return fail("expected 3:5,0:100,: and such");
    if (colon == std::string_view::npos) {
      if (item.empty()) return fail("an axis is empty");
      range.end = range.begin + 1;
    } else if (!number(item.substr(colon + 1), range.end)) {
      return fail("expected 3:5,0:100,: and such");
    }
    box.axes.push_back(range);
    if (comma == std::string_view::npos) break;
    rest = rest.substr(comma + 1);
  }
  while (box.axes.size() < shape.rank()) box.axes.push_back({0, shape[box.axes.size()]});
  return box;
}

Result<Array> decode(const Bytes& bytes, const Options& options) {
  const unsigned threads =
      options.threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : options.threads;
  if (options.box.empty()) return decompress(bytes, threads);
  ETALON_ASSIGN(const StreamInfo info, inspect(bytes));
  ETALON_ASSIGN(const Box box, parse_box(options.box, info.shape));
  return decompress_box(bytes, box);
}

Result<void> run(const Options& options) {
  ETALON_TRY(refuse_same_file(options.input, options.output));
  ETALON_ASSIGN(const Bytes bytes, read_file(options.input));
  auto array = decode(bytes, options);
  if (!array.ok()) return std::move(array).error().in(options.input);
  if (interrupted) return Error{Errc::interrupted, "decompress: interrupted"};
  OpenOptions open;
  open.dataset = options.dataset;
  ETALON_TRY(write_array(options.output, array->view(), options.overwrite, open));
  if (options.json) {
    const nlohmann::json report = {
        {"schema", "etalon.decompress/1"},   {"input", options.input},
        {"output", options.output},          {"dtype", name_of(array->dtype())},
        {"shape", array->shape().extents()}, {"raw_bytes", array->view().size_bytes()}};
    return print_report(report.dump(2), options.output);
  }
  note(options.input + ": " + std::string(name_of(array->dtype())) + " " +
       to_string(array->shape()) + " -> " + options.output);
  return {};
}

}  // namespace

void add_decompress(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(cli, "decompress", "Decompress a container, or a box of it", options, run);
  command->add_option("input", options->input, "Container; - is standard input")->required();
  command
      ->add_option(
          "-o,--output", options->output,
          ".npy, .h5 and other HDF5 endings (dataset /data), else raw; - is raw to standard "
          "output")
      ->required();
  command->add_option("--box", options->box,
                      "Part of the array, 3:5,0:100,: for instance; touches only its chunks");
  command->add_option("--dataset", options->dataset, "HDF5 dataset to write");
  command->add_option("-T,--threads", options->threads, "Threads, 0 for one per core")
      ->check(CLI::Range(0, 1024));
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
  command->add_flag("--json", options->json, "Print JSON; to standard error with -o -");
}

}  // namespace etalon::cli
