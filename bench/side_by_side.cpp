#include "side_by_side.hpp"

#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>

#include "etalon/backend.hpp"
#include "store/series_reader.hpp"

namespace etalon::bench {
namespace {

// A coder and a set, encoded once for all repetitions of both directions.
class Pair {
 public:
  Pair(const Coder& coder, const Set& set) : coder_(coder), raw_(set.series.view()) {
    if (coder.whole_series)
      units_.push_back(raw_);
    else
      for (std::size_t i = 0; i < raw_.shape[0]; ++i) units_.push_back(raw_[i]);
  }

  void measure(benchmark::State& state, bool decode) {
    Array out(raw_.dtype, units_[0].shape);
    if (coded_.empty() && !prepare(out)) return state.SkipWithError("fails, or decodes to another");
    for (auto _ : state)
      for (std::size_t i = 0; i < units_.size(); ++i)
        if (decode)
          benchmark::DoNotOptimize(coder_.decode(coded_[i], out.mutable_view()));
        else
          benchmark::DoNotOptimize(coder_.encode(units_[i]));
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * raw_.size_bytes()));
    double bytes = 0;
    for (const Bytes& b : coded_) bytes += static_cast<double>(b.size());
    state.counters["ratio"] = static_cast<double>(raw_.size_bytes()) / bytes;
    state.counters["bits_per_pixel"] = 8 * bytes / static_cast<double>(raw_.count());
  }

 private:
  bool prepare(Array& out) {
    std::vector<Bytes> coded;
    for (const ArrayView& unit : units_) {
      coded.push_back(coder_.encode(unit));
      if (coded.back().empty() || !coder_.decode(coded.back(), out.mutable_view())) return false;
      if (coder_.lossless && std::memcmp(out.view().data, unit.data, unit.size_bytes()) != 0)
        return false;
    }
    coded_ = std::move(coded);
    return true;
  }

  Coder coder_;
  ArrayView raw_;
  std::vector<ArrayView> units_;
  std::vector<Bytes> coded_;
};

}  // namespace

void put(Set& set, std::size_t i, std::size_t count, const ArrayView& image) {
  if (i == 0) set.series = Array(image.dtype, {count, image.shape[0], image.shape[1]});
  std::memcpy(set.series.mutable_view().data + i * image.size_bytes(), image.data,
              image.size_bytes());
}

Result<Set> load(const std::string& argument) {
  const auto equals = argument.find('=');
  if (equals == std::string::npos)
    return Error{Errc::usage, argument + ": not NAME=PATH or NAME=PATH@DATASET"};
  const auto at = argument.find('@', equals);
  OpenOptions options;
  if (at != std::string::npos) options.dataset = argument.substr(at + 1);
  ETALON_ASSIGN(const auto reader,
                open_series(argument.substr(equals + 1, at - equals - 1), options));
  Set set{argument.substr(0, equals), {}, reader->info().mask()};
  for (std::size_t i = 0; i < reader->info().frames; ++i) {
    ETALON_ASSIGN(const Frame frame, reader->read(i));
    put(set, i, reader->info().frames, frame.image.view());
  }
  if (set.series.count() == 0) return Error{Errc::malformed, argument + ": no images"};
  return set;
}

void add(const Set& set, std::span<const Coder> coders) {
  for (const Coder& coder : coders) {
    if (size_of(set.series.dtype()) > coder.widest) continue;
    const auto pair = std::make_shared<Pair>(coder, set);
    for (const bool decode : {false, true})
      benchmark::RegisterBenchmark(
          ((decode ? "decompress/" : "compress/") + coder.name + "/" + set.name).c_str(),
          [pair, decode](benchmark::State& state) { pair->measure(state, decode); })
          ->MinTime(0.2)
          ->Unit(benchmark::kMillisecond);
  }
}

int run(int argc, char** argv, void (*add_set)(const Set&)) {
  const auto fail = [](const Error& error) {
    std::fprintf(stderr, "%s\n", error.message.c_str());
    return exit_code(error.code);
  };
  if (const auto set = set_backend_from_environment(); !set.ok()) return fail(set.error());
  // Freed memory is kept: no coder pays for fresh pages of its output.
  mallopt(M_MMAP_THRESHOLD, 1 << 25);  // the most that malloc takes
  mallopt(M_TRIM_THRESHOLD, -1);
  benchmark::Initialize(&argc, argv);
  std::deque<Set> sets;
  for (int i = 1; i < argc; ++i) {
    auto set = load(argv[i]);
    if (!set.ok()) return fail(set.error());
    sets.push_back(std::move(*set));
    add_set(sets.back());
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace etalon::bench
