// What the table tells, and what it is asked to undo.
#include <algorithm>
#include <filesystem>

#include "jobs/job_table.hpp"
#include "jobs/standby.hpp"

namespace etalon::jobs {

void JobTable::refresh(std::uint64_t id, Job& job) {
  if (!job.started.has_value())
    if (auto started = load<StartedRecord>(file(id, "started")); started.ok())
      job.started = *started;
  if (auto control = load<ControlRecord>(file(id, "control")); control.ok()) job.control = *control;
}

JobStatus JobTable::describe(std::uint64_t id, const Job& job) const {
  JobStatus status;
  status.id = id;
  status.spec = job.spec.spec;
  status.submitted_s = job.spec.submitted.unix_s;
  status.suspensions = job.control.suspensions;
  status.reason = job.control.last_failure;
  status.output = file(id, "output");
  if (!job.spec.standby.directory.empty()) status.stands_in_for = name_of(job.spec.standby);
  if (job.waits)
    status.reason = "waits whether " + status.stands_in_for + " starts by its deadline";
  if (job.spec.spec.split_output) status.errors = file(id, "errors");
  if (job.started.has_value()) {
    status.started_s = job.started->started.unix_s;
    status.latency_s =
        std::max(0.0, job.started->started.monotonic_s - job.spec.submitted.monotonic_s);
    status.state = job.control.suspended ? JobState::suspended : JobState::running;
    status.attempts = job.control.attempts;
  }
  if (job.result.has_value()) {
    status.state = job.result->state;
    status.exit_code = job.result->exit_code;
    status.reason = job.result->reason;
    status.ended_s = job.result->ended_s;
    status.suspensions = job.result->suspensions;
    status.attempts = job.result->attempts;
  }
  return status;
}

Result<JobStatus> JobTable::status(std::uint64_t id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end())
    return Error{Errc::missing, "job " + std::to_string(id) + ": there is no such job"};
  if (!found->second.result.has_value()) refresh(id, found->second);
  return describe(id, found->second);
}

std::vector<JobStatus> JobTable::list() {
  std::vector<JobStatus> all;
  for (auto& [id, job] : jobs_) {
    if (!job.result.has_value()) refresh(id, job);
    all.push_back(describe(id, job));
  }
  return all;
}

Result<void> JobTable::cancel(std::uint64_t id) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end())
    return Error{Errc::missing, "job " + std::to_string(id) + ": there is no such job"};
  Job& job = found->second;
  if (job.result.has_value()) return {};
  job.cancel_asked = true;
  if (job.supervisor.valid() && send_order(job.supervisor, Order::cancel)) return {};
  if (job.supervisor.valid()) return {};  // it has just ended
  // Claimed by nobody who lives, a queued job can never start.
  ETALON_ASSIGN(const bool ours, write_record(file(id, "claim"), to_cbor(ClaimRecord{}),
                                              Durable::yes, Existing::keep));
  if (ours)
    end(id, job, JobState::cancelled, 0, "cancelled before it started");
  else
    look_for_supervisor(id, job);
  return {};
}

void JobTable::forget_old() {
  if (jobs_.size() <= kept_jobs + active_.size()) return;
  std::size_t surplus = jobs_.size() - active_.size() - kept_jobs;
  for (auto job = jobs_.begin(); job != jobs_.end() && surplus > 0;) {
    if (!job->second.result.has_value()) {
      ++job;
      continue;
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory_of(job->first), ignored);
    by_key_.erase(job->second.spec.key);
    job = jobs_.erase(job);
    --surplus;
  }
}

}  // namespace etalon::jobs
