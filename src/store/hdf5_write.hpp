// Making HDF5 objects: what every writer needs.
#pragma once

#include <string>
#include <string_view>

#include "store/hdf5.hpp"

namespace etalon::h5 {

// Creates (truncates) a file.
// Who may look at a file: everybody when it is closed, or also while it is written, with HDF5 1.10
// and SWMR (single writer, multiple readers).
enum class Readers { when_closed, while_written };
Result<Id> create_file(const std::string& path, Readers readers = Readers::when_closed);
// Of a file for readers while it is written: from now on nothing can be made in it, and what
// show() has shown can be read by whoever opens it for SWMR reading, also when this process is
// killed.
Result<void> let_readers_in(hid_t file, const std::string& path);
Result<void> show(hid_t dataset);
// A text of at most `size` bytes that can be changed, also while there are readers.
Result<Id> make_text(hid_t file, const std::string& name, std::size_t size);
Result<void> set_text(hid_t dataset, std::string text);
// The groups on the way to a name.
Result<void> make_parents(hid_t file, const std::string& name);
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
// A dataset that shows rows of other ones, which have its other extents and may be in other files.
Result<void> write_virtual(hid_t file, const std::string& name, DType dtype, const Shape& shape,
                           const std::vector<VirtualPiece>& pieces);
// A soft link at `name` to the object at `target`.
Result<void> link(hid_t file, const std::string& target, const std::string& name);
Result<void> set_attribute(hid_t object, const char* name, std::string_view text);
Result<void> set_attribute(hid_t object, const char* name, std::span<const double> values);

}  // namespace etalon::h5
