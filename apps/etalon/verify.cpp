#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "reduce_input.hpp"
#include "store/file.hpp"

namespace etalon::cli {
namespace {

struct Options {
  ArrayInput original;
  std::string reduced, reduced_dataset, bound;
  std::vector<std::string> regions;
  bool json = false, science = false;
};

struct Measured {
  std::string kind;
  Bound bound;
  std::uint64_t elements = 0, violations = 0;
  double max_error = 0;
};

struct Offender {
  bool found = false;
  std::size_t element = 0, region = 0;
  double error = 0;
};

std::string place_of(std::size_t i, const Shape& shape) {
  std::string text;
  for (std::size_t axis = shape.rank(); axis-- > 0;) {
    text = std::to_string(i % shape[axis]) + (text.empty() ? "" : ",") + text;
    i /= shape[axis];
  }
  return "[" + text + "]";
}

// Infinite where a special value did not come back bit for bit.
template <typename T>
double error_of(T a, T b) {
  if (std::memcmp(&a, &b, sizeof a) == 0) return 0;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(a) || !std::isfinite(b) || (a == 0 && std::signbit(a)))
      return std::numeric_limits<double>::infinity();
    // +0 for 0 differs in nothing but its bits.
    const double e = std::abs(static_cast<double>(a) - static_cast<double>(b));
    return e == 0 ? std::numeric_limits<double>::denorm_min() : e;
  } else {
    return static_cast<double>(a > b
                                   ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                                   : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a));
  }
}

struct Verdict {
  std::vector<Measured> regions;
  Offender first;
  double psnr_db = std::numeric_limits<double>::infinity();
  double max_error = 0;
};

Verdict measure(const Array& original, const Array& reduced, const Bound& bound,
                const RegionSet& regions, const std::vector<std::string>& texts) {
  Verdict v;
  v.regions.push_back({"default", bound, 0, 0, 0});
  for (const std::string& text : texts) {
    const auto spec = parse_region(text);
    v.regions.push_back({spec->kind, spec->bound, 0, 0, 0});
  }
  const Shape& shape = original.shape();
  std::size_t plane = 1;
  for (std::size_t i = shape.rank() >= 2 ? shape.rank() - 2 : 0; i < shape.rank(); ++i)
    plane *= shape[i];
  visit(original.dtype(), [&](auto zero) {
    using T = decltype(zero);
    const auto a = original.as<T>(), b = reduced.as<T>();
    double squares = 0, low = std::numeric_limits<double>::infinity(), high = -low;
    std::vector<Region> members;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!texts.empty() && i % plane == 0 && (i == 0 || regions.by_frame()))
        members = regions.of_frame(i / plane);
      std::size_t region = 0;
      for (std::size_t r = members.size(); r-- > 0;)
        if (members[r].where[i % plane] != 0) {
          region = r + 1;
          break;
        }
      Measured& m = v.regions[region];
      const double e = error_of(a[i], b[i]);
      ++m.elements;
      if (e > m.max_error) m.max_error = e;
      if (e > m.bound.value) {
        ++m.violations;
        if (!v.first.found) v.first = {true, i, region, e};
      }
      const auto x = static_cast<double>(a[i]);
      if (std::isfinite(x)) {
        low = std::min(low, x);
        high = std::max(high, x);
        if (std::isfinite(e)) squares += e * e;
      }
    }
    if (squares > 0 && high > low)
      v.psnr_db =
          10 * std::log10((high - low) * (high - low) * static_cast<double>(a.size()) / squares);
  });
  for (const Measured& m : v.regions) v.max_error = std::max(v.max_error, m.max_error);
  return v;
}

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json("inf");
}

