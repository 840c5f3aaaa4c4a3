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

#include "jobs/launch.hpp"
#include "jobs/spawn.hpp"

namespace etalon::jobs {
namespace {

using Clock = std::chrono::steady_clock;

class Supervisor {
 public:
  Supervisor(const SpecRecord& spec, const SupervisorOptions& options, Fd daemon)
      : spec_(spec), options_(options), daemon_(std::move(daemon)) {}

  void run();

 private:
  bool claim();
  void wait_for_end();
  void read_signals();
  void watch(pid_t daemon);
  void obey(Order order);
  void reap();
  void signal_all(int signal);
  void suspend();
  void resume();
  void cancel(const std::string& reason);
  void end_leftovers();
  void replace_daemon();
  void write_control() const;
  void write_result() const;
  std::string file(const char* name) const { return options_.directory + "/" + name; }

  const SpecRecord& spec_;
  const SupervisorOptions& options_;
  Fd daemon_, signals_;
  Launch job_;
  bool ended_ = false, cancelled_ = false;
  Clock::time_point kill_at_;
  ControlRecord control_;
  ResultRecord result_;
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

  job_ = launch(spec_, options_.id, options_.directory);
  if (job_.exit_code != 0) {
    result_.state = JobState::failed;
    result_.exit_code = job_.exit_code;
    result_.reason = job_.reason;
    result_.ended_s = now().unix_s;
  } else {
    (void)write_record(file("started"), to_cbor(StartedRecord{job_.started, job_.pid}), Durable::no,
                       Existing::replace);
    wait_for_end();
    end_leftovers();
  }
  write_result();
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
  while (!ended_) {
    int timeout = -1;
    if (cancelled_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(kill_at_ - Clock::now());
      timeout = static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 1000));
      if (left.count() <= 0) {
        signal_all(SIGKILL);
        timeout = 20;
      }
    }
    pollfd waits[] = {{signals_.get(), POLLIN, 0}, {daemon_.get(), POLLIN, 0}};
    if (::poll(waits, 2, timeout) < 0 && errno != EINTR) return;
    read_signals();
    reap();
    if (daemon_.valid() && (waits[1].revents & POLLIN)) {
      daemon_.reset();
      replace_daemon();
    }
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

// Children of ours are the job and what it left without a parent.
void Supervisor::reap() {
  int status = 0;
  while (true) {
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (pid != job_.pid) continue;
    ended_ = true;
    result_.ended_s = now().unix_s;
    if (WIFEXITED(status)) {
      result_.exit_code = WEXITSTATUS(status);
      result_.reason =
          result_.exit_code == 0 ? "" : "exit code " + std::to_string(result_.exit_code);
    } else {
      result_.exit_code = 128 + WTERMSIG(status);
      result_.reason = "ended by signal " + std::to_string(WTERMSIG(status)) + " (" +
                       ::strsignal(WTERMSIG(status)) + ")";
    }
    result_.state = result_.exit_code == 0 ? JobState::done : JobState::failed;
  }
}

// The group at once, then whoever left it, each process once. A process may be born while we look:
// stopping goes on until nobody new is found.
void Supervisor::signal_all(int signal) {
  if (!ended_) ::kill(-job_.pid, signal);
  for (int round = 0; round < 20; ++round) {
    bool found = false;
    for (const ProcessStat& process : descendants(::getpid())) {
      const bool stopped = process.state == 'T';
      if ((signal == SIGSTOP && stopped) || (signal == SIGCONT && !stopped)) continue;
      if (signal == SIGTERM && !ended_ && process.group == job_.pid) continue;
      signal_process(process, signal);
      found = true;
    }
    if (!found || (signal != SIGSTOP && signal != SIGCONT)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void Supervisor::suspend() {
  if (control_.suspended || cancelled_) return;
  signal_all(SIGSTOP);
  control_.suspended = true;
  ++control_.suspensions;
  write_control();
}

void Supervisor::resume() {
  if (!control_.suspended) return;
  control_.suspended = false;
  write_control();
  signal_all(SIGCONT);
}

void Supervisor::cancel(const std::string& reason) {
  if (cancelled_) return;
  cancelled_ = true;
  cancel_reason_ = reason;
  kill_at_ = Clock::now() + options_.cancel_grace;
  signal_all(SIGTERM);
  control_.suspended = false;
  write_control();
  signal_all(SIGCONT);
}

// A job ends with all its processes: what it left behind is asked to end, then made to.
void Supervisor::end_leftovers() {
  const auto left = [&] {
    std::vector<ProcessStat> found = descendants(::getpid());
    if (found.empty()) found = processes_marked(mark_of(spec_));
    return found;
  };
  if (!cancelled_) kill_at_ = Clock::now() + options_.cancel_grace;
  const auto give_up_at = kill_at_ + std::chrono::seconds(30);
  bool asked = cancelled_;
  for (auto found = left(); !found.empty(); found = left()) {
    const bool late = Clock::now() >= kill_at_;
    for (const ProcessStat& process : found) {
      if (!asked || late) signal_process(process, late ? SIGKILL : SIGTERM);
      if (process.state == 'T') signal_process(process, SIGCONT);
    }
    asked = true;
    if (Clock::now() >= give_up_at) break;  // stuck in the kernel: nothing more can be done
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    reap();
  }
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
  ResultRecord result = result_;
  result.suspensions = control_.suspensions;
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
