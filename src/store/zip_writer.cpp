#include "store/zip_writer.hpp"

#include <zlib.h>

#include <algorithm>
#include <ctime>

namespace etalon {
namespace {

constexpr std::uint32_t too_large = 0xFFFFFFFF;  // see the ZIP64 field
constexpr std::uint16_t utf8 = 1 << 11, plain = 20, zip64 = 45,
                        made_by = 3 << 8 | zip64;  // on Unix

// Little-endian.
class Fields {
 public:
  Fields& u16(std::uint64_t v) { return put(v, 2); }
  Fields& u32(std::uint64_t v) { return put(v, 4); }
  Fields& u64(std::uint64_t v) { return put(v, 8); }
  Fields& text(std::string_view t) {
    const auto bytes = std::as_bytes(std::span(t));
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Fields& all(const Bytes& more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  const Bytes& bytes() const { return bytes_; }

 private:
  Fields& put(std::uint64_t v, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(v >> (8 * i)));
    return *this;
  }
  Bytes bytes_;
};

// The nearest that ZIP can say.
std::uint32_t dos_time(std::int64_t time_s) {
  constexpr std::int64_t first = 315532800, last = 4354819199;  // of 1980 and of 2107
  const auto when = static_cast<std::time_t>(std::clamp(time_s, first, last));
  std::tm t{};
  gmtime_r(&when, &t);
  return static_cast<std::uint32_t>((t.tm_year - 80) << 25 | (t.tm_mon + 1) << 21 |
                                    t.tm_mday << 16 | t.tm_hour << 11 | t.tm_min << 5 |
                                    t.tm_sec / 2);
}

std::uint64_t cut(std::uint64_t v) { return std::min<std::uint64_t>(v, too_large); }

// From the flags to the sizes: what both headers have.
void put_common(Fields& f, const ZipWriter::Member& m) {
  const std::uint32_t time = dos_time(m.time_s);
  f.u16(utf8).u16(0).u16(time & 0xFFFF).u16(time >> 16).u32(m.crc32);
  f.u32(cut(m.bytes)).u32(cut(m.bytes)).u16(m.name.size());
}

}  // namespace

std::uint32_t zip_crc32(std::uint32_t before, ByteSpan bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(before, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

Result<void> ZipWriter::put(ByteSpan bytes) {
  ETALON_TRY(out_.write(bytes));
  at_ += bytes.size();
  return {};
}

Result<void> ZipWriter::add(const Member& member,
                            const std::function<Result<void>(const Sink&)>& write) {
  if (member.name.empty() || member.name.size() > 0xFFFF)
    return Error{Errc::usage, "'" + member.name + "' is no name for a member of a ZIP file"};
  const bool large = member.bytes >= too_large;
  Fields extra, header;
  if (large) extra.u16(1).u16(16).u64(member.bytes).u64(member.bytes);
  header.u32(0x04034b50).u16(large ? zip64 : plain);
  put_common(header, member);
  header.u16(extra.bytes().size()).text(member.name).all(extra.bytes());
  entries_.push_back({member, at_});
  ETALON_TRY(put(header.bytes()));
  std::uint64_t bytes = 0;
  std::uint32_t crc = 0;
  ETALON_TRY(write([&](ByteSpan piece) -> Result<void> {
    bytes += piece.size();
    crc = zip_crc32(crc, piece);
    return put(piece);
  }));
  if (bytes != member.bytes || crc != member.crc32)
    return Error{Errc::check, member.name + ": changed while it was written"};
  return {};
}

Result<void> ZipWriter::finish() {
  const std::uint64_t begin = at_;
  for (const Entry& entry : entries_) {
    const Member& m = entry.member;
    Fields extra, header;
    if (m.bytes >= too_large) extra.u64(m.bytes).u64(m.bytes);
    if (entry.offset >= too_large) extra.u64(entry.offset);
    Fields field;
    if (!extra.bytes().empty()) field.u16(1).u16(extra.bytes().size()).all(extra.bytes());
    const bool large = !extra.bytes().empty();
    constexpr std::uint32_t read_only = 0100444;
    header.u32(0x02014b50).u16(made_by).u16(large ? zip64 : plain);
    put_common(header, m);
    header.u16(field.bytes().size()).u16(0).u16(0).u16(0).u32(std::uint64_t{read_only} << 16);
    header.u32(cut(entry.offset)).text(m.name).all(field.bytes());
    ETALON_TRY(put(header.bytes()));
  }
  const std::uint64_t end = at_, count = entries_.size(), size = end - begin;
  Fields tail;
  if (count >= 0xFFFF || begin >= too_large || size >= too_large) {
    tail.u32(0x06064b50).u64(44).u16(made_by).u16(zip64).u32(0).u32(0);
    tail.u64(count).u64(count).u64(size).u64(begin);
    tail.u32(0x07064b50).u32(0).u64(end).u32(1);
  }
  const std::uint64_t few = std::min<std::uint64_t>(count, 0xFFFF);
  tail.u32(0x06054b50).u16(0).u16(0).u16(few).u16(few).u32(cut(size)).u32(cut(begin)).u16(0);
  return put(tail.bytes());
}

}  // namespace etalon
