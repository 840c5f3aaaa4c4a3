// The parts of an NXmx file that do not grow with its frames.
#pragma once

#include <string>

#include "etalon/result.hpp"
#include "frame/series.hpp"
#include "store/hdf5_write.hpp"

namespace etalon {

// Everything but the images: entry, instrument, beam, detector with modules and transformations,
// sample, source. What the series does not know is left out.
Result<void> write_nxmx_layout(hid_t file, const SeriesInfo& info);

// An ISO 8601 time some seconds later, in the same zone; empty when `time` is not such a time.
std::string add_seconds(const std::string& time, double seconds);

}  // namespace etalon
