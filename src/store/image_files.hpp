// Images in files of their own, one frame each.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "store/cbf.hpp"
#include "store/series_reader.hpp"

namespace etalon {

Result<CbfImage> read_cbf(const std::string& path);  // also bzip2 and gzip
Result<Array> read_tiff(const std::string& path);    // (y, x), or (page, y, x) of several

// CBF files, or TIFF files of one page each: all of one format, size and type. Of CBF, NeXus mask
// bits come from the first frame: bit 0 (gap) where it is -1, bit 1 (dead) where it is less.
Result<std::unique_ptr<SeriesReader>> open_image_files(std::vector<std::string> paths);

// The CBF or TIFF files that a folder or glob pattern stands for, in name order; Errc::missing when
// none, Errc::usage when there are both.
Result<std::vector<std::string>> list_image_files(const std::string& path);

}  // namespace etalon
