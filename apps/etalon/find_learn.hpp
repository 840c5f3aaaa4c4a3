// etalon find --auto: what the series itself says about the finder's settings.
#pragma once

#include "find_options.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {

// Puts what is learned from some of the frames for the method of `settings` into them, and notes
// what it is, why, and the options that ask for the same. `options` says what was given.
Result<void> learn_settings(SeriesReader& reader, const FinderView& seen,
                            const FinderOptions& options, FinderSettings& settings);

}  // namespace etalon::cli
