// `etalon analyse tomography`: slices from projections.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_analyse_tomography(CLI::App& analyse, Cli& cli);

}  // namespace etalon::cli
