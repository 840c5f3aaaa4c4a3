// What can still be read of a damaged container.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "etalon/array.hpp"
#include "etalon/result.hpp"

#pragma GCC visibility push(default)
namespace etalon {

struct SalvagedChunk {
  std::uint64_t offset = 0;  // in the container, of the chunk's bytes
  std::string lost;          // why; empty: it is whole
};

struct Salvage {
  Array array;                        // elements of lost chunks are NaN, of integer types 0
  std::string damage;                 // why the index cannot be read; empty: it can
  std::vector<SalvagedChunk> chunks;  // in the array's order

  std::uint64_t whole() const {
    return static_cast<std::uint64_t>(std::count_if(
        chunks.begin(), chunks.end(), [](const SalvagedChunk& c) { return c.lost.empty(); }));
  }
};

// Every chunk whose bytes are whole, in its place. Where the index cannot be read, chunks are those
// whose section's head can; they are put one after the other along the first axis, and what a
// damaged head or a cut file took leaves no gap. Errc::malformed where nothing is left.
Result<Salvage> salvage(std::span<const std::byte> container);

}  // namespace etalon
#pragma GCC visibility pop
