// Gathers the pixels of a radial bin. Included once for every instruction set, by
// peakfinder8_simd.cpp.
#if defined(ETALON_PEAKFINDER8_GATHER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ETALON_PEAKFINDER8_GATHER_INL
#undef ETALON_PEAKFINDER8_GATHER_INL
#else
#define ETALON_PEAKFINDER8_GATHER_INL
#endif

#include <hwy/highway.h>

#include <cstring>
#include <type_traits>

#include "kernels/peakfinder8/peakfinder8_background.hpp"

HWY_BEFORE_NAMESPACE();
namespace etalon::pf8::HWY_NAMESPACE {
#if HWY_TARGET != HWY_SCALAR
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Copies the pixels of the runs in order and returns the end of them. Whole runs are copied
// whatever their length, so there must be room for run_pixels more behind `out` and `from`.
template <typename T>
HWY_INLINE T* gather(const T* from, const Run* begin, const Run* end, T* HWY_RESTRICT out) {
  for (const Run* at = begin; at < end; ++at) {
    const Run run = *at;
    std::memcpy(out, from + (run >> 4), run_pixels * sizeof(T));
    out += run & 15;
  }
  return out;
}

// An 8 x 8 square of 16-bit pixels, turned.
HWY_INLINE void turn_tile(const std::uint16_t* in, std::size_t in_stride, std::uint16_t* out,
                          std::size_t out_stride) {
  const hn::FixedTag<std::uint16_t, 8> d;
  const hn::FixedTag<std::uint32_t, 4> d32;
  const hn::FixedTag<std::uint64_t, 2> d64;
  const auto row = [&](std::size_t y) { return hn::LoadU(d, in + y * in_stride); };
  // Rows 2k and 2k + 1 pixel by pixel, then pairs of pairs, then the halves of columns.
  const auto pairs = [&](std::size_t y, auto& low, auto& high) {
    const auto a = row(y), b = row(y + 1);
    low = hn::BitCast(d32, hn::InterleaveLower(d, a, b));
    high = hn::BitCast(d32, hn::InterleaveUpper(d, a, b));
  };
  auto l0 = hn::Zero(d32), l2 = l0, l4 = l0, l6 = l0, h0 = l0, h2 = l0, h4 = l0, h6 = l0;
  pairs(0, l0, h0);
  pairs(2, l2, h2);
  pairs(4, l4, h4);
  pairs(6, l6, h6);
  const auto two_columns = [&](std::size_t x, auto top, auto bottom) {
    const auto t = hn::BitCast(d64, top), b = hn::BitCast(d64, bottom);
    hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, t, b)), d, out + x * out_stride);
    hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, t, b)), d, out + (x + 1) * out_stride);
  };
  two_columns(0, hn::InterleaveLower(d32, l0, l2), hn::InterleaveLower(d32, l4, l6));
  two_columns(2, hn::InterleaveUpper(d32, l0, l2), hn::InterleaveUpper(d32, l4, l6));
  two_columns(4, hn::InterleaveLower(d32, h0, h2), hn::InterleaveLower(d32, h4, h6));
  two_columns(6, hn::InterleaveUpper(d32, h0, h2), hn::InterleaveUpper(d32, h4, h6));
}

// The same of 32-bit pixels, by quarters.
HWY_INLINE void turn_tile(const std::uint32_t* in, std::size_t in_stride, std::uint32_t* out,
                          std::size_t out_stride) {
  const hn::FixedTag<std::uint32_t, 4> d;
  const hn::FixedTag<std::uint64_t, 2> d64;
  for (std::size_t y = 0; y < Plan::tile; y += 4)
    for (std::size_t x = 0; x < Plan::tile; x += 4) {
      const std::uint32_t* from = in + y * in_stride + x;
      std::uint32_t* to = out + x * out_stride + y;
      const auto r0 = hn::LoadU(d, from), r1 = hn::LoadU(d, from + in_stride);
      const auto r2 = hn::LoadU(d, from + 2 * in_stride), r3 = hn::LoadU(d, from + 3 * in_stride);
      const auto wide = [&](auto v) { return hn::BitCast(d64, v); };
      const auto l0 = wide(hn::InterleaveLower(d, r0, r1)),
                 h0 = wide(hn::InterleaveUpper(d, r0, r1));
      const auto l2 = wide(hn::InterleaveLower(d, r2, r3)),
                 h2 = wide(hn::InterleaveUpper(d, r2, r3));
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, l0, l2)), d, to);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, l0, l2)), d, to + out_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveLower(d64, h0, h2)), d, to + 2 * out_stride);
      hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(d64, h0, h2)), d, to + 3 * out_stride);
    }
}

template <typename Word>
HWY_INLINE void copy_tiles(const Plan& plan, const Word* image, Word* out) {
  constexpr std::size_t side = Plan::tile;
  for (const Plan::Tile& tile : plan.tiles) {
    const Word* const from = image + tile.pixel;
    if (tile.rows < side || tile.columns < side) {
      for (std::size_t y = 0; y < tile.rows; ++y)
        for (std::size_t x = 0; x < tile.columns; ++x)
          out[tile.turned ? x * side + y : y * side + x] = from[y * plan.nx + x];
    } else if (tile.turned) {
      turn_tile(from, plan.nx, out, side);
    } else {
      for (std::size_t y = 0; y < side; ++y)
        std::memcpy(out + y * side, from + y * plan.nx, side * sizeof(Word));
    }
    out += side * side;
  }
}

// One image, from which bins are gathered.
template <typename T>
struct Source {
  const Plan& plan;
  const T* copy;

  Source(const Plan& plan_, const T* image, RingScratch& scratch) : plan(plan_) {
    using Word = std::conditional_t<sizeof(T) == 2, std::uint16_t, std::uint32_t>;
    scratch.copy.resize((plan.tiles.size() * Plan::tile * Plan::tile + run_pixels) * sizeof(T));
    Word* words = reinterpret_cast<Word*>(scratch.copy.data());
    copy_tiles(plan, reinterpret_cast<const Word*>(image), words);
    copy = reinterpret_cast<const T*>(words);
  }
  HWY_INLINE std::size_t gather_bin(std::uint32_t bin, T* out) const {
    const Run* runs = plan.runs.data();
    const T* end = gather(copy, runs + plan.runs_begin[bin], runs + plan.runs_begin[bin + 1], out);
    return static_cast<std::size_t>(end - out);
  }
};

}  // namespace
#endif  // HWY_TARGET != HWY_SCALAR
}  // namespace etalon::pf8::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // ETALON_PEAKFINDER8_GATHER_INL
