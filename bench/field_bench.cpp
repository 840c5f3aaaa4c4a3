// Coders of floating-point fields, by the arguments NAME=PATH (whatever read_array reads), each at
// bounds of 1e-2, 1e-3 and 1e-4 of its range. ETALON_FIELD_PEERS names peers beside zfp, as
// shared_object_fields takes them, with commas between. The counters are the results of the
// benchmarks CODER/BOUND/FIELD; run.py prints the table.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <sstream>

#include "etalon/backend.hpp"
#include "field_coders.hpp"
#include "store/series_reader.hpp"

namespace {

using namespace etalon;

struct Field {
  std::string name;
  Array array;
  double range = 0;
};

Result<Field> load(const std::string& argument) {
  const auto equals = argument.find('=');
  if (equals == std::string::npos) return Error{Errc::usage, argument + ": not NAME=PATH"};
  ETALON_ASSIGN(Array array, read_array(argument.substr(equals + 1), {}));
  if (!is_float(array.view().dtype)) return Error{Errc::malformed, argument + ": not f32 or f64"};
  ValueRange range;
  range.add(array.view());
  return Field{argument.substr(0, equals), std::move(array), range.width()};
}

Result<std::vector<bench::FieldCoder>> coders() {
  CompressOptions fast, slow;
  fast.level = least_level;
  slow.level = most_level;
  std::vector<bench::FieldCoder> all = {
      bench::etalon_fields("etalon", {}), bench::etalon_fields("etalon_level1", fast),
      bench::etalon_fields("etalon_level9", slow), bench::zfp_fields()};
  if (const char* const peers = std::getenv("ETALON_FIELD_PEERS")) {
    std::stringstream list(peers);
    for (std::string peer; std::getline(list, peer, ',');) {
      ETALON_ASSIGN(auto coder, bench::shared_object_fields(peer));
      all.push_back(std::move(coder));
    }
  }
  return all;
}

void run(benchmark::State& state, const bench::FieldCoder& coder, const Field& field, double rel) {
  const double bound = rel * field.range;
  const ArrayView view = field.array.view();
  bench::FieldFigures f;
  for (auto _ : state) f = bench::measure(coder, view, bound);
  if (!f.worked) return state.SkipWithError("fails");
  const auto raw = static_cast<double>(view.size_bytes());
  state.counters["bytes"] = raw;
  state.counters["ratio"] = raw / f.bytes;
  state.counters["encode"] = raw / f.encode_s;  // bytes a second of CPU time
  state.counters["decode"] = raw / f.decode_s;
  state.counters["psnr"] = f.psnr;
  state.counters["error_over_bound"] = f.error / bound;
  state.counters["specials_lost"] = f.specials_lost;
}

int fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return exit_code(error.code);
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto set = set_backend_from_environment(); !set.ok()) return fail(set.error());
  benchmark::Initialize(&argc, argv);
  const auto all = coders();
  if (!all.ok()) return fail(all.error());
  std::deque<Field> fields;
  for (int i = 1; i < argc; ++i) {
    auto field = load(argv[i]);
    if (!field.ok()) return fail(field.error());
    fields.push_back(std::move(*field));
    for (const char* rel : {"1e-2", "1e-3", "1e-4"})
      for (const bench::FieldCoder& coder : *all)
        benchmark::RegisterBenchmark((coder.name + "/" + rel + "/" + fields.back().name).c_str(),
                                     [&coder, &field = fields.back(), rel](auto& state) {
                                       run(state, coder, field, std::atof(rel));
                                     })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
