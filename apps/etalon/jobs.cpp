#include <unistd.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "commands.hpp"
#include "job_text.hpp"

namespace etalon::cli {
namespace {

struct Options {
  std::uint64_t id = 0;
  std::uint64_t cancel = 0, output = 0;
  std::size_t last = 20;
  std::string runner = "local";
  bool watch = false, json = false;
};

Result<void> show_output(JobRunner& runner, std::uint64_t id) {
  ETALON_ASSIGN(const JobStatus job, runner.status(id));
  for (const std::string& path : {job.output, job.errors}) {
    if (path.empty()) continue;
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      if (job.started_s > 0) return Error{Errc::io, path + ": cannot read the job's output"};
      note("job " + std::to_string(id) + " has not started, so there is no output yet");
      return {};
    }
    char buffer[65536];
    while (file.read(buffer, sizeof buffer), file.gcount() > 0)
      ETALON_TRY(print({buffer, static_cast<std::size_t>(file.gcount())}));
  }
  return {};
}

Result<void> cancel(JobRunner& runner, std::uint64_t id) {
  ETALON_ASSIGN(const JobStatus job, runner.status(id));
  if (!has_ended(job.state)) return runner.cancel(id);
  if (job.moved_to != 0) {
    note("job " + std::to_string(id) + " runs as job " + std::to_string(job.moved_to) +
         " of the local runner");
    ETALON_ASSIGN(const auto local, local_runner());
    return cancel(*local, job.moved_to);
  }
  note("job " + std::to_string(id) + " has ended before (" + std::string(name_of(job.state)) +
       "): there is nothing to cancel");
  return {};
}

// The last few, and whatever has not ended.
std::vector<JobStatus> recent(std::vector<JobStatus> jobs, std::size_t last) {
  if (last == 0 || jobs.size() <= last) return jobs;
  std::vector<JobStatus> shown;
  for (std::size_t i = 0; i < jobs.size(); ++i)
    if (i + last >= jobs.size() || !has_ended(jobs[i].state)) shown.push_back(std::move(jobs[i]));
  return shown;
}

struct View {
  std::string text;
  bool over;  // nothing more can change
};

Result<View> view(JobRunner& runner, const Options& options) {
  const int indent = options.watch ? -1 : 2;
  if (options.id != 0) {
    ETALON_ASSIGN(const JobStatus job, runner.status(options.id));
    nlohmann::json about = to_json(job);
    about["schema"] = "etalon.jobs/1";
    return View{options.json ? dump(about, indent) : table_of({job}) + details_of(job),
                has_ended(job.state)};
  }
  ETALON_ASSIGN(std::vector<JobStatus> jobs, runner.list());
  if (options.json) {
    nlohmann::json all = nlohmann::json::array();
    for (const JobStatus& job : jobs) all.push_back(to_json(job));
    return View{dump({{"schema", "etalon.jobs/1"}, {"jobs", std::move(all)}}, indent), false};
  }
  const std::size_t total = jobs.size();
  const std::vector<JobStatus> shown = recent(std::move(jobs), options.last);
  std::string text = table_of(shown);
  if (shown.size() < total)
    text += std::to_string(total - shown.size()) + " earlier ones are not shown (--last 0)\n";
  return View{std::move(text), false};
}

Result<void> run(const Options& options) {
  ETALON_ASSIGN(const auto runner, runner_named(options.runner));
  if (options.cancel != 0) return cancel(*runner, options.cancel);
  if (options.output != 0) return show_output(*runner, options.output);
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  std::string before;
  while (true) {
    ETALON_ASSIGN(const View now, view(*runner, options));
    if (now.text != before) {
      const bool clear = options.watch && terminal && !options.json;
      ETALON_TRY(print(clear ? "\033[H\033[J" + now.text : now.text));
      before = now.text;
    }
    if (!options.watch || now.over) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    if (interrupted.load()) return Error{Errc::interrupted, "jobs: interrupted"};
  }
}

}  // namespace

void add_jobs(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command =
      add_command(cli, "jobs", "Show, watch and cancel submitted jobs", options, run);
  command->footer(
      "LATENCY is from `etalon submit` to the job's first instruction, waiting included;\n"
      "SUSPENDED counts how often urgent jobs interrupted it; ATTEMPTS how often it was started, "
      "of\n"
      "how many times at most; EXIT is 128 + N after signal N.\n"
      "States: queued, running, suspended; done, failed, cancelled, lost.");
  command->add_option("id", options->id, "Show this job alone, with its command and output file")
      ->type_name("ID")
      ->default_str("");
  auto* cancel = command
                     ->add_option("--cancel", options->cancel,
                                  "End this job and all its processes: SIGTERM, and after "
                                  "ETALON_CANCEL_GRACE seconds (default 5) SIGKILL")
                     ->type_name("ID")
                     ->default_str("");
  command->add_option("--output", options->output, "Print what this job wrote so far")
      ->type_name("ID")
      ->default_str("")
      ->excludes(cancel);
  command->add_option("--last", options->last, "Rows of ended jobs to show; 0: all");
  command->add_option("--runner", options->runner, "Whose jobs: local, slurm or pbs");
  command->add_flag("--watch", options->watch,
                    "Show again at every change, until Ctrl-C or until job ID has ended");
  command->add_flag("--json", options->json, "Print JSON, all jobs");
}

}  // namespace etalon::cli
