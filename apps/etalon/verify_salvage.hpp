// etalon verify --salvage.
#pragma once

#include <string>

#include "etalon/result.hpp"

namespace etalon::cli {

// Writes what is whole of a container to `out` and says what is lost. Errc::malformed when
// something is, after it was written.
Result<void> salvage_file(const std::string& damaged, const std::string& out, bool overwrite,
                          bool json);

}  // namespace etalon::cli
