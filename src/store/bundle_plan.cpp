#include "store/bundle_plan.hpp"

#include "codec/bound_format.hpp"
#include "store/zstd_frame.hpp"

namespace etalon {
namespace {

constexpr std::size_t longest_name = 4096, most_arrays = 1 << 20;

Error bad(const std::string& reason) { return {Errc::malformed, reason}; }

void put_text(ByteWriter& out, const std::string& text) {
  out.put_varint(text.size());
  out.append(bytes_of(text));
}

Result<std::string> get_text(ByteReader& in, std::size_t longest) {
  ETALON_ASSIGN(const std::uint64_t size, in.get_varint());
  if (size > longest) return bad("a name is too long");
  ETALON_ASSIGN(const ByteSpan bytes, in.take(size));
  return std::string(text_of(bytes));
}

// A number that must be one of 0 .. last.
template <typename E>
Result<E> get_enum(ByteReader& in, E last, const char* what) {
  ETALON_ASSIGN(const std::uint8_t value, in.get<std::uint8_t>());
  if (value > static_cast<std::uint8_t>(last))
    return bad(std::string(what) + " " + std::to_string(value));
  return static_cast<E>(value);
}

Result<std::uint32_t> get_index(ByteReader& in, std::size_t end) {
  ETALON_ASSIGN(const std::uint64_t index, in.get_varint());
  if (index >= end) return bad("array " + std::to_string(index) + " is not there");
  return static_cast<std::uint32_t>(index);
}

// How many entries follow: each takes a byte at least.
Result<std::size_t> get_count(ByteReader& in) {
  ETALON_ASSIGN(const std::uint64_t count, in.get_varint());
  if (count > in.left() || count > most_arrays * 16) return bad("more entries than bytes");
  return static_cast<std::size_t>(count);
}

void put_array(ByteWriter& out, const BundleArray& a) {
  put_text(out, a.name);
  out.put(static_cast<std::uint8_t>(a.role));
  out.put(static_cast<std::uint8_t>(a.dtype));
  out.put(static_cast<std::uint8_t>(a.shape.rank()));
  for (std::size_t e : a.shape.extents()) out.put_varint(e);
  codec::put_bound(out, a.bound);
  out.put(static_cast<std::uint8_t>(a.foretold));
  out.put(static_cast<std::uint8_t>(a.by_column));
  out.put(static_cast<std::uint8_t>(a.order));
  if (a.order != Order::none) out.put(a.axis);
  if (a.order == Order::stored) out.put_varint(a.permutation);
  out.put(static_cast<std::uint8_t>(a.has_mask));
  if (a.has_mask) {
    out.put_varint(a.mask);
    out.put(a.fill);
  }
  out.put(static_cast<std::uint8_t>(a.coding));
  out.put_varint(a.size);
  out.put(a.checksum);
}

Result<BundleArray> get_array(ByteReader& in, const BundlePlan& plan) {
  const std::size_t index = plan.arrays.size();
  BundleArray a;
  ETALON_ASSIGN(a.name, get_text(in, longest_name));
  ETALON_ASSIGN(a.role, get_enum(in, Role::own, "role"));
  ETALON_ASSIGN(const std::uint8_t dtype, in.get<std::uint8_t>());
  if (!is_dtype(dtype)) return bad("type " + std::to_string(dtype));
  a.dtype = static_cast<DType>(dtype);
  ETALON_ASSIGN(const std::uint8_t rank, in.get<std::uint8_t>());
  if (rank > Shape::max_rank) return bad("rank " + std::to_string(rank));
  std::size_t extents[Shape::max_rank] = {};
  for (std::size_t k = 0; k < rank; ++k) {
    ETALON_ASSIGN(extents[k], in.get_varint());
  }
  a.shape = Shape(std::span<const std::size_t>(extents, rank));
  if (a.shape.count() > (std::uint64_t{1} << 56)) return bad("shape is too large");
  ETALON_ASSIGN(a.bound, codec::get_bound(in));
  ETALON_ASSIGN(a.foretold, get_enum(in, Foretold::within, "foretelling"));
  ETALON_ASSIGN(const auto by_column, get_enum(in, Encoding::big, "column flag"));
  a.by_column = by_column != Encoding::little;
  ETALON_ASSIGN(a.order, get_enum(in, Order::mesh, "order"));
  if (a.order != Order::none) {
    ETALON_ASSIGN(a.axis, in.get<std::uint8_t>());
    if (a.axis >= rank) return bad("order of an axis that is not there");
  }
  if (a.order == Order::stored) {
    ETALON_ASSIGN(a.permutation, get_index(in, index));
    if (plan.arrays[a.permutation].shape.count() != a.shape[a.axis])
      return bad("permutation of another length");
  }
  if (a.order == Order::mesh) {
    for (const Topology& t : plan.topology)
      if (t.array >= index || t.offsets >= index) return bad("order comes before its topology");
    if (plan.nodes != a.shape[a.axis]) return bad("order of another number of nodes");
  }
  ETALON_ASSIGN(const auto has_mask, get_enum(in, Encoding::big, "mask flag"));
  a.has_mask = has_mask != Encoding::little;
  if (a.has_mask) {
    ETALON_ASSIGN(a.mask, get_index(in, index));
    const BundleArray& mask = plan.arrays[a.mask];
    if (mask.dtype != DType::u8 || mask.shape.count() != a.shape.count())
      return bad("mask of another length or type");
    ETALON_ASSIGN(a.fill, in.get<std::uint64_t>());
  }
  ETALON_ASSIGN(a.coding, get_enum(in, Coding::zstd, "coding"));
  ETALON_ASSIGN(a.size, in.get_varint());
  ETALON_ASSIGN(a.checksum, in.get<std::uint32_t>());
  if (a.foretold != Foretold::no && is_float(a.dtype)) return bad("floats are not foretold");
  if (a.by_column && rank != 2) return bad("columns of rank " + std::to_string(rank));
  if (a.coding == Coding::zstd && a.shape.count() > max_unpacked(a.size) / size_of(a.dtype))
    return bad("more elements than its bytes can hold");
  return a;
}

void put_segment(ByteWriter& out, const Segment& s) {
  out.put_varint(s.gap);
  out.put(static_cast<std::uint8_t>(s.encoding));
  if (s.encoding != Encoding::text) {
    out.put_varint(s.columns[0].array);
    out.put_varint(s.first);
    out.put_varint(s.count);
    if (s.encoding == Encoding::base64) out.put(s.lead);
    return;
  }
  out.put_varint(s.count);
  out.put_varint(s.columns.size());
  for (const Segment::Column& c : s.columns) {
    out.put_varint(c.array);
    out.put(static_cast<std::uint8_t>(c.format.kind));
    out.put(c.format.precision);
  }
}

// `left` is how many elements of each array no segment has taken yet.
Result<Segment> get_segment(ByteReader& in, const BundlePlan& plan,
                            std::vector<std::uint64_t>& left) {
  Segment s;
  ETALON_ASSIGN(s.gap, in.get_varint());
  ETALON_ASSIGN(s.encoding, get_enum(in, Encoding::text, "encoding"));
  if (s.encoding != Encoding::text) {
    s.columns.resize(1);
    ETALON_ASSIGN(s.columns[0].array, get_index(in, plan.arrays.size()));
    ETALON_ASSIGN(s.first, in.get_varint());
    ETALON_ASSIGN(s.count, in.get_varint());
    const std::uint64_t all = plan.arrays[s.columns[0].array].shape.count();
    std::uint64_t& rest = left[s.columns[0].array];
    if (s.first > all || s.count > all - s.first || s.count > rest)
      return bad("segment of elements that are not there");
    rest -= s.count;
    if (s.encoding == Encoding::base64) {
      ETALON_ASSIGN(s.lead, in.get<std::uint8_t>());
      if (s.lead != 0 && s.lead != 4 && s.lead != 8) return bad("lead of base64");
    }
    return s;
  }
  ETALON_ASSIGN(s.count, in.get_varint());
  ETALON_ASSIGN(const std::size_t columns, get_count(in));
  if (columns == 0 || columns > 8) return bad("columns of text");
  for (std::size_t k = 0; k < columns; ++k) {
    Segment::Column c;
    ETALON_ASSIGN(c.array, get_index(in, plan.arrays.size()));
    ETALON_ASSIGN(c.format.kind, get_enum(in, NumberFormat::Kind::python, "number format"));
    ETALON_ASSIGN(c.format.precision, in.get<std::uint8_t>());
    const bool integer = c.format.kind == NumberFormat::Kind::integer;
    if (c.format.precision > 40 || integer == is_float(plan.arrays[c.array].dtype))
      return bad("number format");
    s.columns.push_back(c);
  }
  return s;
}

}  // namespace

Bytes plan_bytes(const BundlePlan& plan) {
  ByteWriter out;
  put_text(out, plan.format);
  out.put(plan.packing);
  out.put(static_cast<std::uint8_t>(plan.reordered | plan.unpacked << 1 | plan.exact << 2));
  out.put_varint(plan.file_size);
  out.put(plan.file_checksum);
  out.put_varint(plan.topology.size());
  for (const Topology& t : plan.topology) {
    out.put(static_cast<std::uint8_t>(t.form));
    out.put_varint(t.array);
    out.put_varint(t.offsets);
    out.put_varint(t.skip);
    out.put_varint(t.width);
    out.put(t.base);
  }
  out.put_varint(plan.nodes);
  out.put_varint(plan.arrays.size());
  for (const BundleArray& a : plan.arrays) put_array(out, a);
  out.put_varint(plan.segments.size());
  for (const Segment& s : plan.segments) put_segment(out, s);
  out.put_varint(plan.skeleton.size());
  out.append(plan.skeleton);
  return out.take();
}

Result<BundlePlan> parse_plan(ByteSpan bytes) {
  ByteReader in(bytes);
  BundlePlan plan;
  ETALON_ASSIGN(plan.format, get_text(in, 32));
  ETALON_ASSIGN(plan.packing, in.get<std::uint8_t>());
  if (plan.packing > 9) return bad("packing " + std::to_string(plan.packing));
  ETALON_ASSIGN(const std::uint8_t flags, in.get<std::uint8_t>());
  if (flags > 7) return bad("reserved bits are set");
  plan.reordered = (flags & 1) != 0;
  plan.unpacked = (flags & 2) != 0;
  plan.exact = (flags & 4) != 0;
  ETALON_ASSIGN(plan.file_size, in.get_varint());
  ETALON_ASSIGN(plan.file_checksum, in.get<std::uint32_t>());
  ETALON_ASSIGN(const std::size_t topologies, get_count(in));
  for (std::size_t k = 0; k < topologies; ++k) {
    Topology t;
    ETALON_ASSIGN(t.form, get_enum(in, Topology::Form::rows, "topology"));
    ETALON_ASSIGN(t.array, get_index(in, most_arrays));
    ETALON_ASSIGN(t.offsets, get_index(in, most_arrays));
    ETALON_ASSIGN(t.skip, get_index(in, most_arrays));
    ETALON_ASSIGN(t.width, get_index(in, most_arrays));
    ETALON_ASSIGN(t.base, in.get<std::uint8_t>());
    plan.topology.push_back(t);
  }
  ETALON_ASSIGN(plan.nodes, in.get_varint());
  ETALON_ASSIGN(const std::size_t arrays, get_count(in));
  for (std::size_t k = 0; k < arrays; ++k) {
    auto array = get_array(in, plan);
    if (!array.ok()) return std::move(array).error().in("array " + std::to_string(k));
    plan.arrays.push_back(std::move(*array));
  }
  std::vector<std::uint64_t> left;
  for (const BundleArray& a : plan.arrays) left.push_back(a.shape.count());
  ETALON_ASSIGN(const std::size_t segments, get_count(in));
  std::uint64_t taken = 0;
  for (std::size_t k = 0; k < segments; ++k) {
    auto segment = get_segment(in, plan, left);
    if (!segment.ok()) return std::move(segment).error().in("segment " + std::to_string(k));
    const std::uint64_t from_skeleton =
        segment->encoding == Encoding::text ? segment->count : std::uint64_t{0};
    if (segment->gap > bytes.size() || from_skeleton > bytes.size())
      return bad("segment " + std::to_string(k) + ": passes the end of the skeleton");
    taken += segment->gap + from_skeleton;
    plan.segments.push_back(std::move(*segment));
  }
  ETALON_ASSIGN(const std::uint64_t size, in.get_varint());
  if (size != in.left()) return bad("skeleton is not all that is left");
  if (taken > size) return bad("segments pass the end of the skeleton");
  ETALON_ASSIGN(const ByteSpan skeleton, in.take(size));
  plan.skeleton.assign(skeleton.begin(), skeleton.end());
  return plan;
}

}  // namespace etalon
