// A series in an Etalon container: frames are decoded one by one.
#pragma once

#include <memory>
#include <string>

#include "store/series_reader.hpp"

namespace etalon {

// Whether the file begins as a container does; false when it cannot be read.
bool is_container_file(const std::string& path);

// Frames are the last two axes; axes before them are run through in order. The file is mapped, not
// read: it must not be cut short meanwhile.
Result<std::unique_ptr<SeriesReader>> open_container_series(const std::string& path);

}  // namespace etalon
