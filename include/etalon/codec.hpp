// Error-bounded, region-aware compression of dense arrays. Every element's bound is verified while
// encoding, and every chunk decodes alone. The format is written down in formats/container.md.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"

#pragma GCC visibility push(default)
namespace etalon {

// How far a decoded element may be from the original. NaN, infinities and -0 come back bit for bit
// under every bound.
struct Bound {
  // The numbers are written in files: never reuse one.
  enum class Kind : std::uint8_t { lossless = 0, abs = 1 };

  Kind kind = Kind::lossless;
  double value = 0;  // abs: largest |decoded - original|, in the units of the array

  static Bound lossless() { return {}; }
  static Bound abs(double value) { return {Kind::abs, value}; }
  bool operator==(const Bound&) const = default;
};

// "lossless" or "abs:E" with E finite and >= 0. Errc::usage otherwise.
Result<Bound> parse_bound(std::string_view text);
std::string to_string(const Bound& bound);

// Elements with a bound of their own over the default. Regions apply to the last two axes (y, x) of
// a chunk.
struct Region {
  std::string kind;  // "peaks", "box", "mask", "annulus": for people; the membership is below
  Bound bound;
  std::vector<std::uint8_t>
      where;  // (y, x) row major, 1 inside; its size is the product of the last two extents
};

struct CompressOptions {
  Bound bound;                  // of elements in no region
  std::vector<Region> regions;  // later ones win where they overlap; at most 15
  std::vector<std::uint8_t>
      mask;     // (y, x), 1 is good; a hint for statistics only, masked elements obey bounds too
  Shape chunk;  // rank 0: one frame a chunk (1, .., y, x) for rank >= 3, else the whole array
  unsigned threads = 1;  // the bytes do not depend on it
};

// What a compressed region holds, as `etalon info` shows it.
struct RegionInfo {
  std::string kind;  // "default" for the elements in no region
  Bound bound;
  std::uint64_t elements = 0;
  double max_error = 0;     // measured while encoding
  std::uint64_t bytes = 0;  // modelled share of the stream
};

struct StreamInfo {
  std::string format;  // "etalon 0.1"
  DType dtype = DType::u8;
  Shape shape, chunk_shape;
  Bound bound;
  std::uint64_t raw_bytes = 0, bytes = 0, chunks = 0;
  std::vector<RegionInfo> regions;  // [0] is the default
};

// A whole array to a container, and back. `compress` fails with Errc::usage for senseless options;
// everything that reads a container fails with Errc::malformed, naming offset and reason, on bytes
// that are not one.
Result<std::vector<std::byte>> compress(const ArrayView& array, const CompressOptions& options);
Result<Array> decompress(std::span<const std::byte> container, unsigned threads = 1);
Result<StreamInfo> inspect(std::span<const std::byte> container);

// Half-open extents along each axis. Touches only the chunks that the box meets.
struct Box {
  struct Range {
    std::size_t begin, end;
  };
  std::vector<Range> axes;
};
Result<Array> decompress_box(std::span<const std::byte> container, const Box& box);

// One chunk by itself: what the HDF5 filter stores, what travels from edge to centre.
// `encode_chunk` is stateless and thread-safe. `elements` is a whole chunk; options.chunk and
// options.threads are not looked at.
Result<std::vector<std::byte>> encode_chunk(const ArrayView& elements,
                                            const CompressOptions& options);
Result<Array> decode_chunk(std::span<const std::byte> chunk);
// The same into memory of the caller's; dtype and shape must be the chunk's.
Result<void> decode_chunk_into(std::span<const std::byte> chunk, const MutableArrayView& out);
Result<StreamInfo> inspect_chunk(std::span<const std::byte> chunk);

// Writes a container chunk by chunk, for series whose length is not known beforehand: chunks lie
// along the first axis.
class ContainerWriter {
 public:
  // `chunk_shape` has the array's rank; its first extent is the number of first-axis steps a chunk
  // holds.
  static Result<ContainerWriter> create(DType dtype, const Shape& chunk_shape, const Bound& bound);
  // Bytes to write next. A chunk must have been encoded with the dtype and chunk shape given at
  // creation.
  std::vector<std::byte> header() const;
  Result<std::vector<std::byte>> chunk(std::span<const std::byte> encoded);
  std::vector<std::byte> finish();  // the trailing index

 private:
  ContainerWriter() = default;
  DType dtype_ = DType::u8;
  Shape chunk_shape_;
  Bound bound_;
  std::uint64_t offset_ = 0;
  struct Entry {
    std::uint64_t offset, size;
  };
  std::vector<Entry> entries_;
};

}  // namespace etalon
#pragma GCC visibility pop
