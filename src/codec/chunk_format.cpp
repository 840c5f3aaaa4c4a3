#include "codec/chunk_format.hpp"

#include <cmath>
#include <cstring>

#include "base/crc32c.hpp"
#include "codec/bound_format.hpp"
#include "codec/mapped.hpp"

namespace etalon::codec {
namespace {

constexpr unsigned joined_planes = 0x80, apart_planes = 0x40;  // beside the number of regions

unsigned planes_bits(Planes planes) {
  return planes == Planes::joined ? joined_planes : planes == Planes::apart ? apart_planes : 0;
}

Error malformed(std::size_t offset, const std::string& reason) {
  return {Errc::malformed, "chunk: offset " + std::to_string(offset) + ": " + reason};
}

void put_section(Bytes& out, Tag tag, ByteSpan payload) {
  if (payload.empty()) return;
  ByteWriter head;
  head.put(static_cast<std::uint8_t>(tag));
  head.put_varint(payload.size());
  out.insert(out.end(), head.buffer().begin(), head.buffer().end());
  out.insert(out.end(), payload.begin(), payload.end());
}

Bytes head_bytes(const ChunkHead& head) {
  ByteWriter out;
  out.put(static_cast<std::uint8_t>(head.dtype));
  out.put(static_cast<std::uint8_t>(head.shape.rank()));
  for (std::size_t extent : head.shape.extents()) out.put_varint(extent);
  out.put(static_cast<std::uint8_t>(head.engine));
  out.put(static_cast<std::uint8_t>(head.regions.size() | planes_bits(head.planes)));
  for (const RegionInfo& r : head.regions) {
    if (&r != head.regions.data()) {
      out.put(static_cast<std::uint8_t>(r.kind.size()));
      out.append(bytes_of(r.kind));
    }
    put_bound(out, r.bound);
    if (r.bound.kind != Bound::Kind::lossless) put_short(out, r.max_error);
    out.put_varint(r.elements);
    out.put_varint(r.bytes);
  }
  out.put(static_cast<std::uint8_t>(head.fills.size()));
  for (std::uint64_t fill : head.fills)
    out.append(std::as_bytes(std::span(&fill, 1)).first(size_of(head.dtype)));
  if (head.engine == Engine::dithered) out.put(static_cast<std::uint8_t>(head.source));
  if (head.engine == Engine::scaled) {
    out.put(head.step);
    out.put(static_cast<std::uint8_t>(head.dither));
  }
  if (head.dither) out.put(head.seed);
  if (head.engine == Engine::offset) out.put(head.base);
  if (head.engine == Engine::fields) out.put(head.allowance);
  return out.take();
}

Result<std::string> read_name(ByteReader& in) {
  ETALON_ASSIGN(const auto length, in.get<std::uint8_t>());
  if (length > 32) return Error{Errc::malformed, "region name longer than 32 bytes"};
  ETALON_ASSIGN(const auto bytes, in.take(length));
  std::string name(text_of(bytes));
  for (char c : name)
    if (c < 0x20 || c > 0x7e) return Error{Errc::malformed, "region name is not ASCII"};
  return name;
}

Result<RegionInfo> read_region(ByteReader& in, bool is_default) {
  RegionInfo r;
  r.kind = "default";
  if (!is_default) {
    ETALON_ASSIGN(r.kind, read_name(in));
  }
  ETALON_ASSIGN(r.bound, get_bound(in));
  if (r.bound.kind != Bound::Kind::lossless) {
    ETALON_ASSIGN(r.max_error, get_short(in));
    if (!(r.max_error >= 0) || r.max_error > r.bound.value)
      return Error{Errc::malformed, "measured error exceeds its bound"};
  }
  ETALON_ASSIGN(r.elements, in.get_varint());
  ETALON_ASSIGN(r.bytes, in.get_varint());
  return r;
}

bool fits(Engine engine, DType dtype) {
  switch (engine) {
    case Engine::counts:
    case Engine::binned:
      return size_of(dtype) <= 4 && !is_float(dtype);
    case Engine::scaled:
      return is_float(dtype);
    case Engine::fields:
      return is_float(dtype) || size_of(dtype) <= 4;
    case Engine::offset:
      return size_of(dtype) == 8 && !is_float(dtype);
    case Engine::dithered:
      return !is_float(dtype);
    case Engine::packed:
      return size_of(dtype) <= 4 || dtype == DType::f64;
    default:
      return true;
  }
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
  if (engine > static_cast<std::uint8_t>(Engine::packed))
    return bad("unknown engine " + std::to_string(engine));
  head.engine = static_cast<Engine>(engine);
  ETALON_ASSIGN(const auto declared, in.get<std::uint8_t>());
  const unsigned regions = declared & ~(joined_planes | apart_planes);
  const unsigned planes = declared & (joined_planes | apart_planes);
  if (planes == joined_planes) head.planes = Planes::joined;
  if (planes == apart_planes) head.planes = Planes::apart;
  if (planes == joined_planes && regions < 2)
    return bad("a map of the whole chunk without regions");
  if (planes == (joined_planes | apart_planes) ||
      (planes == apart_planes && !has_small_planes(head.shape, regions)))
    return bad("planes that are apart anyway");
  if (regions == 0 || regions > max_labels) return bad("must have 1 to 16 regions");
  std::uint64_t elements = 0;
  for (unsigned i = 0; i < regions; ++i) {
    ETALON_ASSIGN(auto region, read_region(in, i == 0));
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
  if (!fits(head.engine, head.dtype)) return bad("engine does not go with the element type");
  head.source = head.dtype;
  if (head.engine == Engine::dithered) {
    ETALON_ASSIGN(const auto source, in.get<std::uint8_t>());
    if (!is_dtype(source) || size_of(static_cast<DType>(source)) > 4 ||
        etalon::is_float(static_cast<DType>(source)) ||
        dithered_dtype(static_cast<DType>(source)) != head.dtype)
      return bad("no such source of dithered elements");
    head.source = static_cast<DType>(source);
    head.dither = true;
  }
  if (head.engine == Engine::scaled) {
    ETALON_ASSIGN(head.step, in.get<double>());
    if (!(head.step > 0) || !std::isfinite(head.step)) return bad("step is not a number > 0");
    ETALON_ASSIGN(const auto dither, in.get<std::uint8_t>());
    if (dither > 1) return bad("dither is neither 0 nor 1");
    head.dither = dither == 1;
  }
  if (head.dither) {
    ETALON_ASSIGN(head.seed, in.get<std::uint64_t>());
  }
  if (head.engine == Engine::offset) {
    ETALON_ASSIGN(head.base, in.get<std::uint64_t>());
  }
  if (head.engine == Engine::fields) {
    ETALON_ASSIGN(head.allowance, in.get<double>());
    if (!(head.allowance >= 0) || !std::isfinite(head.allowance))
      return bad("allowance is not a number >= 0");
    for (const RegionInfo& r : head.regions)
      if (grows_with_value(r.bound)) return bad("engine does not go with the bound");
  }
  if (head.engine == Engine::packed) {
    if (head.regions.size() != 1 || !head.fills.empty())
      return bad("engine does not go with regions or fills");
    if (grows_with_value(head.regions[0].bound)) return bad("engine does not go with the bound");
  }
  if (!in.done()) return bad("bytes left over in the head");
  return head;
}

}  // namespace

Bytes assemble_chunk(const ChunkParts& parts) {
  const Bytes head = head_bytes(parts.head);
  constexpr std::size_t most_of_section_head = 1 + 10, sections = 8;
  Bytes out;
  out.reserve(chunk_prefix_bytes + sections * most_of_section_head + head.size() +
              parts.side.size() + parts.symbols.size() + parts.bits.size() + parts.exact.size() +
              parts.data.size() + parts.escapes.size());
  out.resize(chunk_prefix_bytes);
  put_section(out, Tag::head, head);
  put_section(out, Tag::side, parts.side);
  put_section(out, Tag::symbols, parts.symbols);
  put_section(out, Tag::bits, parts.bits);
  put_section(out, Tag::exact, parts.exact);
  put_section(out, Tag::data, parts.data);
  put_section(out, Tag::escapes, parts.escapes);
  const std::uint64_t raw = parts.head.shape.count() * size_of(parts.head.dtype);
  if (raw > plausible_raw_bytes(out.size())) {
    const std::uint64_t wanted = ((raw - (std::uint64_t{1} << 20)) >> 14) + 1;
    put_section(out, Tag::padding, Bytes(wanted - out.size()));
  }
  const ByteSpan body = ByteSpan(out).subspan(chunk_prefix_bytes);
  ByteWriter prefix;
  prefix.append(std::as_bytes(std::span(chunk_magic)));
  prefix.put(static_cast<std::uint8_t>(format_major << 4 | format_minor));
  prefix.put(static_cast<std::uint32_t>(body.size()));
  prefix.put(crc32c(body));
  std::copy(prefix.buffer().begin(), prefix.buffer().end(), out.begin());
  return out;
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
      case Tag::escapes:
        parts.escapes = *payload;
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
