#include "codec/container_format.hpp"

#include <algorithm>
#include <cstring>

#include "base/crc32c.hpp"
#include "codec/bound_format.hpp"

namespace etalon::codec {
namespace {

constexpr std::uint32_t footer_magic = 0x78744565;  // "eEtx"

Error malformed(std::size_t offset, const std::string& reason) {
  return {Errc::malformed, "container: offset " + std::to_string(offset) + ": " + reason};
}

void seal(ByteWriter& out, std::size_t from) {
  out.put(crc32c(ByteSpan(out.buffer()).subspan(from)));
}

void put_shape(ByteWriter& out, const Shape& shape) {
  for (std::size_t extent : shape.extents()) out.put(static_cast<std::uint64_t>(extent));
}

// Payload of a section that ends with its checksum, without it.
Result<ByteSpan> unseal(ByteSpan payload, std::size_t offset) {
  if (payload.size() < 4) return malformed(offset, "section is too short");
  std::uint32_t checksum;
  std::memcpy(&checksum, payload.data() + payload.size() - 4, 4);
  payload = payload.first(payload.size() - 4);
  if (crc32c(payload) != checksum) return malformed(offset, "checksum does not match");
  return payload;
}

struct SectionHead {
  std::array<char, 4> tag;
  std::uint64_t size;
};
// What lies before `end`, checked against it.
class Sections {
 public:
  Sections(const ByteSource& source, std::uint64_t end) : source_(source), end_(end) {}

  Result<SectionHead> head(std::uint64_t offset) {
    if (offset > end_ || end_ - offset < section_head_bytes) return malformed(offset, "truncated");
    ETALON_ASSIGN(const ByteSpan bytes, source_.read(offset, section_head_bytes, room_));
    SectionHead head;
    std::uint32_t checksum;
    std::memcpy(head.tag.data(), bytes.data(), 4);
    std::memcpy(&head.size, bytes.data() + 4, 8);
    std::memcpy(&checksum, bytes.data() + 12, 4);
    if (crc32c(bytes.first(12)) != checksum)
      return malformed(offset, "section head: checksum does not match");
    if (head.size > end_ - offset - section_head_bytes)
      return malformed(offset, "section passes the end");
    return head;
  }
  // The payload of a section that ends with its checksum, without it; valid until the next call.
  Result<ByteSpan> payload(std::uint64_t offset, std::uint64_t size) {
    ETALON_ASSIGN(const ByteSpan bytes, source_.read(offset, size, room_));
    return unseal(bytes, offset);
  }

