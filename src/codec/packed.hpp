// The engine for memory speed: blocks of numbers of one width each, as in SZx (Yu et al., HPDC
// 2022) and cuSZp (Huang et al., SC 2023), with the numbers of a block laid out over lanes that
// work alike (Lemire and Boytsov, Softw. Pract. Exper. 45 (2015) 1). Each block is decoded by
// itself once the widths before it are known. formats/container.md.
#pragma once

#include <optional>
#include <span>

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"

namespace etalon::codec {

struct PackedStream {
  Bytes data;
  double max_error = 0;
};

// Integers of at most 32 bits and f32 always, f64 where the tolerance is above 0.
bool packs(DType dtype, double tolerance);

// Every element is within the tolerance, checked; what no number stands for keeps its bits.
// `packs` must hold. T is any element type.
template <typename T>
PackedStream encode_packed(std::span<const T> values, double tolerance);

// Errc::malformed for bytes that are not out.size() elements.
template <typename T>
Result<void> decode_packed(ByteSpan data, double tolerance, std::span<T> out);

}  // namespace etalon::codec
