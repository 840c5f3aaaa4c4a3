#include "jobs/state_dir.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/posix.hpp"

namespace etalon::jobs {
namespace fs = std::filesystem;

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Below the user's directory for state.
Result<fs::path> below_home(const std::string& name) {
  if (const std::string base = variable("XDG_STATE_HOME"); !base.empty())
    return fs::path(base) / "etalon" / name;
  if (const std::string home = variable("HOME"); !home.empty())
    return fs::path(home) / ".local/state/etalon" / name;
  return Error{Errc::usage, "state directory: set ETALON_STATE, since HOME is not set"};
}

Result<std::string> absolute_without_slash(const fs::path& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (error) return Error{Errc::io, path.string() + ": " + error.message()};
  std::string text = absolute.string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

}  // namespace

Result<std::string> resolve_state_dir(const std::string& given) {
  fs::path path = given;
  if (path.empty()) path = variable("ETALON_STATE");
  if (path.empty()) {
    // Home directories are often shared by machines, processes never are.
    char host[256] = "";
    if (::gethostname(host, sizeof host - 1) != 0 || host[0] == '\0')
      return Error{Errc::io, "this machine has no name"};
    ETALON_ASSIGN(path, below_home(host));
  }
  return absolute_without_slash(path);
}

Result<std::string> resolve_shared_state_dir(const std::string& given, const std::string& name) {
  fs::path path = given;
  if (path.empty())
    if (const std::string state = variable("ETALON_STATE"); !state.empty())
      path = fs::path(state) / name;
  if (path.empty()) {
    ETALON_ASSIGN(path, below_home(name));
  }
  return absolute_without_slash(path);
}

Result<std::string> make_jobs_dir(const std::string& state_dir) {
  const std::string jobs = state_dir + "/jobs";
  const auto cannot = [&](const std::string& what) {
    Error error = system_error(jobs, what);
    error.code = Errc::io;
    return error;
  };
  for (std::size_t slash = jobs.find('/', 1); true; slash = jobs.find('/', slash + 1)) {
    const std::string part = jobs.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && ::access(part.c_str(), F_OK) != 0)
      return cannot("make the job runner's state directory (set ETALON_STATE to another)");
    if (slash == std::string::npos) break;
  }
  struct stat about {};
  // A link may lead to what is not a job runner's, and would be made private.
  if (::lstat(jobs.c_str(), &about) != 0) return cannot("inspect");
  if (!S_ISDIR(about.st_mode)) return Error{Errc::io, jobs + ": is not a directory"};
  if (about.st_uid != ::geteuid())
    return Error{Errc::check, jobs + ": belongs to user " + std::to_string(about.st_uid)};
  if ((about.st_mode & 077) != 0 && ::chmod(jobs.c_str(), 0700) != 0) return cannot("make private");
  if (::access(jobs.c_str(), R_OK | W_OK | X_OK) != 0) return cannot("write");
  return jobs;
}

}  // namespace etalon::jobs
