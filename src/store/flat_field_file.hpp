// A flat field from files of dark and of open-beam frames.
#pragma once

#include <string>

#include "frame/flat_field.hpp"

namespace etalon {

// A file, and the images in it; dataset empty: found as everywhere.
struct FramesIn {
  std::string file, dataset;
};
FramesIn frames_in(const std::string& written);  // "FILE" or "FILE:/dataset"

// The means of all frames of each, in f64, rounded once. `ny` by `nx` are the images that it is
// for: Errc::usage for frames of another size.
Result<FlatField> read_flat_field(const FramesIn& dark, const FramesIn& flat, std::size_t ny,
                                  std::size_t nx);

}  // namespace etalon
