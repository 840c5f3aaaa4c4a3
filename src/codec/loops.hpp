// Plain loops that are compiled for every instruction set, for the compiler to make vectors of. A
// file NAME-inl.hpp has them in ETALON_LOOPS_NAMESPACE; its NAME.cpp includes it once for the
// reference and once for every target of Highway, and makes the functions that choose.
#pragma once

#include "kernels/dispatch.hpp"

// result function(parameters), which calls `name` of the reference or of the best target.
#define ETALON_LOOP(result, function, name, parameters, arguments) \
  HWY_EXPORT(name);                                                \
  result function parameters {                                     \
    if (use_reference()) return reference::name arguments;         \
    return HWY_DYNAMIC_DISPATCH(name) arguments;                   \
  }
