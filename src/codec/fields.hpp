// The fields engine: floats of any rank within absolute bounds per label, foretold level by level
// from a coarse grid to the full one. formats/container.md, section "Fields".
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "codec/counts.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

// What a label's elements may be off by: 0 keeps their bits.
using Tolerances = std::vector<double>;

struct FieldsStream {
  Bytes side, symbols, bits, exact;
  double allowance = 0;  // what rounding takes of every tolerance
  std::vector<double> label_max_error, label_bits;

  std::size_t size() const { return side.size() + symbols.size() + bits.size() + exact.size(); }
};

// Elements of a class that its weights are fitted to, about, where nothing else is asked for: a
// share of the class, between these. Where time does not matter, so many of every class.
inline constexpr std::size_t field_share = 8, least_field_sample = std::size_t{1} << 11,
                             field_sample = std::size_t{1} << 13,
                             slow_field_sample = std::size_t{1} << 14;

// Whether the thorough coder codes the numbers too, and the smaller stream is taken or its own.
enum class Thorough { no, if_smaller, always };

// How much an encoder does for a smaller stream.
struct FieldEffort {
  std::size_t sample = field_sample;
  bool evenly = false;  // all elements weigh alike in the fit, however well their neighbours agree
  // Asked of what tables make of the field: what becomes of the thorough coder, which is slow and
  // needs none. Without it, nothing.
  std::function<Thorough(const FieldsStream&)> thorough;
};

// `layout` has the grid, bounds (as many as labels), regions, squares and fills. Nothing where no
// element may be changed. `largest` is the largest magnitude of a finite element.
template <typename T>
std::optional<FieldsStream> encode_fields(std::span<const T> values, const Shape& shape,
                                          const CountsLayout& layout, const Tolerances& tolerances,
                                          double largest, const FieldEffort& effort);

// Every 2^finest-th element along every axis, in `out`; nothing beyond that level is decoded or
// checked. Elements under fills hold anything afterwards. `layout.grid` is given, the rest is read.
template <typename T>
Result<void> decode_fields(const CountsSections& sections, ByteSpan exact, const Shape& shape,
                           double allowance, const Tolerances& tolerances, std::size_t fills,
                           std::size_t finest, CountsLayout& layout, std::span<T> out);

// Integers are rounded to from fields of this type, off by less than half more than their bound.
template <typename T>
using FieldOf = std::conditional_t<(sizeof(T) <= 2), float, double>;
inline double field_tolerance(std::uint64_t integer_bound) {
  return static_cast<double>(integer_bound) + (0.5 - 0x1p-10);
}

// The quantizer's step within a tolerance; 0 where there is none.
template <typename T>
T field_step(double tolerance, double allowance);

}  // namespace etalon::codec
