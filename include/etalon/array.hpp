// Dense arrays of up to six axes: element types, shapes, views and an owning array. C order, last
// axis fastest, no strides.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "etalon/pages.hpp"
#include "etalon/result.hpp"

#pragma GCC visibility push(default)
namespace etalon {

// Element types. The numbers are written in files: never reuse one.
enum class DType : std::uint8_t {
  u8 = 1,
  u16 = 2,
  u32 = 3,
  u64 = 4,
  i8 = 5,
  i16 = 6,
  i32 = 7,
  i64 = 8,
  f32 = 9,
  f64 = 10,
};

constexpr std::size_t size_of(DType type) {
  switch (type) {
    case DType::u8:
    case DType::i8:
      return 1;
    case DType::u16:
    case DType::i16:
      return 2;
    case DType::u32:
    case DType::i32:
    case DType::f32:
      return 4;
    case DType::u64:
    case DType::i64:
    case DType::f64:
      return 8;
  }
  return 0;
}
constexpr bool is_float(DType type) { return type == DType::f32 || type == DType::f64; }
constexpr bool is_signed(DType type) { return type >= DType::i8; }
constexpr bool is_dtype(std::uint8_t number) { return number >= 1 && number <= 10; }

std::string_view name_of(DType type);              // "u16"
Result<DType> parse_dtype(std::string_view name);  // accepts "u16" and numpy's "uint16", "<u2"

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<std::uint8_t> {
  static constexpr DType value = DType::u8;
};
template <>
struct DTypeOf<std::uint16_t> {
  static constexpr DType value = DType::u16;
};
template <>
struct DTypeOf<std::uint32_t> {
  static constexpr DType value = DType::u32;
};
template <>
struct DTypeOf<std::uint64_t> {
  static constexpr DType value = DType::u64;
};
template <>
struct DTypeOf<std::int8_t> {
  static constexpr DType value = DType::i8;
};
template <>
struct DTypeOf<std::int16_t> {
  static constexpr DType value = DType::i16;
};
template <>
struct DTypeOf<std::int32_t> {
  static constexpr DType value = DType::i32;
};
template <>
struct DTypeOf<std::int64_t> {
  static constexpr DType value = DType::i64;
};
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::f32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::f64;
};

// Calls f with a value-initialized element of the type: visit(type, [](auto zero) { using T =
// decltype(zero); ... }).
template <typename F>
decltype(auto) visit(DType type, F&& f) {
  switch (type) {
    case DType::u8:
      return f(std::uint8_t{});
    case DType::u16:
      return f(std::uint16_t{});
    case DType::u32:
      return f(std::uint32_t{});
    case DType::u64:
      return f(std::uint64_t{});
    case DType::i8:
      return f(std::int8_t{});
    case DType::i16:
      return f(std::int16_t{});
    case DType::i32:
      return f(std::int32_t{});
    case DType::i64:
      return f(std::int64_t{});
    case DType::f32:
      return f(float{});
    case DType::f64:
      break;
  }
  return f(double{});
}

// Extents of rank 0 (one element) to 6, slowest axis first.
class Shape {
 public:
  static constexpr std::size_t max_rank = 6;

  Shape() = default;
  Shape(std::initializer_list<std::size_t> extents)
      : Shape(std::span(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const std::size_t> extents) {
    for (std::size_t e : extents)
      if (rank_ < max_rank) extents_[rank_++] = e;
  }

  std::size_t rank() const { return rank_; }
  std::size_t operator[](std::size_t axis) const { return extents_[axis]; }
  std::size_t& operator[](std::size_t axis) { return extents_[axis]; }
  std::span<const std::size_t> extents() const { return {extents_.data(), rank_}; }
  // Number of elements, 0 where any extent is; the largest size_t when the product does not fit.
  std::size_t count() const {
    std::size_t n = 1;
    bool fits = true;
    for (std::size_t e : extents()) {
      if (e == 0) return 0;
      fits = !__builtin_mul_overflow(n, e, &n) && fits;
    }
    return fits ? n : std::numeric_limits<std::size_t>::max();
  }
  bool operator==(const Shape& other) const {
    return rank_ == other.rank_ && extents_ == other.extents_;
  }

 private:
  std::array<std::size_t, max_rank> extents_{};
  std::size_t rank_ = 0;
};

std::string to_string(const Shape& shape);         // "100x1065x1030"
Result<Shape> parse_shape(std::string_view text);  // "100,1065,1030" or "100x1065x1030"

// Somebody else's elements, read only. `data` is aligned for the type.
struct ArrayView {
  const std::byte* data = nullptr;
  DType dtype = DType::u8;
  Shape shape;

