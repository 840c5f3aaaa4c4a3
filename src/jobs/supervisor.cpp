#include "jobs/supervisor.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "jobs/job_processes.hpp"
#include "jobs/spawn.hpp"
#include "jobs/standby.hpp"

namespace etalon::jobs {
namespace {

using Clock = std::chrono::steady_clock;

class Supervisor {
 public:
  Supervisor(const SpecRecord& spec, const SupervisorOptions& options, Fd daemon)
      : spec_(spec),
        options_(options),
        daemon_(std::move(daemon)),
        processes_(spec, options.id, options.directory) {}

  void run();

 private:
  bool claim();
  void run_once();
  bool wait_for_next();
  void wait_for_end();
  void wait_for_news(int timeout_ms);
  void read_signals();
  void watch(pid_t daemon);
  void obey(Order order);
  void suspend();
  void resume();
  void cancel(const std::string& reason);
  void replace_daemon();
  void write_control() const;
  void write_result() const;
  std::string file(const char* name) const { return options_.directory + "/" + name; }

  const SpecRecord& spec_;
  const SupervisorOptions& options_;
  Fd daemon_, signals_;
  JobProcesses processes_;
  bool cancelled_ = false;
  Clock::time_point kill_at_;
  ControlRecord control_{.attempts = 0};
  std::string cancel_reason_;
};

void Supervisor::run() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, order_signal()})
    sigaddset(&watched, number);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  std::signal(SIGCHLD, SIG_DFL);
  signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (!signals_.valid() || !claim()) return;
  if (!spec_.standby.directory.empty()) withdraw_from_scheduler(spec_.standby, spec_.environment);

  do {
    run_once();
  } while (!cancelled_ && processes_.end().state == JobState::failed &&
           control_.attempts <= spec_.spec.retries && wait_for_next());
  write_result();
}

void Supervisor::run_once() {
  ++control_.attempts;
  const Launch& job = processes_.start();
  if (job.exit_code == 0) {
    // The first start stays on record: latency is the queue's, not the job's.
    (void)write_record(file("started"), to_cbor(StartedRecord{job.started, job.pid}), Durable::no,
                       Existing::keep);
    if (control_.attempts > 1) write_control();
    wait_for_end();
    if (!cancelled_) kill_at_ = Clock::now() + options_.cancel_grace;
    processes_.end_leftovers(kill_at_, cancelled_);
  }
}

// The pause before what failed is tried again; false when the job was cancelled meanwhile.
bool Supervisor::wait_for_next() {
  control_.last_failure =
      "attempt " + std::to_string(control_.attempts) + " failed: " + processes_.end().reason;
  write_control();
  const auto until = Clock::now() + retry_pause(control_.attempts);
  while (!cancelled_ && (Clock::now() < until || control_.suspended)) wait_for_news(50);
  return !cancelled_;
}

bool Supervisor::claim() {
  const auto won = write_record(file("claim"), to_cbor(ClaimRecord{identify(::getpid())}),
                                Durable::yes, Existing::keep);
  return won.ok() && *won;
}

// When the daemon has died already there must be a next one.
void Supervisor::watch(pid_t daemon) {
  daemon_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, daemon, 0)));
  if (!daemon_.valid()) replace_daemon();
}

void Supervisor::wait_for_end() {
  if (!daemon_.valid()) replace_daemon();
  while (!processes_.reap()) {
    int timeout = -1;
    if (cancelled_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - Clock::now());
      timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000));
      if (left.count() <= 0) {
        processes_.signal_all(SIGKILL);
        timeout = 20;
      }
    }
    wait_for_news(timeout);
  }
}

// Orders, ended processes, the daemon's end; returns after one of them or `timeout_ms`.
void Supervisor::wait_for_news(int timeout_ms) {
  pollfd waits[] = {{signals_.get(), POLLIN, 0}, {daemon_.get(), POLLIN, 0}};
  if (::poll(waits, 2, timeout_ms) < 0) waits[1].revents = 0;
  read_signals();
  if (daemon_.valid() && (waits[1].revents & POLLIN)) {
    daemon_.reset();
    replace_daemon();
  }
}

void Supervisor::read_signals() {
  signalfd_siginfo info;
  while (::read(signals_.get(), &info, sizeof info) == sizeof info) {
    const auto number = static_cast<int>(info.ssi_signo);
    if (number == order_signal()) {
      const auto order = static_cast<Order>(info.ssi_int);
      if (order == Order::adopt) watch(static_cast<pid_t>(info.ssi_pid));
      obey(order);
    } else if (number == SIGTERM || number == SIGINT) {
      cancel(std::string("the job's supervisor was told to end: ") + ::strsignal(number));
    }
  }
}

void Supervisor::obey(Order order) {
  switch (order) {
    case Order::adopt:
      return;
    case Order::release:
      daemon_.reset();
      return;
    case Order::suspend:
      return suspend();
    case Order::resume:
      return resume();
    case Order::cancel:
      return cancel("cancelled");
  }
}

void Supervisor::suspend() {
  if (control_.suspended || cancelled_) return;
  processes_.signal_all(SIGSTOP);
  control_.suspended = true;
  ++control_.suspensions;
  write_control();
}

void Supervisor::resume() {
  if (!control_.suspended) return;
  control_.suspended = false;
  write_control();
  processes_.signal_all(SIGCONT);
}

void Supervisor::cancel(const std::string& reason) {
  if (cancelled_) return;
  cancelled_ = true;
  cancel_reason_ = reason;
  kill_at_ = Clock::now() + options_.cancel_grace;
  processes_.signal_all(SIGTERM);
  control_.suspended = false;
  write_control();
  processes_.signal_all(SIGCONT);
}

void Supervisor::replace_daemon() {
  // While we adopt orphans the new daemon would become our child, and be stopped with the job.
  ::prctl(PR_SET_CHILD_SUBREAPER, 0);
  (void)spawn_daemon_unwatched(options_.state_dir);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void Supervisor::write_control() const {
  (void)write_record(file("control"), to_cbor(control_), Durable::no, Existing::replace);
}

void Supervisor::write_result() const {
  ResultRecord result = processes_.end();
  result.suspensions = control_.suspensions;
  result.attempts = control_.attempts;
  if (cancelled_) {
    result.state = JobState::cancelled;
    result.reason = cancel_reason_;
  }
  // A full disk may empty again; a job without a result would count as lost.
  for (int attempt = 0; attempt < 60; ++attempt) {
    if (write_record(file("result"), to_cbor(result), Durable::yes, Existing::keep).ok()) return;
    if (::access(options_.directory.c_str(), F_OK) != 0) return;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

Result<pid_t> start_supervisor(const SpecRecord& spec, const SupervisorOptions& options) {
  const pid_t daemon = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0)
    return Error{Errc::io, std::string("cannot make a process: ") + std::strerror(errno)};
  if (pid > 0) return pid;
  ::setsid();
  ::syscall(SYS_close_range, 3U, ~0U, 0U);
  const int null = ::open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; ++fd) ::dup2(null, fd);
  if (null > 2) ::close(null);
  ::prctl(PR_SET_NAME, ("etalon-job-" + std::to_string(options.id)).c_str());
  Fd watched(static_cast<int>(::syscall(SYS_pidfd_open, daemon, 0)));
  // When the daemon died before we looked, its number may be another's already.
  if (::getppid() != daemon) watched.reset();
  Supervisor(spec, options, std::move(watched)).run();
  ::_exit(0);
}

}  // namespace etalon::jobs
