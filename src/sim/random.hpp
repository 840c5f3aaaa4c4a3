// Random numbers that are a function of what they are for: Philox 4x32-10 (Salmon et al., SC 2011),
// keyed by seed, counted by (frame, purpose, index). No state is shared, so no order matters.
#pragma once

#include <array>
#include <cstdint>

namespace etalon {

// The block cipher: counter and key to four independent uniform words.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// What a number is drawn for. The numbers decide data: never reuse or renumber.
enum class Purpose : std::uint8_t {
  structure_factor = 1,
  shot = 2,
  orientation = 3,
  pixel = 4,
  pixel_tail = 5,
  defect = 6,
  turbulence = 7,
  density = 8,
  speckle_field = 9,
  speckle_photon = 10,
};

struct RandomKey {
  std::uint64_t seed = 0;
  std::uint64_t frame = 0;
  Purpose purpose = Purpose::shot;
};

// Two uniform 64-bit words for an index below 2^56.
inline std::array<std::uint64_t, 2> random_words(const RandomKey& key, std::uint64_t index) {
  const auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
  const auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
  const auto w =
      philox4x32({low(index), high(index) | static_cast<std::uint32_t>(key.purpose) << 24,
                  low(key.frame), high(key.frame)},
                 {low(key.seed), high(key.seed)});
  return {w[0] | static_cast<std::uint64_t>(w[1]) << 32, w[2] | static_cast<std::uint64_t>(w[3])
                                                                    << 32};
}

// In (0, 1): the middle of one of 2^52 equal steps.
inline double uniform_of(std::uint64_t word) {
  return (static_cast<double>(word >> 12) + 0.5) * 0x1p-52;
}

// Numbers in a row for one purpose. `lane` sets apart streams of one key (below 2^32).
class RandomStream {
 public:
  explicit RandomStream(const RandomKey& key, std::uint64_t lane = 0)
      : key_(key), index_(lane << 24) {}

  std::uint64_t word() {
    if (used_ == 2) {
      words_ = random_words(key_, index_++);
      used_ = 0;
    }
    return words_[used_++];
  }
  double uniform() { return uniform_of(word()); }
  double normal();       // mean 0, variance 1 (Box-Muller)
  double exponential();  // mean 1

 private:
  RandomKey key_;
  std::uint64_t index_;
  std::array<std::uint64_t, 2> words_{};
  unsigned used_ = 2;
};

}  // namespace etalon