  std::size_t count() const { return shape.count(); }
  std::size_t size_bytes() const { return count() * size_of(dtype); }
  std::span<const std::byte> bytes() const { return {data, size_bytes()}; }
  template <typename T>
  std::span<const T> as() const {  // T must be the element type
    return {reinterpret_cast<const T*>(data), count()};
  }
  // The sub-array at index i of the first axis.
  ArrayView operator[](std::size_t i) const {
    Shape rest(shape.extents().subspan(1));
    return {data + i * rest.count() * size_of(dtype), dtype, rest};
  }
};

struct MutableArrayView {
  std::byte* data = nullptr;
  DType dtype = DType::u8;
  Shape shape;

  std::size_t count() const { return shape.count(); }
  std::size_t size_bytes() const { return count() * size_of(dtype); }
  std::span<std::byte> bytes() const { return {data, size_bytes()}; }
  template <typename T>
  std::span<T> as() const {
    return {reinterpret_cast<T*>(data), count()};
  }
  operator ArrayView() const { return {data, dtype, shape}; }
};

template <typename T>
ArrayView view_of(std::span<const T> values, Shape shape) {
  return {reinterpret_cast<const std::byte*>(values.data()), DTypeOf<T>::value, shape};
}

// Elements that are ours; starts zeroed. Throws std::bad_alloc.
class Array {
 public:
  Array() = default;
  Array(DType dtype, Shape shape) : Array(unset(dtype, shape)) {
    if (size_bytes() != 0) std::memset(bytes_.get(), 0, size_bytes());
  }
  // Holds anything until it is written: for who writes every element.
  static Array unset(DType dtype, Shape shape) {
    Array array;
    if (shape.count() > std::numeric_limits<std::size_t>::max() / size_of(dtype))
      throw std::bad_alloc();
    array.bytes_ = page_array<std::byte>(shape.count() * size_of(dtype));
    array.dtype_ = dtype;
    array.shape_ = shape;
    return array;
  }
  Array(const Array& other) : Array(unset(other.dtype_, other.shape_)) {
    if (size_bytes() != 0) std::memcpy(bytes_.get(), other.bytes_.get(), size_bytes());
  }
  Array(Array&& other) noexcept
      : dtype_(other.dtype_),
        shape_(std::exchange(other.shape_, Shape{0})),
        bytes_(std::move(other.bytes_)) {}
  Array& operator=(Array other) noexcept {
    dtype_ = other.dtype_;
    std::swap(shape_, other.shape_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Array() = default;

  DType dtype() const { return dtype_; }
  const Shape& shape() const { return shape_; }
  std::size_t count() const { return shape_.count(); }
  std::size_t size_bytes() const { return count() * size_of(dtype_); }
  ArrayView view() const { return {bytes_.get(), dtype_, shape_}; }
  MutableArrayView mutable_view() { return {bytes_.get(), dtype_, shape_}; }
  template <typename T>
  std::span<const T> as() const {
    return view().as<T>();
  }
  template <typename T>
  std::span<T> as() {
    return mutable_view().as<T>();
  }

 private:
  DType dtype_ = DType::u8;
  Shape shape_{0};
  PageArray<std::byte> bytes_;
};

}  // namespace etalon
#pragma GCC visibility pop
