// What an edge's journal says of frames and of actions: what is accepted is written as the same
// bytes again.
#include <cstdint>
#include <cstdlib>

#include "pipeline/fast_action.hpp"
#include "pipeline/frame_facts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace etalon;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto check = [&](const Bytes& again) {
    if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
  };
  if (const auto facts = decode_facts(bytes); facts.ok()) check(encode_facts(*facts));
  if (const auto actions = decode_actions(bytes); actions.ok()) check(encode_actions(*actions));
  return 0;
}
