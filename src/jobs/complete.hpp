// What a caller wants becomes what is recorded.
#pragma once

#include "jobs/job_files.hpp"

namespace etalon::jobs {

// Fills in the name, the directory, and what the caller's process is like: environment, umask,
// time. Errc::usage when the spec makes no sense.
Result<SpecRecord> complete(const JobSpec& spec);

}  // namespace etalon::jobs
