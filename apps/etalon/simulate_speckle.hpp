// `etalon simulate speckle`: a series of speckle with known correlation times.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_simulate_speckle(Command& simulate, Cli& cli);

}  // namespace etalon::cli
