// A batch runner: the jobs' directories, and what records and scheduler say together.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <mutex>
#include <optional>

#include "jobs/batch_files.hpp"
#include "jobs/batch_status.hpp"
#include "jobs/complete.hpp"
#include "jobs/job_table.hpp"
#include "jobs/local_runner.hpp"
#include "jobs/scheduler.hpp"
#include "jobs/spawn.hpp"
#include "jobs/state_dir.hpp"

namespace etalon {
namespace jobs {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

class BatchRunner final : public JobRunner {
 public:
  BatchRunner(std::unique_ptr<Scheduler> scheduler, std::string directory, std::string executable)
      : scheduler_(std::move(scheduler)),
        directory_(std::move(directory)),
        executable_(std::move(executable)) {}

  Result<std::uint64_t> submit(const JobSpec& spec) override;
  Result<JobStatus> status(std::uint64_t id) override;
  Result<std::vector<JobStatus>> list() override;
  Result<void> cancel(std::uint64_t id) override;

 private:
  std::string directory_of(std::uint64_t id) const { return directory_ + "/" + std::to_string(id); }
  Result<std::vector<std::uint64_t>> numbers() const;
  Result<std::uint64_t> make_directory() const;
  void forget_old() const;
  Result<void> hand_over(const SpecRecord& record, const std::string& directory);
  Result<BatchJobFiles> read(std::uint64_t id) const;
  Result<void> ask_scheduler(const std::vector<BatchJobFiles>& jobs);
  Result<JobStatus> settle(BatchJobFiles job);

