#include "etalon/array.hpp"

#include <charconv>

namespace etalon {
namespace {

struct Name {
  DType type;
  std::string_view own, numpy, typestr;
};
constexpr Name names[] = {
    {DType::u8, "u8", "uint8", "|u1"},     {DType::u16, "u16", "uint16", "<u2"},
    {DType::u32, "u32", "uint32", "<u4"},  {DType::u64, "u64", "uint64", "<u8"},
    {DType::i8, "i8", "int8", "|i1"},      {DType::i16, "i16", "int16", "<i2"},
    {DType::i32, "i32", "int32", "<i4"},   {DType::i64, "i64", "int64", "<i8"},
    {DType::f32, "f32", "float32", "<f4"}, {DType::f64, "f64", "float64", "<f8"},
};

}  // namespace

std::string_view name_of(DType type) {
  for (const Name& n : names)
    if (n.type == type) return n.own;
  return "?";
}

Result<DType> parse_dtype(std::string_view name) {
  for (const Name& n : names)
    if (name == n.own || name == n.numpy || name == n.typestr) return n.type;
  return Error{Errc::usage, "dtype '" + std::string(name) +
                                "': expected one of u8 u16 u32 u64 i8 i16 i32 i64 f32 f64"};
}

std::string to_string(const Shape& shape) {
  std::string text;
  for (std::size_t extent : shape.extents()) {
    if (!text.empty()) text += 'x';
    text += std::to_string(extent);
  }
  return text.empty() ? "scalar" : text;
}

Result<Shape> parse_shape(std::string_view text) {
  const auto fail = [&](std::string_view reason) {
    return Error{Errc::usage, "shape '" + std::string(text) + "': " + std::string(reason)};
  };
  std::array<std::size_t, Shape::max_rank> extents{};
  std::size_t rank = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    if (rank == Shape::max_rank) return fail("more than 6 axes");
    const auto [next, status] = std::from_chars(at, end, extents[rank]);
    if (status != std::errc{}) return fail("expected extents such as 100,1065,1030");
    ++rank;
    if (next == end) break;
    if (*next != ',' && *next != 'x') return fail("expected ',' or 'x' between extents");
    at = next + 1;
  }
  const Shape shape(std::span(extents.data(), rank));
  if (shape.count() == std::numeric_limits<std::size_t>::max()) return fail("too many elements");
  return shape;
}

}  // namespace etalon
