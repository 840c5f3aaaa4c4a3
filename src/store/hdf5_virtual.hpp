// What reading a virtual dataset leads to.
#pragma once

#include <string>

#include "store/hdf5.hpp"

namespace etalon::h5 {

// Errc::malformed for a virtual dataset that shows itself, at last, which HDF5 would read until its
// stack ends; for one that is virtual more than four deep; for one that shows more than a million
// datasets, all counted as often as they are shown, or what is no file. Sources that are not there
// are none of its business.
Result<void> check_virtual(hid_t dataset, const std::string& place);

}  // namespace etalon::h5
