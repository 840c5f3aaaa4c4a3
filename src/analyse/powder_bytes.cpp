#include <limits>
#include <type_traits>

#include "analyse/powder.hpp"

// frames, saturated frames (u64); mask (u8), sum, max (i64), squares and, of 32 bits, their high
// words (u64) of every pixel.
namespace etalon {
namespace {

// Sums of so many frames of 32 bits are far from the end of 64 bits, also when some are added up.
constexpr std::uint64_t most_frames = std::uint64_t{1} << 28;

// Whether this many frames of a type can have such a sum and such a maximum.
bool possible(DType dtype, std::uint64_t frames, std::int64_t sum, std::int64_t max) {
  return visit(dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4) {
      constexpr std::int64_t low = std::numeric_limits<T>::min();
      constexpr std::int64_t high = std::numeric_limits<T>::max();
      const auto n = static_cast<std::int64_t>(frames);
      const bool none = n == 0 && max == std::numeric_limits<std::int64_t>::min();
      return low * n <= sum && sum <= high * n && (none || (low <= max && max <= high));
    } else {
      return false;
    }
  });
}

}  // namespace

Bytes Powder::pack() const {
  ByteWriter out;
  out.put(frames_);
  out.put(saturated_frames_);
  out.put_all(mask_);
  out.put_all(sum_);
  out.put_all(max_);
  out.put_all(squares_);
  out.put_all(squares_high_);
  return out.take();
}

Result<Powder> Powder::unpack(const SeriesInfo& info, ByteSpan bytes) {
  ETALON_ASSIGN(Powder powder, create(info));
  ByteReader in(bytes);
  ETALON_ASSIGN(powder.frames_, in.get<std::uint64_t>());
  ETALON_ASSIGN(powder.saturated_frames_, in.get<std::uint64_t>());
  ETALON_TRY(in.get_all(powder.mask_, powder.mask_.size()));
  ETALON_TRY(in.get_all(powder.sum_, powder.sum_.size()));
  ETALON_TRY(in.get_all(powder.max_, powder.max_.size()));
  ETALON_TRY(in.get_all(powder.squares_, powder.squares_.size()));
  ETALON_TRY(in.get_all(powder.squares_high_, powder.squares_high_.size()));
  if (!in.done() || powder.frames_ > most_frames || powder.saturated_frames_ > powder.frames_)
    return Error{Errc::malformed, "powder: no powder of such images"};
  for (std::size_t i = 0; i < powder.sum_.size(); ++i)
    if (powder.mask_[i] > 1 ||
        !possible(info.dtype, powder.frames_, powder.sum_[i], powder.max_[i]))
      return Error{Errc::malformed, "powder: pixel " + std::to_string(i) + ": sum " +
                                        std::to_string(powder.sum_[i]) + " of " +
                                        std::to_string(powder.frames_) + " frames"};
  return powder;
}

}  // namespace etalon
