#include "jobs/runner.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <thread>

namespace etalon {
namespace {

constexpr std::string_view names[] = {"queued", "running",   "suspended", "done",
                                      "failed", "cancelled", "lost"};

// $variable as a number within [least, most]; `otherwise` when it is not set.
Result<std::uint64_t> number_from_environment(const char* variable, std::uint64_t least,
                                              std::uint64_t most, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return otherwise;
  const std::string_view view(text);
  std::uint64_t n = 0;
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), n);
  if (error != std::errc() || end != view.data() + view.size() || n < least || n > most)
    return Error{Errc::usage, std::string(variable) + ": " + text + ": not a whole number from " +
                                  std::to_string(least) + " to " + std::to_string(most)};
  return n;
}

}  // namespace

std::string_view name_of(JobState state) { return names[static_cast<std::size_t>(state)]; }

Result<JobState> parse_job_state(std::string_view name) {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == name) return static_cast<JobState>(i);
  return Error{Errc::malformed, "state: " + std::string(name) + " is unknown"};
}

Result<std::unique_ptr<JobRunner>> runner_named(std::string_view name,
                                                const std::string& executable) {
  if (name == "local") return local_runner({{}, executable});
  if (name != "slurm" && name != "pbs")
    return Error{Errc::usage, "runner " + std::string(name) +
                                  ": there is no such runner; there are: local, slurm, pbs"};
  ETALON_ASSIGN(BatchRunnerOptions options, BatchRunnerOptions::from_environment(name));
  options.executable = executable;
  return name == "slurm" ? slurm_runner(options) : pbs_runner(options);
}

Result<JobStatus> JobRunner::wait(std::uint64_t id, std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::chrono::milliseconds pause{2};
  while (true) {
    auto now = status(id);
    if (!now.ok() || has_ended(now->state)) return now;
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
    if (waited >= limit)
      return Error{Errc::io, "job " + std::to_string(id) + ": still " +
                                 std::string(name_of(now->state)) + " after " +
                                 std::to_string(waited.count()) + " ms"};
    std::this_thread::sleep_for(std::min(pause, limit - waited));
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
}

Result<JobDaemonOptions> JobDaemonOptions::from_environment(std::string state_dir) {
  JobDaemonOptions options;
  options.state_dir = std::move(state_dir);
  ETALON_ASSIGN(const auto idle, number_from_environment("ETALON_DAEMON_IDLE", 1, 1 << 30, 300));
  ETALON_ASSIGN(const auto slots, number_from_environment("ETALON_SLOTS", 1, 4096, 1));
  ETALON_ASSIGN(const auto urgent, number_from_environment("ETALON_URGENT_SLOTS", 1, 4096, 0));
  ETALON_ASSIGN(const auto grace, number_from_environment("ETALON_CANCEL_GRACE", 0, 86400, 5));
  options.idle = std::chrono::seconds(idle);
  options.slots = static_cast<unsigned>(slots);
  options.urgent_slots = static_cast<unsigned>(urgent);
  options.cancel_grace = std::chrono::seconds(grace);
  return options;
}

Result<BatchRunnerOptions> BatchRunnerOptions::from_environment(std::string_view scheduler) {
  BatchRunnerOptions options;
  const auto name_from = [](const char* variable, std::string& into) {
    if (const char* text = std::getenv(variable); text != nullptr && *text != '\0') into = text;
  };
  if (scheduler == "pbs") {
    options.background = "preemptable";
    name_from("ETALON_PBS_DEMAND", options.demand);
    name_from("ETALON_PBS_BACKGROUND", options.background);
  } else {
    name_from("ETALON_SLURM_DEMAND", options.demand);
    name_from("ETALON_SLURM_BACKGROUND", options.background);
  }
  ETALON_ASSIGN(const auto limit, number_from_environment("ETALON_BATCH_LIMIT", 1, 3600, 10));
  options.limit = std::chrono::seconds(limit);
  return options;
}

}  // namespace etalon
