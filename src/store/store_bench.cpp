// Chunks into NXmx by direct chunk write: bytes a second, beside the least that HDF5 can do with
// the same chunks (one dataset, H5Dwrite_chunk and nothing else) and the page cache without HDF5
// (write()).
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "codec/hdf5_filter.hpp"
#include "etalon/codec.hpp"
#include "store/hdf5.hpp"
#include "store/nxmx_writer.hpp"

namespace etalon {
namespace {

constexpr std::size_t ny = 1065, nx = 1030, frames = 200;

struct Input {
  SeriesInfo info;
  Bytes chunk;
  StreamInfo about;
  std::vector<Peak> peaks = std::vector<Peak>(50);
};

const Input& input() {
  static const Input made = [] {
    Input in;
    in.info.name = "bench";
    in.info.dtype = DType::u16;
    in.info.geometry.ny = ny;
    in.info.geometry.nx = nx;
    Array frame(DType::u16, {1, ny, nx});
    std::mt19937 random(1);
    std::poisson_distribution<int> counts(3);
    for (auto& pixel : frame.as<std::uint16_t>())
      pixel = static_cast<std::uint16_t>(counts(random));
    in.chunk = encode_chunk(frame.view(), {}).value();
    in.about = inspect_chunk(in.chunk).value();  // as whoever receives a chunk does
    return in;
  }();
  return made;
}

std::string file() {
  return (std::filesystem::temp_directory_path() /
          ("etalon_store_bench_" + std::to_string(::getpid()) + ".h5"))
      .string();
}

void finish(benchmark::State& state, std::uint64_t written) {
  std::filesystem::remove(file());
  state.SetBytesProcessed(static_cast<std::int64_t>(written));
}

// All but finish(), whose sync is the disk's: what keeps up with a detector is the page cache.
void nxmx(benchmark::State& state) {
  const Input& in = input();
  std::uint64_t written = 0;
  for (auto _ : state) {
    auto writer = state.range(0) == 0
                      ? NxmxWriter::create(file(), in.info, Bound::lossless(), true)
                      : NxmxWriter::create_live(file(), in.info, Bound::lossless(), true, false);
    if (!writer.ok()) return state.SkipWithError(writer.error().message.c_str());
    for (std::uint64_t i = 0; i < frames; ++i) {
      auto done = writer->append_inspected(i, static_cast<double>(i), in.chunk, in.about, in.peaks);
      if (!done.ok()) return state.SkipWithError(done.error().message.c_str());
    }
    written += frames * in.chunk.size();
  }
  finish(state, written);
}

void bare_hdf5(benchmark::State& state) {
  const Input& in = input();
  const FilterSettings settings{DType::u16, {1, ny, nx}, Bound::lossless()};
  const std::vector<unsigned> values = to_cd_values(settings);
  std::uint64_t written = 0;
  for (auto _ : state) {
    const h5::Lock lock;
    const h5::Id out(H5Fcreate(file().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    const hsize_t extents[] = {frames, ny, nx}, chunk[] = {1, ny, nx};
    const h5::Id space(H5Screate_simple(3, extents, nullptr)), plist(H5Pcreate(H5P_DATASET_CREATE));
    H5Pset_chunk(plist, 3, chunk);
    H5Pset_filter(plist, hdf5_filter_id, H5Z_FLAG_MANDATORY, values.size(), values.data());
    const h5::Id data(
        H5Dcreate2(out, "data", H5T_NATIVE_UINT16, space, H5P_DEFAULT, plist, H5P_DEFAULT));
    for (hsize_t i = 0; i < frames; ++i) {
      const hsize_t at[] = {i, 0, 0};
      if (H5Dwrite_chunk(data, H5P_DEFAULT, 0, at, in.chunk.size(), in.chunk.data()) < 0)
        return state.SkipWithError("H5Dwrite_chunk");
    }
    written += frames * in.chunk.size();
  }
  finish(state, written);
}

void page_cache(benchmark::State& state) {
  const Input& in = input();
  std::uint64_t written = 0;
  for (auto _ : state) {
    const int fd = ::open(file().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    for (std::size_t i = 0; i < frames; ++i)
      if (::write(fd, in.chunk.data(), in.chunk.size()) != static_cast<ssize_t>(in.chunk.size()))
        return state.SkipWithError("write");
    ::close(fd);
    written += frames * in.chunk.size();
  }
  finish(state, written);
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  using namespace etalon;
  benchmark::RegisterBenchmark("write()", page_cache);
  benchmark::RegisterBenchmark("bare_hdf5", bare_hdf5);
  benchmark::RegisterBenchmark("nxmx", nxmx)->Arg(0)->ArgName("live");
  benchmark::RegisterBenchmark("nxmx", nxmx)->Arg(1)->ArgName("live");
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
