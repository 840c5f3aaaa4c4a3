// PBS Professional's and OpenPBS's programs: qsub, qstat, qdel.
//
// Formats are those of PBS Professional as far as we know them: "qsub", "qstat -f -F json", "qdel",
// job attributes (job_state, substate, Exit_status). No running PBS has been asked.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "jobs/scheduler.hpp"

namespace etalon::jobs {
namespace {

constexpr int unknown_job = 153, finished_job = 35;  // what qstat and qdel exit with for these
constexpr int substate_terminated = 91;              // by qdel or by the server

std::string last_words(const ProgramEnd& end) {
  std::string text = end.errors.empty() ? "exit code " + std::to_string(end.exit_code) : end.errors;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \n\t\r") == std::string::npos;
}

class Pbs final : public Scheduler {
 public:
  Pbs(const BatchRunnerOptions& options, std::vector<std::string> environment)
      : options_(options), environment_(std::move(environment)) {}

  std::string name() const override { return "pbs"; }

  // The job's output is in files of its own, and the script's own log is opened by the script.
  Result<BatchRecord> submit(const JobSpec& spec, const std::string& directory) override {
    std::vector<std::string> argv = {"qsub"};
    argv.insert(argv.end(), spec.batch_options.begin(), spec.batch_options.end());
    argv.insert(argv.end(), {"-N", plain_name(spec.name, 15), "-q",
                             spec.urgent ? options_.demand : options_.background, "-r", "y", "-j",
                             "oe", "-o", "/dev/null", directory + "/script"});
    ETALON_ASSIGN(const ProgramEnd end, call(argv));
    if (end.exit_code != 0) return failure("qsub", end);
    std::string id = end.output;
    while (!id.empty() && (id.back() == '\n' || id.back() == ' ')) id.pop_back();
    if (id.empty() || id.find_first_of(" \n\t") != std::string::npos)
      return Error{Errc::io, "qsub: said '" + id + "' where a job's name was expected"};
    return BatchRecord{name(), id};
  }

  Result<std::map<std::string, BatchState>> query(const std::vector<std::string>& ids) override {
    std::vector<std::string> argv = {"qstat", "-x", "-f", "-F", "json"};
    argv.insert(argv.end(), ids.begin(), ids.end());
    ETALON_ASSIGN(const ProgramEnd end, call(argv));
    // It shows those it knows also when it does not know others.
    if (end.exit_code != 0 && end.exit_code != unknown_job && end.exit_code != finished_job)
      return failure("qstat", end);
    // Who knows them all shows them all; a job of which nothing is said would be taken for lost.
    if (end.exit_code == 0 && !ids.empty() && is_blank(end.output))
      return Error{Errc::malformed, "qstat: printed nothing of " + ids.front()};
    return parse_qstat(end.output);
  }

  Result<void> cancel(const std::string& id) override {
    ETALON_ASSIGN(const ProgramEnd end, call({"qdel", id}));
    if (end.exit_code == 0 || end.exit_code == unknown_job || end.exit_code == finished_job)
      return {};
    return failure("qdel", end);
  }

 private:
  Result<ProgramEnd> call(const std::vector<std::string>& argv) const {
    auto end = run_program(argv, {environment_, options_.limit});
    if (end.ok()) return end;
    if (end.error().code == Errc::missing)
      return Error{Errc::missing, end.error().message + " (is PBS installed here?)"};
    if (end.error().code == Errc::interrupted && argv[0] != "qsub")
      return Error{Errc::missing, end.error().message + ": the PBS server is not there"};
    return end;
  }

  static Error failure(const std::string& program, const ProgramEnd& end) {
    const std::string text = last_words(end);
    const bool absent = text.find("cannot connect to server") != std::string::npos ||
                        text.find("Connection refused") != std::string::npos;
    return Error{absent ? Errc::missing : Errc::io,
                 text.starts_with(program) ? text : program + ": " + text};
  }

  BatchRunnerOptions options_;
  std::vector<std::string> environment_;
};

Result<BatchState> state_of(const nlohmann::json& job) {
  using Phase = BatchState::Phase;
  const auto text_of_key = [&](const char* key) -> std::string {
    const auto found = job.find(key);
    return found != job.end() && found->is_string() ? found->get<std::string>() : "";
  };
  const auto number_of_key = [&](const char* key, int otherwise) {
    const auto found = job.find(key);
    if (found == job.end() || !found->is_number_integer()) return otherwise;
    const auto number = found->get<std::int64_t>();
    return std::in_range<int>(number) ? static_cast<int>(number) : otherwise;
  };
  const std::string letter = text_of_key("job_state");
  BatchState state;
  state.text = letter;
  if (const std::string comment = text_of_key("comment"); !comment.empty())
    state.text += " (" + comment + ")";
  if (letter == "Q" || letter == "H" || letter == "W" || letter == "T" || letter == "M") {
    state.phase = Phase::pending;
  } else if (letter == "R" || letter == "E" || letter == "B") {
    state.phase = Phase::running;
  } else if (letter == "S" || letter == "U") {
    state.phase = Phase::suspended;
  } else if (letter == "F" || letter == "X") {
    state.phase = Phase::ended;
    const int code = number_of_key("Exit_status", -1);
    state.cancelled = number_of_key("substate", 0) == substate_terminated;
    state.by_itself = !state.cancelled && code >= 0 && code < 256;
    if (code != -1) state.text += ", Exit_status " + std::to_string(code);
  } else {
    return Error{Errc::malformed, "job_state '" + letter + "' is unknown"};
  }
  return state;
}

}  // namespace

Result<std::map<std::string, BatchState>> parse_qstat(const std::string& json) {
  std::map<std::string, BatchState> jobs;
  if (is_blank(json)) return jobs;
  const nlohmann::json all = nlohmann::json::parse(json, nullptr, false);
  if (all.is_discarded() || !all.is_object())
    return Error{Errc::malformed, "qstat: what it printed is no JSON object"};
  const auto list = all.find("Jobs");
  if (list == all.end()) return jobs;
  if (!list->is_object()) return Error{Errc::malformed, "qstat: Jobs is no object"};
  for (const auto& [id, job] : list->items()) {
    if (!job.is_object()) return Error{Errc::malformed, "qstat: " + id + ": no object"};
    auto state = state_of(job);
    if (!state.ok()) return std::move(state).error().in("qstat: " + id);
    jobs[id] = std::move(*state);
  }
  return jobs;
}

std::unique_ptr<Scheduler> pbs_scheduler(const BatchRunnerOptions& options,
                                         std::vector<std::string> environment) {
  return std::make_unique<Pbs>(options, std::move(environment));
}

}  // namespace etalon::jobs
