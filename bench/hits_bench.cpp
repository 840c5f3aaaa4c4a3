// What bounds buy on frames with Bragg peaks: each series named by an argument, NAME=PATH or
// NAME=PATH@DATASET, is searched for peaks; its hits are coded with lossless boxes of 9 x 9 pixels
// round them, one frame a chunk, everything counted. Beside Etalon stands JPEG-LS near-lossless
// (CharLS) with the same boxes. The counters are the results; run.py prints the table.
#include <benchmark/benchmark.h>
#include <charls/charls.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "coders.hpp"
#include "etalon/backend.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"
#include "store/series_reader.hpp"

namespace {

using namespace etalon;

struct Hit {
  Array image;
  Region boxes;
};
struct Hits {
  std::string name;
  std::vector<Hit> hits;
  std::vector<std::uint8_t> mask;
};

constexpr std::size_t fewest_peaks = 15;

Result<Hits> find_hits(const std::string& argument) {
  const auto equals = argument.find('='), at = argument.find('@', equals);
  if (equals == std::string::npos)
    return Error{Errc::usage, argument + ": not NAME=PATH or NAME=PATH@DATASET"};
  OpenOptions options;
  if (at != std::string::npos) options.dataset = argument.substr(at + 1);
  ETALON_ASSIGN(const auto reader,
                open_series(argument.substr(equals + 1, at - equals - 1), options));
  const SeriesInfo& info = reader->info();
  ETALON_ASSIGN(auto finder, PeakFinder8::create(info.geometry, info.mask(), PeakParameters{}));
  Hits found{argument.substr(0, equals), {}, info.mask()};
  for (std::size_t i = 0; i < info.frames; ++i) {
    ETALON_ASSIGN(Frame frame, reader->read(i));
    ETALON_ASSIGN(const auto peaks, finder.find(frame.image.view()));
    if (peaks.size() < fewest_peaks) continue;
    Region boxes{"peaks", Bound::lossless()};
    boxes.half = 4;
    for (const Peak& p : peaks)
      boxes.centres.push_back({static_cast<std::uint32_t>(std::lround(p.y)),
                               static_cast<std::uint32_t>(std::lround(p.x))});
    found.hits.push_back({std::move(frame.image), std::move(boxes)});
  }
  if (found.hits.empty()) return Error{Errc::malformed, argument + ": no hits"};
  return found;
}

void report(benchmark::State& state, const Hits& hits, double bytes) {
  double raw = 0, pixels = 0;
  for (const Hit& h : hits.hits) {
    raw += static_cast<double>(h.image.view().size_bytes());
    pixels += static_cast<double>(h.image.view().count());
  }
  state.counters["ratio"] = raw / bytes;
  state.counters["bits_per_pixel"] = 8 * bytes / pixels;
  state.counters["hits"] = static_cast<double>(hits.hits.size());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(raw));
}

// Whether every element is within its bound, dithered or not.
template <typename T>
bool holds(const Hit& hit, const Array& decoded, const Bound& bound) {
  const auto raw = hit.image.view().as<std::uint16_t>();
  const auto got = decoded.view().as<T>();
  const ArrayView image = hit.image.view();
  const auto inside = hit.boxes.members(image.shape[0], image.shape[1]);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const double tolerance = inside[i] != 0 ? 0 : bound.tolerance(raw[i]);
    if (std::abs(static_cast<double>(got[i]) - raw[i]) > tolerance) return false;
  }
  return true;
}

void etalon_hits(benchmark::State& state, const Hits& hits, const Bound& bound, bool dither) {
  double bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (std::size_t i = 0; i < hits.hits.size(); ++i) {
      CompressOptions options;
      options.bound = bound;
      options.regions = {hits.hits[i].boxes};
      options.mask = hits.mask;
      options.dither = dither;
      options.seed = i;
      const auto chunk = encode_chunk(hits.hits[i].image.view(), options);
      if (!chunk.ok()) return state.SkipWithError(chunk.error().message.c_str());
      bytes += static_cast<double>(chunk->size());
      state.PauseTiming();
      const auto decoded = decode_chunk(*chunk);
      if (!decoded.ok() || !(dither ? holds<std::int32_t>(hits.hits[i], *decoded, bound)
                                    : holds<std::uint16_t>(hits.hits[i], *decoded, bound)))
        return state.SkipWithError("does not hold its bound");
      state.ResumeTiming();
    }
  }
  report(state, hits, bytes);
}

// The frame with masked pixels 0, near-lossless, and the boxes' pixels once more as one zstd frame.
void jpegls_hits(benchmark::State& state, const Hits& hits, int near) {
  const bench::Coder zstd = bench::zstd(19);
  double bytes = 0;
  for (auto _ : state) {
    bytes = 0;
    for (const Hit& hit : hits.hits) try {
        const ArrayView image = hit.image.view();
        const auto ny = static_cast<std::uint32_t>(image.shape[0]);
        const auto nx = static_cast<std::uint32_t>(image.shape[1]);
        const auto raw = image.as<std::uint16_t>();
        std::vector<std::uint16_t> pixels(raw.begin(), raw.end()), inside;
        const auto boxes = hit.boxes.members(ny, nx);
        for (std::size_t i = 0; i < pixels.size(); ++i) {
          if (!hits.mask.empty() && hits.mask[i] == 0) pixels[i] = 0;
          if (boxes[i] != 0) inside.push_back(raw[i]);
        }
        charls::jpegls_encoder encoder;
        encoder.frame_info({nx, ny, 16, 1}).near_lossless(near);
        std::vector<std::uint8_t> out(encoder.estimated_destination_size());
        encoder.destination(out);
        bytes += static_cast<double>(encoder.encode(pixels));
        ArrayView box_pixels;
        box_pixels.data = reinterpret_cast<const std::byte*>(inside.data());
        box_pixels.dtype = DType::u16;
        box_pixels.shape = Shape{inside.size()};
        bytes += static_cast<double>(zstd.encode(box_pixels).size());
      } catch (const charls::jpegls_error& e) {
        return state.SkipWithError(e.what());
      }
  }
  report(state, hits, bytes);
}

void add(const Hits& hits) {
  const auto one = [&](const std::string& coder, const std::string& bound, auto run) {
    benchmark::RegisterBenchmark((coder + "/" + bound + "/" + hits.name).c_str(), run)
        ->Iterations(1)
        ->Unit(benchmark::kMillisecond);
  };
  for (const char* text : {"lossless", "abs:1", "abs:2", "abs:3", "sigma:1", "sigma:2"}) {
    const Bound bound = parse_bound(text).value();
    one("etalon", text, [&hits, bound](auto& state) { etalon_hits(state, hits, bound, false); });
    if (bound.kind != Bound::Kind::abs) continue;
    one("dithered", text, [&hits, bound](auto& state) { etalon_hits(state, hits, bound, true); });
    const int near = static_cast<int>(bound.value);
    one("jpegls", text, [&hits, near](auto& state) { jpegls_hits(state, hits, near); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (const auto set = set_backend_from_environment(); !set.ok()) {
    std::fprintf(stderr, "%s\n", set.error().message.c_str());
    return exit_code(set.error().code);
  }
  benchmark::Initialize(&argc, argv);
  std::deque<Hits> series;
  for (int i = 1; i < argc; ++i) {
    auto hits = find_hits(argv[i]);
    if (!hits.ok()) {
      std::fprintf(stderr, "%s\n", hits.error().message.c_str());
      return exit_code(hits.error().code);
    }
    series.push_back(std::move(*hits));
    add(series.back());
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
