// A box of a container, or every step-th element of it, piece by piece: no more of it is decoded at
// once than follows in C order.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "codec/container_format.hpp"

namespace etalon::codec {

// Pieces are boxes whose elements follow each other in the box: one chunk each where chunks are
// whole images, one row of chunks each where they are not.
class ContainerPieces {
 public:
  // Errc::usage when the box does not lie in the array, Errc::malformed when chunks could not hold
  // what the index declares. `box` may be null: all of it. With a step above 1 it is the elements
  // begin, begin + step, ... along every axis. The index must outlive this.
  static Result<ContainerPieces> create(const ContainerIndex& index, const Box* box,
                                        std::size_t step = 1);

  const Shape& shape() const { return extent_; }  // of what is taken
  std::size_t count() const { return count_; }
  struct Piece {
    Shape origin, extent;             // in what is taken; chunks between two steps give none
    std::vector<std::size_t> chunks;  // that it meets
  };
  Piece piece(std::size_t i) const;
  // The piece's elements, from the bytes of its chunks in their order. Thread-safe.
  Result<Array> decode(const Piece& piece, const std::vector<Bytes>& chunks) const;

 private:
  explicit ContainerPieces(const ContainerIndex& index) : index_(&index) {}

  // What a cell of the chunks' grid gives along an axis: [first, second) of what is taken.
  std::pair<std::size_t, std::size_t> taken(std::size_t axis, std::size_t cell) const;

  const ContainerIndex* index_;
  std::size_t step_ = 1;
  Shape begin_, extent_;      // the box's first element in the array; how many are taken
  Shape first_, cells_;       // chunks of the grid that it meets
  std::size_t cut_axes_ = 0;  // pieces are cut along so many axes
  std::size_t count_ = 0;
};

}  // namespace etalon::codec
