#include "jobs/complete.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "base/posix.hpp"
#include "base/text.hpp"

namespace etalon::jobs {
namespace {

Result<std::string> random_key() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != static_cast<ssize_t>(sizeof bytes))
    return system_error("job key", "get random bytes");
  return hex(std::as_bytes(std::span(bytes)));
}

// umask(2) can only be read by changing it, which is not thread-safe; proc(5) shows it.
unsigned current_umask() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "Umask:" && status >> word)
      return static_cast<unsigned>(std::strtoul(word.c_str(), nullptr, 8)) & 0777;
  return 077;
}

}  // namespace

Result<SpecRecord> complete(const JobSpec& spec) {
  SpecRecord record;
  record.submitted = now();
  record.spec = spec;
  const auto wrong = [](const std::string& text) { return Error{Errc::usage, "job: " + text}; };
  if (spec.argv.empty() || spec.argv[0].empty()) return wrong("no command is given");
  for (const std::string& argument : spec.argv)
    if (argument.find('\0') != std::string::npos) return wrong("an argument holds a zero byte");
  for (const std::string& option : spec.batch_options)
    if (option.find('\0') != std::string::npos) return wrong("an option holds a zero byte");
  if (!std::isfinite(spec.deadline_s) || spec.deadline_s < 0)
    return wrong("the deadline is not a time from now");
  for (const auto& [name, value] : spec.environment)
    if (name.empty() || name.find('=') != std::string::npos ||
        (name + value).find('\0') != std::string::npos)
      return wrong("environment: '" + name + "' is not a variable's name, or holds a zero byte");
  if (record.spec.name.empty())
    record.spec.name = spec.argv[0].substr(spec.argv[0].find_last_of('/') + 1);
  if (record.spec.name.empty()) record.spec.name = spec.argv[0];
  std::error_code error;
  record.spec.directory = spec.directory.empty()
                              ? std::filesystem::current_path(error).string()
                              : std::filesystem::absolute(spec.directory, error).string();
  if (error) return Error{Errc::io, "working directory: " + error.message()};
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    record.environment.emplace_back(*entry);
  record.umask = current_umask();
  ETALON_ASSIGN(record.key, random_key());
  return record;
}

}  // namespace etalon::jobs
