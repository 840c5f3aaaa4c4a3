// One line a subcommand; its file has the same name.
#pragma once

#include "cli.hpp"

namespace etalon::cli {

void add_find(Cli& cli);
void add_version(Cli& cli);

}  // namespace etalon::cli
