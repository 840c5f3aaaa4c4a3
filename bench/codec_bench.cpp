// Etalon's bounds, and lossless with every backend, beside lossless peers: simulated stills, and
// the series that the arguments name, NAME=PATH or NAME=PATH@DATASET.
#include "etalon/backend.hpp"
#include "side_by_side.hpp"
#include "sim/stills.hpp"

namespace {

using namespace etalon;
using namespace etalon::bench;

Set stills() {
  StillsParameters p;
  p.frames = 16;
  Set set{"stills", {}, {}};
  const auto simulator = StillsSimulator::create(p);
  if (!simulator.ok()) return set;
  for (std::size_t i = 0; i < p.frames; ++i)
    put(set, i, p.frames, simulator->still(i).frame.image.view());
  return set;
}

void add_set(const Set& set) {
  CompressOptions options;
  options.mask = set.mask;
  std::vector<Coder> coders = {etalon_chunk("etalon", options)};
  for (const std::string& name : backends()) coders.push_back(etalon_backend(name, options));
  options.level = 1;
  coders.push_back(etalon_chunk("etalon_level1", options));
  options.level = default_level;
  for (const int e : {1, 3}) {
    options.bound = Bound::abs(e);
    coders.push_back(etalon_chunk("etalon_abs" + std::to_string(e), options));
  }
  options.bound = Bound::sigma(1);
  coders.push_back(etalon_chunk("etalon_sigma1", options));
  options.bound = Bound::abs(3);
  options.dither = true;
  coders.push_back(etalon_chunk("etalon_dithered3", options));
  // It comes back as another type than the images'.
  coders.back().decode = [](ByteSpan bytes, const MutableArrayView&) {
    return decode_chunk(bytes).ok();
  };
  for (const Coder& peer : {bitshuffle_lz4(), bitshuffle_zstd(9), zstd(1), memcpy_coder()})
    coders.push_back(peer);
  add(set, coders);
}

}  // namespace

int main(int argc, char** argv) {
  const Set simulated = stills();
  if (simulated.series.count() == 0) return 1;
  add_set(simulated);
  return run(argc, argv, add_set);
}
