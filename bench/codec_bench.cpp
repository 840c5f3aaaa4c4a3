// Ratio and speed of Etalon's lossless chunks beside what Debian's libraries offer, and memcpy, in
// one run: simulated stills, and serial_a where ETALON_DATA has it. Bytes per second are of raw
// data, on one thread.
#include <benchmark/benchmark.h>
#include <lz4.h>
#include <zstd.h>

#include <cstring>
#include <functional>

#include "base/bytes.hpp"
#include "etalon/backend.hpp"
#include "etalon/codec.hpp"
#include "sim/stills.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

struct Set {
  std::vector<Frame> frames;
  std::vector<std::uint8_t> mask;
  std::size_t bytes() const { return frames.size() * frames[0].image.view().size_bytes(); }
};

const Set& simulated() {
  static const Set set = [] {
    Set s;
    StillsParameters p;
    p.frames = 16;
    if (auto simulator = StillsSimulator::create(p); simulator.ok())
      for (std::uint64_t i = 0; i < p.frames; ++i) s.frames.push_back((*simulator).still(i).frame);
    return s;
  }();
  return set;
}

const Set& serial_a() {
  static const Set set = [] {
    Set s;
    const char* data = std::getenv("ETALON_DATA");
    auto series = open_series(std::string(data == nullptr ? "../shared/data" : data) +
                              "/sim/serial/serial_a.h5");
    if (!series.ok()) return s;
    s.mask = (*series)->info().mask();
    for (std::uint64_t i = 0; i < (*series)->info().frames; ++i)
      if (auto frame = (*series)->read(i); frame.ok()) s.frames.push_back(std::move(*frame));
    return s;
  }();
  return set;
}

// The bit transpose that HDF5's bitshuffle filter applies, block by block of 8 KiB: bit k of all
// elements of a block lie together.
void bitshuffle(const std::byte* in, std::byte* out, std::size_t bytes, std::size_t size) {
  constexpr std::size_t block = 8192;
  std::memcpy(out, in, bytes);
  for (std::size_t b = 0; b + block <= bytes; b += block) {
    const std::size_t n = block / size;
    for (std::size_t k = 0; k < size; ++k)
      for (std::size_t i = 0; i < n; i += 8) {
        std::uint64_t x = 0;
        for (std::size_t j = 0; j < 8; ++j)
          x |= std::uint64_t{static_cast<std::uint8_t>(in[b + (i + j) * size + k])} << (8 * j);
        std::uint64_t t = (x ^ (x >> 7)) & 0x00AA00AA00AA00AAULL;
        x ^= t ^ (t << 7);
        t = (x ^ (x >> 14)) & 0x0000CCCC0000CCCCULL;
        x ^= t ^ (t << 14);
        t = (x ^ (x >> 28)) & 0x00000000F0F0F0F0ULL;
        x ^= t ^ (t << 28);
        for (std::size_t bit = 0; bit < 8; ++bit)
          out[b + (8 * k + bit) * n / 8 + i / 8] = static_cast<std::byte>(x >> (8 * bit));
      }
  }
}

using Encode = std::function<Bytes(const Set&, const Frame&)>;
using Decode = std::function<bool(const Bytes&, const Frame&, std::vector<std::byte>&)>;

Bytes etalon_encode(const Set& set, const Frame& frame, const Bound& bound) {
  CompressOptions options;
  options.bound = bound;
  options.mask = set.mask;
  auto chunk = encode_chunk(frame.image.view(), options);
  return chunk.ok() ? std::move(*chunk) : Bytes{};
}
bool etalon_decode(const Bytes& bytes, const Frame& frame, std::vector<std::byte>& out) {
  return decode_chunk_into(bytes, {out.data(), frame.image.dtype(), frame.image.shape()}).ok();
}

