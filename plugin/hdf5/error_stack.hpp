// HDF5's error stack, without linking HDF5.
#pragma once

namespace etalon {

// Makes `message` what programs show when the filter fails. Does nothing where the library cannot
// be found in this process (linked statically, or under another name).
void push_on_error_stack(const char* message) noexcept;

}  // namespace etalon
