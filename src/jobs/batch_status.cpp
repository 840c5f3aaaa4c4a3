#include "jobs/batch_status.hpp"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace etalon::jobs {
namespace {

// The record, or nullopt when it is not there.
template <typename Record>
Result<std::optional<Record>> load_if_there(const std::string& path) {
  auto record = load<Record>(path);
  if (record.ok()) return std::optional(std::move(*record));
  if (record.error().code == Errc::missing) return std::optional<Record>{};
  return std::move(record).error();
}

// What the script said, which it does only when something is wrong.
std::string said_by_script(const BatchJobFiles& job) {
  std::ifstream file(job.directory + "/log", std::ios::binary);
  std::string text(500, ' ');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "" : ": " + text;
}

}  // namespace

Result<BatchJobFiles> read_batch_job(const std::string& directory, std::uint64_t number) {
  // Opening a directory makes a network file system look afresh for what is in it.
  if (DIR* listing = ::opendir(directory.c_str()); listing != nullptr) ::closedir(listing);
  BatchJobFiles job;
  job.number = number;
  job.directory = directory;
  ETALON_ASSIGN(job.spec, load<SpecRecord>(directory + "/spec"));
  ETALON_ASSIGN(job.started, load_if_there<StartedRecord>(directory + "/started"));
  ETALON_ASSIGN(job.control, load_if_there<ControlRecord>(directory + "/control"));
  ETALON_ASSIGN(job.stopped, load_if_there<ResultRecord>(directory + "/stopped"));
  ETALON_ASSIGN(job.result, load_if_there<ResultRecord>(directory + "/result"));
  ETALON_ASSIGN(const auto claim, load_if_there<BatchClaim>(directory + "/claim"));
  ETALON_ASSIGN(const auto batch, load_if_there<BatchRecord>(directory + "/batch"));
  if (claim.has_value()) {
    job.id_there = claim->holder;
    job.moved_to = claim->moved_to;
  }
  if (batch.has_value()) {
    job.id_there = batch->id;
    job.step = batch->step;
  }
  job.cancel_asked = ::access((directory + "/cancel").c_str(), F_OK) == 0;
  return job;
}

ResultRecord conclude(const BatchJobFiles& job, const BatchState* state,
                      const std::string& scheduler) {
  ResultRecord end;
  if (job.stopped.has_value()) {
    end = *job.stopped;
  } else {
    end.ended_s = now().unix_s;
    end.attempts = 0;
    if (job.control.has_value()) {
      end.suspensions = job.control->suspensions;
      end.attempts = job.control->attempts;
      end.requeues = job.control->requeues;
    }
  }
  const bool cancelled_there = state != nullptr && state->cancelled;
  if (job.step && cancelled_there && !job.cancel_asked) {  // as its allocation always ends
    end.state = job.stopped.has_value() ? JobState::failed : JobState::lost;
    end.reason =
        "its allocation in " + scheduler + " ended, and it left no result" + said_by_script(job);
  } else if (job.cancel_asked || cancelled_there) {
    end.state = JobState::cancelled;
    end.reason = job.cancel_asked ? "cancelled" : "cancelled in " + scheduler;
  } else if (state == nullptr) {
    end.state = job.stopped.has_value() ? JobState::failed : JobState::lost;
    end.reason = job.stopped.has_value()
                     ? scheduler + " told it to end and has forgotten why: " + end.reason
                     : scheduler + " knows no job " + job.id_there + ", and it left no result" +
                           said_by_script(job);
  } else if (!(state->by_itself && job.stopped.has_value())) {
    end.state = JobState::failed;
    end.reason = scheduler + ": " + state->text + said_by_script(job);
  }
  if (end.state == JobState::failed && end.exit_code == 0) end.exit_code = 128 + 15;
  return end;
}

ResultRecord moved(std::uint64_t local_job, const std::string& why) {
  ResultRecord result{
      JobState::cancelled, 0,
      why + "; it runs as job " + std::to_string(local_job) + " of the local runner", now().unix_s};
  result.attempts = 0;
  return result;
}

JobStatus describe(const BatchJobFiles& job, const BatchState* state,
                   const std::string& scheduler) {
  JobStatus status;
  status.id = job.number;
  status.spec = job.spec.spec;
  status.batch_id = job.id_there;
  status.moved_to = job.moved_to;
  status.submitted_s = job.spec.submitted.unix_s;
  status.output = job.directory + "/output";
  if (job.spec.spec.split_output) status.errors = job.directory + "/errors";
  if (job.started.has_value()) {
    status.started_s = job.started->started.unix_s;
    status.latency_s = std::max(0.0, status.started_s - status.submitted_s);  // of two clocks
  }
  if (job.control.has_value()) {
    status.suspensions = job.control->suspensions;
    status.requeues = job.control->requeues;
    status.attempts = job.control->attempts;
    status.reason = job.control->last_failure;
  }
  if (job.result.has_value()) {
    status.state = job.result->state;
    status.exit_code = job.result->exit_code;
    status.reason = job.result->reason;
    status.ended_s = job.result->ended_s;
    status.suspensions = job.result->suspensions;
    status.requeues = job.result->requeues;
    status.attempts = job.result->attempts;
    return status;
  }
  if (status.moved_to != 0) {  // its end is not written down yet
    status.reason = moved(status.moved_to, "not started by its deadline").reason;
    return status;
  }
  using Phase = BatchState::Phase;
  const Phase phase = state == nullptr ? Phase::pending : state->phase;
  const bool runs = job.started.has_value() && phase != Phase::pending;
  const bool stopped =
      phase == Phase::suspended || (job.control.has_value() && job.control->suspended);
  if (runs)
    status.state = stopped ? JobState::suspended : JobState::running;
  else
    status.reason = scheduler + ": " + (state == nullptr ? "not known yet" : state->text);
  return status;
}

}  // namespace etalon::jobs
