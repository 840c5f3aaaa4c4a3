// Records added in one transaction, and the hashes that name raw frames, beside SHA-256.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <string>

#include "ledger/ledger.hpp"

namespace {

using namespace etalon;

void add_records(benchmark::State& state) {
  const auto folder = std::filesystem::temp_directory_path() / "etalon_ledger_bench";
  constexpr std::size_t batch = 20000;
  std::int64_t next = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::filesystem::remove_all(folder);
    std::filesystem::create_directory(folder);
    std::vector<Record> records;
    for (std::size_t i = 0; i < batch; ++i, ++next)
      records.push_back({"veto",
                         {{"frame", sha256(bytes_of(std::to_string(next))), ""}},
                         {{"file", sha256(bytes_of(std::to_string(-next))), folder / "out.h5"}},
                         cbor::Map{{"frame", next}, {"score", 17.25}},
                         "etalon 0.1.0"});
    auto ledger = Ledger::open(folder / "ledger.db");
    state.ResumeTiming();
    if (!ledger.ok() || !ledger->add_all(records).ok()) state.SkipWithError("cannot add");
  }
  std::filesystem::remove_all(folder);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}
BENCHMARK(add_records)->Unit(benchmark::kMillisecond)->UseRealTime();

// A 1065 x 1030 frame of u16.
const std::vector<std::byte> frame(1065 * 1030 * 2, std::byte{3});

void frame_sum_of_a_frame(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(frame_sum(frame));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame.size()));
}
BENCHMARK(frame_sum_of_a_frame);

void sha256_of_a_frame(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(sha256(frame));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame.size()));
}
BENCHMARK(sha256_of_a_frame);

void merkle_root_of_100000_frames(benchmark::State& state) {
  const std::vector<FrameSum> leaves(100000);
  for (auto _ : state) benchmark::DoNotOptimize(merkle_root(leaves));
  state.SetItemsProcessed(state.iterations() * 100000);
}
BENCHMARK(merkle_root_of_100000_frames)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
