// Bytes a second of one thread on blocks as detectors make them, beside the scalar reference in the
// same run.
#include <benchmark/benchmark.h>

#include "etalon/backend.hpp"
#include "kernels/bit_shuffle/bit_shuffle.hpp"
#include "kernels/bit_shuffle/bit_shuffle_cases.hpp"

namespace etalon {
namespace {

using Transform = void(ByteSpan, std::span<std::byte>, std::size_t);

void shuffle_block(benchmark::State& state, const std::string& backend, Transform* transform,
                   std::size_t element_size) {
  const Bytes in = bit_shuffle_cases::random_block(8192, 1);
  Bytes out(in.size());
  if (!set_backend(backend).ok()) return state.SkipWithError("no backend");
  for (auto _ : state) {
    transform(in, out, element_size);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(in.size()));
  if (!set_backend("auto").ok()) state.SkipWithError("no backend");
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  using namespace etalon;
  for (const std::size_t size : {1, 2, 4})
    for (const std::string& name : backends()) {
      const std::string element = "/u" + std::to_string(8 * size);
      benchmark::RegisterBenchmark((name + "/shuffle" + element).c_str(), shuffle_block, name,
                                   bit_shuffle, size);
      benchmark::RegisterBenchmark((name + "/unshuffle" + element).c_str(), shuffle_block, name,
                                   bit_unshuffle, size);
    }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
