// The kinds of analysis. Every rank parses the same command line and does its part; rank 0 writes
// and prints.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>

#include "about.hpp"
#include "job.hpp"

namespace etalon::mpi {

struct Cli {
  CLI::App& app;
  // Set by the kind that was named.
  JobOptions job;
  std::function<Result<void>(Job&)> chosen;
};

// `declare` makes the command as etalon has it; `run` is what all ranks do.
template <typename Options>
void add_kind(Cli& cli, CLI::App& analyse, CLI::App* (*declare)(CLI::App&, Options&),
              Result<void> (*run)(const Options&, const CLI::App&, Job&)) {
  const auto options = std::make_shared<Options>();
  CLI::App* const command = declare(analyse, *options);
  command->callback([&cli, command, options, run] {
    cli.chosen = [command, options, run](Job& job) { return run(*options, *command, job); };
  });
  command
      ->add_option("--checkpoint", cli.job.checkpoint,
                   "Folder for what is found on the way; a job that was ended goes on from it")
      ->type_name("DIR")
      ->default_str("");
  command
      ->add_option("--checkpoint-every", cli.job.every_s,
                   "Seconds from one writing of the checkpoint to the next; 0: after every range")
      ->check(CLI::NonNegativeNumber);
}

void add_powder(Cli& cli, CLI::App& analyse);
void add_hits(Cli& cli, CLI::App& analyse);
void add_azimuthal(Cli& cli, CLI::App& analyse);
void add_index(Cli& cli, CLI::App& analyse);
void add_correlation(Cli& cli, CLI::App& analyse);

// Errc::usage when the output exists and is not to be replaced: now rather than when all is done.
Result<void> check_free(const std::string& output, bool overwrite);

}  // namespace etalon::mpi
