// Frames a second of one thread, beside the textbook's five passes in the same run.
#include <benchmark/benchmark.h>

#include "etalon/backend.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"
#include "kernels/peakfinder8/peakfinder8_cases.hpp"
#include "kernels/peakfinder8/peakfinder8_textbook.hpp"

namespace etalon {
namespace {

// A hit of 1024 x 1024 with 150 spots, a blank of the same, and the 1065 x 1030 of an EIGER 1M.
pf8::Case frame(int kind) {
  if (kind == 0) return pf8::serial_case(1024, 1024, 150, 1);
  if (kind == 1) return pf8::serial_case(1024, 1024, 0, 2);
  return pf8::serial_case(1065, 1030, 150, 3);
}

void count(benchmark::State& state, std::size_t peaks, const pf8::Case& c) {
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(c.image.view().size_bytes()));
  state.counters["peaks"] = static_cast<double>(peaks);
}

void etalon_finds(benchmark::State& state, int kind, DType type, const std::string& backend_name) {
  pf8::Case c = frame(kind);
  if (type != DType::u16) {
    std::vector<std::int64_t> values(c.image.count());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = c.image.as<std::uint16_t>()[i];
    c.image = pf8::as_type(values, type, c.geometry);
  }
  auto finder = PeakFinder8::create(c.geometry, c.mask, c.parameters);
  if (!finder.ok() || !set_backend(backend_name).ok()) return state.SkipWithError("cannot start");
  std::size_t peaks = 0;
  for (auto _ : state) peaks = finder->find(c.image.view())->size();
  count(state, peaks, c);
  if (!set_backend("auto").ok()) state.SkipWithError("no backend");
}

void textbook_finds(benchmark::State& state, int kind) {
  const pf8::Case c = frame(kind);
  pf8::Textbook<float> finder(c.geometry, c.mask, c.parameters);
  std::vector<float> image(c.image.count());
  std::size_t peaks = 0;
  for (auto _ : state) {
    const auto counts = c.image.as<std::uint16_t>();
    for (std::size_t i = 0; i < image.size(); ++i) image[i] = counts[i];
    peaks = finder.find(image).size();
  }
  count(state, peaks, c);
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  using namespace etalon;
  const char* kinds[] = {"hit_1024", "blank_1024", "hit_eiger1m"};
  for (int kind = 0; kind < 3; ++kind) {
    const std::string name = kinds[kind];
    benchmark::RegisterBenchmark(("textbook_f32/" + name).c_str(), textbook_finds, kind);
    for (const std::string& backend_name : backends())
      benchmark::RegisterBenchmark((backend_name + "_u16/" + name).c_str(), etalon_finds, kind,
                                   DType::u16, backend_name);
    benchmark::RegisterBenchmark(("auto_u16/" + name).c_str(), etalon_finds, kind, DType::u16,
                                 "auto");
  }
  for (DType type : {DType::u8, DType::i16, DType::i32, DType::f32})
    benchmark::RegisterBenchmark(("auto_" + std::string(name_of(type)) + "/hit_1024").c_str(),
                                 etalon_finds, 0, type, "auto");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
