// Slurm's programs: sbatch, squeue, scancel.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "jobs/scheduler.hpp"

namespace etalon::jobs {
namespace {

std::string first_line(std::string text) {
  text.erase(std::min(text.find('\n'), text.size()));
  return text;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

bool is_state(const std::string& text) {
  return !text.empty() &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string::npos;
}

// sbatch(1) and its like say what went wrong on standard error.
Error slurm_error(const std::string& program, const ProgramEnd& end) {
  std::string text = end.errors.empty() ? "exit code " + std::to_string(end.exit_code) : end.errors;
  while (!text.empty() && text.back() == '\n') text.pop_back();
  // Programs name themselves, and repeat it after each line.
  if (text.starts_with(program + ": ")) text.erase(0, program.size() + 2);
  const auto says = [&](std::string_view words) { return text.find(words) != std::string::npos; };
  const bool absent = says("Unable to contact") || says("Communication connection failure") ||
                      says("Could not resolve") || says("Protocol authentication error") ||
                      says("Socket timed out") || says("Connection refused");
  if (says("invalid partition"))
    text += " (ETALON_SLURM_DEMAND and ETALON_SLURM_BACKGROUND name the partitions)";
  return Error{absent ? Errc::missing : Errc::io, program + ": " + text};
}

class Slurm final : public Scheduler {
 public:
  Slurm(const BatchRunnerOptions& options, std::vector<std::string> environment)
      : options_(options), environment_(std::move(environment)) {}

  std::string name() const override { return "slurm"; }

  // slurmctld considers what sbatch brings once a second. An allocation is made while salloc waits,
  // so an urgent job that can start now does so in a tenth of the time.
  Result<BatchRecord> submit(const JobSpec& spec, const std::string& directory) override {
    if (spec.urgent) {
      auto allocated = allocate(spec, directory);
      if (!allocated.ok()) return std::move(allocated).error();
      if (!allocated->empty()) return BatchRecord{name(), *allocated, true};
    }
    std::vector<std::string> argv = {"sbatch", "--parsable"};
    argv.insert(argv.end(), spec.batch_options.begin(), spec.batch_options.end());
    // After the user's, so that these hold. Slurm would read `%`, quotes and backslashes in the
    // names of output files and of their folder; the script opens its own.
    argv.insert(argv.end(),
                {partition(spec), "--job-name=" + plain_name(spec.name, 64), "--chdir=/",
                 "--output=/dev/null", "--error=/dev/null", "--export=ALL", "--requeue"});
    argv.push_back(directory + "/script");
    ETALON_ASSIGN(const ProgramEnd end, call(argv));
    const std::string line = first_line(end.output);
    const std::string id = line.substr(0, line.find(';'));  // ID[;CLUSTER]
    if (!is_number(id))
      return Error{Errc::io, "sbatch: said '" + line + "' where a job's number was expected"};
    return BatchRecord{name(), id};
  }

  Result<std::map<std::string, BatchState>> query(const std::vector<std::string>&) override {
    ETALON_ASSIGN(const ProgramEnd end,
                  call({"squeue", "--noheader", "--states=all",
                        "--user=" + std::to_string(::geteuid()), "--format=%A %T %r"}));
    return parse_squeue(end.output);
  }

  Result<void> cancel(const std::string& id) override { return cancel_there(id); }

 private:
  std::string partition(const JobSpec& spec) const {
    return "--partition=" + (spec.urgent ? options_.demand : options_.background);
  }

  // The number of an allocation in which the script runs now; empty when there is none at once.
  // The step is started by a process that stays behind, and goes on without it, too.
  Result<std::string> allocate(const JobSpec& spec, const std::string& directory) const {
    std::vector<std::string> argv = {"salloc", "--no-shell", "--immediate=1", "--no-bell"};
    argv.insert(argv.end(), spec.batch_options.begin(), spec.batch_options.end());
    argv.insert(argv.end(), {partition(spec), "--job-name=" + plain_name(spec.name, 64)});
    auto end = call(argv);
    if (!end.ok() && end.error().code == Errc::io) return std::string();
    if (!end.ok()) return std::move(end).error();
    constexpr std::string_view granted = "Granted job allocation ";
    const std::size_t at = end->errors.find(granted);
    if (at == std::string::npos) return std::string();
    const std::string id = first_line(end->errors.substr(at + granted.size()));
    if (!is_number(id)) return std::string();
    const std::string hold =
        "#!/bin/sh\nsrun --jobid=" + id +
        " --overlap --nodes=1 --ntasks=1 --mem=0 --mpi=none --export=ALL --input=none"
        " --output=none --error=none " +
        shell_word(directory + "/script") + "\nscancel --quiet " + id + "\n";
    auto started = write_script(directory + "/hold", hold);
    if (started.ok())
      started = start_detached({directory + "/hold"}, directory + "/log", environment_);
    if (started.ok()) return id;
    (void)cancel_there(id);
    return std::move(started).error();
  }

  Result<void> cancel_there(const std::string& id) const {
    auto end = call({"scancel", "--quiet", id});
    if (!end.ok() && end.error().message.find("Invalid job id") != std::string::npos) return {};
    return end.ok() ? Result<void>{} : std::move(end).error();
  }

  Result<ProgramEnd> call(const std::vector<std::string>& argv) const {
    auto end = run_program(argv, {environment_, options_.limit});
    if (!end.ok()) {
      if (end.error().code == Errc::missing)
        return Error{Errc::missing, end.error().message + " (is Slurm installed here?)"};
      if (end.error().code == Errc::interrupted && argv[0] != "sbatch" && argv[0] != "salloc")
        return Error{Errc::missing, end.error().message + ": Slurm's controller is not there"};
      return end;
    }
    if (end->exit_code != 0) return slurm_error(argv[0], *end);
    return end;
  }

  BatchRunnerOptions options_;
  std::vector<std::string> environment_;
};

BatchState state_of(const std::string& name) {
  using Phase = BatchState::Phase;
  static constexpr std::array pending = {"PENDING",     "CONFIGURING",  "REQUEUED",
                                         "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD",
                                         "SPECIAL_EXIT"};
  static constexpr std::array running = {"RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT",
                                         "RESIZING"};
  const auto is_in = [&](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  BatchState state;
  if (is_in(pending)) return state;
  if (is_in(running)) {
    state.phase = Phase::running;
  } else if (name == "SUSPENDED" || name == "STOPPED") {
    state.phase = Phase::suspended;
  } else {
    state.phase = Phase::ended;
    state.cancelled = name == "CANCELLED" || name == "REVOKED";
    state.by_itself = name == "COMPLETED" || name == "FAILED";
  }
  return state;
}

}  // namespace

Result<std::map<std::string, BatchState>> parse_squeue(const std::string& text) {
  std::map<std::string, BatchState> jobs;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string::npos ? first : line.find(' ', first + 1);
    // A job that is not listed is taken for lost: a message among the lines, or an end within one,
    // is no list.
    const bool whole = second != std::string::npos && !lines.eof();
    const std::string name = whole ? line.substr(first + 1, second - first - 1) : "";
    if (!is_number(line.substr(0, first)) || !is_state(name))
      return Error{Errc::malformed, "squeue: cannot read the line '" + line + "'"};
    const std::string why = line.substr(second + 1);
    BatchState state = state_of(name);
    state.text = name + (why == "None" || why.empty() ? "" : " (" + why + ")");
    jobs[line.substr(0, first)] = std::move(state);
  }
  return jobs;
}

std::unique_ptr<Scheduler> slurm_scheduler(const BatchRunnerOptions& options,
                                           std::vector<std::string> environment) {
  return std::make_unique<Slurm>(options, std::move(environment));
}

}  // namespace etalon::jobs
