// A recipe's source: as it is, or with raw frames made photons or shares of the open beam.
#pragma once

#include <memory>
#include <string>

#include "pipeline/recipe.hpp"
#include "store/series_reader.hpp"

namespace etalon {

// With calibrate.detector = "none" what open_series gives. "jungfrau": frames are i32 photons;
// "camera": f32 shares of the open beam. The series' mask then names the pixels that have no
// constants as well, and files() the constants' files. Errc::usage when the constants do not fit
// the frames or say no photon energy.
Result<std::unique_ptr<SeriesReader>> open_source(const Recipe& recipe, const std::string& path);

}  // namespace etalon
