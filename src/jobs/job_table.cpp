#include "jobs/job_table.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <filesystem>

#include "jobs/launch.hpp"
#include "jobs/standby.hpp"
#include "jobs/supervisor.hpp"

namespace etalon::jobs {
namespace fs = std::filesystem;

std::string JobTable::directory_of(std::uint64_t id) const {
  return directory_ + "/" + std::to_string(id);
}
std::string JobTable::file(std::uint64_t id, const char* name) const {
  return directory_of(id) + "/" + name;
}

Result<JobTable> JobTable::open(const std::string& directory, const JobDaemonOptions& options) {
  JobTable table;
  table.directory_ = directory;
  table.options_ = options;
  std::vector<std::uint64_t> ids;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    std::uint64_t id = 0;
    const auto [stop, bad] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (bad == std::errc() && stop == name.data() + name.size() && id > 0 && id < (1ULL << 62) &&
        std::to_string(id) == name)
      ids.push_back(id);
  }
  if (error) return Error{Errc::io, directory + ": cannot list: " + error.message()};
  std::sort(ids.begin(), ids.end());
  for (const std::uint64_t id : ids) table.load_job(id);
  if (!ids.empty()) table.next_id_ = ids.back() + 1;
  table.forget_old();
  return table;
}

void JobTable::load_job(std::uint64_t id) {
  auto spec = load<SpecRecord>(file(id, "spec"));
  if (!spec.ok() && spec.error().code == Errc::missing) {
    std::error_code ignored;  // was never acknowledged
    fs::remove_all(directory_of(id), ignored);
    return;
  }
  Job& job = jobs_[id];
  if (spec.ok()) {
    job.spec = std::move(*spec);
    by_key_[job.spec.key] = id;
  }
  if (auto started = load<StartedRecord>(file(id, "started")); started.ok()) job.started = *started;
  if (auto control = load<ControlRecord>(file(id, "control")); control.ok()) job.control = *control;
  auto result = load<ResultRecord>(file(id, "result"));
  if (result.ok()) {
    job.result = std::move(*result);
    job.spec.environment.clear();
  } else if (result.error().code != Errc::missing) {
    end(id, job, JobState::lost, 0, result.error().message);
  } else if (!spec.ok()) {
    end(id, job, JobState::lost, 0, spec.error().message);
  } else {
    active_.push_back(id);
    look_for_supervisor(id, job);
  }
}

// Called when no supervisor is known: takes over the one that claimed the job, or draws the
// conclusion. No claim: the job stays queued.
void JobTable::look_for_supervisor(std::uint64_t id, Job& job) {
  const auto claim = load<ClaimRecord>(file(id, "claim"));
  if (!claim.ok()) {
    job.waits = !job.spec.standby.directory.empty();
    if (claim.error().code == Errc::missing) return;
    return lose(id, job, claim.error().message);
  }
  job.supervisor = open_process(claim->supervisor);
  if (job.supervisor.valid()) {
    send_order(job.supervisor, Order::adopt);
    if (job.cancel_asked) send_order(job.supervisor, Order::cancel);
    job.suspended.reset();
    return;
  }
  // It has ended, with its result written before; or it was killed.
  auto result = load<ResultRecord>(file(id, "result"));
  if (result.ok()) {
    job.result = std::move(*result);
    refresh(id, job);
    job.spec.environment.clear();
    std::erase(active_, id);
  } else if (result.error().code != Errc::missing) {
    lose(id, job, result.error().message);
  } else if (claim->supervisor.boot != boot_id()) {
    lose(id, job, "the machine was restarted while the job ran");
  } else {
    lose(id, job, "the job's supervisor was killed");
  }
}

void JobTable::end(std::uint64_t id, Job& job, JobState state, int exit_code, std::string reason) {
  job.result = ResultRecord{state,
                            exit_code,
                            std::move(reason),
                            now().unix_s,
                            job.control.suspensions,
                            job.started.has_value() ? job.control.attempts : 0};
  job.supervisor.reset();
  job.spec.environment.clear();
  std::erase(active_, id);
  // Should this fail, the next daemon comes to the same conclusion.
  (void)write_record(file(id, "result"), to_cbor(*job.result), Durable::yes, Existing::keep);
}

void JobTable::lose(std::uint64_t id, Job& job, std::string reason) {
  // What is left of it must not go on unseen: somebody may run it again.
  for (const ProcessStat& process : processes_marked(mark_of(job.spec)))
    signal_process(process, SIGKILL);
  end(id, job, JobState::lost, 0, std::move(reason));
}

