// A detector's modules in an NXmx file: which pixels they hold, and where they are.
#pragma once

#include <string>

#include "frame/geometry.hpp"
#include "store/hdf5.hpp"

namespace etalon {

// An offset is that of a module's outer corner (as dxtbx has it), or, where all lie flat, of
// whatever the beam's centre counts from. Sets panels, and places where the modules' axes say more
// than the image and its centre do
// (`centre_is_known`: the file told it). `detector` ends with "/". Modules that do not fit the
// image are left out altogether, and so are places when an axis is missing, circular or in a unit
// that is not known, or when a module is not in front of the sample.
void read_nxmx_modules(const h5::File& file, const std::string& detector, bool centre_is_known,
                       Geometry& geometry);

}  // namespace etalon
