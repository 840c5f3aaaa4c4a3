// Running another program to its end, with a limit on its patience.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "etalon/result.hpp"

namespace etalon::jobs {

struct ProgramEnd {
  int exit_code = 0;   // 128 + signal when a signal ended it
  std::string output;  // its standard output, at most 16 MiB: more is an error
  std::string errors;  // its standard error, the first 16 MiB
};

struct ProgramOptions {
  std::vector<std::string> environment;  // "NAME=value"; empty: this process's
  std::chrono::milliseconds limit{10'000};
};

// Without a shell; argv[0] is looked for in PATH; standard input is empty. Errc::missing when there
// is no such program, Errc::interrupted when it was killed since `limit` had passed. Safe in a
// process with threads.
Result<ProgramEnd> run_program(const std::vector<std::string>& argv, const ProgramOptions& options);

// Starts it in a session of its own and leaves it alone; output and error are appended to `log`.
Result<void> start_detached(const std::vector<std::string>& argv, const std::string& log,
                            const std::vector<std::string>& environment);

}  // namespace etalon::jobs
