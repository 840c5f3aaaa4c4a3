// Processes, named so that a number used again is never mistaken for the one that was meant.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/posix.hpp"

namespace etalon::jobs {

// A process for all time: its number, its start in clock ticks after boot (proc(5), field 22 of
// stat), and which boot.
struct ProcessIdentity {
  std::int64_t pid = 0;
  std::uint64_t start = 0;
  std::string boot;

  bool operator==(const ProcessIdentity&) const = default;
};

struct ProcessStat {
  pid_t pid = 0, parent = 0, group = 0;
  char state = 'X';  // R S D Z T t X
  std::uint64_t start = 0;
};

// state 'X' when there is no such process.
ProcessStat process_stat(pid_t pid);
// The fields of one line of /proc/PID/stat, whose second may hold any byte.
ProcessStat parse_process_stat(std::string_view line);

std::string boot_id();
ProcessIdentity identify(pid_t pid);

// A handle on the very process meant; not valid when it has ended. Polls as readable at its end.
Fd open_process(const ProcessIdentity& process);

// All living processes below `root`, itself not included.
std::vector<ProcessStat> descendants(pid_t root);
// Living processes of this user whose environment holds `entry` ("NAME=value").
std::vector<ProcessStat> processes_marked(const std::string& entry);
// To the very process described, or to nobody.
void signal_process(const ProcessStat& process, int signal);

// One real-time signal carries all orders to a supervisor: such signals queue in order and none is
// merged.
enum class Order : int { adopt = 1, release, suspend, resume, cancel };
int order_signal();
// Through a handle of open_process(); false when the process has ended.
bool send_order(const Fd& process, Order order);

}  // namespace etalon::jobs
