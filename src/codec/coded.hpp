// Ways of coding a chunk's elements: what they are given, and what they make.
#pragma once

#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "codec/chunk_format.hpp"
#include "codec/counts.hpp"
#include "codec/fields.hpp"
#include "codec/fills.hpp"
#include "etalon/codec.hpp"

namespace etalon::codec {

// What an attempt at coding makes; sections live here until the chunk is put together.
struct Coded {
  Engine engine = Engine::stored;
  Bytes side, symbols, bits, exact, data, escapes;
  std::vector<std::uint64_t> fills;
  double step = 0, allowance = 0;
  std::uint64_t base = 0;
  bool dither = false;
  std::vector<double> label_bits, label_max_error;

  std::size_t size() const {
    return side.size() + symbols.size() + bits.size() + exact.size() + data.size() + escapes.size();
  }
};

inline void take(Coded& coded, CountsStream stream, const CountsReport& report) {
  coded.side = std::move(stream.side);
  coded.symbols = std::move(stream.symbols);
  coded.bits = std::move(stream.bits);
  coded.escapes = std::move(stream.escapes);
  coded.label_bits = report.label_bits;
  coded.label_max_error.assign(report.label_max_error.begin(), report.label_max_error.end());
}

// What all ways of coding within bounds are given.
struct Task {
  CountsLayout layout;
  std::vector<Bound> bounds;  // of every label
  Fills fills;
  std::span<const std::uint8_t> good;
  std::optional<std::uint64_t> dither;  // its seed
  int level = default_level;
  std::size_t rival = std::numeric_limits<std::size_t>::max();  // bytes that another way takes
  bool without_fields = false;  // they have been tried: the grid is all that differs
};

inline constexpr int every_way_level = 7;  // from here on every way of coding is tried whole
// Up to so many elements it mostly is in any case: samples would hardly be smaller.
inline constexpr std::size_t few_elements = std::size_t{1} << 17;

// Fields: none where nothing may be changed, or not by steps of one width. Errors are in the
// elements' unit.
template <typename T>
std::optional<Coded> code_fields(std::span<const T> values, const Shape& shape, const Task& task,
                                 const Tolerances& tolerances);

// A box from the middle of an array, of about as many elements, to try ways of coding on.
template <typename T>
struct Sample {
  std::vector<T> box;
  Shape extent;
  Task task;
};
template <typename T>
Sample<T> sample_of(std::span<const T> values, const Shape& shape, const Task& task,
                    std::size_t elements);

// What is told once weighs more in a sample.
inline std::size_t weight_in_sample(const Coded& coded) { return coded.size() - coded.side.size(); }

// Integers within bounds. None where dithered ones have no place in their type, or 64 bits are
// needed.
template <typename T>
std::optional<Coded> code_integers(std::span<const T> values, const Shape& shape, Task task);

// Floats within bounds: the smaller of the engines for them, or none where their bits take less.
template <typename T>
std::optional<Coded> code_floats(std::span<const T> values, const Shape& shape, const Task& task);

}  // namespace etalon::codec
