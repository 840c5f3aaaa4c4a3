// Raw bytes a second of one thread, beside the scalar reference in the same run.
#include <benchmark/benchmark.h>

#include "etalon/backend.hpp"
#include "kernels/jungfrau/jungfrau_cases.hpp"

namespace etalon {
namespace {

void convert(benchmark::State& state, const std::string& backend_name, jungfrau::CommonMode mode) {
  jungfrau::Case c = jungfrau::exposure(512, 1024, 15, 1);
  c.options.common_mode = mode;
  auto constants = jungfrau::make_constants(c.measured, c.energy_kev);
  if (!constants.ok() || !set_backend(backend_name).ok()) return state.SkipWithError("no start");
  auto converter = jungfrau::Converter::create(std::move(*constants), c.options);
  if (!converter.ok()) return state.SkipWithError("no start");
  Array out(DType::i32, c.raw.shape());
  for (auto _ : state)
    if (!converter->convert(c.raw.view(), out.mutable_view()).ok()) state.SkipWithError("failed");
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(c.raw.view().size_bytes()));
  if (!set_backend("auto").ok()) state.SkipWithError("no backend");
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  using namespace etalon;
  using jungfrau::CommonMode;
  for (CommonMode mode : {CommonMode::none, CommonMode::asics, CommonMode::rows})
    for (const std::string& name : backends())
      benchmark::RegisterBenchmark((name + "/" + std::string(jungfrau::name_of(mode))).c_str(),
                                   convert, name, mode);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
