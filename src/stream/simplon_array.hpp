// Typed arrays of SIMPLON messages (RFC 8746), compressed or not (tag 56500).
#pragma once

#include <string>

#include "base/cbor.hpp"
#include "etalon/array.hpp"
#include "stream/packed_array.hpp"

namespace etalon {

namespace cbor_tag {
constexpr std::uint64_t date_time = 0, multi_dimensional = 40, u8 = 64, u16le = 69, u32le = 70,
                        f32le = 85, dectris = 56500, self_described = 55799;
}

// The CBOR tag of an array of this type; 0: none that DECTRIS uses.
std::uint64_t typed_array_tag(DType dtype);

// Tag 40 with [rows, columns] and a typed array; `field` is for messages. The elements stay where
// they are: the caller says who owns them.
Result<PackedArray> find_image_array(const cbor::Value& value, std::string field,
                                     std::size_t max_bytes);
// A typed array of one axis, or whatever tag 40 says.
Result<PackedArray> find_typed_array(const cbor::Value& value, std::string field,
                                     std::size_t max_bytes);

}  // namespace etalon
