// Error-bounded, region-aware compression of dense arrays. Every element's bound is verified while
// encoding, and every chunk decodes alone. The format is written down in formats/container.md.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"

#pragma GCC visibility push(default)
namespace etalon {

// How far a decoded element x' may be from the original x. NaN, infinities and -0 come back bit for
// bit under every bound. What an element is allowed is its *tolerance*:
//   lossless  0
//   abs:E     E, in the units of the array
//   rel:R     R (high - low); the range is that of the whole array's finite values, or given
//   pwrel:R   R |x|
//   sigma:S   S sqrt(gain max(x, 0) + noise^2): S standard deviations of a detector that counts
//             `gain` units a photon and reads out with `noise` units
struct Bound {
  // The numbers are written in files: never reuse one.
  enum class Kind : std::uint8_t { lossless = 0, abs = 1, rel = 2, pwrel = 3, sigma = 4 };

  Kind kind = Kind::lossless;
  double value = 0;
  double low = 0, high = 0;    // rel; both 0 while not known
  double gain = 1, noise = 0;  // sigma

  static Bound lossless() { return {}; }
  static Bound abs(double value) { return {Kind::abs, value}; }
  static Bound rel(double value, double low, double high) { return {Kind::rel, value, low, high}; }
  static Bound pwrel(double value) { return {Kind::pwrel, value}; }
  static Bound sigma(double value, double gain = 1, double noise = 0) {
    return {Kind::sigma, value, 0, 0, gain, noise};
  }
  bool operator==(const Bound&) const = default;

  double tolerance(double x) const;  // never negative; NaN for NaN
  // `distance` = |decoded - x| in the bound's own unit, which `value` is in.
  double error(double x, double distance) const;
};

// "lossless", "abs:E", "rel:R[,range=A..B]", "pwrel:R", "sigma:S[,gain=G][,noise=N]"; E, S, N >= 0,
// 0 <= R (pwrel: < 1), G >= 0, all finite. Errc::usage otherwise.
Result<Bound> parse_bound(std::string_view text);
std::string to_string(const Bound& bound);

// Elements with a bound of their own over the default: of the last two axes (y, x), the same in all
// images, or of the whole array.
struct Region {
  std::string kind;  // "peaks", "box", "mask", "annulus", "active": for people; membership is below
  Bound bound;
  std::vector<std::uint8_t> where =
      {};  // row major, 1 inside; as many as the last two extents have, or as all have
  // Or, with `where` empty: squares of side 2 half + 1 round centres, cut off at the image's edges.
  // Spots fall off from their centres, and the codec makes use of that.
  struct Centre {
    std::uint32_t y, x;
  };
  std::vector<Centre> centres = {};
  std::uint32_t half = 0;

  // (y, x) row major, 1 inside. Empty regions of any kind give all 0.
  std::vector<std::uint8_t> members(std::size_t ny, std::size_t nx) const;
};

inline constexpr int least_level = 1, default_level = 5, most_level = 9;

struct CompressOptions {
  Bound bound;                  // of elements in no region
  std::vector<Region> regions;  // later ones win where they overlap; at most 15
  std::vector<std::uint8_t>
      mask;     // (y, x), 1 is good; a hint for statistics only, masked elements obey bounds too
  Shape chunk;  // rank 0: as default_chunk has it
  unsigned threads = 1;  // the bytes do not depend on it
  // How much work the encoder does for the ratio, 1 to 9; every bound holds at every level.
  //   1      memory speed: blocks of numbers of one width each, for lossless, abs and rel bounds
  //          without regions and dither, which go as level 2. Lossless elements of 64 bits are left
  //          to a fast byte compressor
  //   2..4   one way of coding, chosen by samples
  //   5, 6   for floats also the slower coder of small fields, where tables would be dear
  //   7, 8   for floats every way of coding with a bound, whole, and the smallest of them
  //   9      beside them the exact ways, for all types
  int level = default_level;
  // Adds a number that decoder and encoder know, uniform over a quantizer step, before quantizing
  // and takes it away after: errors of abs and rel bounds then have zero mean whatever the signal
  // is, so that sums over many weak elements stay right. Elements of unsigned types must be able
  // to come out negative for that: they become the signed type of twice the width. Not for 64-bit
  // integers. Every chunk needs another seed; `compress` sees to it.
  bool dither = false;
  std::uint64_t seed = 0;
};

// The chunk shape for an array: one image (1, .., y, x) of integers, or as many of fewer than 4096
// elements as make 2^16; of floats, whose images tell much of one another, whole images up to 2^22
// elements. Arrays of fewer than three axes are one. `compress` takes integers for floats where the
// first images are better coded together by 5 %.
Shape default_chunk(DType dtype, const Shape& shape);

// What a compressed region holds, as `etalon info` shows it.
struct RegionInfo {
  std::string kind;  // "default" for the elements in no region
  Bound bound;
  std::uint64_t elements = 0;
  double max_error = 0;     // measured while encoding, in the bound's own unit
  std::uint64_t bytes = 0;  // modelled share of the stream
};

struct StreamInfo {
  std::string format;        // "etalon 0.2"
  DType dtype = DType::u8;   // of the decoded elements
  DType source = DType::u8;  // of the original ones: another type with dither
  Shape shape, chunk_shape;
  Bound bound;
  std::uint64_t raw_bytes = 0, bytes = 0, chunks = 0;
  std::vector<RegionInfo> regions;  // [0] is the default
};

// The type that elements of `dtype` come back as when they were dithered.
constexpr DType dithered_dtype(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return DType::i16;
    case DType::u16:
      return DType::i32;
    case DType::u32:
      return DType::i64;
    default:
      return dtype;
  }
}

