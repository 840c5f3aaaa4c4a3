#include "codec/container_pieces.hpp"

#include <algorithm>

#include "codec/boxes.hpp"
#include "codec/chunk_format.hpp"

namespace etalon::codec {
namespace {

Error misfit(std::size_t chunk) {
  return {Errc::malformed, "chunk " + std::to_string(chunk) +
                               ": its type or shape is not what the container declares"};
}

}  // namespace

Result<ContainerPieces> ContainerPieces::create(const ContainerIndex& index, const Box* box) {
  const std::size_t rank = index.shape.rank(), size = size_of(index.dtype);
  ContainerPieces p(index);
  p.begin_ = zeros(rank);
  p.extent_ = index.shape;
  if (box != nullptr) {
    if (box->axes.size() != rank)
      return Error{Errc::usage, "box: has " + std::to_string(box->axes.size()) +
                                    " axes, the array has " + std::to_string(rank)};
    for (std::size_t i = 0; i < rank; ++i) {
      const Box::Range& r = box->axes[i];
      if (r.begin > r.end || r.end > index.shape[i])
        return Error{Errc::usage, "box: axis " + std::to_string(i) + ": " +
                                      std::to_string(r.begin) + ":" + std::to_string(r.end) +
                                      " does not lie in 0:" + std::to_string(index.shape[i])};
      p.begin_[i] = r.begin;
      p.extent_[i] = r.end - r.begin;
    }
  }
  for (std::size_t i = 0; i < index.chunks.size(); ++i) {
    const std::size_t elements = chunk_box(index, i).extent.count();
    if (elements > max_chunk_raw_bytes / size ||
        elements * size > plausible_raw_bytes(index.chunks[i].size))
      return misfit(i);
  }
  if (p.extent_.count() == 0) return p;
  p.first_ = p.cells_ = zeros(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    p.first_[i] = p.begin_[i] / index.chunk_shape[i];
    p.cells_[i] = (p.begin_[i] + p.extent_[i] - 1) / index.chunk_shape[i] - p.first_[i] + 1;
  }
  // Along axes before the last that is cut, a piece is one element thick.
  const auto is_thin = [&](std::size_t i) {
    return index.chunk_shape[i] == 1 || p.extent_[i] == 1;
  };
  while (p.cut_axes_ < rank && is_thin(p.cut_axes_)) ++p.cut_axes_;
  p.cut_axes_ = std::min(p.cut_axes_ + 1, rank);
  p.count_ = 1;
  for (std::size_t i = 0; i < p.cut_axes_; ++i) p.count_ *= p.cells_[i];
  return p;
}

ContainerPieces::Piece ContainerPieces::piece(std::size_t i) const {
  const std::size_t rank = extent_.rank();
  const Shape grid = chunk_grid(index_->shape, index_->chunk_shape);
  Piece piece{zeros(rank), extent_, {}};
  Shape low = first_, cells = cells_;  // the chunks that it meets
  for (std::size_t axis = cut_axes_; axis-- > 0;) {
    low[axis] = first_[axis] + i % cells_[axis];
    cells[axis] = 1;
    i /= cells_[axis];
    const std::size_t from = std::max(begin_[axis], low[axis] * index_->chunk_shape[axis]);
    const std::size_t to =
        std::min(begin_[axis] + extent_[axis], (low[axis] + 1) * index_->chunk_shape[axis]);
    piece.origin[axis] = from - begin_[axis];
    piece.extent[axis] = to - from;
  }
  for (std::size_t c = 0; c < cells.count(); ++c) {
    std::size_t number = 0, rest = c, stride = 1;
    for (std::size_t axis = rank; axis-- > 0; stride *= grid[axis]) {
      number += (low[axis] + rest % cells[axis]) * stride;
      rest /= cells[axis];
    }
    piece.chunks.push_back(number);
  }
  return piece;
}

Result<Array> ContainerPieces::decode(const Piece& piece, const std::vector<Bytes>& chunks) const {
  const std::size_t rank = extent_.rank(), size = size_of(index_->dtype);
  // All heads first: only what they declare together is allocated.
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const auto parts = parse_chunk(chunks[i]);
    if (!parts.ok()) return Error(parts.error()).in("chunk " + std::to_string(piece.chunks[i]));
    if (parts->head.dtype != index_->dtype || parts->head.source != index_->source ||
        !(parts->head.shape == chunk_box(*index_, piece.chunks[i]).extent))
      return misfit(piece.chunks[i]);
  }
  Array out;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    auto decoded = decode_chunk(chunks[i]);
    if (!decoded.ok())
      return std::move(decoded).error().in("chunk " + std::to_string(piece.chunks[i]));
    if (chunks.size() == 1 && decoded->shape() == piece.extent) return decoded;
    if (i == 0) out = Array(index_->dtype, piece.extent);
    const ChunkBox box = chunk_box(*index_, piece.chunks[i]);
    Shape from = zeros(rank), to = from, part = from;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const std::size_t start = begin_[axis] + piece.origin[axis];
      const std::size_t low = std::max(start, box.origin[axis]);
      const std::size_t high =
          std::min(start + piece.extent[axis], box.origin[axis] + box.extent[axis]);
      from[axis] = low - box.origin[axis];
      to[axis] = low - start;
      part[axis] = high - low;
    }
    copy_box(decoded->view().data, box.extent, from, out.mutable_view().data, piece.extent, to,
             part, size);
  }
  return out;
}

}  // namespace etalon::codec
