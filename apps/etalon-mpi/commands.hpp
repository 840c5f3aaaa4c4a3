// The subcommands of etalon-mpi. Every rank parses the same command line and runs the same
// subcommand; whatever a subcommand returns, all ranks return.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "command_line.hpp"
#include "input.hpp"
#include "ranks.hpp"

namespace etalon::mpi {

struct Cli {
  cli::Command& app;
  std::function<Result<void>(const Ranks&)> chosen;  // set by the subcommand that was named
};

template <typename Options>
cli::Command* add_command(Cli& cli, const std::string& name, const std::string& summary,
                          std::shared_ptr<Options> options,
                          Result<void> (*run)(const Options&, const Ranks&)) {
  cli::Command* command = cli.app.add_subcommand(name, summary);
  command->callback([&cli, options, run] {
    cli.chosen = [options, run](const Ranks& ranks) { return run(*options, ranks); };
  });
  return command;
}

void add_input(cli::Command& command, InputOptions& input, const std::string& name);

void add_compress(Cli& cli);
void add_decompress(Cli& cli);
void add_verify(Cli& cli);

}  // namespace etalon::mpi
