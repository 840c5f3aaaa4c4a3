// Sets of images, and the benchmarks compress/CODER/SET and decompress/CODER/SET of one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "coders.hpp"

namespace etalon::bench {

// A series of images of one type and shape, (frame, y, x).
struct Set {
  std::string name;
  Array series;
  std::vector<std::uint8_t> mask;  // (y, x), 1 is good
};

// Image `i` of `count`; the first decides type and shape of all.
void put(Set& set, std::size_t i, std::size_t count, const ArrayView& image);

// NAME=PATH or NAME=PATH@DATASET: whatever open_series opens.
Result<Set> load(const std::string& argument);

// Registers both directions of every coder that takes the set's elements. One iteration codes all
// images, each as one unit; `set` must outlive the run. Sizes are the counters "ratio" and
// "bits_per_pixel"; before anything is timed, what lossless coders decode is compared with the
// images.
void add(const Set& set, std::span<const Coder> coders);

// main(): loads the sets named by the arguments that are not Google benchmark's, lets `add_set`
// register each, and runs. The exit status is Etalon's.
int run(int argc, char** argv, void (*add_set)(const Set&));

}  // namespace etalon::bench
