// Waiting that leaves the processor to others, and hears of signals.
#pragma once

#include <unistd.h>

#include "cli.hpp"
#include "etalon/result.hpp"

namespace etalon::mpi {

inline Error told_to_end() { return {Errc::interrupted, "interrupted"}; }

// Until done() is true; Errc::interrupted when the process is told to end before.
template <typename F>
Result<void> wait_until(F&& done) {
  constexpr useconds_t step_us = 200;
  while (!done()) {
    if (cli::interrupted) return told_to_end();
    ::usleep(step_us);
  }
  return {};
}

}  // namespace etalon::mpi
