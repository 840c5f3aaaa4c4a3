// A chunk's bytes: sections, and the head that says what the chunk is. formats/container.md.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "codec/counts.hpp"
#include "codec/limits.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

// How a chunk's elements are coded. The numbers are written in files.
enum class Engine : std::uint8_t {
  stored = 0,    // as they are
  zstd = 1,      // their bytes through zstd
  planes = 2,    // byte planes of differences through the entropy coder: exact, any type
  counts = 3,    // integers of at most 32 bits
  scaled = 4,    // floats on a grid, as counts of i32
  offset = 5,    // 64-bit integers less the least of them, as counts of u32
  binned = 6,    // counts, where some labels hold the bins of a bound that grows with the value
  dithered = 7,  // integers, quantized with a dither that is taken away again, as counts of i32
  fields = 8,    // floats, foretold level by level
  packed = 9,    // blocks of numbers of one width each
};

enum class Tag : std::uint8_t {
  head = 1,
  side = 2,
  symbols = 3,
  bits = 4,
  exact = 5,    // elements that the grid cannot hold, as byte planes
  data = 6,     // of stored, zstd, planes and packed
  escapes = 7,  // numbers too rare for a table
  first_skippable = 128,
  padding = 128,
};

struct ChunkHead {
  DType dtype = DType::u8;
  Shape shape;
  Engine engine = Engine::stored;
  std::vector<RegionInfo> regions;       // [0] is the default
  Planes planes = Planes::small_joined;  // joined: the regions' map covers the chunk
  std::vector<std::uint64_t> fills;      // bit patterns of elements that are not coded
  double step = 0;                       // scaled: what 1 stands for
  DType source = DType::u8;              // of the original elements
  bool dither = false;                   // dithered: always, scaled: perhaps
  std::uint64_t seed = 0;                // of the dither
  std::uint64_t base = 0;                // offset: bit pattern of what 0 stands for
  double allowance = 0;                  // fields: what rounding takes of every tolerance
};

struct ChunkParts {
  ChunkHead head;
  ByteSpan side, symbols, bits, exact, data, escapes;
};

inline constexpr std::array<char, 3> chunk_magic = {'E', 't', 'c'};
inline constexpr std::size_t chunk_prefix_bytes = 12;  // magic, version, size, checksum

// One chunk from its parts; fills in the padding that plausibility asks for.
Bytes assemble_chunk(const ChunkParts& parts);
// Checks the checksum and everything that `head` declares.
Result<ChunkParts> parse_chunk(ByteSpan bytes);

}  // namespace etalon::codec
