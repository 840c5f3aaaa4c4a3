// Which instruction set the kernels run on. All of them give the same bytes and the same peaks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "etalon/result.hpp"

#pragma GCC visibility push(default)
namespace etalon {

// What this machine can run: always "scalar" (the reference); on x86-64 some of "sse4",
// "avx2", "avx512".
std::vector<std::string> backends();

// "auto" (the widest) or one of backends(). Affects the whole process; call it before work starts.
// Errc::usage for a name that exists nowhere, Errc::missing for one that this machine cannot run.
Result<void> set_backend(std::string_view name);
std::string backend();  // the one in force, never "auto"

// set_backend(ETALON_BACKEND) where that environment variable is set.
Result<void> set_backend_from_environment();

}  // namespace etalon
#pragma GCC visibility pop
