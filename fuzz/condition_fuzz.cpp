// Rule conditions: whatever parses prints as text that parses back to the same, and can be judged.
#include <cstdlib>

#include "steer/condition.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto condition = etalon::parse_condition(text);
  if (!condition.ok()) return 0;
  const auto again = etalon::parse_condition(etalon::to_string(*condition));
  if (!again.ok() || !(*again == *condition)) std::abort();
  etalon::Metrics metrics;
  for (const auto& comparison : condition->comparisons) metrics[comparison.metric] = 0.5;
  if (!etalon::holds(*condition, metrics).ok()) std::abort();
  return 0;
}
