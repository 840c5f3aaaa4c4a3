// An array cut into chunks, and its chunks into pieces that a rank takes at once.
#pragma once

#include "etalon/array.hpp"
#include "ranks.hpp"

namespace etalon::mpi {

struct Piece {
  Shape origin, extent;  // in elements
};

// Each piece is a box of whole chunks (cut off at the array's end) that follow each other in raster
// order, of at most `most_bytes` unless one chunk is larger, and few enough that every one of
// `ranks` gets some. Pieces change with the ranks; chunks and their bytes do not.
class Pieces {
 public:
  Pieces(DType dtype, const Shape& shape, const Shape& chunk, std::size_t ranks,
         std::size_t most_bytes = std::size_t{32} << 20);
  std::size_t count() const { return grid_.count(); }
  Piece operator[](std::size_t i) const;

 private:
  Shape shape_, step_, grid_;
};

// Calls f(piece) -> Result<void> for the pieces of one rank, until one fails.
template <typename F>
Result<void> for_each_own(const Pieces& pieces, const Ranks& ranks, F&& f) {
  for (std::size_t i = ranks.rank(); i < pieces.count(); i += ranks.size())
    ETALON_TRY(f(pieces[i]));
  return {};
}

// As default_chunk has it, but one chunk is one rank's work: stacks of images are cut until a chunk
// has at most 2^20 elements, single images only above 2^22.
Shape parallel_chunk(DType dtype, const Shape& shape);

}  // namespace etalon::mpi
