// A series whose frames lie in several datasets: virtual datasets, and the masters that DECTRIS
// detectors write.
#pragma once

#include <string>
#include <vector>

#include "store/hdf5.hpp"

namespace etalon {

// Consecutive frames of a dataset of images.
struct FramePart {
  std::uint64_t first = 0;  // the first one's index in the series
  std::uint64_t frames = 0;
  std::uint64_t row = 0;         // where it is in `images`
  std::optional<h5::File> file;  // that holds them; none: the file that was asked
  h5::Dataset images;
};

// The names in `group` that end with data_000001 and so on, in order; external links count whether
// or not they lead anywhere.
std::vector<std::string> numbered_datasets(const h5::File& file, const std::string& group);

// All frames of these datasets, one after the other. Errc::missing when one cannot be opened,
// Errc::malformed when they are not all of the same images.
Result<std::vector<FramePart>> parts_of(const h5::File& file,
                                        const std::vector<std::string>& names);

// What a virtual dataset of images consists of, opened. Empty when it is none, or one that is not
// made of whole frames in their order, without gaps: HDF5 reads these. Errc::missing when a file is
// not there: HDF5 would give zeros for it. Errc::malformed for what is virtual more than four deep,
// as one that shows itself is.
Result<std::vector<FramePart>> parts_of(const h5::File& file, const h5::Dataset& images);

// Of a file whose images are to be read as one dataset: the dataset, and that all of it is there.
// Errc::usage when they lie in several, for a reader that cannot put these together.
Result<h5::Dataset> one_dataset(const h5::File& file, const std::string& name, bool was_named);

}  // namespace etalon
