// Frames a second of azimuthal integration, matrix made before: one thread and all of them, the
// widest vectors and the reference. `azimuthal_bench [IMAGE PONI [BINS]]`: without, a made-up frame
// of a Pilatus 2M.
#include <benchmark/benchmark.h>

#include <random>

#include "analyse/azimuthal_series.hpp"
#include "etalon/backend.hpp"
#include "store/poni.hpp"

namespace etalon {
namespace {

struct Input {
  Array image;
  Geometry geometry;
  std::size_t bins = 1000;
};

Input made_up() {
  Input in{Array(DType::i32, {1679, 1475}), {}, 1000};
  std::mt19937 random(1);
  std::poisson_distribution<std::int32_t> counts(100);
  for (std::int32_t& v : in.image.as<std::int32_t>()) v = counts(random);
  in.geometry.ny = 1679;
  in.geometry.nx = 1475;
  Poni poni;
  poni.distance_m = 0.74;
  poni.poni1_m = 0.145;
  poni.poni2_m = 0.133;
  poni.rot1 = 0.002;
  poni.rot2 = -0.003;
  poni.wavelength_m = 1.9e-11;
  poni.pixel1_m = poni.pixel2_m = 172e-6;
  in.geometry = *geometry_of(poni, in.geometry);
  return in;
}

Result<Input> input_of(int argc, char** argv) {
  if (argc < 3) return made_up();
  Input in;
  if (argc > 3) in.bins = static_cast<std::size_t>(std::atoi(argv[3]));
  ETALON_ASSIGN(in.image, read_array(argv[1]));
  if (in.image.shape().rank() != 2) return Error{Errc::usage, "the image needs two axes"};
  in.geometry.ny = in.image.shape()[0];
  in.geometry.nx = in.image.shape()[1];
  ETALON_ASSIGN(const Poni poni, read_poni(argv[2]));
  ETALON_ASSIGN(in.geometry, geometry_of(poni, in.geometry));
  return in;
}

struct Way {
  Splitting splitting;
  bool sigma, all_threads;
  std::string backend;
};

void integrate(benchmark::State& state, const Input& in, const Way& way) {
  AzimuthalOptions options;
  options.bins = in.bins;
  options.splitting = way.splitting;
  options.sigma = way.sigma;
  options.valid = measured_values(in.image.dtype());
  ThreadPool pool;
  auto made = AzimuthalIntegrator::create(in.geometry, {}, options, pool);
  if (!made.ok() || !set_backend(way.backend).ok()) return state.SkipWithError("no start");
  for (auto _ : state)
    if (!made->integrate(in.image.view(), way.all_threads ? &pool : nullptr).ok())
      state.SkipWithError("failed");
  state.counters["frames_per_s"] =
      benchmark::Counter(static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["entries"] = static_cast<double>(made->entries());
  state.SetBytesProcessed(state.iterations() *
                          static_cast<std::int64_t>(in.image.view().size_bytes()));
  if (!set_backend("auto").ok()) state.SkipWithError("no backend");
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  using namespace etalon;
  benchmark::Initialize(&argc, argv);
  const auto in = input_of(argc, argv);
  if (!in.ok()) {
    std::fprintf(stderr, "%s\n", in.error().message.c_str());
    return exit_code(in.error().code);
  }
  for (const Splitting splitting : {Splitting::no, Splitting::bounding_box, Splitting::full})
    for (const bool sigma : {false, true})
      for (const bool all : {false, true})
        for (const std::string name : {"auto", "scalar"}) {
          const std::string title = name + "/" + std::string(name_of(splitting)) +
                                    (sigma ? "/sigma" : "/plain") + (all ? "/all" : "/one");
          benchmark::RegisterBenchmark(title.c_str(), integrate, std::cref(*in),
                                       Way{splitting, sigma, all, name})
              ->UseRealTime()
              ->Unit(benchmark::kMillisecond);
        }
  benchmark::RunSpecifiedBenchmarks();
}
