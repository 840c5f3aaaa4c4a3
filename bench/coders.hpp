// Coders side by side: Etalon, memcpy, and what Debian packages offer. Each takes one image as a
// whole and uses one thread.
#pragma once

#include <functional>
#include <string>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"

namespace etalon::bench {

struct Coder {
  std::string name;
  std::function<Bytes(const ArrayView&)> encode;  // empty: it failed
  // Into memory of the image's type and shape; false: it failed.
  std::function<bool(ByteSpan, const MutableArrayView&)> decode;
  bool lossless = true;
  bool whole_series = false;  // takes all images as one array
  std::size_t widest = 8;     // bytes of the widest elements it takes
};

Coder etalon_chunk(const std::string& name, const CompressOptions& options);
// With one backend, "etalon_BACKEND", whichever is in force otherwise.
Coder etalon_backend(const std::string& backend, const CompressOptions& options);
// A container as `etalon compress` writes it.
Coder etalon_container(const CompressOptions& options);

Coder memcpy_coder();
// bitshuffle's own format: blocks of 8 KiB, each transposed and LZ4-coded. What DECTRIS detectors
// send.
Coder bitshuffle_lz4();
// Bits transposed in blocks of 8 KiB by the bitshuffle library, then one zstd frame over the image,
// which is smaller than a zstd frame a block.
Coder bitshuffle_zstd(int level);
Coder zstd(int level);
// C-Blosc 1, with its own choice of block size: Debian 12 has no C-Blosc 2.
Coder blosc_bitshuffle_zstd(int level);
// Modular JPEG XL, of 8 and 16 bits. Signed elements go as the same bits, unsigned.
Coder jpegxl(int effort);

}  // namespace etalon::bench
