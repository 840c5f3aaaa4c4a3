// Images in files of their own, one frame each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/cbf.hpp"
#include "store/series_reader.hpp"

namespace etalon {

Result<CbfImage> read_cbf(const std::string& path);  // also bzip2 and gzip

// All of one size. NeXus mask bits come from the first frame: bit 0 (gap) where it is -1, bit 1
// (dead) where it is less.
Result<std::unique_ptr<SeriesReader>> open_cbf_series(std::vector<std::string> paths);

// The CBF files that a folder or glob pattern stands for, in name order; Errc::missing when none.
Result<std::vector<std::string>> list_cbf_files(const std::string& path);

}  // namespace etalon