Result<void> report(const Options& options, const Verdict& v, const Shape& shape) {
  if (options.json) {
    nlohmann::json regions = nlohmann::json::array();
    for (const Measured& m : v.regions)
      regions.push_back({{"kind", m.kind},
                         {"bound", to_string(m.bound)},
                         {"elements", m.elements},
                         {"max_error", number(m.max_error)},
                         {"violations", m.violations},
                         {"holds", m.violations == 0}});
    nlohmann::json out = {{"schema", "etalon.verify/1"},
                          {"holds", !v.first.found},
                          {"max_error", number(v.max_error)},
                          {"psnr_db", number(v.psnr_db)},
                          {"regions", regions}};
    if (v.first.found)
      out["first_offender"] = {{"element", v.first.element},
                               {"place", place_of(v.first.element, shape)},
                               {"region", v.regions[v.first.region].kind},
                               {"error", number(v.first.error)}};
    return print(out.dump(2) + "\n");
  }
  char line[200];
  std::string text;
  std::snprintf(line, sizeof line, "%-10s %-14s %14s %12s  %s\n", "region", "bound", "elements",
                "max error", "");
  text += line;
  for (const Measured& m : v.regions) {
    std::snprintf(line, sizeof line, "%-10s %-14s %14llu %12g  %s\n", m.kind.c_str(),
                  to_string(m.bound).c_str(), static_cast<unsigned long long>(m.elements),
                  m.max_error, m.violations == 0 ? "holds" : "VIOLATED");
    text += line;
  }
  std::snprintf(line, sizeof line, "PSNR %.2f dB\n", v.psnr_db);
  return print(text + line);
}

Result<void> run(const Options& options) {
  if (options.science) return Error{Errc::usage, "--science does not exist in this version"};
  Bound bound;
  if (!options.bound.empty()) {
    ETALON_ASSIGN(bound, parse_bound(options.bound));
  }
  for (const std::string& region : options.regions) ETALON_TRY(parse_region(region));
  ETALON_ASSIGN(const Array original, read_input(options.original));
  Array reduced;
  ETALON_ASSIGN(const Bytes bytes, read_file(options.reduced));
  if (is_container(bytes)) {
    auto array = decompress(bytes, std::max(1u, std::thread::hardware_concurrency()));
    if (!array.ok()) return std::move(array).error().in(options.reduced);
    reduced = std::move(*array);
    if (options.bound.empty()) {
      ETALON_ASSIGN(const StreamInfo info, inspect(bytes));
      bound = info.bound;
      if (info.regions.size() > 1 && options.regions.empty()) {
        for (const RegionInfo& r : info.regions)
          if (r.bound.value > bound.value) bound = r.bound;
        note(options.reduced + ": has regions; without --region every element is held to the " +
             "loosest bound, " + to_string(bound) + " (etalon info shows each region's own)");
      }
    }
  } else {
    ArrayInput input = options.original;
    input.path = options.reduced;
    input.dataset = options.reduced_dataset;
    ETALON_ASSIGN(reduced, read_input(input));
  }
  if (original.dtype() != reduced.dtype() || !(original.shape() == reduced.shape()))
    return Error{Errc::check, options.reduced + ": is " + std::string(name_of(reduced.dtype())) +
                                  " " + to_string(reduced.shape()) + ", " + options.original.path +
                                  " is " + std::string(name_of(original.dtype())) + " " +
                                  to_string(original.shape())};
  ETALON_ASSIGN(const RegionSet regions, RegionSet::create(options.regions, original.shape()));
  const Verdict v = measure(original, reduced, bound, regions, options.regions);
  ETALON_TRY(report(options, v, original.shape()));
  if (!v.first.found) return {};
  char error[32];
  std::snprintf(error, sizeof error, "%g", v.first.error);
  return Error{Errc::check, options.reduced + ": element " +
                                place_of(v.first.element, original.shape()) + ": region " +
                                v.regions[v.first.region].kind + ": error " + error + " exceeds " +
                                to_string(v.regions[v.first.region].bound)};
}

}  // namespace

void add_verify(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* command = add_command(
      cli, "verify", "Hold what came out of a reduction against the original, element by element",
      options, run);
  command->add_option("original", options->original.path, "HDF5, .npy, CBF or raw file")
      ->required();
  command->add_option("reduced", options->reduced, "Etalon container, or an array file")
      ->required();
  command->add_option("--bound", options->bound,
                      "Bound to hold: lossless or abs:E; by default the container's own "
                      "(the loosest, where it has regions), or lossless");
  command->add_option("--region", options->regions, "Regions with bounds of their own, as compress")
      ->allow_extra_args(false);
  command->add_option("--dataset", options->original.dataset, "HDF5 dataset of the original");
  command->add_option("--reduced-dataset", options->reduced_dataset, "HDF5 dataset of the reduced");
  command->add_option("--dtype", options->original.dtype, "Element type of raw files");
  command->add_option("--shape", options->original.shape, "Extents of raw files");
  command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--science", options->science)->group("");
  command->footer("Exit code 4 when a bound does not hold: the message names the first offender.");
}

}  // namespace etalon::cli
