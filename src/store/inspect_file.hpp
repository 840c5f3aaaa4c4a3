// What a file of images holds and what it was reduced to, whatever its kind.
#pragma once

#include <string>

#include "etalon/codec.hpp"
#include "etalon/result.hpp"

namespace etalon {

// HDF5 (dataset as in OpenOptions): Etalon chunks are added up region by region without decoding
// them, also of a virtual dataset's files; with other filters, and for .npy and CBF, there is one
// lossless region and `format` names the kind. Raw files hold no description: Errc::usage.
Result<StreamInfo> inspect_file(const std::string& path, const std::string& dataset = {});

}  // namespace etalon
