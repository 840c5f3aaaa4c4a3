#include "codec/chunk_format.hpp"
#include "codec/container_format.hpp"

namespace etalon {

using namespace codec;

Result<ContainerWriter> ContainerWriter::create(DType dtype, const Shape& chunk_shape,
                                                const Bound& bound, DType source) {
  if (chunk_shape.rank() == 0 || chunk_shape.count() == 0)
    return Error{Errc::usage, "container: chunks need at least one axis and one element"};
  ContainerWriter writer;
  writer.dtype_ = dtype;
  writer.source_ = source;
  writer.chunk_shape_ = chunk_shape;
  writer.bound_ = bound;
  writer.offset_ = writer.header().size();
  return writer;
}

std::vector<std::byte> ContainerWriter::header() const {
  return container_header(dtype_, source_, chunk_shape_, bound_);
}

Result<std::vector<std::byte>> ContainerWriter::chunk(std::span<const std::byte> encoded) {
  ETALON_ASSIGN(const auto info, inspect_chunk(encoded));
  const std::size_t steps = info.shape.rank() == 0 ? 0 : info.shape[0];
  Shape wanted = chunk_shape_;
  if (steps >= 1 && steps < wanted[0]) wanted[0] = steps;  // the last one
  if (steps_ % chunk_shape_[0] != 0)
    return Error{Errc::usage, "container: no chunk may follow one that is cut off"};
  if (info.dtype != dtype_ || info.source != source_ || !(info.shape == wanted))
    return Error{Errc::usage, "container: chunk of " + std::string(name_of(info.dtype)) + " " +
                                  to_string(info.shape) + " where " + std::string(name_of(dtype_)) +
                                  " " + to_string(chunk_shape_) + " is expected"};
  std::vector<std::byte> bytes = section_head("CHNK", encoded.size());
  entries_.push_back({offset_ + bytes.size(), encoded.size()});
  steps_ += steps;
  bytes.insert(bytes.end(), encoded.begin(), encoded.end());
  offset_ += bytes.size();
  return bytes;
}

Result<std::vector<std::byte>> ContainerWriter::finish(const Shape& shape) {
  const bool fits = shape.rank() == chunk_shape_.rank();
  if (!fits ||
      (shape.count() == 0 ? 0 : chunk_grid(shape, chunk_shape_).count()) != entries_.size())
    return Error{Errc::usage, "container: " + std::to_string(entries_.size()) + " chunks of " +
                                  to_string(chunk_shape_) + " are no array of " + to_string(shape)};
  ContainerIndex index{dtype_, source_, chunk_shape_, shape, bound_, {}};
  for (const Entry& e : entries_) index.chunks.push_back({e.offset, e.size});
  return container_tail(index, offset_);
}

std::vector<std::byte> ContainerWriter::finish() {
  ContainerIndex index{dtype_, source_, chunk_shape_, chunk_shape_, bound_, {}};
  index.shape[0] = steps_;
  for (const Entry& e : entries_) index.chunks.push_back({e.offset, e.size});
  return container_tail(index, offset_);
}

}  // namespace etalon
