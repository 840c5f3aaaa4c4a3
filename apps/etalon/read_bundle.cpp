#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "bundle_command.hpp"
#include "cli.hpp"
#include "store/array_file.hpp"
#include "store/bundle_make.hpp"
#include "store/file.hpp"
#include "store/ordering.hpp"

namespace etalon::cli {
namespace {

unsigned all_threads() { return std::max(1u, std::thread::hardware_concurrency()); }

// Names of ways that elements were put in order, for people.
std::string order_text(const BundlePlan& plan, const BundleArray& a) {
  if (a.order == Order::stored) return "stored";
  if (a.order == Order::mesh) return "mesh";
  return plan.reordered && a.role != Role::own ? "changed" : "-";
}

// Places of one array's elements that went the same way in both files.
struct Pair {
  std::uint32_t original, reduced;
};

// The arrays of a scan beside those of a bundle: segments of both follow each other in the file.
Result<std::vector<Pair>> pairs_of(const Scan& scan, const BundlePlan& plan) {
  const auto differ = [] {
    return Error{Errc::check, "what is not in its arrays differs from the original's"};
  };
  if (scan.skeleton != plan.skeleton || scan.segments.size() != plan.segments.size())
    return differ();
  std::vector<Pair> pairs;
  std::vector<bool> seen(scan.arrays.size());
  for (std::size_t s = 0; s < scan.segments.size(); ++s) {
    const auto &a = scan.segments[s].columns, &b = plan.segments[s].columns;
    if (a.size() != b.size()) return differ();
    for (std::size_t c = 0; c < a.size(); ++c) {
      const auto& about = plan.arrays[b[c].array];
      const Array& elements = scan.arrays[a[c].array].elements;
      if (about.dtype != elements.dtype() || !(about.shape == elements.shape())) return differ();
      if (!seen[a[c].array]) pairs.push_back({a[c].array, b[c].array});
      seen[a[c].array] = true;
    }
  }
  return pairs;
}

struct Held {
  std::string name;
  Bound bound;
  std::uint64_t elements = 0, invalid = 0, violations = 0;
  std::uint64_t first = 0;  // of the violations
  double max_error = 0;
};

template <typename T>
void hold(std::span<const T> x, std::span<const T> y, std::span<const std::uint8_t> valid,
          Held& held) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::memcmp(&x[i], &y[i], sizeof(T)) == 0) continue;
    if (!valid.empty() && valid[i] == 0) {  // came back as a declared fill
      ++held.invalid;
      continue;
    }
    const auto a = static_cast<double>(x[i]);
    const double distance = std::abs(static_cast<double>(y[i]) - a);
    const bool good = is_float(DTypeOf<T>::value) && distance <= held.bound.tolerance(a);
    if (std::isfinite(distance))
      held.max_error = std::max(held.max_error, held.bound.error(a, distance));
    if (good) continue;
    if (held.violations++ == 0) held.first = i;
  }
}

Result<Scan> scan_original(const ArrayInput& original, const BundlePlan& plan) {
  if (plan.format == "npy" || plan.format == "raw") {
    ETALON_ASSIGN(const Array array, read_input(original));
    return scan_of_array(array, plan.skeleton, plan.format);
  }
  ETALON_ASSIGN(const Bytes file, read_file(original.path));
  const auto exact = [&](const std::string& name) {
    for (const BundleArray& a : plan.arrays)
      if (a.name == name && a.role != Role::own) return a.bound.kind == Bound::Kind::lossless;
    return true;
  };
  auto scan = scan_file(file, exact);
  if (!scan.ok()) return std::move(scan).error().in(original.path);
  return scan;
}

Result<std::vector<Held>> hold_bundle(const ArrayInput& original, ByteSpan bytes) {
  ETALON_ASSIGN(const ParsedBundle bundle, parse_bundle(bytes));
  ETALON_TRY(restore_file(bytes, all_threads()));
  ETALON_ASSIGN(const std::vector<Array> arrays, decode_arrays(bundle, all_threads()));
  ETALON_ASSIGN(Scan scan, scan_original(original, bundle.plan));
  ETALON_ASSIGN(const std::vector<Pair> pairs, pairs_of(scan, bundle.plan));
  Permutation order;
  if (bundle.plan.reordered) {
    std::vector<std::string> positions;
    for (const BundleArray& a : bundle.plan.arrays)
      if (a.role == Role::positions) positions.push_back(a.name);
    ETALON_ASSIGN(order, order_of(scan, positions));
  }
  std::vector<Held> all;
  for (const auto& [from, to] : pairs) {
    const BundleArray& about = bundle.plan.arrays[to];
    Array x = scan.arrays[from].elements;
    if (!order.empty() && x.shape().rank() > 0 && x.shape()[0] == order.size())
      x = put_in_order(x.view(), 0, order);
    Held held{about.name, about.bound, x.count()};
    std::span<const std::uint8_t> valid;
    if (about.has_mask) valid = arrays[about.mask].as<std::uint8_t>();
    const Array& back = arrays[to];
    visit(x.dtype(), [&](auto zero) {
      using T = decltype(zero);
      hold<T>(std::as_const(x).as<T>(), back.as<T>(), valid, held);
    });
    all.push_back(held);
  }
  return all;
}

}  // namespace

