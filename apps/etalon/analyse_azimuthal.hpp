// `etalon analyse azimuthal`.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_analyse_azimuthal(Cli& cli, CLI::App& analyse);

}  // namespace etalon::cli
