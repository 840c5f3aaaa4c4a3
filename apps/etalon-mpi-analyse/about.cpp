#include "about.hpp"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>

#include "base/text.hpp"
#include "etalon/version.hpp"
#include "ledger/hash.hpp"

namespace etalon::mpi {
namespace {

// Options that say where results go and how the job runs, not what is found; series have lines of
// their own.
constexpr std::array without_meaning = {"FILE",   "--output", "--plot",       "--log",
                                        "--json", "--force",  "--checkpoint", "--checkpoint-every",
                                        "--help"};

// "SIZE bytes, TIME"; empty for what is no regular file.
std::string state_of(const std::string& path) {
  struct stat is {};
  if (::stat(path.c_str(), &is) != 0 || !S_ISREG(is.st_mode)) return {};
  return std::to_string(is.st_size) + " bytes, written at " + std::to_string(is.st_mtim.tv_sec) +
         "." + std::to_string(is.st_mtim.tv_nsec);
}

std::string values_of(const CLI::Option& option) {
  std::string out;
  const std::vector<std::string> given =
      option.count() > 0 ? option.reduced_results() : std::vector<std::string>();
  if (given.empty()) return option.get_default_str();
  for (const std::string& value : given) {
    if (!out.empty()) out += ", ";
    out += value;
    if (const std::string state = state_of(value); !state.empty()) out += " (" + state + ")";
  }
  return out;
}

}  // namespace

std::string about_settings(const cli::Command& line) {
  const CLI::App& command = line.app();
  std::string out = "program: etalon " + std::string(version) + "\n";
  out += "analysis: " + command.get_name() + "\n";
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (std::ranges::find(without_meaning, name) == without_meaning.end())
      out += name + ": " + values_of(*option) + "\n";
  }
  return out;
}

std::string about_series(const std::string& path, std::uint64_t frames,
                         const std::vector<std::string>& files) {
  const auto name = [](const std::string& file) {
    return std::filesystem::path(file).filename().string();
  };
  std::string states;
  for (const std::string& file : files) states += name(file) + ": " + state_of(file) + "\n";
  const std::string digest = sha256(bytes_of(states)).hex().substr(0, 16);
  return "series " + name(path) + ": " + counted(frames, "frame") + " in " +
         counted(files.size(), "file") + ", " + state_of(files.empty() ? path : files.front()) +
         ", " + digest + "\n";
}

}  // namespace etalon::mpi
