// A bundle's plan as bytes. formats/bundle.md, section 3.
#pragma once

#include "store/bundle.hpp"

namespace etalon {

Bytes plan_bytes(const BundlePlan& plan);
// Errc::malformed, naming entry and reason.
Result<BundlePlan> parse_plan(ByteSpan bytes);

}  // namespace etalon
