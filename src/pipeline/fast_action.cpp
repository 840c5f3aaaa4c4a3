#include "pipeline/fast_action.hpp"

namespace etalon {

Bytes encode_actions(const std::vector<FastAction>& actions) {
  ByteWriter out;
  for (const FastAction& a : actions) {
    out.put(a.frame);
    out.put(static_cast<std::uint32_t>(a.rule));
    out.append(std::as_bytes(std::span(a.id.bytes)));
  }
  return out.take();
}

Result<std::vector<FastAction>> decode_actions(ByteSpan bytes) {
  ByteReader in(bytes);
  std::vector<FastAction> actions;
  while (!in.done()) {
    FastAction a;
    ETALON_ASSIGN(a.frame, in.get<std::uint64_t>());
    ETALON_ASSIGN(a.rule, in.get<std::uint32_t>());
    ETALON_ASSIGN(const ByteSpan id, in.take(a.id.bytes.size()));
    std::memcpy(a.id.bytes.data(), id.data(), id.size());
    actions.push_back(a);
  }
  return actions;
}

}  // namespace etalon
