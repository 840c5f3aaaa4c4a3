#include "jobs/launch.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace etalon::jobs {
namespace {

enum class Stage : int { exec_next, directory, output, exec };

struct Report {  // what the child says on its pipe
  Stage stage;
  int error;
  Stamp stamp;
};

std::vector<std::string> environment_of(const SpecRecord& spec, std::uint64_t id) {
  std::map<std::string, std::string> entries;
  for (const std::string& entry : spec.environment)
    if (const std::size_t equals = entry.find('='); equals != std::string::npos)
      entries[entry.substr(0, equals)] = entry.substr(equals + 1);
  for (const auto& [name, value] : spec.spec.environment) entries[name] = value;
  entries["ETALON_JOB"] = std::to_string(id);
  entries["ETALON_JOB_KEY"] = spec.key;
  std::vector<std::string> flat;
  for (const auto& [name, value] : entries) flat.push_back(name + "=" + value);
  return flat;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

void default_signals() {
  for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

struct Outputs {
  std::string output, errors;  // may be the same
};

int open_output(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
}

[[noreturn]] void run_child(int pipe, pid_t supervisor, const SpecRecord& spec, char** argv,
                            char** environment, const Outputs& outputs, Session session) {
  const auto give_up = [pipe](Stage stage) {
    const Report report{stage, errno, {}};
    (void)!::write(pipe, &report, sizeof report);
    ::_exit(127);
  };
  if (session == Session::own)
    ::setsid();
  else
    ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != supervisor) ::_exit(127);
  const int in = ::open("/dev/null", O_RDONLY);
  const int out = open_output(outputs.output), err = open_output(outputs.errors);
  if (in < 0 || out < 0 || err < 0 || ::dup2(in, 0) < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0)
    give_up(Stage::output);
  for (const int fd : {in, out, err})
    if (fd > 2) ::close(fd);
  if (::chdir(spec.spec.directory.c_str()) != 0) give_up(Stage::directory);
  ::umask(static_cast<mode_t>(spec.umask));
  default_signals();
  environ = environment;  // its PATH is the one that execvp searches
  const Report report{Stage::exec_next, 0, now()};
  (void)!::write(pipe, &report, sizeof report);
  ::execvp(argv[0], argv);
  give_up(Stage::exec);
  ::_exit(127);
}

void explain(const Report& report, const SpecRecord& spec, const Outputs& outputs, Launch& result) {
  const std::string why = std::strerror(report.error);
  switch (report.stage) {
    case Stage::exec_next:
      result.started = report.stamp;
      return;
    case Stage::directory:
      result.exit_code = 126;
      result.reason = spec.spec.directory + ": cannot enter the working directory: " + why;
      return;
    case Stage::output:
      result.exit_code = 126;
      result.reason = outputs.output + ": cannot open: " + why;
      return;
    case Stage::exec:
      result.exit_code = report.error == ENOENT ? 127 : 126;
      result.reason = spec.spec.argv[0] +
                      (report.error == ENOENT ? ": no such command" : ": cannot run: " + why);
      return;
  }
}

}  // namespace

std::string mark_of(const SpecRecord& spec) { return "ETALON_JOB_KEY=" + spec.key; }

Launch launch(const SpecRecord& spec, std::uint64_t id, const std::string& directory,
              Session session) {
  Launch result;
  const Outputs outputs{directory + "/output",
                        directory + (spec.spec.split_output ? "/errors" : "/output")};
  std::vector<std::string> argv = spec.spec.argv, environment = environment_of(spec, id);
  const auto argv_pointers = pointers(argv), environment_pointers = pointers(environment);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    result.exit_code = 126;
    result.reason = std::string("cannot make a pipe: ") + std::strerror(errno);
    return result;
  }
  const Fd read_end(ends[0]);
  Fd write_end(ends[1]);
  const pid_t self = ::getpid();
  result.pid = ::fork();
  if (result.pid == 0)
    run_child(write_end.get(), self, spec, const_cast<char**>(argv_pointers.data()),
              const_cast<char**>(environment_pointers.data()), outputs, session);
  if (result.pid < 0) {
    result.exit_code = 126;
    result.reason = std::string("cannot make a process: ") + std::strerror(errno);
    return result;
  }
  write_end.reset();
  Report report;  // smaller than PIPE_BUF: arrives whole
  while (true) {
    const ssize_t n = ::read(read_end.get(), &report, sizeof report);
    if (n < 0 && errno == EINTR) continue;
    if (n != static_cast<ssize_t>(sizeof report)) break;
    explain(report, spec, outputs, result);
  }
  if (result.exit_code != 0) ::waitpid(result.pid, nullptr, 0);
  return result;
}

}  // namespace etalon::jobs
