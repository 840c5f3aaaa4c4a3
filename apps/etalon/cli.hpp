// What every subcommand shares: the choice made on the command line, printing, interruption,
// progress.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "command_line.hpp"
#include "etalon/result.hpp"

namespace etalon::cli {

// A subcommand's file defines add_NAME(Cli&): it declares its options and, when chosen, what to do.
struct Cli {
  Command& app;
  std::function<Result<void>()> chosen;  // set by the subcommand that was named
};

// Declares subcommand `name`; `run(options)` is what it does. Options live as long as the
// subcommand does.
template <typename Options>
Command* add_command(Cli& cli, const std::string& name, const std::string& summary,
                     std::shared_ptr<Options> options, Result<void> (*run)(const Options&)) {
  Command* command = cli.app.add_subcommand(name, summary);
  command->callback(
      [&cli, options, run] { cli.chosen = [options, run] { return run(*options); }; });
  return command;
}

// Set by SIGINT, SIGTERM and SIGHUP: long work looks at it between steps and ends with
// Errc::interrupted.
extern std::atomic<bool> interrupted;

// For commands through which images flow: what is freed is kept for the next one, up to 256 MB,
// instead of going back to the system, which gives every page anew and zeroed.
void reuse_memory();

// Data goes to standard output: this is the only way to it. Errc::io when it cannot be written.
Result<void> print(std::string_view text);
// A report about `output`: to standard output, or to standard error where output is "-" and the
// data go there.
Result<void> print_report(const std::string& report, const std::string& output);
// Remarks go to standard error. None are made by a process that another one speaks for.
extern std::atomic<bool> quiet;
void note(std::string_view text);

// A bar with rate and time left on standard error when that is a terminal; nothing otherwise.
class Progress {
 public:
  Progress(std::string what, std::uint64_t total, std::string unit);
  ~Progress();
  // `more` follows the rate. Thread-safe.
  void update(std::uint64_t done, std::string_view more = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string human_bytes(double bytes);  // "29.8 MB"

}  // namespace etalon::cli