 private:
  const ByteSource& source_;
  std::uint64_t end_;
  Bytes room_;
};

bool has_tag(const SectionHead& head, const char (&tag)[5]) {
  return std::memcmp(head.tag.data(), tag, 4) == 0;
}

Result<void> read_header(ByteSpan payload, std::size_t offset, ContainerIndex& index) {
  const auto fail = [&](const std::string& reason) {
    return malformed(offset, "header: " + reason);
  };
  ByteReader in(payload);
  const auto dtype = in.get<std::uint8_t>();
  const auto source = in.get<std::uint8_t>();
  const auto rank = in.get<std::uint8_t>();
  if (!rank.ok()) return fail("truncated");
  if (!is_dtype(*dtype)) return fail("unknown element type " + std::to_string(*dtype));
  index.dtype = static_cast<DType>(*dtype);
  if (*source != *dtype &&
      (!is_dtype(*source) || dithered_dtype(static_cast<DType>(*source)) != index.dtype))
    return fail("no such source of elements");
  index.source = static_cast<DType>(*source);
  if (*rank > Shape::max_rank) return fail("more than 6 axes");
  auto bound = get_bound(in);
  if (!bound.ok()) return fail(bound.error().message);
  index.bound = *bound;
  std::array<std::size_t, Shape::max_rank> extents{};
  for (std::size_t i = 0; i < *rank; ++i) {
    const auto extent = in.get<std::uint64_t>();
    if (!extent.ok()) return fail("truncated");
    extents[i] = *extent;
  }
  if (!in.done()) return fail("bytes left over");
  index.chunk_shape = Shape(std::span(extents.data(), *rank));
  return {};
}

}  // namespace

Bytes section_head(const char (&tag)[5], std::uint64_t size) {
  ByteWriter out;
  out.append(std::as_bytes(std::span(tag).first(4)));
  out.put(size);
  seal(out, 0);
  return out.take();
}

Bytes container_header(DType dtype, DType source, const Shape& chunk_shape, const Bound& bound) {
  ByteWriter body;
  body.put(static_cast<std::uint8_t>(dtype));
  body.put(static_cast<std::uint8_t>(source));
  body.put(static_cast<std::uint8_t>(chunk_shape.rank()));
  put_bound(body, bound);
  put_shape(body, chunk_shape);
  seal(body, 0);
  ByteWriter out;
  out.append(std::as_bytes(std::span(container_magic)));
  out.put(format_major);
  out.put(format_minor);
  out.append(section_head("HEAD", body.size()));
  out.append(body.buffer());
  return out.take();
}

Bytes container_tail(const ContainerIndex& index, std::uint64_t offset) {
  ByteWriter body;
  put_shape(body, index.shape);
  body.put(static_cast<std::uint64_t>(index.chunks.size()));
  for (const ChunkPlace& c : index.chunks) {
    body.put(c.offset);
    body.put(c.size);
  }
  seal(body, 0);
  ByteWriter out;
  out.append(section_head("INDX", body.size()));
  out.append(body.buffer());
  const std::size_t footer = out.size();
  out.put(offset);
  seal(out, footer);
  out.put(footer_magic);
  return out.take();
}

Shape chunk_grid(const Shape& shape, const Shape& chunk_shape) {
  Shape grid = shape;
  for (std::size_t i = 0; i < shape.rank(); ++i)
    grid[i] = shape[i] / chunk_shape[i] + (shape[i] % chunk_shape[i] != 0);
  return grid;
}

ChunkBox chunk_box(const ContainerIndex& index, std::size_t i) {
  const Shape grid = chunk_grid(index.shape, index.chunk_shape);
  ChunkBox box{index.shape, index.shape};
  for (std::size_t axis = grid.rank(); axis-- > 0;) {
    box.origin[axis] = i % grid[axis] * index.chunk_shape[axis];
    box.extent[axis] = std::min(index.chunk_shape[axis], index.shape[axis] - box.origin[axis]);
    i /= grid[axis];
  }
  return box;
}

Result<ContainerIndex> parse_container(ByteSpan bytes) {
  return parse_container(MemorySource(bytes));
}

Result<ContainerIndex> parse_container(const ByteSource& source) {
  const std::uint64_t total = source.size();
  Bytes room;
  if (total < 8) return malformed(0, "not an Etalon container");
  ETALON_ASSIGN(const ByteSpan start, source.read(0, 8, room));
  if (std::memcmp(start.data(), container_magic.data(), 6) != 0)
    return malformed(0, "not an Etalon container");
  const auto major = static_cast<unsigned>(start[6]), minor = static_cast<unsigned>(start[7]);
  if (major != format_major || minor > format_minor)
    return malformed(6, "format version " + std::to_string(major) + "." + std::to_string(minor) +
                            " is not known to this program");
  Sections all(source, total);
  ETALON_ASSIGN(const auto head, all.head(8));
  if (!has_tag(head, "HEAD")) return malformed(8, "no header");
  const std::uint64_t head_at = 8 + section_head_bytes;
  ContainerIndex index;
  {
    ETALON_ASSIGN(const auto header, all.payload(head_at, head.size));
    ETALON_TRY(read_header(header, head_at, index));
  }

  if (total < head_at + head.size + footer_bytes) return malformed(total, "truncated: no footer");
  const std::uint64_t footer = total - footer_bytes;
  ETALON_ASSIGN(const ByteSpan last, source.read(footer, footer_bytes, room));
  std::uint64_t index_at;
  std::uint32_t checksum, magic;
  std::memcpy(&index_at, last.data(), 8);
  std::memcpy(&checksum, last.data() + 8, 4);
  std::memcpy(&magic, last.data() + 12, 4);
  if (magic != footer_magic) return malformed(footer, "truncated: no footer");
  if (crc32c(last.first(8)) != checksum)
    return malformed(footer, "footer: checksum does not match");
  Sections before_footer(source, footer);
  ETALON_ASSIGN(const auto index_head, before_footer.head(index_at));
  if (!has_tag(index_head, "INDX") || index_at + section_head_bytes + index_head.size != footer)
    return malformed(index_at, "no index where the footer says");
  const std::uint64_t body_at = index_at + section_head_bytes;
  ETALON_ASSIGN(const auto body, before_footer.payload(body_at, index_head.size));

  const auto fail = [&](const std::string& reason) {
    return malformed(body_at, "index: " + reason);
  };
  ByteReader in(body);
  index.shape = index.chunk_shape;
  for (std::size_t i = 0; i < index.shape.rank(); ++i) {
    const auto extent = in.get<std::uint64_t>();
    if (!extent.ok()) return fail("truncated");
    index.shape[i] = *extent;
    if (index.chunk_shape[i] == 0 && *extent != 0) return fail("empty chunks");
  }
  const auto count = in.get<std::uint64_t>();
  if (!count.ok()) return fail("truncated");
  const bool empty = index.shape.count() == 0;
  const std::size_t wanted = empty ? 0 : chunk_grid(index.shape, index.chunk_shape).count();
  if (*count != wanted || *count != in.left() / 16 || in.left() % 16 != 0)
    return fail("has not one entry for each chunk");
  // Sections lie one after the other; those whose tag begins in lower case may be skipped.
  Sections before_index(source, index_at);
  std::uint64_t at = head_at + head.size;
  while (at < index_at) {
    ETALON_ASSIGN(const auto section, before_index.head(at));
    const std::uint64_t payload = at + section_head_bytes;
    if (has_tag(section, "CHNK")) {
      const auto offset = in.get<std::uint64_t>(), size = in.get<std::uint64_t>();
      if (!size.ok()) return malformed(at, "chunk that the index does not name");
      if (*offset != payload || *size != section.size)
        return malformed(
            at, "chunk " + std::to_string(index.chunks.size()) + " is not where the index says");
      index.chunks.push_back({*offset, *size});
    } else if (section.tag[0] >= 'a' && section.tag[0] <= 'z') {
      ETALON_ASSIGN(const auto skipped, before_index.payload(payload, section.size));
      static_cast<void>(skipped);
    } else {
      return malformed(at, "unknown section");
    }
    at = payload + section.size;
  }
  if (!in.done()) return fail("names chunks that are not there");
  return index;
}

}  // namespace etalon::codec
