// Frames a second of one thread, reference and vectors in the same run.
#include <benchmark/benchmark.h>

#include "etalon/backend.hpp"
#include "kernels/dispersion/dispersion_cases.hpp"

namespace etalon {
namespace {

void find(benchmark::State& state, bool extended, DType type, const std::string& backend_name) {
  const pf8::Case base = pf8::serial_case(1065, 1030, 150, 3);
  std::vector<std::int64_t> values(base.image.count());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = base.image.as<std::uint16_t>()[i];
  const Array image = pf8::as_type(values, type, base.geometry);
  DispersionParameters parameters;
  parameters.extended = extended;
  auto finder = Dispersion::create(base.geometry, base.mask, parameters);
  if (!finder.ok() || !set_backend(backend_name).ok()) return state.SkipWithError("cannot start");
  std::size_t peaks = 0;
  for (auto _ : state) peaks = finder->find(image.view())->size();
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(image.view().size_bytes()));
  state.counters["peaks"] = static_cast<double>(peaks);
  if (!set_backend("auto").ok()) state.SkipWithError("no backend");
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  using namespace etalon;
  for (const bool extended : {false, true})
    for (const DType type : {DType::u16, DType::i32, DType::f32})
      for (const std::string& backend_name : backends()) {
        const std::string name = std::string(extended ? "dispersion_extended/" : "dispersion/") +
                                 std::string(name_of(type)) + "/" + backend_name;
        benchmark::RegisterBenchmark(name.c_str(), find, extended, type, backend_name);
      }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
