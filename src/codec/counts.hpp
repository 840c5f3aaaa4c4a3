// The counts engine: arrays of integers of at most 32 bits, within integer bounds per label. The
// stream it makes is described in formats/container.md, section "Counts".
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.hpp"
#include "codec/label_map.hpp"
#include "codec/limits.hpp"
#include "etalon/array.hpp"
#include "etalon/result.hpp"

namespace etalon::codec {

// An array seen as planes of (y, x): the last two axes, and all others together. Without regions,
// planes of fewer than 4096 elements lie below one another as a single one.
struct Grid {
  std::size_t planes = 1, ny = 1, nx = 1;

  std::size_t plane() const { return ny * nx; }
  std::size_t count() const { return planes * plane(); }
};
// How a chunk's planes make a grid: small ones lie below one another as one; all do where labels
// cover them together; or none, so that one may be foretold from the one before.
enum class Planes : std::uint8_t { small_joined, joined, apart };
Grid grid_of(const Shape& shape, std::size_t labels, Planes planes = Planes::small_joined);
// Whether `apart` makes another grid.
bool has_small_planes(const Shape& shape, std::size_t labels);

// How a number is foretold from those before it. The numbers are written in files.
enum class Predictor : std::uint8_t {
  none = 0,      // it is coded itself: photon counts, whose noise no neighbour knows
  median = 1,    // of west, north and west + north - north-west (LOCO-I, JPEG-LS)
  average = 2,   // of west, north-west, north, north-east
  lorenzo = 3,   // the cube's corner: three axes
  previous = 4,  // the same place one plane before
};
inline constexpr unsigned predictors = 5;

// What is coded besides the elements themselves.
struct CountsLayout {
  Grid grid;
  std::vector<std::uint64_t> bounds;  // per label: largest |decoded - original|
  std::vector<Squares> squares;       // labels over (y, x), the same on every plane
  std::vector<Rect> regions;          // the same; these win over squares
  std::vector<Rect> fills;            // labels 1.. over (planes y, x): elements that come back as
                                      // fill values and are not coded
  // What both sides know of every element beforehand and that tables may depend on: hint[i] is
  // below hints[label], 0 where that is 1. Empty: nothing.
  std::vector<unsigned> hints;
  std::span<const std::uint8_t> hint;
  // Decoding: makes `hint` once the labels of a plane (empty: all 0) are known.
  std::function<std::span<const std::uint8_t>(std::span<const std::uint8_t>)> make_hint;
};

struct CountsStream {
  Bytes side, symbols, bits, escapes;

  std::size_t size() const { return side.size() + symbols.size() + bits.size() + escapes.size(); }
};
struct CountsReport {
  std::vector<double> label_bits;              // modelled cost of each label's elements
  std::vector<std::uint64_t> label_max_error;  // measured
};

// `good` is 1 where a pixel (y, x) may be used for statistics; empty: everywhere.
template <typename T>
CountsStream encode_counts(std::span<const T> values, const CountsLayout& layout,
                           std::span<const std::uint8_t> good, CountsReport& report);

struct CountsSections {
  ByteSpan side, symbols, bits, escapes;
};
// Elements under fills hold anything afterwards. `layout.grid` and `.hints` are given, the rest is
// read.
template <typename T>
Result<void> decode_counts(const CountsSections& sections, std::size_t labels, std::size_t fills,
                           CountsLayout& layout, std::span<T> out);

}  // namespace etalon::codec
