// `etalon simulate field`: floating-point arrays of rank 2 to 6 from physical models.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_simulate_field(Command& simulate, Cli& cli);

}  // namespace etalon::cli
