// How kernels learn which variant to run: the scalar reference or Highway's table
// (HWY_DYNAMIC_DISPATCH), and how tests learn which one did.
#pragma once

#include <cstdint>
#include <string_view>

namespace etalon {

// True when the backend in force is "scalar": kernels then call their x_ref.cpp.
bool use_reference();

// Kernels call record_run(HWY_TARGET), or record_run(0) from the reference, so that a test can tell
// a backend that ran from one that quietly did not. Per thread.
void record_run(std::int64_t target);
// Name of the backend whose code ran last on this thread, as in backends(); empty before any did,
// "unlisted" for a target that has no name.
std::string_view backend_that_ran();

}  // namespace etalon
