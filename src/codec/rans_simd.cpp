#include "codec/rans.hpp"

namespace etalon::codec {

std::size_t rans_decode_groups(const std::uint8_t* contexts, std::size_t n,
                               const std::uint32_t* slots, std::uint32_t* states,
                               const std::byte* words, std::size_t word_count, std::size_t& at,
                               std::uint8_t* symbols) {
  return rans_decode_groups_ref(contexts, n, slots, states, words, word_count, at, symbols);
}

}  // namespace etalon::codec
