#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "job_text.hpp"

namespace etalon::cli {
namespace {

struct Options {
  JobSpec spec;
  std::string runner = "local";
  bool wait = false, json = false;
};

Result<JobStatus> wait_for(JobRunner& runner, std::uint64_t id) {
  while (true) {
    ETALON_ASSIGN(JobStatus job, runner.status(id));
    if (has_ended(job.state)) return job;
    if (interrupted.load())
      return Error{Errc::interrupted, "job " + std::to_string(id) +
                                          ": goes on; `etalon jobs --cancel " + std::to_string(id) +
                                          "` would end it"};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Result<void> run(const Options& options) {
  ETALON_ASSIGN(const auto runner, runner_named(options.runner));
  ETALON_ASSIGN(const std::uint64_t id, runner->submit(options.spec));
  nlohmann::json about = {{"schema", "etalon.submit/1"}, {"id", id}, {"runner", options.runner}};
  if (!options.wait) return print(options.json ? dump(about) : std::to_string(id) + "\n");
  if (!options.json) ETALON_TRY(print(std::to_string(id) + "\n"));
  ETALON_ASSIGN(const JobStatus job, wait_for(*runner, id));
  if (options.json) {
    about.update(to_json(job));
    ETALON_TRY(print(dump(about)));
  }
  if (job.state == JobState::done) return {};
  return Error{Errc::io, "job " + std::to_string(id) + " (" + job.spec.name +
                             "): " + std::string(name_of(job.state)) + ": " + job.reason +
                             "; its output is in " + job.output};
}

}  // namespace

void add_submit(Cli& cli) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      add_command(cli, "submit", "Run a command as a job; urgent ones start at once", options, run);
  command->footer(
      "The job runs on after this shell has gone. Background jobs wait for a free slot\n"
      "(ETALON_SLOTS, default 1). An urgent job suspends them, runs, and lets them go on.\n"
      "Prints the job's number; `etalon jobs` shows what became of it.\n\n"
      "  etalon submit -- python3 refine.py run7\n"
      "  etalon submit --urgent --wait -- etalon analyse powder run7.h5");
  command->add_flag("--urgent", options->spec.urgent,
                    "Start now: background jobs are suspended until it has ended");
  command
      ->add_option("--name", options->spec.name,
                   "What `etalon jobs` calls it (default: the command's name)")
      ->default_str("");
  command->add_option("--runner", options->runner, "Where it runs: local");
  command->add_flag("--wait", options->wait,
                    "Return when the job has ended; exit 1 unless it was done");
  command->add_flag("--json", options->json, "Print JSON");
  command
      ->add_option("command", options->spec.argv,
                   "The command and its arguments, after `--`; no shell is involved")
      ->required()
      ->type_name("CMD...")
      ->default_str("");
}

}  // namespace etalon::cli
