#include "codec/container_pieces.hpp"

#include <algorithm>

#include "codec/boxes.hpp"
#include "codec/chunk_format.hpp"
#include "codec/preview.hpp"

namespace etalon::codec {
namespace {

Error misfit(std::size_t chunk) {
  return {Errc::malformed, "chunk " + std::to_string(chunk) +
                               ": its type or shape is not what the container declares"};
}

}  // namespace

Result<ContainerPieces> ContainerPieces::create(const ContainerIndex& index, const Box* box,
                                                std::size_t step) {
  if (step == 0) return Error{Errc::usage, "preview: every 0th element"};
  const std::size_t rank = index.shape.rank(), size = size_of(index.dtype);
  ContainerPieces p(index);
  p.step_ = step;
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
  for (std::size_t i = 0; i < rank; ++i) p.extent_[i] = previewed(p.extent_[i], 0, step);
  if (p.extent_.count() == 0) return p;
  p.first_ = p.cells_ = zeros(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    p.first_[i] = p.begin_[i] / index.chunk_shape[i];
    const std::size_t last = p.begin_[i] + (p.extent_[i] - 1) * step;
    p.cells_[i] = last / index.chunk_shape[i] - p.first_[i] + 1;
  }
  // Along axes before the last that is cut, a piece is one element thick.
  const auto is_thin = [&](std::size_t i) {
    return index.chunk_shape[i] <= step || p.extent_[i] == 1;
  };
  while (p.cut_axes_ < rank && is_thin(p.cut_axes_)) ++p.cut_axes_;
  p.cut_axes_ = std::min(p.cut_axes_ + 1, rank);
  p.count_ = 1;
  for (std::size_t i = 0; i < p.cut_axes_; ++i) p.count_ *= p.cells_[i];
  return p;
}

std::pair<std::size_t, std::size_t> ContainerPieces::taken(std::size_t axis,
                                                           std::size_t cell) const {
  const std::size_t chunk = index_->chunk_shape[axis], begin = begin_[axis];
  const auto steps_to = [&](std::size_t place) {  // elements taken before it
    return place <= begin ? 0 : std::min(previewed(place - begin, 0, step_), extent_[axis]);
  };
  return {steps_to(cell * chunk), steps_to((cell + 1) * chunk)};
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
    const auto [from, to] = taken(axis, low[axis]);
    piece.origin[axis] = from;
    piece.extent[axis] = to - from;
  }
  if (piece.extent.count() == 0) return piece;
  for (std::size_t c = 0; c < cells.count(); ++c) {
    std::size_t number = 0, rest = c, stride = 1;
    bool gives = true;
    for (std::size_t axis = rank; axis-- > 0; stride *= grid[axis]) {
      const std::size_t cell = low[axis] + rest % cells[axis];
      const auto [from, to] = taken(axis, cell);
      gives = gives && from < to;
      number += cell * stride;
      rest /= cells[axis];
    }
    if (gives) piece.chunks.push_back(number);
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
  Array out(index_->dtype, chunks.empty() ? piece.extent : zeros(rank));
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const ChunkBox box = chunk_box(*index_, piece.chunks[i]);
    Shape from = zeros(rank), to = from, part = from;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      const std::size_t low = piece.origin[axis];
      const auto [first, end] = taken(axis, box.origin[axis] / index_->chunk_shape[axis]);
      const std::size_t here = std::max(first, low);
      from[axis] = begin_[axis] + here * step_ - box.origin[axis];
      to[axis] = here - low;
      part[axis] = std::min(end, low + piece.extent[axis]) - here;
    }
    auto decoded = step_ == 1 ? decode_chunk(chunks[i]) : preview_chunk(chunks[i], from, step_);
    if (!decoded.ok())
      return std::move(decoded).error().in("chunk " + std::to_string(piece.chunks[i]));
    if (chunks.size() == 1 && decoded->shape() == piece.extent) return decoded;
    if (i == 0) out = Array(index_->dtype, piece.extent);
    if (step_ != 1) from = zeros(rank);
    copy_box(decoded->view().data, decoded->shape(), from, out.mutable_view().data, piece.extent,
             to, part, size);
  }
  return out;
}

}  // namespace etalon::codec
