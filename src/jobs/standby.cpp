#include "jobs/standby.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "jobs/batch_status.hpp"
#include "jobs/spawn.hpp"

namespace etalon::jobs {
namespace {

StandByState state_by(const BatchClaim& claim, std::uint64_t local_job) {
  const bool ours = claim.holder.empty() && claim.moved_to == local_job;
  return ours ? StandByState::runs : StandByState::is_over;
}

}  // namespace

StandByState look_after(const StandBy& standby, std::uint64_t local_job, double now_unix_s) {
  const std::string claim_file = standby.directory + "/claim";
  const auto claim = load<BatchClaim>(claim_file);
  if (claim.ok()) return state_by(*claim, local_job);
  if (claim.error().code != Errc::missing) return StandByState::is_over;  // somebody's, damaged
  if (::access((standby.directory + "/spec").c_str(), F_OK) != 0 && errno == ENOENT)
    return StandByState::is_over;
  if (now_unix_s < standby.until_s) return StandByState::waits;
  const auto now_claimed = claim_batch_job(standby.directory, {"", local_job});
  if (!now_claimed.ok()) return StandByState::waits;  // the file system is away: once more
  const StandByState state = state_by(*now_claimed, local_job);
  if (state == StandByState::runs)
    (void)write_record(standby.directory + "/result",
                       to_cbor(moved(local_job, "not started by its deadline")), Durable::yes,
                       Existing::keep);
  return state;
}

void withdraw_from_scheduler(const StandBy& standby, const std::vector<std::string>& environment) {
  const auto batch = load<BatchRecord>(standby.directory + "/batch");
  if (!batch.ok()) return;
  BatchRunnerOptions options;
  options.limit = std::chrono::seconds(5);
  const auto scheduler = scheduler_named(batch->scheduler, options, environment);
  if (scheduler.ok()) (void)(*scheduler)->cancel(batch->id);
}

std::string name_of(const StandBy& standby) {
  // STATE/slurm/jobs/7
  const auto part = [&](std::size_t end) {
    const std::size_t slash = standby.directory.rfind('/', end);
    return std::pair(standby.directory.substr(slash + 1, end - slash), slash);
  };
  const auto [number, before] = part(standby.directory.size() - 1);
  if (before == std::string::npos || before == 0) return standby.directory;
  const auto [jobs, before_jobs] = part(before - 1);
  if (before_jobs == std::string::npos || before_jobs == 0) return standby.directory;
  return part(before_jobs - 1).first + " job " + number;
}

Result<pid_t> start_keeper(const std::string& state_dir) {
  const pid_t daemon = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0)
    return Error{Errc::io, std::string("cannot make a process: ") + std::strerror(errno)};
  if (pid > 0) return pid;
  ::setsid();
  const Fd watched(static_cast<int>(::syscall(SYS_pidfd_open, daemon, 0)));
  for (unsigned fd = 3; fd < 1024; ++fd)  // the daemon's lock and socket are not ours to hold
    if (static_cast<int>(fd) != watched.get()) ::close(static_cast<int>(fd));
  ::prctl(PR_SET_NAME, "etalon-keeper");
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  pollfd wait{watched.get(), POLLIN, 0};
  while (::getppid() == daemon && watched.valid())
    if (::poll(&wait, 1, -1) > 0) break;
  (void)spawn_daemon_unwatched(state_dir);
  ::_exit(0);
}

}  // namespace etalon::jobs
