// CRC-32C (Castagnoli), the checksum of Etalon's containers and wire: RFC 3720 appendix B.4.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace etalon {

// Check value: crc32c of "123456789" is 0xE3069283. `crc` continues an earlier checksum.
std::uint32_t crc32c(ByteSpan bytes, std::uint32_t crc = 0);

// The table-driven definition that the hardware path must equal.
std::uint32_t crc32c_ref(ByteSpan bytes, std::uint32_t crc = 0);

}  // namespace etalon
