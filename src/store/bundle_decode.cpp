#include <algorithm>
#include <cstring>
#include <optional>

#include "base/crc32c.hpp"
#include "store/base64.hpp"
#include "store/bundle.hpp"
#include "store/bundle_code.hpp"
#include "store/holes.hpp"
#include "store/packing.hpp"

namespace etalon {
namespace {

Result<Array> in_file_order(const ParsedBundle& bundle, std::size_t i,
                            const std::vector<Array>& before, std::optional<Permutation>& mesh,
                            unsigned threads) {
  const BundlePlan& plan = bundle.plan;
  const BundleArray& about = plan.arrays[i];
  ETALON_ASSIGN(Array array, decode_payload(about, bundle.payloads[i], threads));
  if (about.order == Order::stored) {
    ETALON_ASSIGN(const Permutation order, permutation_of(before[about.permutation].view()));
    array = put_back(array.view(), about.axis, order);
  } else if (about.order == Order::mesh) {
    if (!mesh) {
      ETALON_ASSIGN(mesh, mesh_order(plan.topology, before, plan.nodes));
    }
    array = put_back(array.view(), about.axis, *mesh);
  }
  if (about.has_mask)
    put_hole_bits(array.mutable_view(), before[about.mask].as<std::uint8_t>(), about.fill);
  return array;
}

void append_binary(const Segment& s, const Array& array, Bytes& out) {
  const std::size_t size = size_of(array.dtype());
  const ByteSpan elements = array.view().bytes().subspan(s.first * size, s.count * size);
  if (s.encoding == Encoding::base64) {
    const std::uint64_t length = elements.size();
    Bytes bytes;
    bytes.resize(s.lead);
    if (s.lead > 0) std::memcpy(bytes.data(), &length, s.lead);
    bytes.insert(bytes.end(), elements.begin(), elements.end());
    const std::string text = to_base64(bytes);
    out.insert(out.end(), bytes_of(text).begin(), bytes_of(text).end());
    return;
  }
  const std::size_t at = out.size();
  out.insert(out.end(), elements.begin(), elements.end());
  if (s.encoding == Encoding::big && size > 1)
    for (std::size_t i = at; i < out.size(); i += size)
      std::reverse(out.begin() + static_cast<std::ptrdiff_t>(i),
                   out.begin() + static_cast<std::ptrdiff_t>(i + size));
}

Result<void> append_text(const Segment& s, ByteSpan pattern, const std::vector<Array>& arrays,
                         std::vector<std::uint64_t>& next, Bytes& out) {
  std::string text;
  for (const std::byte b : pattern) {
    const auto column = static_cast<std::size_t>(b);
    if (column == 0 || column > s.columns.size()) {
      text += static_cast<char>(b);
      continue;
    }
    const Segment::Column& c = s.columns[column - 1];
    if (next[c.array] >= arrays[c.array].count())
      return Error{Errc::malformed, "text wants more elements than its array has"};
    print_number(arrays[c.array].view(), next[c.array]++, c.format, text);
  }
  out.insert(out.end(), bytes_of(text).begin(), bytes_of(text).end());
  return {};
}

}  // namespace

Result<std::vector<Array>> decode_arrays(const ParsedBundle& bundle, unsigned threads) {
  std::vector<Array> arrays;
  std::optional<Permutation> mesh;
  for (std::size_t i = 0; i < bundle.plan.arrays.size(); ++i) {
    auto array = in_file_order(bundle, i, arrays, mesh, threads);
    if (!array.ok())
      return std::move(array).error().in("array '" + bundle.plan.arrays[i].name + "'");
    arrays.push_back(std::move(*array));
  }
  return arrays;
}

Result<Bytes> rebuild_file(const BundlePlan& plan, const std::vector<Array>& arrays) {
  Bytes out;
  ByteSpan skeleton = plan.skeleton;
  std::vector<std::uint64_t> next(arrays.size());  // elements that text has taken
  const auto take = [&](std::uint64_t n) {
    const ByteSpan part = skeleton.first(n);
    skeleton = skeleton.subspan(n);
    return part;
  };
  for (const Segment& s : plan.segments) {
    const ByteSpan gap = take(s.gap);
    out.insert(out.end(), gap.begin(), gap.end());
    if (s.encoding == Encoding::text) {
      ETALON_TRY(append_text(s, take(s.count), arrays, next, out));
    } else {
      append_binary(s, arrays[s.columns[0].array], out);
    }
  }
  out.insert(out.end(), skeleton.begin(), skeleton.end());
  return packed_as(std::move(out), plan.format, plan.packing);
}

Result<Bytes> restore_file(ByteSpan bundle, unsigned threads) {
  ETALON_ASSIGN(const ParsedBundle parsed, parse_bundle(bundle));
  ETALON_ASSIGN(const std::vector<Array> arrays, decode_arrays(parsed, threads));
  ETALON_ASSIGN(Bytes file, rebuild_file(parsed.plan, arrays));
  const BundlePlan& plan = parsed.plan;
  if (plan.exact && (file.size() != plan.file_size || crc32c(file) != plan.file_checksum))
    return Error{Errc::malformed, "the file that comes back has not the original's checksum"};
  return file;
}

}  // namespace etalon
