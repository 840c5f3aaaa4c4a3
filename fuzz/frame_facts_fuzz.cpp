// What an edge's journal says of frames: what is accepted is written as the same bytes again.
#include <cstdint>
#include <cstdlib>

#include "pipeline/frame_facts.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace etalon;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto facts = decode_facts(bytes);
  if (!facts.ok()) return 0;
  const Bytes again = encode_facts(*facts);
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end())) std::abort();
  return 0;
}
