// What is wrong with a command line, in words that name it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace etalon::cli {

// One or two lines for an error that parsing `app` threw: the subcommand, what was not understood,
// the nearest thing that would have been, and where to read on.
std::string explain(const CLI::App& app, const CLI::ParseError& error);

}  // namespace etalon::cli
