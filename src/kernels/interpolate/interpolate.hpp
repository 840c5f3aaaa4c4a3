// Linear interpolation at evenly spaced places, added to a row.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace etalon {

// Samples at 0, 1, 2, ... with what vectors read beyond the last one.
class SampledLine {
 public:
  // Of `samples` zeros.
  explicit SampledLine(std::size_t samples);
  std::size_t size() const { return size_; }
  std::span<float> samples() { return {line_.data(), size_}; }
  // To be called when the samples were set: makes the differences of neighbours; the last is 0.
  void prepare();
  // out[k] += the line at start + k step. |step| <= 1; all places are from 0 to size() - 1, give or
  // take rounding.
  void add_to(std::span<float> out, double start, double step) const;

 private:
  std::size_t size_;
  std::vector<float> line_, slope_;
};

namespace interpolation {

constexpr std::size_t group = 16;
constexpr float unit = 65536;  // places are multiples of 1/unit

// How much higher than a group's lowest place the others are: ascending.
using Offsets = std::array<float, group>;
Offsets offsets_of(double step);

// Of a group: its lowest place is whole + part.
struct Place {
  std::size_t whole;
  float part;
};
Place lowest(double start, double step, std::size_t first, std::size_t count);

struct Lines {
  const float* line;
  const float* slope;
};
void add_ref(const Lines& lines, std::span<float> out, double start, double step);
void add_simd(const Lines& lines, std::span<float> out, double start, double step);
// The elements of `out` from `first`, at most a group of them.
void add_group(const Lines& lines, std::span<float> out, double start, double step,
               const Offsets& offsets, std::size_t first);

}  // namespace interpolation
}  // namespace etalon
