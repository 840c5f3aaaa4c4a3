#include "codec/chunk_format.hpp"

#include <cmath>
#include <cstring>

#include "base/crc32c.hpp"

namespace etalon::codec {
namespace {

Error malformed(std::size_t offset, const std::string& reason) {
  return {Errc::malformed, "chunk: offset " + std::to_string(offset) + ": " + reason};
}

void put_section(ByteWriter& out, Tag tag, ByteSpan payload) {
  if (payload.empty()) return;
  out.put(static_cast<std::uint8_t>(tag));
  out.put_varint(payload.size());
  out.append(payload);
}

Bytes head_bytes(const ChunkHead& head) {
  ByteWriter out;
  out.put(static_cast<std::uint8_t>(head.dtype));
  out.put(static_cast<std::uint8_t>(head.shape.rank()));
  for (std::size_t extent : head.shape.extents()) out.put_varint(extent);
  out.put(static_cast<std::uint8_t>(head.engine));
  out.put(static_cast<std::uint8_t>(head.regions.size()));
  for (const RegionInfo& r : head.regions) {
    out.put(static_cast<std::uint8_t>(r.kind.size()));
    out.append(bytes_of(r.kind));
    out.put(static_cast<std::uint8_t>(r.bound.kind));
    if (r.bound.kind != Bound::Kind::lossless) {
      out.put(r.bound.value);
      out.put(r.max_error);
    }
    out.put_varint(r.elements);
    out.put_varint(r.bytes);
  }
  out.put(static_cast<std::uint8_t>(head.fills.size()));
  for (std::uint64_t fill : head.fills)
    out.append(std::as_bytes(std::span(&fill, 1)).first(size_of(head.dtype)));
  if (head.engine == Engine::scaled) out.put(head.step);
  if (head.engine == Engine::offset) out.put(head.base);
  return out.take();
}

Result<RegionInfo> read_region(ByteReader& in) {
  RegionInfo r;
  ETALON_ASSIGN(const auto length, in.get<std::uint8_t>());
  if (length > 32) return Error{Errc::malformed, "region name longer than 32 bytes"};
  ETALON_ASSIGN(const auto name, in.take(length));
  r.kind = text_of(name);
  for (char c : r.kind)
    if (c < 0x20 || c > 0x7e) return Error{Errc::malformed, "region name is not ASCII"};
  ETALON_ASSIGN(const auto kind, in.get<std::uint8_t>());
  if (kind > static_cast<std::uint8_t>(Bound::Kind::abs))
    return Error{Errc::malformed, "unknown bound " + std::to_string(kind)};
  r.bound.kind = static_cast<Bound::Kind>(kind);
  if (r.bound.kind != Bound::Kind::lossless) {
    ETALON_ASSIGN(r.bound.value, in.get<double>());
    ETALON_ASSIGN(r.max_error, in.get<double>());
    if (!(r.bound.value >= 0) || !std::isfinite(r.bound.value))
      return Error{Errc::malformed, "bound is not a finite number >= 0"};
    if (!(r.max_error >= 0) || r.max_error > r.bound.value)
      return Error{Errc::malformed, "measured error exceeds its bound"};
  }
  ETALON_ASSIGN(r.elements, in.get_varint());
  ETALON_ASSIGN(r.bytes, in.get_varint());
  return r;
}

Result<ChunkHead> read_head(ByteSpan bytes, std::uint64_t chunk_bytes) {
  const auto bad = [](const std::string& reason) { return Error{Errc::malformed, reason}; };
  ByteReader in(bytes);
  ChunkHead head;
  ETALON_ASSIGN(const auto dtype, in.get<std::uint8_t>());
  if (!is_dtype(dtype)) return bad("unknown element type " + std::to_string(dtype));
  head.dtype = static_cast<DType>(dtype);
  ETALON_ASSIGN(const auto rank, in.get<std::uint8_t>());
  if (rank > Shape::max_rank) return bad("more than 6 axes");
  std::array<std::size_t, Shape::max_rank> extents{};
  for (std::size_t i = 0; i < rank; ++i) {
    ETALON_ASSIGN(extents[i], in.get_varint());
    if (extents[i] > max_chunk_raw_bytes) return bad("larger than a chunk may be");
  }
  head.shape = Shape(std::span(extents.data(), rank));
  const std::size_t count = head.shape.count(), size = size_of(head.dtype);
  if (count > max_chunk_raw_bytes / size) return bad("larger than a chunk may be");
  if (count * size > plausible_raw_bytes(chunk_bytes))
    return bad("declares more elements than its bytes can hold");
  ETALON_ASSIGN(const auto engine, in.get<std::uint8_t>());
  if (engine > static_cast<std::uint8_t>(Engine::offset))
    return bad("unknown engine " + std::to_string(engine));
  head.engine = static_cast<Engine>(engine);
  ETALON_ASSIGN(const auto regions, in.get<std::uint8_t>());
  if (regions == 0 || regions > max_labels) return bad("must have 1 to 16 regions");
  std::uint64_t elements = 0;
  for (unsigned i = 0; i < regions; ++i) {
    ETALON_ASSIGN(auto region, read_region(in));
    if (region.elements > count - elements) return bad("regions hold more elements than there are");
    elements += region.elements;
    head.regions.push_back(std::move(region));
  }
  if (elements != count) return bad("regions hold fewer elements than there are");
  ETALON_ASSIGN(const auto fills, in.get<std::uint8_t>());
  if (fills > max_fills) return bad("more than 3 fill values");
  for (unsigned i = 0; i < fills; ++i) {
    ETALON_ASSIGN(const auto pattern, in.take(size));
    std::uint64_t fill = 0;
    std::memcpy(&fill, pattern.data(), size);
    head.fills.push_back(fill);
  }
  const bool is_float = etalon::is_float(head.dtype);
  const bool fits = head.engine == Engine::counts   ? size <= 4 && !is_float
                    : head.engine == Engine::scaled ? is_float
                    : head.engine == Engine::offset ? size == 8 && !is_float
                                                    : true;
  if (!fits) return bad("engine does not go with the element type");
  if (head.engine == Engine::scaled) {
    ETALON_ASSIGN(head.step, in.get<double>());
    if (!(head.step > 0) || !std::isfinite(head.step)) return bad("step is not a number > 0");
  }
  if (head.engine == Engine::offset) {
    ETALON_ASSIGN(head.base, in.get<std::uint64_t>());
  }
  if (!in.done()) return bad("bytes left over in the head");
  return head;
}

}  // namespace

Bytes assemble_chunk(const ChunkParts& parts) {
  ByteWriter out;
  out.append(std::as_bytes(std::span(chunk_magic)));
  out.put(static_cast<std::uint8_t>(format_major << 4 | format_minor));
  out.put(std::uint32_t{0});
  out.put(std::uint32_t{0});
  put_section(out, Tag::head, head_bytes(parts.head));
  put_section(out, Tag::side, parts.side);
  put_section(out, Tag::symbols, parts.symbols);
  put_section(out, Tag::bits, parts.bits);
  put_section(out, Tag::exact, parts.exact);
  put_section(out, Tag::data, parts.data);
  const std::uint64_t raw = parts.head.shape.count() * size_of(parts.head.dtype);
  if (raw > plausible_raw_bytes(out.size())) {
    const std::uint64_t wanted = ((raw - (std::uint64_t{1} << 20)) >> 14) + 1;
    put_section(out, Tag::padding, Bytes(wanted - out.size()));
  }
  out.patch(4, static_cast<std::uint32_t>(out.size() - chunk_prefix_bytes));
  const ByteSpan body = ByteSpan(out.buffer()).subspan(chunk_prefix_bytes);
  out.patch(8, crc32c(body));
  return out.take();
}

Result<ChunkParts> parse_chunk(ByteSpan bytes) {
  if (bytes.size() < chunk_prefix_bytes) return malformed(0, "truncated");
  if (std::memcmp(bytes.data(), chunk_magic.data(), 3) != 0)
    return malformed(0, "not an Etalon chunk");
  const auto version = static_cast<unsigned>(bytes[3]);
  if (version >> 4 != format_major || (version & 15) > format_minor)
    return malformed(3, "format version " + std::to_string(version >> 4) + "." +
                            std::to_string(version & 15) + " is not known to this program");
  ByteReader in(bytes.subspan(4));
  const std::uint32_t size = in.get<std::uint32_t>().value();
  const std::uint32_t checksum = in.get<std::uint32_t>().value();
  if (size != bytes.size() - chunk_prefix_bytes)
    return malformed(4, "declares " + std::to_string(size) + " bytes, has " +
                            std::to_string(bytes.size() - chunk_prefix_bytes));
  if (crc32c(bytes.subspan(chunk_prefix_bytes)) != checksum)
    return malformed(8, "checksum does not match");

  ChunkParts parts;
  unsigned last = 0;
  while (!in.done()) {
    const std::size_t offset = in.offset() + 4;
    const auto tag = in.get<std::uint8_t>();
    const auto length = in.get_varint();
    if (!length.ok()) return malformed(offset, "section length is not valid");
    const auto payload = in.take(*length);
    if (!payload.ok()) return malformed(offset, "section passes the end");
    if (*tag >= static_cast<unsigned>(Tag::first_skippable)) {
      if (*tag == static_cast<unsigned>(Tag::padding))
        for (std::byte b : *payload)
          if (b != std::byte{0}) return malformed(offset, "padding is not zero");
      continue;
    }
    if (*tag <= last) return malformed(offset, "sections out of order");
    last = *tag;
    if (payload->empty()) return malformed(offset, "empty section");
    switch (static_cast<Tag>(*tag)) {
      case Tag::head: {
        auto head = read_head(*payload, bytes.size());
        if (!head.ok()) return malformed(offset, "head: " + head.error().message);
        parts.head = std::move(*head);
        break;
      }
      case Tag::side:
        parts.side = *payload;
        break;
      case Tag::symbols:
        parts.symbols = *payload;
        break;
      case Tag::bits:
        parts.bits = *payload;
        break;
      case Tag::exact:
        parts.exact = *payload;
        break;
      case Tag::data:
        parts.data = *payload;
        break;
      default:
        return malformed(offset, "unknown section " + std::to_string(*tag));
    }
    if (last == static_cast<unsigned>(Tag::head)) continue;
    if (parts.head.regions.empty()) return malformed(offset, "no head before the first section");
  }
  if (parts.head.regions.empty()) return malformed(bytes.size(), "no head");
  return parts;
}

}  // namespace etalon::codec
