#include "jobs/scheduler.hpp"

namespace etalon::jobs {

std::string plain_name(const std::string& name, std::size_t most) {
  std::string plain;
  for (const char c : name.substr(0, most)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool other = (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
    if (plain.empty() && !letter)
      plain += 'j';
    else
      plain += letter || other ? c : '_';
  }
  return plain.empty() ? "job" : plain;
}

Result<std::unique_ptr<Scheduler>> scheduler_named(const std::string& name,
                                                   const BatchRunnerOptions& options,
                                                   std::vector<std::string> environment) {
  if (name == "slurm") return slurm_scheduler(options, std::move(environment));
  if (name == "pbs") return pbs_scheduler(options, std::move(environment));
  return Error{Errc::malformed, "scheduler: " + name + " is unknown"};
}

}  // namespace etalon::jobs
