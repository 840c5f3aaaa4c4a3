#include <cstdlib>

#include "commands.hpp"
#include "jobs/runner.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::string state_dir;
  bool foreground = false, stop = false;
};

Result<void> run(const Options& options) {
  if (options.stop) return stop_local_daemon({options.state_dir, ""});
  ETALON_ASSIGN(JobDaemonOptions daemon, JobDaemonOptions::from_environment(options.state_dir));
  daemon.detach = !options.foreground;
  return run_job_daemon(daemon);
}

struct BatchOptions {
  std::string directory;
};

Result<void> run_batch(const BatchOptions& options) {
  ETALON_ASSIGN(const int code, run_batch_job(options.directory));
  // The scheduler learns how the job ended from how we end.
  if (code != 0) std::_Exit(code);
  return {};
}

}  // namespace

// Internal: what a batch scheduler's script runs.
void add_batch_job(Cli& cli) {
  auto options = std::make_shared<BatchOptions>();
  Command* command = add_command(cli, "batch-job", "Run a submitted job (for batch schedulers)",
                                 options, run_batch);
  command->group("");
  command->add_option("directory", options->directory, "The job's directory")
      ->required()
      ->type_name("DIRECTORY");
}

// Internal: submit and jobs start it when they need it.
void add_job_daemon(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command =
      add_command(cli, "job-daemon", "Own this user's jobs (started on demand)", options, run);
  command->group("");
  command->footer(
      "Environment: ETALON_SLOTS (background jobs at once, 1), ETALON_URGENT_SLOTS (urgent\n"
      "jobs at once, one per processor), ETALON_CANCEL_GRACE (seconds, 5),\n"
      "ETALON_DAEMON_IDLE (seconds without jobs before it ends, 300).");
  command
      ->add_option("state_dir", options->state_dir,
                   "Where jobs are kept (default: $ETALON_STATE, else below "
                   "~/.local/state/etalon)")
      ->type_name("STATE_DIR")
      ->default_str("");
  command->add_flag("--foreground", options->foreground, "Do not become a background process");
  command->add_flag("--stop", options->stop,
                    "End the one that runs; jobs go on, queued ones wait for the next");
}

}  // namespace etalon::cli
