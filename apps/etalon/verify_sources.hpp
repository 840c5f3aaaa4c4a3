// The three forms of a reduction that verify holds against its original.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"
#include "reduce_input.hpp"
#include "store/series_reader.hpp"
#include "verify_tally.hpp"

namespace etalon::cli {

// What elements are held to where the reduction does not say it itself.
struct Demand {
  Bound bound;
  RegionSet regions;
  std::vector<std::uint8_t> good;  // mask for active regions; may be empty

  // The regions of an image of the original, or of all images where they do not differ.
  Result<codec::ChunkLabels> labels(std::size_t image, const ArrayView& elements) const;
  // All of them, with no elements yet.
  std::vector<RegionInfo> infos() const;
};

// How frames of a stored series meet those of the original.
struct FrameCount {
  std::uint64_t original = 0, compared = 0;
};

// Errc::check, naming both, where type or shape differ.
Result<void> same_form(const std::string& reduced, DType a, const Shape& a_shape,
                       const std::string& original, DType b, const Shape& b_shape);

// A container's chunks, each held to its own regions.
Result<Tally> hold_container(const Array& original, ByteSpan container);
// An array; dtype and shape are the original's.
Result<Tally> hold_array(const Array& original, const Array& reduced, const Demand& demand);
// A series that keeps the numbers its frames had in `original`, some of which it may leave out.
// Frames without chunks of ours, and all of them where `own` is false, are held to `demand`.
Result<Tally> hold_series(SeriesReader& original, SeriesReader& stored, const Demand& demand,
                          bool own, FrameCount& count);

}  // namespace etalon::cli
