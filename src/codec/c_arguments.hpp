// What the C interface is given, checked and turned into the library's own types.
#pragma once

#include <string>

#include "base/bytes.hpp"
#include "etalon/codec.hpp"
#include "etalon/etalon.h"

namespace etalon::c_api {

inline Error usage(const std::string& reason) { return {Errc::usage, "etalon: " + reason}; }

template <typename T>
Result<void> present(const T* pointer, const char* name) {
  if (pointer == nullptr) return usage(std::string(name) + " is NULL");
  return {};
}

Result<ByteSpan> bytes_at(const void* data, std::size_t size);
Result<DType> dtype_of(int number);
// Errc::usage where an array of the shape would be larger than memory can be.
Result<Shape> shape_of(int rank, const std::size_t* extents, DType dtype);
// Whether the elements may be read or written at `data`.
Result<void> check_memory(const void* data, DType dtype, const Shape& shape);
Result<ArrayView> view_from(const etalon_view* given);
// NULL is lossless. `whole` is what a target is met on; without one, targets are refused.
Result<CompressOptions> options_from(const etalon_options* given, const ArrayView* whole);
unsigned threads_of(unsigned given);  // 0: one per core

}  // namespace etalon::c_api