Result<void> decompress_bundle(const std::string& input, const BundleOutput& output) {
  ETALON_ASSIGN(const Bytes bytes, read_file(input));
  const auto inside = [&](Error error) { return std::move(error).in(input); };
  const auto bundle = parse_bundle(bytes);
  if (!bundle.ok()) return inside(bundle.error());
  const std::string& format = bundle->plan.format;
  const bool single = format == "npy" || format == "raw";
  const auto finish = [&]() -> Result<void> {
    if (!output.json) {
      note(input + ": " + format + " -> " + output.path);
      return {};
    }
    const nlohmann::json report = {{"schema", "etalon.decompress/1"},
                                   {"input", input},
                                   {"output", output.path},
                                   {"file_format", format},
                                   {"exact", bundle->plan.exact}};
    return print_report(report.dump(2), output.path);
  };
  if (single && output.path != "-") {
    auto arrays = decode_arrays(*bundle, output.threads);
    if (!arrays.ok()) return inside(std::move(arrays).error());
    ETALON_TRY(write_array(output.path, arrays->back().view(), output.overwrite));
    return finish();
  }
  auto file = restore_file(bytes, output.threads);
  if (!file.ok()) return inside(std::move(file).error());
  ETALON_ASSIGN(OutputFile out, OutputFile::create(output.path, output.overwrite));
  ETALON_TRY(out.write(*file));
  ETALON_TRY(out.commit());
  return finish();
}

Result<void> info_bundle(const std::string& path, bool json) {
  ETALON_ASSIGN(const Bytes bytes, read_file(path));
  auto parsed = parse_bundle(bytes);
  if (!parsed.ok()) return std::move(parsed).error().in(path);
  const BundlePlan& plan = parsed->plan;
  const auto raw = static_cast<double>(plan.file_size), size = static_cast<double>(bytes.size());
  nlohmann::json arrays = nlohmann::json::array();
  char line[400];
  std::string text = "etalon bundle 0.1 of a file of format " + plan.format + "\n";
  std::snprintf(line, sizeof line, "%s -> %s, ratio %.2f%s%s%s\n\n", human_bytes(raw).c_str(),
                human_bytes(size).c_str(), raw / size, plan.exact ? ", byte for byte" : "",
                plan.reordered ? ", elements in another order than they had" : "",
                plan.unpacked ? ", comes back without its own compression" : "");
  text += line;
  std::snprintf(line, sizeof line, "%-24s %-12s %-5s %-16s %-22s %-8s %10s\n", "array", "role",
                "type", "shape", "bound", "order", "bytes");
  text += line;
  for (const BundleArray& a : plan.arrays) {
    arrays.push_back({{"name", a.name},
                      {"role", name_of(a.role)},
                      {"dtype", name_of(a.dtype)},
                      {"shape", a.shape.extents()},
                      {"bound", to_string(a.bound)},
                      {"order", order_text(plan, a)},
                      {"masked", a.has_mask},
                      {"bytes", a.size}});
    std::snprintf(line, sizeof line, "%-24.120s %-12s %-5s %-16s %-22.80s %-8s %10llu\n",
                  a.name.c_str(), std::string(name_of(a.role)).c_str(),
                  std::string(name_of(a.dtype)).c_str(), to_string(a.shape).c_str(),
                  to_string(a.bound).c_str(), order_text(plan, a).c_str(),
                  static_cast<unsigned long long>(a.size));
    text += line;
  }
  if (!json) return print(text);
  const nlohmann::json report = {{"schema", "etalon.info/1"},  {"format", "etalon bundle 0.1"},
                                 {"file_format", plan.format}, {"raw_bytes", plan.file_size},
                                 {"bytes", bytes.size()},      {"ratio", raw / size},
                                 {"exact", plan.exact},        {"reordered", plan.reordered},
                                 {"unpacked", plan.unpacked},  {"arrays", arrays}};
  return print(report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Result<void> verify_bundle(const ArrayInput& original, const std::string& reduced, bool json) {
  ETALON_ASSIGN(const Bytes bytes, read_file(reduced));
  auto all = hold_bundle(original, bytes);
  if (!all.ok()) return std::move(all).error().in(reduced);
  nlohmann::json arrays = nlohmann::json::array();
  char line[400];
  std::snprintf(line, sizeof line, "%-24s %-30s %12s %12s\n", "array", "bound", "elements",
                "max error");
  std::string text = line;
  const Held* worst = nullptr;
  for (const Held& h : *all) {
    const bool holds = h.violations == 0;
    if (!holds && worst == nullptr) worst = &h;
    arrays.push_back({{"name", h.name},
                      {"bound", to_string(h.bound)},
                      {"elements", h.elements},
                      {"refilled", h.invalid},
                      {"max_error", h.max_error},
                      {"violations", h.violations},
                      {"holds", holds}});
    std::snprintf(line, sizeof line, "%-24.120s %-30.100s %12llu %12g  %s\n", h.name.c_str(),
                  to_string(h.bound).c_str(), static_cast<unsigned long long>(h.elements),
                  h.max_error, holds ? "holds" : "VIOLATED");
    text += line;
  }
  const nlohmann::json report = {
      {"schema", "etalon.verify/1"}, {"holds", worst == nullptr}, {"arrays", arrays}};
  ETALON_TRY(print(
      json ? report.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n" : text));
  if (worst == nullptr) return {};
  return Error{Errc::check, reduced + ": array '" + worst->name + "': element " +
                                std::to_string(worst->first) + ": exceeds " +
                                to_string(worst->bound)};
}

}  // namespace etalon::cli