Result<std::uint64_t> JobTable::submit(SpecRecord spec) {
  if (const auto known = by_key_.find(spec.key); known != by_key_.end()) return known->second;
  std::uint64_t id = next_id_;
  while (::mkdir(directory_of(id).c_str(), 0700) != 0) {
    if (errno != EEXIST) return system_error(directory_of(id), "make the job's directory");
    ++id;
  }
  const auto written = write_record(file(id, "spec"), to_cbor(spec), Durable::yes, Existing::keep);
  const auto synced = written.ok() ? sync_directory(directory_) : Result<void>(written.error());
  if (!synced.ok()) {
    std::error_code ignored;
    fs::remove_all(directory_of(id), ignored);
    return synced.error();
  }
  next_id_ = id + 1;
  by_key_[spec.key] = id;
  jobs_[id].waits = !spec.standby.directory.empty();
  jobs_[id].spec = std::move(spec);
  active_.push_back(id);
  forget_old();
  return id;
}

void JobTable::start(std::uint64_t id, Job& job) {
  constexpr unsigned most_attempts = 3;
  if (job.attempts++ >= most_attempts)
    return end(id, job, JobState::failed, 126,
               "the job could not be claimed: " + directory_of(id) + " cannot be written");
  auto pid =
      start_supervisor(job.spec, {id, directory_of(id), options_.state_dir, options_.cancel_grace});
  if (!pid.ok()) {  // too many processes: tried again at the next event
    --job.attempts;
    return;
  }
  job.child = *pid;
  job.supervisor = Fd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
  job.suspended = false;
}

void JobTable::supervisor_ended(std::uint64_t id) {
  Job& job = jobs_.at(id);
  job.supervisor.reset();
  if (job.child > 0) ::waitpid(job.child, nullptr, 0);
  job.child = 0;
  look_for_supervisor(id, job);
}

void JobTable::order(Job& job, bool suspend) {
  send_order(job.supervisor, suspend ? Order::suspend : Order::resume);
  job.suspended = suspend;
}

void JobTable::schedule_now() {
  std::vector<QueueEntry> entries;
  for (const std::uint64_t id : active_) {
    const Job& job = jobs_.at(id);
    if (job.waits) continue;
    entries.push_back(
        {id, job.spec.spec.urgent, job.supervisor.valid(), job.suspended.value_or(false)});
  }
  const QueueOrders orders = schedule(entries, {options_.slots, options_.urgent_slots});
  for (const std::uint64_t id : orders.suspend) order(jobs_.at(id), true);
  for (const std::uint64_t id : orders.start) start(id, jobs_.at(id));
  for (const std::uint64_t id : orders.resume) order(jobs_.at(id), false);
  // A job taken over may be suspended still, from an order of the daemon before.
  for (const std::uint64_t id : std::vector(active_))
    if (Job& job = jobs_.at(id); job.supervisor.valid() && !job.suspended.has_value())
      order(job, false);
}

std::optional<std::chrono::milliseconds> JobTable::look_after_standbys() {
  constexpr double most_s = 1;  // sooner than its deadline it may start, and we are then done
  double wait_s = most_s;
  bool any = false;
  for (const std::uint64_t id : std::vector(active_)) {
    Job& job = jobs_.at(id);
    if (!job.waits) continue;
    const double now_s = now().unix_s;
    switch (look_after(job.spec.standby, id, now_s)) {
      case StandByState::waits:
        any = true;
        if (job.spec.standby.until_s > now_s)
          wait_s = std::min(wait_s, job.spec.standby.until_s - now_s);
        break;
      case StandByState::runs:
        job.waits = false;
        break;
      case StandByState::is_over:
        stand_down(id, job);
        break;
    }
  }
  if (!any) return std::nullopt;
  return std::chrono::milliseconds(static_cast<int>(wait_s * 1000) + 1);
}

// Claimed by nobody who lives, it can never start.
void JobTable::stand_down(std::uint64_t id, Job& job) {
  job.waits = false;
  if (write_record(file(id, "claim"), to_cbor(ClaimRecord{}), Durable::yes, Existing::keep).ok())
    end(id, job, JobState::cancelled, 0,
        "not needed: " + name_of(job.spec.standby) + " has started in time, or was cancelled");
}

std::vector<std::pair<std::uint64_t, int>> JobTable::watched() const {
  std::vector<std::pair<std::uint64_t, int>> handles;
  for (const std::uint64_t id : active_)
    if (const Job& job = jobs_.at(id); job.supervisor.valid())
      handles.emplace_back(id, job.supervisor.get());
  return handles;
}

void JobTable::release_all() {
  for (const std::uint64_t id : active_) {
    Job& job = jobs_.at(id);
    if (!job.supervisor.valid()) continue;
    order(job, false);
    send_order(job.supervisor, Order::release);
  }
}

}  // namespace etalon::jobs
