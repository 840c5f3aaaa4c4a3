// The rings' pixels of a frame, or of a sum of frames, and their exact products.
#pragma once

#include <cstdint>
#include <vector>

#include "analyse/photon_correlation.hpp"

namespace etalon {

constexpr std::int64_t most_counts = 0x7FFFFFFF;

class RingPixels {
 public:
  // As many values as the rings have pixels; `most`: at least all values of the whole frame, of
  // which these may be a part.
  RingPixels(const QRings& rings, std::vector<std::int32_t> values, std::uint32_t most);

  std::size_t size() const { return wide_.empty() ? narrow_.size() : wide_.size(); }
  std::int32_t at(std::size_t i) const { return wide_.empty() ? narrow_[i] : wide_[i]; }
  std::vector<std::int32_t> plus(const RingPixels& other) const;
  // Over pixels [from, to).
  Int128 times(const RingPixels& other, std::size_t from, std::size_t to) const;

  std::uint32_t bound = 0;         // of the absolute values of the whole frame
  std::vector<std::int64_t> sums;  // of the rings

 private:
  std::vector<std::int16_t> narrow_;  // where they fit
  std::vector<std::int32_t> wide_;    // if not narrow
  std::uint32_t largest_ = 0;
};

}  // namespace etalon
