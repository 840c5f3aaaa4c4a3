// Where a user's jobs live.
#pragma once

#include <string>

#include "etalon/result.hpp"

namespace etalon::jobs {

// An absolute path; `given` empty means the default (see LocalRunnerOptions). Errc::usage when
// there is none to be found.
Result<std::string> resolve_state_dir(const std::string& given);

// The same for what several machines share: NAME instead of the machine's name.
Result<std::string> resolve_shared_state_dir(const std::string& given, const std::string& name);

// STATE_DIR/jobs: made when it is not there, for this user's eyes alone. Errc::io when it cannot
// be made, Errc::check when it belongs to somebody else.
Result<std::string> make_jobs_dir(const std::string& state_dir);

}  // namespace etalon::jobs
