// Times as people write them, as programs wait for them.
#pragma once

#include <chrono>
#include <cstdint>

namespace etalon {

inline std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1e3));
}

}  // namespace etalon
