#include "roles.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "jobs/process.hpp"
#include "jobs/runner.hpp"

namespace etalon::jobs_test {
namespace {

std::uint64_t next(std::uint64_t x) { return (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9ULL + 1; }

std::string content(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void append(const std::string& path, const std::string& line) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  ::close(fd);
}

int count(const std::string& path, std::uint64_t steps) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT, 0600);
  std::uint64_t value = 1;
  for (std::uint64_t step = 1; step <= steps; ++step) {
    value = next(value);
    char line[64];
    const int n = std::snprintf(line, sizeof line, "%-10d %-10llu\n", static_cast<int>(::getpid()),
                                static_cast<unsigned long long>(step));
    if (::pwrite(fd, line, static_cast<std::size_t>(n), 0) != n) return 1;
    ::usleep(1000);
  }
  std::cout << value << std::endl;
  return 0;
}

int observe(const std::string& path) {
  const pid_t pid = std::atoi(content(path).c_str());
  while (jobs::process_stat(pid).state != 'T') ::usleep(1000);
  const std::string before = content(path);
  ::usleep(200'000);
  std::cout << before << content(path);
  return jobs::process_stat(pid).state == 'T' ? 0 : 1;
}

[[noreturn]] void deaf_child(const std::string& path, int generations) {
  ::setsid();
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGHUP, SIG_IGN);
  if (generations > 1 && ::fork() == 0) deaf_child(path, generations - 1);
  append(path, std::to_string(::getpid()) + "\n");
  while (true) ::pause();
}

}  // namespace

std::uint64_t chain(std::uint64_t steps) {
  std::uint64_t value = 1;
  while (steps-- > 0) value = next(value);
  return value;
}

std::optional<int> play(int argc, char** argv) {
  if (argc < 3) return std::nullopt;
  const std::string part = argv[1], argument = argv[2];
  if (part == "job-daemon") {
    auto options = JobDaemonOptions::from_environment(argument);
    auto done = options.ok() ? run_job_daemon(*options) : Result<void>(options.error());
    if (done.ok()) return 0;
    std::cerr << done.error().message << "\n";
    return exit_code(done.error().code);
  }
  if (part == "count") return count(argument, std::strtoull(argv[3], nullptr, 10));
  if (part == "observe") return observe(argument);
  if (part == "until") {
    while (::access(argument.c_str(), F_OK) != 0) ::usleep(1000);
    return 0;
  }
  if (part == "once") {
    append(argument, std::string(std::getenv("ETALON_JOB")) + "\n");
    return 0;
  }
  if (part == "family" || part == "leave") {
    if (::fork() == 0) deaf_child(argument, 2);
    if (part == "family")
      while (true) ::pause();
    while (content(argument).find('\n') == content(argument).rfind('\n')) ::usleep(1000);
    return 0;
  }
  if (part == "signal") {
    ::raise(std::atoi(argv[2]));
    return 0;
  }
  return std::nullopt;
}

}  // namespace etalon::jobs_test
