// Decodes symbols part by part, for those whose contexts follow from the symbols before.
#pragma once

#include <array>
#include <span>

#include "base/bytes.hpp"
#include "codec/rans.hpp"

namespace etalon::codec {

class RansReader {
 public:
  // Of `count` symbols in all. `bytes` must outlive the reader.
  static Result<RansReader> create(ByteSpan bytes, std::size_t count,
                                   std::span<const Frequencies> tables);
  // The next symbols; with 32 lanes parts but the last have whole groups of 32. Every context must
  // be below the number of tables.
  Result<void> read(std::span<const std::uint8_t> contexts, std::uint8_t* symbols);
  // Errc::malformed unless words and states end where the symbols do.
  Result<void> finish() const;

 private:
  RansReader() = default;
  Slots slots_;
  std::array<std::uint32_t, 32> states_{};
  std::size_t lanes_ = 1, word_ = 0, word_count_ = 0, read_ = 0;
  const std::byte* words_ = nullptr;
};

}  // namespace etalon::codec