// The range of finite values, which may be gathered piece by piece. Nothing yet: low > high.
struct ValueRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(const ArrayView& piece);
  double width() const { return low < high ? high - low : 0; }
};

// Whether a rel bound has no range yet.
bool needs_range(const CompressOptions& options);
// Gives every rel bound without a range that of the whole array's finite values. Where that is
// empty or 0 wide the bound is lossless.
CompressOptions with_ranges(CompressOptions options, const ValueRange& range);
CompressOptions with_ranges(CompressOptions options, const ArrayView& whole);

// What a whole array may have instead of a bound: psnr:D, a peak signal-to-noise ratio
// 20 log10((high - low) / root mean square error) of at least D decibel over finite values;
// ratio:X, a container of at most 1/X of the array's bytes.
struct Target {
  enum class Kind : std::uint8_t { psnr, ratio };
  Kind kind = Kind::psnr;
  double value = 0;
};
// "psnr:D" or "ratio:X". Errc::usage otherwise.
Result<Target> parse_target(std::string_view text);
bool names_target(std::string_view text);  // whether it begins as one

// The abs bound under which `compress` meets the target: for psnr the loosest found, for ratio the
// tightest. options.bound is not looked at; regions keep their bounds. Errc::check where
// no bound meets it.
Result<Bound> find_bound(const ArrayView& array, const CompressOptions& options,
                         const Target& target);

// A whole array to a container, and back. `compress` fails with Errc::usage for senseless options;
// everything that reads a container fails with Errc::malformed, naming offset and reason, on bytes
// that are not one.
Result<std::vector<std::byte>> compress(const ArrayView& array, const CompressOptions& options);
Result<Array> decompress(std::span<const std::byte> container, unsigned threads = 1);
// The same into memory of the caller's; Errc::usage when dtype and shape are not the container's.
// After an error the memory may hold some of it.
Result<void> decompress_into(std::span<const std::byte> container, const MutableArrayView& out,
                             unsigned threads = 1);
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
  // holds. `dtype` is that of the decoded elements, `source` that of the original ones.
  static Result<ContainerWriter> create(DType dtype, const Shape& chunk_shape, const Bound& bound,
                                        DType source);
  static Result<ContainerWriter> create(DType dtype, const Shape& chunk_shape, const Bound& bound) {
    return create(dtype, chunk_shape, bound, dtype);
  }
  // Bytes to write next. A chunk must have been encoded with the dtype and chunk shape given at
  // creation; the last one may have a smaller first extent.
  std::vector<std::byte> header() const;
  Result<std::vector<std::byte>> chunk(std::span<const std::byte> encoded);
  std::vector<std::byte> finish();  // the trailing index
  // The same for an array of this shape, whose chunks came in raster order. Errc::usage when it has
  // not as many.
  Result<std::vector<std::byte>> finish(const Shape& shape);

 private:
  ContainerWriter() = default;
  DType dtype_ = DType::u8, source_ = DType::u8;
  Shape chunk_shape_;
  Bound bound_;
  std::uint64_t offset_ = 0, steps_ = 0;
  struct Entry {
    std::uint64_t offset, size;
  };
  std::vector<Entry> entries_;
};

}  // namespace etalon
#pragma GCC visibility pop