  std::unique_ptr<Scheduler> scheduler_;
  std::string directory_, executable_;
  std::mutex mutex_;  // of what the scheduler said
  std::map<std::string, BatchState> said_;
  std::optional<Clock::time_point> asked_;
};

Result<std::vector<std::uint64_t>> BatchRunner::numbers() const {
  std::vector<std::uint64_t> ids;
  std::error_code error;
  for (fs::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    std::uint64_t id = 0;
    const auto [stop, bad] = std::from_chars(name.data(), name.data() + name.size(), id);
    if (bad == std::errc() && stop == name.data() + name.size() && std::to_string(id) == name)
      ids.push_back(id);
  }
  if (error) return Error{Errc::io, directory_ + ": cannot list: " + error.message()};
  std::sort(ids.begin(), ids.end());
  return ids;
}

Result<std::uint64_t> BatchRunner::make_directory() const {
  ETALON_ASSIGN(const auto ids, numbers());
  std::uint64_t id = ids.empty() ? 1 : ids.back() + 1;
  while (::mkdir(directory_of(id).c_str(), 0700) != 0) {
    if (errno != EEXIST) return system_error(directory_of(id), "make the job's directory");
    ++id;
  }
  return id;
}

// Ended jobs beyond the newest kept_jobs are forgotten, as the local runner does.
void BatchRunner::forget_old() const {
  const auto ids = numbers();
  if (!ids.ok() || ids->size() <= kept_jobs) return;
  std::error_code ignored;
  for (std::size_t i = 0; i + kept_jobs < ids->size(); ++i)
    if (::access((directory_of((*ids)[i]) + "/result").c_str(), F_OK) == 0)
      fs::remove_all(directory_of((*ids)[i]), ignored);
}

// Whatever becomes of it, the job runs at most once: what was not handed over for certain is
// withdrawn before anybody is told so.
Result<void> BatchRunner::hand_over(const SpecRecord& record, const std::string& directory) {
  auto batch = scheduler_->submit(record.spec, directory);
  if (batch.ok()) {
    ETALON_TRY(
        write_record(directory + "/batch", to_cbor(*batch), Durable::yes, Existing::replace));
    return {};
  }
  if (batch.error().code != Errc::interrupted) return std::move(batch).error();
  return Error{Errc::missing, batch.error().message + ": " + scheduler_->name() +
                                  "'s server is not there; the job will not run"};
}

Result<std::uint64_t> BatchRunner::submit(const JobSpec& spec) {
  ETALON_ASSIGN(SpecRecord record, complete(spec));
  ETALON_ASSIGN(const std::uint64_t id, make_directory());
  const std::string directory = directory_of(id);
  const auto prepare = [&]() -> Result<void> {
    ETALON_TRY(write_script(directory + "/script", batch_script(executable_, directory)));
    ETALON_TRY(write_record(directory + "/spec", to_cbor(record), Durable::yes, Existing::keep));
    return sync_directory(directory_);
  };
  std::uint64_t stand_in = 0;
  auto done = prepare();
  if (done.ok() && spec.deadline_s > 0) {
    SpecRecord standby = record;
    standby.standby = {directory, record.submitted.unix_s + spec.deadline_s};
    standby.spec.batch_options.clear();
    auto local = submit_to_local(standby);
    if (local.ok())
      stand_in = *local;
    else
      done = std::move(local).error();
  }
  if (done.ok()) done = hand_over(record, directory);
  if (done.ok()) {
    forget_old();
    return id;
  }
  const auto claim = claim_batch_job(directory, {"", stand_in});
  if (claim.ok() && !claim->holder.empty()) return id;  // it runs all the same
  if (stand_in == 0) {
    if (done.error().code == Errc::missing && done.error().message.ends_with("will not run"))
      return std::move(done).error();  // its directory stops a job that arrives late
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    return std::move(done).error();
  }
  ETALON_TRY(write_record(directory + "/result", to_cbor(moved(stand_in, done.error().message)),
                          Durable::yes, Existing::keep));
  return id;
}

Result<BatchJobFiles> BatchRunner::read(std::uint64_t id) const {
  if (::access(directory_of(id).c_str(), F_OK) != 0)
    return Error{Errc::missing, "job " + std::to_string(id) + ": there is no such " +
                                    scheduler_->name() + " job of etalon's"};
  return read_batch_job(directory_of(id), id);
}

// At most every 2 s, unless one of these jobs is not known yet.
Result<void> BatchRunner::ask_scheduler(const std::vector<BatchJobFiles>& jobs) {
  std::vector<std::string> ids;
  bool all_known = true;
  for (const BatchJobFiles& job : jobs) {
    if (job.result.has_value() || job.id_there.empty()) continue;
    ids.push_back(job.id_there);
    all_known &= said_.contains(job.id_there);
  }
  if (ids.empty()) return {};
  const bool fresh = asked_.has_value() && Clock::now() - *asked_ < std::chrono::seconds(2);
  if (fresh && all_known) return {};
  ETALON_ASSIGN(said_, scheduler_->query(ids));
  asked_ = Clock::now();
  return {};
}

// What records and scheduler say together; an end that only the scheduler knows is recorded.
Result<JobStatus> BatchRunner::settle(BatchJobFiles job) {
  if (!job.result.has_value() && !job.id_there.empty()) {
    const auto found = said_.find(job.id_there);
    const BatchState* state = found == said_.end() ? nullptr : &found->second;
    if (state == nullptr || state->phase == BatchState::Phase::ended) {
      ETALON_ASSIGN(job, read(job.number));  // it may have recorded its end meanwhile
      if (!job.result.has_value()) {
        const ResultRecord end = conclude(job, state, scheduler_->name());
        ETALON_TRY(
            write_record(job.directory + "/result", to_cbor(end), Durable::yes, Existing::keep));
        ETALON_ASSIGN(job, read(job.number));
      }
    }
    return describe(job, state, scheduler_->name());
  }
  return describe(job, nullptr, scheduler_->name());
}

Result<JobStatus> BatchRunner::status(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  ETALON_ASSIGN(const BatchJobFiles job, read(id));
  ETALON_TRY(ask_scheduler({job}));
  return settle(job);
}

Result<std::vector<JobStatus>> BatchRunner::list() {
  const std::lock_guard lock(mutex_);
  ETALON_ASSIGN(const auto ids, numbers());
  std::vector<BatchJobFiles> jobs;
  std::vector<JobStatus> all;
  for (const std::uint64_t id : ids) {
    auto job = read(id);
    if (job.ok()) {
      jobs.push_back(std::move(*job));
    } else if (job.error().code != Errc::missing) {  // shown, since it may be running there
      JobStatus unreadable;
      unreadable.id = id;
      unreadable.state = JobState::lost;
      unreadable.reason = job.error().message;
      all.push_back(std::move(unreadable));
    }
  }
  ETALON_TRY(ask_scheduler(jobs));
  for (BatchJobFiles& job : jobs) {
    ETALON_ASSIGN(JobStatus status, settle(std::move(job)));
    all.push_back(std::move(status));
  }
  std::ranges::sort(all, {}, &JobStatus::id);
  return all;
}

Result<void> BatchRunner::cancel(std::uint64_t id) {
  ETALON_ASSIGN(BatchJobFiles job, read(id));
  if (job.result.has_value()) return {};
  ETALON_ASSIGN(const BatchClaim claim, claim_batch_job(job.directory, {}));
  if (claim.holder.empty()) {  // it can never start now; what the scheduler still has ends at once
    ResultRecord result{JobState::cancelled, 0, "cancelled before it started", now().unix_s};
    result.attempts = 0;
    ETALON_TRY(
        write_record(job.directory + "/result", to_cbor(result), Durable::yes, Existing::keep));
  } else {
    ETALON_TRY(write_record(job.directory + "/cancel", to_cbor(BatchRecord{}), Durable::yes,
                            Existing::replace));
    job.id_there = claim.holder;
  }
  if (job.id_there.empty()) return {};
  auto done = scheduler_->cancel(job.id_there);
  return done.ok() || claim.holder.empty() ? Result<void>{} : std::move(done).error();
}

}  // namespace

Result<std::unique_ptr<JobRunner>> batch_runner(std::unique_ptr<Scheduler> scheduler,
                                                const BatchRunnerOptions& options) {
  ETALON_ASSIGN(const std::string state_dir,
                resolve_shared_state_dir(options.state_dir, scheduler->name()));
  ETALON_ASSIGN(std::string directory, make_jobs_dir(state_dir));
  std::string executable = options.executable;
  if (executable.empty()) {
    ETALON_ASSIGN(executable, default_executable());
    if (executable == "/proc/self/exe") {
      ETALON_ASSIGN(executable, running_program());
    }
  }
  return std::unique_ptr<JobRunner>(std::make_unique<BatchRunner>(
      std::move(scheduler), std::move(directory), absolute_path(executable)));
}

}  // namespace jobs

Result<std::unique_ptr<JobRunner>> slurm_runner(const BatchRunnerOptions& options) {
  return jobs::batch_runner(jobs::slurm_scheduler(options), options);
}

Result<std::unique_ptr<JobRunner>> pbs_runner(const BatchRunnerOptions& options) {
  return jobs::batch_runner(jobs::pbs_scheduler(options), options);
}

}  // namespace etalon
