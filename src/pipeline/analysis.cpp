#include "pipeline/analysis.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "etalon/version.hpp"
#include "store/file.hpp"

namespace etalon {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;

// By a path that leads there from the job, too.
Result<std::string> program_path(const AnalysisTask& task) {
  if (!task.executable.empty()) return absolute_path(task.executable);
  if (const char* named = std::getenv("ETALON"); named != nullptr && *named != 0)
    return absolute_path(named);
  return running_program();
}

// What the job said last, for people.
std::string last_words(const JobStatus& job) {
  auto bytes = read_file(job.errors);
  if (!bytes.ok()) return "";
  std::string text(text_of(*bytes));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > 400) text = "..." + text.substr(text.size() - 400);
  return text.empty() ? "" : ": " + text;
}

// The analysis's job, and the runner that has it now.
Result<JobStatus> finished(std::unique_ptr<JobRunner> runner, Analysis& analysis,
                           const AnalysisTask& task, const std::string& executable,
                           double limit_s) {
  const auto until = Clock::now() + std::chrono::duration<double>(limit_s);
  auto pause = std::chrono::milliseconds(2);
  for (;;) {
    ETALON_ASSIGN(const JobStatus job, runner->status(analysis.job));
    if (job.moved_to != 0) {  // the deadline has passed
      analysis.job = job.moved_to;
      analysis.runner = "local";
      ETALON_ASSIGN(runner, runner_named(analysis.runner, executable));
      continue;
    }
    if (has_ended(job.state)) return job;
    const bool stop = task.interrupted != nullptr && task.interrupted->load();
    if (stop || Clock::now() > until) {
      (void)runner->cancel(analysis.job);
      if (stop) return Error{Errc::interrupted, task.stored + ": analysis interrupted"};
      return Error{Errc::io, task.stored + ": the analysis (job " + std::to_string(analysis.job) +
                                 ") has not ended within analyse.limit_s"};
    }
    if (task.meanwhile) task.meanwhile();
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(100));
  }
}

// `etalon analyse powder --json` to the metrics that rules may look at.
Result<std::map<std::string, double>> metrics_in(const JobStatus& job) {
  ETALON_ASSIGN(const Bytes bytes, read_file(job.output));
  const auto json = nlohmann::json::parse(text_of(bytes), nullptr, false);
  std::map<std::string, double> metrics;
  auto take = [&](const char* name, const char* pointer) {
    const nlohmann::json::json_pointer at(pointer);
    if (json.contains(at) && json[at].is_number()) metrics[name] = json[at].get<double>();
  };
  if (!json.is_object())
    return Error{Errc::malformed, job.output + ": is not the JSON of an analysis"};
  take("mean_background", "/mean");
  take("saturated_fraction", "/saturated_fraction");
  take("mean_peaks_per_hit", "/hits/peaks_per_hit/mean");
  return metrics;
}

Result<Hash> record(const AnalysisTask& task, const std::vector<std::string>& settings,
                    const Analysis& analysis, Ledger& ledger) {
  cbor::Value v, metrics(cbor::Map{});
  cbor::List arguments;
  for (const std::string& argument : settings) arguments.emplace_back(argument);
  for (const auto& [name, value] : analysis.metrics) metrics.set(name, value);
  v.set("arguments", std::move(arguments)).set("statistics", metrics);
  ETALON_ASSIGN(const Hash hash, sha256_file(analysis.path));
  return ledger.add({"analyse",
                     {{"record", task.stored_record, ""}, {"series", task.stored_hash, ""}},
                     {{"powder", hash, absolute_path(analysis.path)}},
                     v,
                     std::string(program)});
}

}  // namespace

std::string powder_beside(const std::string& stored) {
  return fs::path(stored).replace_extension(".powder.h5").string();
}

Result<Analysis> run_analysis(const Recipe& recipe, const AnalysisTask& task, Ledger& ledger) {
  ETALON_ASSIGN(const std::string program_file, program_path(task));
  Analysis analysis;
  analysis.path = powder_beside(task.stored);
  const std::string min_peaks = std::to_string(std::max<std::uint64_t>(recipe.veto.min_peaks, 1));
  const std::vector<std::string> settings{"analyse", recipe.analyse.kind, "--min-peaks", min_peaks};
  JobSpec spec;
  spec.argv = {program_file};
  spec.argv.insert(spec.argv.end(), settings.begin(), settings.end());
  for (const std::string& more : {absolute_path(task.stored), std::string("--json"),
                                  std::string("-o"), absolute_path(analysis.path)})
    spec.argv.push_back(more);
  if (task.overwrite) spec.argv.push_back("-f");
  spec.name = "powder " + fs::path(task.stored).filename().string();
  spec.urgent = recipe.analyse.urgent;
  spec.split_output = true;  // results apart from remarks

  spec.deadline_s = recipe.analyse.deadline_s;
  analysis.runner = recipe.analyse.runner;

  ETALON_ASSIGN(auto runner, runner_named(analysis.runner, program_file));
  ETALON_ASSIGN(analysis.job, runner->submit(spec));
  ETALON_ASSIGN(const JobStatus job,
                finished(std::move(runner), analysis, task, program_file, recipe.analyse.limit_s));
  if (job.state != JobState::done)
    return Error{Errc::io, task.stored + ": the analysis (job " + std::to_string(analysis.job) +
                               ") " + std::string(name_of(job.state)) +
                               (job.reason.empty() ? "" : ", " + job.reason) + last_words(job)};
  analysis.start_latency_s = job.latency_s;
  ETALON_ASSIGN(analysis.metrics, metrics_in(job));
  ETALON_ASSIGN(analysis.record, record(task, settings, analysis, ledger));
  return analysis;
}

}  // namespace etalon
