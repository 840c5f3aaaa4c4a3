#include "jobs/spawn.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/posix.hpp"

namespace etalon::jobs {
namespace {

// Starts the daemon with `output` as its standard output and error, and waits until its first
// process has ended, having left a detached one behind.
Result<void> spawn(const std::string& executable, const std::string& state_dir, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(
      &attributes,
      static_cast<short>(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::string arguments[] = {"etalon", "job-daemon", state_dir};
  char* argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, executable.c_str(), &actions, &attributes, argv, environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0)
    return Error{error == ENOENT ? Errc::missing : Errc::io,
                 executable + ": cannot start the job daemon: " + std::strerror(error)};
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace

Result<std::string> default_executable() {
  if (const char* set = std::getenv("ETALON"); set != nullptr && *set != '\0')
    return std::string(set);
  const auto self = running_program();
  // The link itself, since it leads to the program also when its file was replaced meanwhile.
  if (self.ok() && std::string_view(*self).substr(self->rfind('/') + 1).starts_with("etalon"))
    return std::string("/proc/self/exe");
  return Error{Errc::missing,
               "job daemon: this program is not etalon; set ETALON to etalon's path"};
}

Result<bool> spawn_daemon(const std::string& executable, const std::string& state_dir) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return Error{Errc::io, std::string("cannot make a pipe: ") + std::strerror(errno)};
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  ETALON_TRY(spawn(executable, state_dir, write_end.get()));
  write_end.reset();

  std::string said;
  char buffer[4096];
  while (said.size() < 65536) {
    pollfd wait{read_end.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, 30'000);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return Error{Errc::io, state_dir + ": the job daemon does not answer"};
    const ssize_t n = ::read(read_end.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    said.append(buffer, static_cast<std::size_t>(n));
    if (said.find(ready_line) != std::string::npos) return true;
  }
  if (said.empty()) return false;
  while (!said.empty() && said.back() == '\n') said.pop_back();
  return Error{Errc::io, state_dir + ": the job daemon did not start: " + said};
}

Result<void> spawn_daemon_unwatched(const std::string& state_dir) {
  ETALON_ASSIGN(const std::string executable, default_executable());
  const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return spawn(executable, state_dir, null.get());
}

}  // namespace etalon::jobs
