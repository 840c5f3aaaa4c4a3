// etalon find --auto: what the series itself says about the finder's settings.
#pragma once

#include "find_options.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {

// Puts threshold and snr as learned from some of the frames into `settings`, and notes what they
// are, why, and the options that ask for the same.
Result<void> learn_settings(SeriesReader& reader, const FinderView& seen, FinderSettings& settings);

}  // namespace etalon::cli
