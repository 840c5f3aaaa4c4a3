// `etalon analyse tomography`: slices from projections.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_analyse_tomography(Command& analyse, Cli& cli);

}  // namespace etalon::cli
