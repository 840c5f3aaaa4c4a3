// analyse index and analyse merge.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_analyse_crystals(Cli& cli, CLI::App& analyse);

}  // namespace etalon::cli
