// Making HDF5 objects: what every writer needs.
#pragma once

#include <string>
#include <string_view>

#include "store/hdf5.hpp"

namespace etalon::h5 {

// Creates (truncates) a file.
Result<Id> create_file(const std::string& path);
// Flushes and closes; Errc::io when the disk does not take it.
Result<void> close_file(Id file, const std::string& path);

// Datasets under an existing file; groups on the way are made. `units` empty: no such attribute.
Result<Id> write_array(hid_t file, const std::string& name, const ArrayView& array,
                       std::string_view units = {});
// A contiguous dataset whose elements are written later, and a box of it.
Result<Id> make_dataset(hid_t file, const std::string& name, DType dtype, const Shape& shape);
Result<void> write_box(hid_t dataset, const ArrayView& box, const Shape& origin);
// The same under byte shuffle and deflate, as one chunk: for what compresses by orders of
// magnitude.
Result<Id> write_packed(hid_t file, const std::string& name, const ArrayView& array);
Result<Id> write_number(hid_t file, const std::string& name, double value,
                        std::string_view units = {});
Result<Id> write_integer(hid_t file, const std::string& name, std::int64_t value);
Result<Id> write_text(hid_t file, const std::string& name, std::string_view text);
Result<Id> make_group(hid_t file, const std::string& name, std::string_view nx_class);
// A soft link at `name` to the object at `target`.
Result<void> link(hid_t file, const std::string& target, const std::string& name);
Result<void> set_attribute(hid_t object, const char* name, std::string_view text);
Result<void> set_attribute(hid_t object, const char* name, std::span<const double> values);

}  // namespace etalon::h5
