// Compressed byte strings as DECTRIS detectors send them (CBOR tag 56500): the framing of the HDF5
// filters LZ4 (32004) and Bitshuffle (32008).
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

enum class DectrisCompression { none, lz4, bslz4 };

std::string_view name_of(DectrisCompression compression);
Result<DectrisCompression> parse_dectris_compression(std::string_view name);

// Writes all of `out`; Errc::malformed when the payload holds another number of bytes or is
// damaged. Needs one block of memory besides, at most as large as `out`.
Result<void> decompress_dectris(DectrisCompression compression, std::size_t element_size,
                                ByteSpan payload, std::span<std::byte> out);

// Whether a payload of this size can hold so many bytes at all: asked before memory is taken.
bool is_plausible(DectrisCompression compression, std::size_t payload_bytes, std::size_t bytes);

Bytes compress_dectris(DectrisCompression compression, std::size_t element_size, ByteSpan bytes);

}  // namespace etalon
