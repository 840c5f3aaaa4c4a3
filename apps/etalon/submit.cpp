#include <charconv>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "job_text.hpp"

namespace etalon::cli {
namespace {

struct Options {
  JobSpec spec;
  std::string runner = "local", deadline;
  bool wait = false, json = false;
};

// Until it has ended, wherever it runs.
Result<JobStatus> wait_for(std::unique_ptr<JobRunner> runner, std::string where, std::uint64_t id) {
  while (true) {
    ETALON_ASSIGN(JobStatus job, runner->status(id));
    if (job.moved_to != 0) {
      note("job " + std::to_string(id) + ": " + job.reason);
      where = "local";
      id = job.moved_to;
      ETALON_ASSIGN(runner, local_runner());
    } else if (has_ended(job.state)) {
      return job;
    }
    if (interrupted.load())
      return Error{Errc::interrupted, "job " + std::to_string(id) +
                                          ": goes on; `etalon jobs --runner " + where +
                                          " --cancel " + std::to_string(id) + "` would end it"};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// "30s", "5m", "1.5h", or seconds.
Result<double> parse_span(const std::string& text) {
  double factor = 1, value = 0;
  std::string_view digits = text;
  if (!digits.empty() && std::string_view("smh").find(digits.back()) != std::string_view::npos) {
    factor = digits.back() == 's' ? 1 : digits.back() == 'm' ? 60 : 3600;
    digits.remove_suffix(1);
  }
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || !(value > 0) ||
      value * factor > 1e8)
    return Error{Errc::usage, "--deadline " + text + ": not a time such as 30s, 5m or 1h"};
  return value * factor;
}

Result<void> run(const Options& options) {
  JobSpec spec = options.spec;
  if (!options.deadline.empty()) {
    ETALON_ASSIGN(spec.deadline_s, parse_span(options.deadline));
  }
  ETALON_ASSIGN(auto runner, runner_named(options.runner));
  ETALON_ASSIGN(const std::uint64_t id, runner->submit(spec));
  nlohmann::json about = {{"schema", "etalon.submit/1"}, {"id", id}, {"runner", options.runner}};
  if (!options.wait) return print(options.json ? dump(about) : std::to_string(id) + "\n");
  if (!options.json) ETALON_TRY(print(std::to_string(id) + "\n"));
  ETALON_ASSIGN(const JobStatus job, wait_for(std::move(runner), options.runner, id));
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
  Command* command =
      add_command(cli, "submit", "Run a command as a job; urgent ones start at once", options, run);
  command->footer(
      "The job runs on after this shell has gone. Background jobs wait for a free slot\n"
      "(ETALON_SLOTS, default 1). An urgent job suspends them, runs, and lets them go on.\n"
      "Prints the job's number; `etalon jobs` shows what became of it.\n\n"
      "--runner slurm: urgent jobs go to the partition $ETALON_SLURM_DEMAND (demand), others to\n"
      "$ETALON_SLURM_BACKGROUND (background); pbs: the queues $ETALON_PBS_DEMAND (demand) and\n"
      "$ETALON_PBS_BACKGROUND (preemptable). A scheduler that does not answer within\n"
      "$ETALON_BATCH_LIMIT seconds (10) is an error.\n\n"
      "  etalon submit -- python3 refine.py run7\n"
      "  etalon submit --urgent --wait -- etalon analyse powder run7.h5\n"
      "  etalon submit --runner slurm --urgent --deadline 30s -- etalon analyse powder run7.h5");
  command->add_flag("--urgent", options->spec.urgent,
                    "Start now: background jobs are suspended until it has ended");
  command
      ->add_option("--name", options->spec.name,
                   "What `etalon jobs` calls it (default: the command's name)")
      ->default_str("");
  command->add_option("--runner", options->runner, "Where it runs: local, slurm or pbs");
  command
      ->add_option("--deadline", options->deadline,
                   "Slurm, PBS: when the queue has not started it after this time (30s, 5m, 1h), "
                   "withdraw it there and run it on this machine")
      ->type_name("TIME")
      ->default_str("");
  command->add_option("--retries", options->spec.retries,
                      "How often it is started again when it fails");
  command
      ->add_option("--option", options->spec.batch_options,
                   "Slurm, PBS: passed to sbatch or qsub as it is, e.g. "
                   "--option=--cpus-per-task=8; may be repeated")
      ->type_name("TEXT")
      ->allow_extra_args(false)
      ->default_str("");
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
