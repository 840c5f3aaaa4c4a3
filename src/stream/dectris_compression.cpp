#include "stream/dectris_compression.hpp"

#include <lz4.h>

#include <algorithm>
#include <string>

#include "kernels/bit_shuffle/bit_shuffle.hpp"

namespace etalon {
namespace {

constexpr std::size_t header_bytes = 12, largest_block = 0x7E000000;  // LZ4's own limit
constexpr std::size_t shuffled_block = 8192, plain_block = std::size_t{1} << 20;

// Framing is big-endian.
template <typename T>
T read_be(ByteSpan bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | static_cast<T>(bytes[i]);
  return value;
}

template <typename T>
void write_be(Bytes& out, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;) out.push_back(static_cast<std::byte>(value >> (8 * i)));
}

Error malformed(const std::string& reason) { return {Errc::malformed, reason}; }

// One block after another: its length, then its bytes.
class Blocks {
 public:
  Blocks(ByteSpan payload) : left_(payload) {}

  Result<ByteSpan> next() {
    if (left_.size() < 4) return malformed("truncated before a block");
    const auto size = read_be<std::uint32_t>(left_);
    if (size > left_.size() - 4) return malformed("truncated inside a block");
    const ByteSpan block = left_.subspan(4, size);
    left_ = left_.subspan(4 + size);
    return block;
  }
  ByteSpan left() const { return left_; }

 private:
  ByteSpan left_;
};

Result<void> inflate(ByteSpan block, std::span<std::byte> out) {
  const int made = LZ4_decompress_safe(
      reinterpret_cast<const char*>(block.data()), reinterpret_cast<char*>(out.data()),
      static_cast<int>(block.size()), static_cast<int>(out.size()));
  if (made < 0 || static_cast<std::size_t>(made) != out.size())
    return malformed("a block is no LZ4 block of " + std::to_string(out.size()) + " bytes");
  return {};
}

void append_deflated(Bytes& out, ByteSpan block, bool may_store) {
  const std::size_t at = out.size();
  const int room = LZ4_compressBound(static_cast<int>(block.size()));
  out.resize(at + 4 + static_cast<std::size_t>(room));
  auto made = static_cast<std::size_t>(LZ4_compress_default(
      reinterpret_cast<const char*>(block.data()), reinterpret_cast<char*>(out.data() + at + 4),
      static_cast<int>(block.size()), room));
  // The LZ4 filter takes a block of its full size as stored; Bitshuffle's knows no such thing.
  if (may_store && made >= block.size()) {
    made = block.size();
    std::copy(block.begin(), block.end(), out.begin() + static_cast<std::ptrdiff_t>(at) + 4);
  }
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::byte>(made >> (8 * (3 - i)));
  out.resize(at + 4 + made);
}

}  // namespace

std::string_view name_of(DectrisCompression compression) {
  constexpr std::string_view names[] = {"none", "lz4", "bslz4"};
  return names[static_cast<int>(compression)];
}

Result<DectrisCompression> parse_dectris_compression(std::string_view name) {
  for (const auto c :
       {DectrisCompression::none, DectrisCompression::lz4, DectrisCompression::bslz4})
    if (name_of(c) == name) return c;
  return Error{Errc::usage,
               "compression '" + std::string(name) + "': there are none, lz4 and bslz4"};
}

bool is_plausible(DectrisCompression compression, std::size_t payload_bytes, std::size_t bytes) {
  if (compression == DectrisCompression::none) return payload_bytes == bytes;
  return bytes / 255 <= payload_bytes;  // no LZ4 block expands more
}

Result<void> decompress_dectris(DectrisCompression compression, std::size_t element_size,
                                ByteSpan payload, std::span<std::byte> out) {
  if (compression == DectrisCompression::none) {
    if (payload.size() != out.size())
      return malformed(std::to_string(payload.size()) + " bytes, " + std::to_string(out.size()) +
                       " are needed");
    std::copy(payload.begin(), payload.end(), out.begin());
    return {};
  }
  if (payload.size() < header_bytes) return malformed("truncated inside the header");
  const auto raw = read_be<std::uint64_t>(payload);
  const std::size_t block = read_be<std::uint32_t>(payload.subspan(8));
  if (raw != out.size())
    return malformed("holds " + std::to_string(raw) + " bytes, " + std::to_string(out.size()) +
                     " are needed");
  const bool shuffled = compression == DectrisCompression::bslz4;
  if (shuffled && (element_size == 0 || element_size > 8))
    return malformed("elements of " + std::to_string(element_size) + " bytes");
  const std::size_t unit = shuffled ? 8 * element_size : 1;
  if (block == 0 || block > largest_block || block % unit != 0)
    return malformed("blocks of " + std::to_string(block) + " bytes");

  Blocks blocks(payload.subspan(header_bytes));
  Bytes scratch(shuffled ? std::min(block, out.size()) : 0);
  const std::size_t tail = out.size() % unit;  // bytes that Bitshuffle leaves as they are
  for (std::size_t at = 0; at < out.size() - tail;) {
    const std::size_t size = std::min(block, out.size() - tail - at);
    const std::span<std::byte> target = out.subspan(at, size);
    ETALON_ASSIGN(const ByteSpan packed, blocks.next());
    if (shuffled) {
      ETALON_TRY(inflate(packed, std::span(scratch).first(size)));
      bit_unshuffle(ByteSpan(scratch).first(size), target, element_size);
    } else if (packed.size() == size) {
      std::copy(packed.begin(), packed.end(), target.begin());
    } else {
      ETALON_TRY(inflate(packed, target));
    }
    at += size;
  }
  if (blocks.left().size() != tail)
    return malformed(std::to_string(blocks.left().size()) + " bytes after the last block, " +
                     std::to_string(tail) + " belong there");
  std::copy(blocks.left().begin(), blocks.left().end(), out.last(tail).begin());
  return {};
}

Bytes compress_dectris(DectrisCompression compression, std::size_t element_size, ByteSpan bytes) {
  if (compression == DectrisCompression::none) return {bytes.begin(), bytes.end()};
  const bool shuffled = compression == DectrisCompression::bslz4;
  const std::size_t block = shuffled ? shuffled_block : plain_block;
  const std::size_t tail = shuffled ? bytes.size() % (8 * element_size) : 0;
  Bytes out, scratch(shuffled ? block : 0);
  out.reserve(header_bytes + bytes.size() / 2);
  write_be(out, static_cast<std::uint64_t>(bytes.size()));
  write_be(out, static_cast<std::uint32_t>(block));
  for (std::size_t at = 0; at < bytes.size() - tail; at += block) {
    ByteSpan piece = bytes.subspan(at, std::min(block, bytes.size() - tail - at));
    if (shuffled) {
      bit_shuffle(piece, std::span(scratch).first(piece.size()), element_size);
      piece = ByteSpan(scratch).first(piece.size());
    }
    append_deflated(out, piece, !shuffled);
  }
  out.insert(out.end(), bytes.end() - static_cast<std::ptrdiff_t>(tail), bytes.end());
  return out;
}

}  // namespace etalon
