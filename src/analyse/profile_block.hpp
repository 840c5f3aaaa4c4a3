// Profiles of frames that follow each other, and what they add up to.
#pragma once

#include <cstdint>
#include <vector>

#include "analyse/azimuthal.hpp"
#include "base/bytes.hpp"

namespace etalon {

struct ProfileBlock {
  // The frames of a block are added up one after another, and then the blocks: from the first frame
  // of a series on, so that no rounding depends on who has worked on which.
  static constexpr std::uint64_t frames = 8;

  std::vector<std::uint64_t> numbers;    // of the frames in their series
  std::vector<double> intensity, sigma;  // (frame, bin); sigma empty unless asked for
  Profile sum;

  void add(std::uint64_t number, const Profile& profile);

  // As bytes for another process. Errc::malformed for bytes that are no block of so many bins, of 1
  // to `frames` frames, with or without sigma.
  void pack(ByteWriter& out) const;
  static Result<ProfileBlock> unpack(ByteReader& in, std::size_t bins, bool sigma);
};

}  // namespace etalon
