#include <cstring>

#include "base/crc32c.hpp"
#include "store/bundle.hpp"
#include "store/bundle_plan.hpp"
#include "store/zstd_frame.hpp"

namespace etalon {
namespace {

constexpr std::string_view magic = "EtBundle";
constexpr std::size_t header_size = 40;
constexpr std::uint8_t major_version = 0, minor_version = 1;

Error bad(const std::string& reason) { return {Errc::malformed, reason}; }

Bytes header_of(std::uint64_t raw_size, ByteSpan packed) {
  Bytes header(header_size);
  std::byte* to = header.data();
  const auto put = [&to](const auto& value) {
    std::memcpy(to, &value, sizeof value);
    to += sizeof value;
  };
  std::memcpy(to, magic.data(), magic.size());
  to += magic.size();
  put(major_version);
  put(minor_version);
  put(std::uint16_t{0});
  put(raw_size);
  put(std::uint64_t{packed.size()});
  put(crc32c(packed));
  put(std::uint32_t{0});
  put(crc32c(ByteSpan(header).first(static_cast<std::size_t>(to - header.data()))));
  return header;
}

}  // namespace

std::string_view name_of(Role role) {
  constexpr std::string_view names[] = {"values", "positions", "connectivity", "integers", "own"};
  return names[static_cast<std::size_t>(role)];
}

bool is_bundle(ByteSpan bytes) {
  return bytes.size() >= magic.size() && text_of(bytes.first(magic.size())) == magic;
}

Result<Bytes> write_bundle(BundlePlan plan, const std::vector<Bytes>& payloads) {
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    plan.arrays[i].size = payloads[i].size();
    plan.arrays[i].checksum = crc32c(payloads[i]);
  }
  const Bytes raw = plan_bytes(plan);
  ETALON_ASSIGN(const Bytes packed, zstd_packed(raw, 19));
  ByteWriter out;
  out.append(header_of(raw.size(), packed));
  out.append(packed);
  for (const Bytes& p : payloads) out.append(p);
  return out.take();
}

Result<ParsedBundle> parse_bundle(ByteSpan bytes) {
  if (!is_bundle(bytes)) return bad("header: not an Etalon bundle");
  if (bytes.size() < header_size) return bad("header: truncated");
  ByteReader in(bytes.subspan(magic.size()));
  ETALON_ASSIGN(const auto major, in.get<std::uint8_t>());
  ETALON_ASSIGN(const auto minor, in.get<std::uint8_t>());
  if (major != major_version || minor != minor_version)
    return bad("header: version " + std::to_string(major) + "." + std::to_string(minor));
  ETALON_ASSIGN(const auto reserved, in.get<std::uint16_t>());
  ETALON_ASSIGN(const auto raw_size, in.get<std::uint64_t>());
  ETALON_ASSIGN(const auto packed_size, in.get<std::uint64_t>());
  ETALON_ASSIGN(const auto checksum, in.get<std::uint32_t>());
  ETALON_ASSIGN(const auto more_reserved, in.get<std::uint32_t>());
  ETALON_ASSIGN(const auto own, in.get<std::uint32_t>());
  if (own != crc32c(bytes.first(header_size - 4))) return bad("header: checksum does not match");
  if (reserved != 0 || more_reserved != 0) return bad("header: reserved bits are set");
  auto packed = in.take(packed_size);
  if (!packed.ok()) return bad("plan: truncated");
  if (crc32c(*packed) != checksum) return bad("plan: checksum does not match");
  ETALON_ASSIGN(const Bytes raw, zstd_unpacked(*packed, raw_size));
  auto plan = parse_plan(raw);
  if (!plan.ok()) return std::move(plan).error().in("plan");
  ParsedBundle bundle{std::move(*plan), {}};
  for (const BundleArray& a : bundle.plan.arrays) {
    const auto payload = in.take(a.size);
    if (!payload.ok()) return bad("array '" + a.name + "': truncated");
    if (crc32c(*payload) != a.checksum)
      return bad("array '" + a.name + "': checksum does not match");
    bundle.payloads.push_back(*payload);
  }
  if (!in.done()) return bad("bytes are left over");
  return bundle;
}

}  // namespace etalon
