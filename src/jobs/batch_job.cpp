// What runs on the node: the batch job's first process, which owns the job's own.
//
// The scheduler signals all processes of a batch job, so the job's own have SIGTERM already when it
// comes here. Suspension is announced by SIGTSTP, which a process group without a terminal ignores
// until SIGSTOP follows, with Slurm 2 s later: it is done at once here.
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "jobs/batch_files.hpp"
#include "jobs/job_processes.hpp"
#include "jobs/program.hpp"

namespace etalon {
namespace jobs {
namespace {

using Clock = std::chrono::steady_clock;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// What a scheduler says to a job about the place it got.
bool is_schedulers(std::string_view entry) {
  for (const std::string_view start :
       {"SLURM", "PBS_", "CUDA_VISIBLE_DEVICES=", "ROCR_VISIBLE_DEVICES=", "GPU_DEVICE_ORDINAL=",
        "ZE_AFFINITY_MASK=", "TMPDIR=", "NCPUS=", "OMP_NUM_THREADS="})
    if (entry.starts_with(start)) return true;
  return false;
}

// The submitter's environment, with what concerns the place from the scheduler.
void take_over_environment(SpecRecord& spec) {
  std::erase_if(spec.environment, [](const std::string& entry) {
    return entry.starts_with("SLURM_") || entry.starts_with("PBS_");
  });
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (is_schedulers(*entry)) spec.environment.emplace_back(*entry);
}

class BatchJob {
 public:
  BatchJob(const SpecRecord& spec, std::uint64_t id, std::string directory)
      : directory_(std::move(directory)),
        spec_(spec),
        processes_(spec, id, directory_, Session::callers) {}

  Result<int> run(bool again);

 private:
  void run_once();
  bool wait_for_next();
  void wait_for_news(int timeout_ms);
  void write_control() const;
  Result<void> write_end();
  void release_allocation() const;
  std::string file(const char* name) const { return directory_ + "/" + name; }

  std::string directory_;
  const SpecRecord& spec_;
  JobProcesses processes_;
  Fd signals_;
  ControlRecord control_{.attempts = 0};
  bool told_to_end_ = false;
};

Result<int> BatchJob::run(bool again) {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGTSTP, SIGCONT}) sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  std::signal(SIGCHLD, SIG_DFL);
  std::signal(SIGHUP, SIG_IGN);
  signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) return system_error(directory_, "watch signals");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (again) {
    if (auto before = load<ControlRecord>(file("control")); before.ok()) control_ = *before;
    ++control_.requeues;
    control_.suspended = false;
    if (control_.attempts > 0) --control_.attempts;  // the one that did not come to its end
    ::unlink(file("stopped").c_str());
  }
  do {
    run_once();
  } while (!told_to_end_ && processes_.end().state == JobState::failed &&
           control_.attempts <= spec_.spec.retries && wait_for_next());
  ETALON_TRY(write_end());
  release_allocation();
  return processes_.end().exit_code;
}

void BatchJob::run_once() {
  ++control_.attempts;
  const Launch& job = processes_.start();
  if (job.exit_code != 0) return;
  (void)write_record(file("started"), to_cbor(StartedRecord{job.started, job.pid}), Durable::no,
                     Existing::keep);
  write_control();
  while (!processes_.reap()) wait_for_news(-1);
  // A scheduler's signal to all of us may have reached the job first.
  const auto until = Clock::now() + std::chrono::milliseconds(500);
  while (!told_to_end_ && processes_.end().exit_code > 128 && Clock::now() < until)
    wait_for_news(50);
  processes_.end_leftovers(Clock::now() + std::chrono::seconds(5), told_to_end_);
}

bool BatchJob::wait_for_next() {
  control_.last_failure =
      "attempt " + std::to_string(control_.attempts) + " failed: " + processes_.end().reason;
  write_control();
  const auto until = Clock::now() + retry_pause(control_.attempts);
  while (!told_to_end_ && Clock::now() < until) wait_for_news(50);
  return !told_to_end_;
}

void BatchJob::wait_for_news(int timeout_ms) {
  pollfd wait{signals_.get(), POLLIN, 0};
  (void)::poll(&wait, 1, timeout_ms);
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    switch (static_cast<int>(info.ssi_signo)) {
      case SIGTERM:
      case SIGINT:
        told_to_end_ = true;
        break;
      case SIGTSTP:
        processes_.signal_all(SIGSTOP);
        control_.suspended = true;
        ++control_.suspensions;
        write_control();
        break;
      case SIGCONT:
        control_.suspended = false;
        write_control();
        processes_.signal_all(SIGCONT);
        break;
      default:  // SIGCHLD: the caller reaps
        break;
    }
  }
}

void BatchJob::write_control() const {
  (void)write_record(file("control"), to_cbor(control_), Durable::no, Existing::replace);
}

// When told to end, whether the job will be started again is the scheduler's to know.
Result<void> BatchJob::write_end() {
  ResultRecord result = processes_.end();
  result.suspensions = control_.suspensions;
  result.attempts = control_.attempts;
  result.requeues = control_.requeues;
  const bool cancelled = told_to_end_ && ::access(file("cancel").c_str(), F_OK) == 0;
  if (cancelled) {
    result.state = JobState::cancelled;
    result.reason = "cancelled";
  }
  const bool final = !told_to_end_ || cancelled;
  Result<bool> done = false;
  for (int attempt = 0; attempt < 60; ++attempt) {  // a full disk may empty again
    done = write_record(file(final ? "result" : "stopped"), to_cbor(result), Durable::yes,
                        final ? Existing::keep : Existing::replace);
    if (done.ok()) return {};
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return std::move(done).error();
}

// Who started this step may have gone, and an allocation without a script stays for ever.
void BatchJob::release_allocation() const {
  const auto batch = load<BatchRecord>(file("batch"));
  if (!batch.ok() || !batch->step) return;
  // Without waiting for an answer, since it ends ourselves, too.
  (void)start_detached({"scancel", "--quiet", batch->id}, file("log"), {});
}

}  // namespace
}  // namespace jobs

Result<int> run_batch_job(const std::string& directory) {
  using namespace jobs;
  ETALON_ASSIGN(SpecRecord spec, load<SpecRecord>(directory + "/spec"));
  std::string holder = variable("SLURM_JOB_ID");
  if (holder.empty()) holder = variable("PBS_JOBID");
  if (holder.empty())
    return Error{Errc::usage, directory +
                                  ": neither SLURM_JOB_ID nor PBS_JOBID is set: this is "
                                  "for batch schedulers to run"};
  const bool again = ::access((directory + "/claim").c_str(), F_OK) == 0;
  ETALON_ASSIGN(const BatchClaim claim, claim_batch_job(directory, {holder, 0}));
  if (claim.holder.empty())
    return Error{Errc::check, directory + ": the job was withdrawn before it started"};
  if (claim.holder != holder)
    return Error{Errc::check, directory + ": the job was started as " + claim.holder};
  if (const auto result = load<ResultRecord>(directory + "/result"); result.ok())
    return result->exit_code;  // started again though it had come to its end
  take_over_environment(spec);
  const std::uint64_t id = std::strtoull(directory.c_str() + directory.rfind('/') + 1, nullptr, 10);
  return BatchJob(spec, id, directory).run(again);
}

}  // namespace etalon
