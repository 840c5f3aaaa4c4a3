// How kernels learn which variant to run: the scalar reference or Highway's table
// (HWY_DYNAMIC_DISPATCH).
#pragma once

namespace etalon {

// True when the backend in force is "scalar": kernels then call their x_ref.cpp.
bool use_reference();

}  // namespace etalon
