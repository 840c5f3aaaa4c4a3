// The kinds of analysis. Every rank parses the same command line and does its part; rank 0 writes
// and prints.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "about.hpp"
#include "job.hpp"

namespace etalon::mpi {

struct Cli {
  cli::Command& app;
  // Set by the kind that was named.
  JobOptions job;
  std::function<Result<void>(Job&)> chosen;
};

// `declare` makes the command as etalon has it; `run` is what all ranks do.
template <typename Options>
void add_kind(Cli& cli, cli::Command& analyse, cli::Command* (*declare)(cli::Command&, Options&),
              Result<void> (*run)(const Options&, const cli::Command&, Job&)) {
  const auto options = std::make_shared<Options>();
  cli::Command* const command = declare(analyse, *options);
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
      ->not_negative();
}

void add_powder(Cli& cli, cli::Command& analyse);
void add_hits(Cli& cli, cli::Command& analyse);
void add_azimuthal(Cli& cli, cli::Command& analyse);
void add_index(Cli& cli, cli::Command& analyse);
void add_correlation(Cli& cli, cli::Command& analyse);

// Errc::usage when the output exists and is not to be replaced: now rather than when all is done.
Result<void> check_free(const std::string& output, bool overwrite);

}  // namespace etalon::mpi
