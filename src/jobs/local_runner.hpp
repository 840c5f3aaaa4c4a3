// For other runners: a job of the local runner's as they need it.
#pragma once

#include "jobs/job_files.hpp"

namespace etalon::jobs {

// Hands a complete record, perhaps a stand-by, to the daemon of the default state directory.
Result<std::uint64_t> submit_to_local(const SpecRecord& record);

}  // namespace etalon::jobs
