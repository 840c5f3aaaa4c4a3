// The parts that the test program plays when a job or the daemon is it.
#pragma once

#include <cstdint>
#include <optional>

namespace etalon::jobs_test {

// The exit status when argv[1] names a part; nullopt when this is the test itself.
//   job-daemon STATE_DIR
//   count FILE STEPS        writes "PID STEP" to FILE at each step, then prints chain(STEPS)
//   observe FILE            waits until FILE's process is stopped; prints FILE twice, some time
//   apart until FILE              ends when FILE is there once FILE               appends one line
//   to FILE: $ETALON_JOB family FILE             a child in a session of its own and its child,
//   deaf to SIGTERM; their
//                           numbers are lines of FILE; never ends
//   leave FILE              leaves such a child behind and ends
//   signal N                ends by signal N
std::optional<int> play(int argc, char** argv);

// What `count` computes: long enough to be interrupted, and wrong if a step is lost or repeated.
std::uint64_t chain(std::uint64_t steps);

}  // namespace etalon::jobs_test
