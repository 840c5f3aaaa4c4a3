#include "arrays.hpp"

#include <optional>

namespace etalon::python {
namespace {

struct Failure {
  Error error;
};

// Owned by the module, which lives as long as the interpreter.
PyObject* error_type = nullptr;

const char* name_of(Errc code) {
  switch (code) {
    case Errc::io:
      return "io";
    case Errc::usage:
      return "usage";
    case Errc::malformed:
      return "malformed";
    case Errc::check:
      return "check";
    case Errc::missing:
      return "missing";
    case Errc::interrupted:
      return "interrupted";
  }
  return "io";
}

std::optional<DType> dtype_of(const py::dtype& type) {
  const char kind = type.kind();
  const auto size = static_cast<std::size_t>(type.itemsize());
  if (kind != 'u' && kind != 'i' && kind != 'f') return std::nullopt;
  const auto parsed = parse_dtype(kind + std::to_string(8 * size));
  if (!parsed.ok()) return std::nullopt;
  return *parsed;
}

[[noreturn]] void refuse_dtype(const py::dtype& type) {
  throw py::type_error("elements of type " + std::string(py::str(static_cast<py::object>(type))) +
                       " are not supported: integers of 8 to 64 bits, float32 and float64 are");
}

Shape shape_of(const py::array& array) {
  std::size_t extents[Shape::max_rank] = {};
  const auto rank = static_cast<std::size_t>(array.ndim());
  if (rank > Shape::max_rank)
    raise({Errc::usage, "array: " + std::to_string(rank) + " axes; at most 6 are supported"});
  for (std::size_t i = 0; i < rank; ++i) extents[i] = static_cast<std::size_t>(array.shape()[i]);
  return Shape(std::span<const std::size_t>(extents, rank));
}

bool is_aligned(const py::array& array) {
  return (array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) != 0;
}

}  // namespace

void add_error(py::module_& module) {
  error_type =
      PyErr_NewExceptionWithDoc("etalon.EtalonError",
                                "What the codec cannot do, with the place and the reason.\n\n"
                                "code is \"usage\" (senseless arguments), \"malformed\" (bytes "
                                "that are not what they should\n"
                                "be), \"check\" (no bound meets a target), \"io\" or \"missing\".",
                                nullptr, nullptr);
  if (error_type == nullptr) throw py::error_already_set();
  module.add_object("EtalonError", py::reinterpret_borrow<py::object>(error_type));
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Failure& failure) {
      const py::object type = py::reinterpret_borrow<py::object>(error_type);
      const py::object error = type(py::str(failure.error.message));
      error.attr("code") = name_of(failure.error.code);
      PyErr_SetObject(type.ptr(), error.ptr());
    }
  });
}

void raise(const Error& error) { throw Failure{error}; }

Elements::Elements(const py::object& array) {
  array_ = py::array::ensure(array, py::array::c_style);
  if (!array_) throw py::error_already_set();
  const std::optional<DType> dtype = dtype_of(array_.dtype());
  if (!dtype) refuse_dtype(array_.dtype());
  const bool foreign = !array_.dtype().attr("isnative").cast<bool>();
  if (foreign || !is_aligned(array_))
    array_ = array_.attr("astype")(to_numpy(*dtype), py::arg("order") = "C");
  view_ = {static_cast<const std::byte*>(array_.data()), *dtype, shape_of(array_)};
}

Room::Room(DType dtype, const Shape& shape, const py::object& out) {
  if (out.is_none()) {
    const std::vector<py::ssize_t> extents(shape.extents().begin(), shape.extents().end());
    array_ = py::array(to_numpy(dtype), extents);
  } else {
    if (!py::isinstance<py::array>(out)) throw py::type_error("out is no numpy array");
    array_ = py::reinterpret_borrow<py::array>(out);
    const bool plain = (array_.flags() & py::array::c_style) != 0 && is_aligned(array_) &&
                       array_.dtype().attr("isnative").cast<bool>();
    const auto given = dtype_of(array_.dtype());
    if (!given || *given != dtype || !(shape_of(array_) == shape))
      raise({Errc::usage, "out is " +
                              std::string(py::str(static_cast<py::object>(array_.dtype()))) + " " +
                              to_string(shape_of(array_)) + ", the elements are " +
                              std::string(py::str(static_cast<py::object>(to_numpy(dtype)))) + " " +
                              to_string(shape)});
    if (!plain || !array_.writeable())
      raise({Errc::usage, "out must be writeable, in C order and in the machine's byte order"});
  }
  view_ = {static_cast<std::byte*>(array_.mutable_data()), dtype, shape};
}

HeldBytes::HeldBytes(const py::object& object) {
  if (PyObject_GetBuffer(object.ptr(), &buffer_, PyBUF_SIMPLE) != 0) throw py::error_already_set();
}
HeldBytes::~HeldBytes() { PyBuffer_Release(&buffer_); }

py::bytes to_bytes(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

py::array to_numpy(Array array) {
  auto owned = std::make_unique<Array>(std::move(array));
  const std::vector<py::ssize_t> extents(owned->shape().extents().begin(),
                                         owned->shape().extents().end());
  void* const data = owned->mutable_view().data;
  const DType dtype = owned->dtype();
  const py::capsule owner(owned.release(), [](void* p) { delete static_cast<Array*>(p); });
  return {to_numpy(dtype), extents, data, owner};
}

py::dtype to_numpy(DType dtype) {
  return visit(dtype, [](auto zero) { return py::dtype::of<decltype(zero)>(); });
}

DType to_dtype(const py::object& dtype) {
  const py::dtype type = py::dtype::from_args(dtype);
  const auto found = dtype_of(type);
  if (!found) refuse_dtype(type);
  return *found;
}

Shape to_shape(const py::object& extents) {
  std::vector<std::size_t> values;
  if (py::isinstance<py::int_>(extents))
    values.push_back(extents.cast<std::size_t>());
  else
    for (const py::handle extent : extents) values.push_back(extent.cast<std::size_t>());
  if (values.size() > Shape::max_rank)
    raise({Errc::usage,
           "shape: " + std::to_string(values.size()) + " axes; at most 6 are supported"});
  return Shape(std::span<const std::size_t>(values));
}

py::tuple to_tuple(const Shape& shape) {
  py::tuple tuple(shape.rank());
  for (std::size_t i = 0; i < shape.rank(); ++i) tuple[i] = shape[i];
  return tuple;
}

}  // namespace etalon::python
