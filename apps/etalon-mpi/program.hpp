// What the programs of many processes have in common: a command line that every rank parses, and
// one rank that speaks.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "ranks.hpp"

namespace etalon::mpi {

class Program {
 public:
  // With --version and --backend; needs a subcommand.
  explicit Program(const std::string& description);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  CLI::App app;
  // Collective. The exit code where there is nothing to be run: after --help, --version, or what is
  // wrong with the command line, of which rank 0 has told; it must be the same on all ranks.
  std::optional<int> parse(int argc, char** argv, const Ranks& ranks);

 private:
  std::string backend_;
};

// Its exit code; rank 0 prints it.
int report(const Ranks& ranks, const Error& error);

}  // namespace etalon::mpi
