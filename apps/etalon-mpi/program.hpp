// What the programs of many processes have in common: a command line that every rank parses, and
// one rank that speaks.
#pragma once

#include <optional>
#include <string>

#include "command_line.hpp"
#include "ranks.hpp"

namespace etalon::mpi {

// With --version and --backend; needs a subcommand.
class Program : public cli::Command {
 public:
  explicit Program(const std::string& description);
  // Collective. The exit code where there is nothing to be run: after --help, --version, or what is
  // wrong with the command line, of which rank 0 has told; it must be the same on all ranks.
  std::optional<int> parse(int argc, char** argv, const Ranks& ranks);
};

}  // namespace etalon::mpi
