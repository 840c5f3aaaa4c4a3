// Starting the daemon.
#pragma once

#include <string>
#include <string_view>

#include "etalon/result.hpp"

namespace etalon::jobs {

// $ETALON, or the running program when its name begins with "etalon"; Errc::missing otherwise.
Result<std::string> default_executable();

// Runs `EXECUTABLE job-daemon STATE_DIR` in a session of its own and waits until it listens or has
// said why it cannot. False when it ended without a word: somebody killed it, or will know why.
// Safe in a process with threads.
Result<bool> spawn_daemon(const std::string& executable, const std::string& state_dir);
// The same with the default executable, without waiting for more than the process to detach.
Result<void> spawn_daemon_unwatched(const std::string& state_dir);

// What the daemon prints when it listens.
inline constexpr std::string_view ready_line = "ready\n";

}  // namespace etalon::jobs
