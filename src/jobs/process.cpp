#include "jobs/process.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstring>
#include <memory>
#include <unordered_set>

namespace etalon::jobs {
namespace {

std::string read_small(const std::string& path, std::size_t most) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char buffer[4096];
  while (fd.valid() && text.size() < most) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n <= 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

template <typename Number>
Number number_or_zero(std::string_view text) {
  Number n{};
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

template <typename F>
void for_each_process(F&& body) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  if (!proc) return;
  while (const dirent* entry = ::readdir(proc.get())) {
    const auto pid = number_or_zero<pid_t>(entry->d_name);
    if (pid > 0) body(pid);
  }
}

bool lives(const ProcessStat& process) { return process.state != 'X' && process.state != 'Z'; }

}  // namespace

ProcessStat parse_process_stat(std::string_view line) {
  ProcessStat stat;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string_view::npos) return stat;
  std::string_view rest = line.substr(name_end + 1);
  const auto pid = number_or_zero<pid_t>(line);
  for (int field = 3; field <= 22 && !rest.empty(); ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    if (word.empty()) break;
    if (field == 3) stat.state = word[0];
    if (field == 4) stat.parent = number_or_zero<pid_t>(word);
    if (field == 5) stat.group = number_or_zero<pid_t>(word);
    if (field == 22) {
      stat.start = number_or_zero<std::uint64_t>(word);
      stat.pid = pid;
      return stat;
    }
  }
  return {};
}

ProcessStat process_stat(pid_t pid) {
  return parse_process_stat(read_small("/proc/" + std::to_string(pid) + "/stat", 4096));
}

std::string boot_id() {
  std::string id = read_small("/proc/sys/kernel/random/boot_id", 64);
  id.erase(std::find(id.begin(), id.end(), '\n'), id.end());
  return id;
}

ProcessIdentity identify(pid_t pid) { return {pid, process_stat(pid).start, boot_id()}; }

Fd open_process(const ProcessIdentity& process) {
  if (process.pid <= 0 || process.boot != boot_id()) return {};
  Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process.pid), 0)));
  if (!fd.valid()) return {};
  const ProcessStat stat = process_stat(static_cast<pid_t>(process.pid));
  if (stat.start != process.start || !lives(stat)) return {};
  return fd;
}

std::vector<ProcessStat> descendants(pid_t root) {
  std::vector<ProcessStat> all;
  for_each_process([&](pid_t pid) {
    if (const ProcessStat stat = process_stat(pid); stat.pid > 0) all.push_back(stat);
  });
  std::unordered_set<pid_t> family{root};
  std::vector<ProcessStat> found;
  for (bool grew = true; grew;) {
    grew = false;
    for (const ProcessStat& stat : all) {
      if (!family.contains(stat.parent) || !family.insert(stat.pid).second) continue;
      grew = true;
      if (lives(stat)) found.push_back(stat);
    }
  }
  return found;
}

std::vector<ProcessStat> processes_marked(const std::string& entry) {
  std::vector<ProcessStat> found;
  for_each_process([&](pid_t pid) {
    const std::string directory = "/proc/" + std::to_string(pid);
    struct stat about {};
    if (::stat(directory.c_str(), &about) != 0 || about.st_uid != ::geteuid()) return;
    const ProcessStat stat = process_stat(pid);
    if (!lives(stat)) return;
    const std::string environment = read_small(directory + "/environ", std::size_t{8} << 20);
    const std::string wanted = entry + '\0';
    for (std::size_t at = environment.find(wanted); at != std::string::npos;
         at = environment.find(wanted, at + 1))
      if (at == 0 || environment[at - 1] == '\0') {
        found.push_back(stat);
        return;
      }
  });
  return found;
}

void signal_process(const ProcessStat& process, int signal) {
  const Fd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!fd.valid() || process_stat(process.pid).start != process.start) return;
  ::syscall(SYS_pidfd_send_signal, fd.get(), signal, nullptr, 0);
}

int order_signal() { return SIGRTMIN + 3; }

bool send_order(const Fd& process, Order order) {
  siginfo_t info;
  std::memset(&info, 0, sizeof info);
  info.si_signo = order_signal();
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::geteuid();
  info.si_value.sival_int = static_cast<int>(order);
  return ::syscall(SYS_pidfd_send_signal, process.get(), order_signal(), &info, 0) == 0;
}

}  // namespace etalon::jobs
