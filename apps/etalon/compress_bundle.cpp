#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "bundle_command.hpp"
#include "cli.hpp"
#include "store/bundle_make.hpp"
#include "store/file.hpp"
#include "store/npy.hpp"

namespace etalon::cli {
namespace {

Bytes start_of(const std::string& path) {
  Bytes bytes(4096);
  if (path == "-" || is_folder_or_pattern(path)) return {};
  std::ifstream in(path, std::ios::binary);
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  return bytes;
}

Result<Validity> validity_of(const std::string& text) {
  Validity v;
  if (text.empty()) return v;
  if (text == "nan") {
    v.kind = Validity::Kind::nan;
  } else if (text.starts_with("fill:")) {
    v.kind = Validity::Kind::fill;
    const char* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data() + 5, end, v.fill);
    if (read.ec != std::errc{} || read.ptr != end)
      return Error{Errc::usage, "--valid '" + text + "': no number behind fill:"};
  } else {
    v.kind = Validity::Kind::mask;
    ETALON_ASSIGN(const Array mask, read_array(text));
    v.valid.resize(mask.count());
    visit(mask.dtype(), [&](auto zero) {
      const auto in = mask.as<decltype(zero)>();
      for (std::size_t i = 0; i < v.valid.size(); ++i) v.valid[i] = in[i] != 0;
    });
  }
  return v;
}

Result<BundleOptions> options_of(const BundleRequest& request, const Bound& bound, int level,
                                 unsigned threads) {
  BundleOptions options;
  options.bound = bound;
  options.level = level;
  options.threads = threads;
  for (const std::string& text : request.arrays) {
    const std::size_t at = text.rfind('@');
    if (at == std::string::npos || at == 0)
      return Error{Errc::usage, "--array '" + text + "': is not NAME@BOUND"};
    ETALON_ASSIGN(const Bound own, parse_bound(text.substr(at + 1)));
    options.array_bounds.emplace_back(text.substr(0, at), own);
  }
  for (std::size_t at = 0; at < request.positions.size();) {
    const std::size_t end = std::min(request.positions.find(',', at), request.positions.size());
    options.positions.push_back(request.positions.substr(at, end - at));
    at = end + 1;
  }
  if (request.reorder == "declared") options.reorder = Reorder::declared;
  if (request.reorder == "undone") options.reorder = Reorder::undone;
  if (options.reorder != Reorder::none && options.positions.empty())
    return Error{Errc::usage, "--reorder " + request.reorder + ": wants --positions"};
  ETALON_ASSIGN(options.validity, validity_of(request.valid));
  if (options.reorder != Reorder::none && options.validity.kind != Validity::Kind::all)
    return Error{Errc::usage, "--valid: not together with --reorder"};
  return options;
}

struct Made {
  Bytes bundle;
  std::uint64_t raw_bytes = 0;
};

Result<Made> make(const ArrayInput& input, const BundleOptions& options) {
  if (!scanned_format(start_of(input.path)).empty()) {
    ETALON_ASSIGN(const Bytes file, read_file(input.path));
    auto bundle = make_bundle(file, options);
    if (!bundle.ok()) return std::move(bundle).error().in(input.path);
    return Made{std::move(*bundle), file.size()};
  }
  ETALON_ASSIGN(const Array array, read_input(input));
  const bool npy = !is_raw(input.path);
  const Bytes header = npy ? npy_header(array.dtype(), array.shape()) : Bytes{};
  Bytes file = header;
  const ByteSpan elements = array.view().bytes();
  file.insert(file.end(), elements.begin(), elements.end());
  auto bundle = make_bundle(scan_of_array(array, header, npy ? "npy" : "raw"), file, options);
  if (!bundle.ok()) return std::move(bundle).error().in(input.path);
  return Made{std::move(*bundle), file.size()};
}

}  // namespace

void add_bundle_options(Command& command, BundleRequest& request) {
  command
      .add_option("--array", request.arrays,
                  "NAME@BOUND, may be repeated: the bound of one array of a file of many\n"
                  "(.npz, .vtk, .vtu, netCDF classic, SU2); --bound is that of all others")
      ->allow_extra_args(false);
  command.add_option("--positions", request.positions,
                     "Arrays that hold particles' positions: x,y,z or pos");
  command
      .add_option("--reorder", request.reorder,
                  "Particles along a Morton curve: none, declared (they stay so), undone (they\n"
                  "come back in their order, where that is smaller than leaving them)")
      ->one_of({"none", "declared", "undone"});
  command.add_option("--valid", request.valid,
                     "Which elements count: FILE (not 0), nan (those that are not) or fill:VALUE\n"
                     "(those that are not VALUE); all others cost next to nothing");
}

bool wants_bundle(const ArrayInput& input, const BundleRequest& request) {
  return request.any() || !scanned_format(start_of(input.path)).empty();
}

bool names_bundle(const std::string& path) { return is_bundle(start_of(path)); }

Result<void> compress_bundle(const ArrayInput& input, const BundleRequest& request,
                             const Bound& bound, int level, const BundleOutput& output) {
  ETALON_ASSIGN(const BundleOptions options, options_of(request, bound, level, output.threads));
  ETALON_ASSIGN(OutputFile file, OutputFile::create(output.path, output.overwrite));
  ETALON_ASSIGN(const Made made, make(input, options));
  ETALON_TRY(file.write(made.bundle));
  ETALON_TRY(file.commit());
  ETALON_ASSIGN(const ParsedBundle parsed, parse_bundle(made.bundle));
  const BundlePlan& plan = parsed.plan;
  const auto raw = static_cast<double>(made.raw_bytes);
  const auto bytes = static_cast<double>(made.bundle.size());
  if (output.json) {
    const nlohmann::json report = {{"schema", "etalon.compress/1"},
                                   {"input", input.path},
                                   {"output", output.path},
                                   {"file_format", plan.format},
                                   {"arrays", plan.arrays.size()},
                                   {"exact", plan.exact},
                                   {"reordered", plan.reordered},
                                   {"unpacked", plan.unpacked},
                                   {"raw_bytes", made.raw_bytes},
                                   {"bytes", made.bundle.size()},
                                   {"ratio", raw / std::max(bytes, 1.0)}};
    return print_report(report.dump(2), output.path);
  }
  char text[160];
  std::snprintf(text, sizeof text, "%s, %s: %s -> %s: ratio %.2f%s%s%s", plan.format.c_str(),
                counted(plan.arrays.size(), "array").c_str(), human_bytes(raw).c_str(),
                human_bytes(bytes).c_str(), raw / std::max(bytes, 1.0),
                plan.exact ? ", byte for byte" : "", plan.reordered ? ", in another order" : "",
                plan.unpacked ? ", comes back without its own compression" : "");
  note(text);
  return {};
}

}  // namespace etalon::cli
