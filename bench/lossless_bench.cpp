// Lossless coders on the integer images that the arguments name, NAME=PATH or NAME=PATH@DATASET.
#include "side_by_side.hpp"

int main(int argc, char** argv) {
  using namespace etalon::bench;
  return run(argc, argv, [](const Set& set) {
    etalon::CompressOptions options;
    options.mask = set.mask;
    std::vector<Coder> coders = {etalon_chunk("etalon", options),
                                 bitshuffle_lz4(),
                                 bitshuffle_zstd(9),
                                 blosc_bitshuffle_zstd(5),
                                 zstd(1),
                                 jpegxl(3),
                                 memcpy_coder()};
    if (set.series.shape()[0] > 1) coders.insert(coders.begin() + 1, etalon_container(options));
    add(set, coders);
  });
}
