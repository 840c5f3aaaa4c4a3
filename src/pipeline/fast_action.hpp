// What a rule on single frames did, as the ledger and an edge's journal keep it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ledger/ledger.hpp"

namespace etalon {

// One action that was taken.
struct FastAction {
  std::uint64_t frame = 0;
  std::size_t rule = 0;  // from 0
  Hash id;               // of the action
  bool operator==(const FastAction&) const = default;
};

// As they stand in the journal; Errc::malformed for bytes that encode_actions cannot have written.
Bytes encode_actions(const std::vector<FastAction>& actions);
Result<std::vector<FastAction>> decode_actions(ByteSpan bytes);

}  // namespace etalon