Bytes shuffled(const Frame& frame) {
  const auto raw = frame.image.view().bytes();
  Bytes out(raw.size());
  bitshuffle(raw.data(), out.data(), raw.size(), size_of(frame.image.dtype()));
  return out;
}
Bytes zstd(ByteSpan raw, int level) {
  Bytes out(ZSTD_compressBound(raw.size()));
  out.resize(ZSTD_compress(out.data(), out.size(), raw.data(), raw.size(), level));
  return out;
}
bool unzstd(const Bytes& bytes, const Frame&, std::vector<std::byte>& out) {
  return ZSTD_isError(ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size())) == 0;
}
Bytes lz4(ByteSpan raw) {
  Bytes out(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(raw.size()))));
  out.resize(static_cast<std::size_t>(LZ4_compress_default(
      reinterpret_cast<const char*>(raw.data()), reinterpret_cast<char*>(out.data()),
      static_cast<int>(raw.size()), static_cast<int>(out.size()))));
  return out;
}
bool unlz4(const Bytes& bytes, const Frame&, std::vector<std::byte>& out) {
  return LZ4_decompress_safe(reinterpret_cast<const char*>(bytes.data()),
                             reinterpret_cast<char*>(out.data()), static_cast<int>(bytes.size()),
                             static_cast<int>(out.size())) >= 0;
}

void measure(benchmark::State& state, const Set& (*data)(), const Encode& encode,
             const Decode& decode) {
  const Set& set = data();
  if (set.frames.empty()) return state.SkipWithError("no data");
  std::vector<Bytes> coded;
  double bytes = 0;
  for (const Frame& f : set.frames) {
    coded.push_back(encode(set, f));
    bytes += static_cast<double>(coded.back().size());
  }
  std::vector<std::byte> out(set.frames[0].image.view().size_bytes());
  std::size_t i = 0;
  for (auto _ : state) {
    const Frame& f = set.frames[i % set.frames.size()];
    if (decode) {
      if (!decode(coded[i % coded.size()], f, out)) return state.SkipWithError("does not decode");
      benchmark::DoNotOptimize(out.data());
    } else {
      benchmark::DoNotOptimize(encode(set, f));
    }
    ++i;
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * out.size()));
  const double raw = static_cast<double>(set.bytes());
  state.counters["ratio"] = raw / bytes;
  state.counters["bits_per_pixel"] =
      8 * bytes / (raw / static_cast<double>(size_of(set.frames[0].image.dtype())));
}

struct Coder {
  std::string name;
  Encode encode;
  Decode decode;
};

void add_all() {
  std::vector<Coder> coders = {
      {"memcpy",
       [](const Set&, const Frame& f) {
         const auto raw = f.image.view().bytes();
         return Bytes(raw.begin(), raw.end());
       },
       [](const Bytes& b, const Frame&, std::vector<std::byte>& out) {
         std::memcpy(out.data(), b.data(), b.size());
         return true;
       }},
      {"lz4", [](const Set&, const Frame& f) { return lz4(f.image.view().bytes()); }, unlz4},
      {"bitshuffle_lz4", [](const Set&, const Frame& f) { return lz4(shuffled(f)); }, nullptr},
      {"zstd1", [](const Set&, const Frame& f) { return zstd(f.image.view().bytes(), 1); }, unzstd},
      {"bitshuffle_zstd1", [](const Set&, const Frame& f) { return zstd(shuffled(f), 1); },
       nullptr},
      {"bitshuffle_zstd9", [](const Set&, const Frame& f) { return zstd(shuffled(f), 9); },
       nullptr},
  };
  const std::pair<const char*, Bound> bounds[] = {
      {"lossless", Bound::lossless()}, {"abs1", Bound::abs(1)}, {"abs3", Bound::abs(3)}};
  for (const auto& [name, bound] : bounds)
    coders.push_back(
        {std::string("etalon_") + name,
         [bound = bound](const Set& s, const Frame& f) { return etalon_encode(s, f, bound); },
         etalon_decode});
  for (const auto& [set_name, set] : {std::pair{"stills", &simulated}, {"serial_a", &serial_a}})
    for (const Coder& c : coders) {
      const std::string tail = c.name + "/" + set_name;
      benchmark::RegisterBenchmark(("compress/" + tail).c_str(), [set = set, encode = c.encode](
                                                                     benchmark::State& s) {
        measure(s, set, encode, nullptr);
      })->Unit(benchmark::kMillisecond);
      if (!c.decode) continue;  // their bit transpose would have to be undone as well
      benchmark::RegisterBenchmark(("decompress/" + tail).c_str(), [set = set,
                                                                    c](benchmark::State& s) {
        measure(s, set, c.encode, c.decode);
      })->Unit(benchmark::kMillisecond);
    }
}

}  // namespace
}  // namespace etalon

int main(int argc, char** argv) {
  if (!etalon::set_backend_from_environment().ok()) return 2;
  etalon::add_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
