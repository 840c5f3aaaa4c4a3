// NumPy arrays as views of the codec's, and its failures as exceptions.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "etalon/array.hpp"
#include "etalon/result.hpp"

namespace etalon::python {

namespace py = pybind11;

// Registers etalon.EtalonError in the module.
void add_error(py::module_& module);
[[noreturn]] void raise(const Error& error);

template <typename T>
T value_of(Result<T> result) {
  if (!result.ok()) raise(result.error());
  return std::move(result).value();
}
inline void check(const Result<void>& result) {
  if (!result.ok()) raise(result.error());
}

// An array in C order and the machine's byte order. The elements are the object's own where it has
// them so, else a copy.
class Elements {
 public:
  // TypeError for element types that the codec has not, EtalonError for more than six axes.
  explicit Elements(const py::object& array);
  const ArrayView& view() const { return view_; }

 private:
  py::array array_;
  ArrayView view_;
};

// Room for elements: `out` where it is given and fits, else a new array.
class Room {
 public:
  Room(DType dtype, const Shape& shape, const py::object& out);
  const MutableArrayView& view() const { return view_; }
  const py::array& array() const { return array_; }

 private:
  py::array array_;
  MutableArrayView view_;
};

// The bytes of anything that has the buffer protocol and is contiguous; held while this lives.
class HeldBytes {
 public:
  explicit HeldBytes(const py::object& object);
  ~HeldBytes();
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;
  std::span<const std::byte> span() const {
    return {static_cast<const std::byte*>(buffer_.buf), static_cast<std::size_t>(buffer_.len)};
  }

 private:
  Py_buffer buffer_{};
};

py::bytes to_bytes(std::span<const std::byte> bytes);
// An array that owns what the codec made; nothing is copied.
py::array to_numpy(Array array);
py::dtype to_numpy(DType dtype);
DType to_dtype(const py::object& dtype);  // anything numpy.dtype() takes
Shape to_shape(const py::object& extents);
py::tuple to_tuple(const Shape& shape);

}  // namespace etalon::python
