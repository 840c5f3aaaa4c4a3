// Steps 1 and 2: every bin's statistics, and the pixels that stand out of them. One reference, one
// for each instruction set; all leave the same.
#pragma once

#include <cstdint>
#include <vector>

#include "etalon/array.hpp"
#include "kernels/peakfinder8/peakfinder8_arith.hpp"
#include "kernels/peakfinder8/peakfinder8_plan.hpp"

namespace etalon::pf8 {

struct Bin {
  Sums sums;      // of the last round
  Limits limits;  // that follow from them
  bool operator==(const Bin&) const = default;
};

struct Background {
  std::vector<Bin> bins;             // plan.bins, and one more for bad pixels
  std::vector<std::uint32_t> fired;  // pixels, in any order
};

// Buffers that live from frame to frame.
struct RingScratch {
  std::vector<std::int32_t> values;  // of one bin
  std::vector<std::byte> gathered;   // of one bin, as the image has them
  std::vector<std::byte> copy;       // of the image, square by square
  std::vector<std::uint16_t> wide;   // a u8 image as u16
};

// `image` has the plan's extents and a type that PeakFinder8 takes.
void background_ref(const Plan& plan, const Scale& scale, const ArrayView& image,
                    Background& result);
void background_simd(const Plan& plan, const Scale& scale, const ArrayView& image,
                     RingScratch& scratch, Background& result);

// Calls f with a zero of the image's element type; false when peakfinder8 does not take that type.
template <typename F>
bool visit_image(DType type, F&& f) {
  switch (type) {
    case DType::u8:
      f(std::uint8_t{});
      return true;
    case DType::u16:
      f(std::uint16_t{});
      return true;
    case DType::u32:
      f(std::uint32_t{});
      return true;
    case DType::i16:
      f(std::int16_t{});
      return true;
    case DType::i32:
      f(std::int32_t{});
      return true;
    case DType::f32:
      f(float{});
      return true;
    default:
      return false;
  }
}

}  // namespace etalon::pf8
