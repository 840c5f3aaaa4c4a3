#include "jobs/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include "base/posix.hpp"

namespace etalon::jobs {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_bytes = std::size_t{16} << 20;

struct Pipe {
  Fd read, write;
};

Result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Error{Errc::io, std::string("cannot make a pipe: ") + std::strerror(errno)};
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.c_str()));
  list.push_back(nullptr);
  return list;
}

struct Place {
  int output = -1, errors = -1;
  int flags = 0;  // of posix_spawnattr_setflags
};

Result<pid_t> start(const std::vector<std::string>& argv,
                    const std::vector<std::string>& environment, const Place& place) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, place.output, 1);
  posix_spawn_file_actions_adddup2(&actions, place.errors, 2);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, static_cast<short>(place.flags | POSIX_SPAWN_SETSIGMASK |
                                                           POSIX_SPAWN_SETSIGDEF));
  const auto words = pointers(argv), entries = pointers(environment);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(),
                                   environment.empty() ? environ : entries.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  return Error{error == ENOENT ? Errc::missing : Errc::io,
               argv[0] + ": cannot be started: " + std::strerror(error)};
}

// Reads both to their ends; false when `deadline` passes first.
bool collect(Fd& output, Fd& errors, ProgramEnd& end, Clock::time_point deadline) {
  while (output.valid() || errors.valid()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return false;
    pollfd waits[] = {{output.get(), POLLIN, 0}, {errors.get(), POLLIN, 0}};
    if (::poll(waits, 2, static_cast<int>(std::min<std::int64_t>(left, 1000))) <= 0) continue;
    for (int i = 0; i < 2; ++i) {
      if (waits[i].revents == 0) continue;
      char buffer[65536];
      const ssize_t n = ::read(waits[i].fd, buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      std::string& text = i == 0 ? end.output : end.errors;
      if (n > 0 && text.size() <= most_bytes) text.append(buffer, static_cast<std::size_t>(n));
      if (n <= 0) (i == 0 ? output : errors).reset();
    }
  }
  return true;
}

// The exit status; nullopt-like -1 when `deadline` passes first.
int wait_until(pid_t pid, Clock::time_point deadline) {
  int status = 0;
  std::chrono::microseconds pause{200};
  while (true) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) return 127;
    if (Clock::now() >= deadline) return -1;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(5000));
  }
}

}  // namespace

Result<ProgramEnd> run_program(const std::vector<std::string>& argv,
                               const ProgramOptions& options) {
  const auto deadline = Clock::now() + options.limit;
  ETALON_ASSIGN(Pipe output, make_pipe());
  ETALON_ASSIGN(Pipe errors, make_pipe());
  // In a process group of its own, so that what it starts can be ended with it.
  ETALON_ASSIGN(const pid_t pid,
                start(argv, options.environment,
                      {output.write.get(), errors.write.get(), POSIX_SPAWN_SETPGROUP}));
  output.write.reset();
  errors.write.reset();
  ProgramEnd end;
  if (collect(output.read, errors.read, end, deadline))
    end.exit_code = wait_until(pid, deadline);
  else
    end.exit_code = -1;
  if (end.exit_code >= 0 && end.output.size() > most_bytes)  // half of an answer is none
    return Error{Errc::malformed,
                 argv[0] + ": printed more than " + std::to_string(most_bytes >> 20) + " MiB"};
  if (end.exit_code >= 0) return end;
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return Error{Errc::interrupted,
               argv[0] + ": no answer within " +
                   std::to_string(static_cast<double>(options.limit.count()) / 1000).substr(0, 5) +
                   " s"};
}

Result<void> start_detached(const std::vector<std::string>& argv, const std::string& log,
                            const std::vector<std::string>& environment) {
  const Fd fd(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd.valid()) return system_error(log, "open");
  ETALON_TRY(start(argv, environment, {fd.get(), fd.get(), POSIX_SPAWN_SETSID}));
  return {};
}

}  // namespace etalon::jobs
