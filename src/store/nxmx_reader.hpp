// A series in an HDF5 file: where its images are, and what NXmx says of them.
#pragma once

#include <memory>
#include <string>

#include "store/hdf5.hpp"
#include "store/series_reader.hpp"

namespace etalon {

// Path of the image dataset: `wanted` if given, /entry/data/data and the like by NXmx, else the
// first dataset of three axes, of more, of two (in the order of the names); with `any_rank` also
// one axis or none.
Result<std::string> find_images(const h5::File& file, const std::string& wanted, bool any_rank);

// What NXmx records beside the dataset at `images`, as far as it is there; Errc::malformed for a
// mask that is there and is none of these images, unless `any_mask`. Other values that cannot be
// taken are left out, with a remark. Shape and type are not filled in; those of `info` are the
// images'.
Result<void> read_nxmx_metadata(const h5::File& file, const std::string& images, bool any_mask,
                                SeriesInfo& info);

// The group of the detector that took the images, ending in '/', whether or not it is there.
std::string find_detector(const h5::File& file, const std::string& images);

// Frames are the last two axes; axes before them are run through in order.
Result<std::unique_ptr<SeriesReader>> open_hdf5_series(const std::string& path,
                                                       const OpenOptions& options);

}  // namespace etalon
