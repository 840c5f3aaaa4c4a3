// `etalon analyse correlation`: photon correlation spectroscopy of a series.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_analyse_correlation(Command& analyse, Cli& cli);

}  // namespace etalon::cli
