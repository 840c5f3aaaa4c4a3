// What squeue and qstat print, or anything else in its place: states of jobs with ids, or an error.
#include <cstdint>
#include <cstdlib>

#include "jobs/scheduler.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace etalon;
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const auto& parse : {jobs::parse_squeue, jobs::parse_qstat}) {
    const auto found = parse(text);
    if (!found.ok()) {
      if (found.error().code != Errc::malformed || found.error().message.empty()) std::abort();
      continue;
    }
    for (const auto& [id, state] : *found) {
      using Phase = jobs::BatchState::Phase;
      if ((state.cancelled || state.by_itself) && state.phase != Phase::ended) std::abort();
      if (state.cancelled && state.by_itself) std::abort();
    }
  }
  return 0;
}
