#include "store/packing.hpp"

#include <zlib.h>

#include <limits>

namespace etalon {
namespace {

constexpr std::uint32_t local_magic = 0x04034b50, entry_magic = 0x02014b50, end_magic = 0x06054b50;
constexpr std::size_t local_size = 30, entry_size = 46, end_size = 22;
constexpr std::uint32_t elsewhere = 0xFFFFFFFF;  // a size that an extra field holds

Error bad(const std::string& reason) { return {Errc::malformed, "zip: " + reason}; }

template <typename T>
T at(ByteSpan bytes, std::size_t offset) {
  T value{};
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

struct Entry {
  std::string name;
  ByteSpan local;        // header with its name and extra fields
  ByteSpan data;         // as they are in the file
  ByteSpan directory;    // its entry there
  std::size_t wide = 0;  // where in `local` sizes of 64 bits stand; 0 for none
  std::uint64_t size = 0;
  bool deflated = false;
};
struct Zip {
  std::vector<Entry> entries;
  ByteSpan end;
};

// Where the two sizes of 64 bits stand in a local header.
std::size_t wide_sizes(ByteSpan local, std::size_t extra) {
  while (extra + 4 <= local.size()) {
    const auto id = at<std::uint16_t>(local, extra);
    const auto size = at<std::uint16_t>(local, extra + 2);
    if (id == 1 && size >= 16 && extra + 4 + 16 <= local.size()) return extra + 4;
    extra += std::size_t{4} + size;
  }
  return 0;
}

Result<Entry> read_entry(ByteSpan zip, std::size_t& directory, std::size_t place,
                         std::size_t limit) {
  Entry e;
  if (directory + entry_size > zip.size() || at<std::uint32_t>(zip, directory) != entry_magic)
    return bad("directory: damaged");
  const std::size_t length = entry_size + at<std::uint16_t>(zip, directory + 28) +
                             at<std::uint16_t>(zip, directory + 30) +
                             at<std::uint16_t>(zip, directory + 32);
  if (length > zip.size() - directory) return bad("directory: truncated");
  e.directory = zip.subspan(directory, length);
  directory += length;
  const auto flags = at<std::uint16_t>(e.directory, 8), method = at<std::uint16_t>(e.directory, 10);
  e.name = text_of(e.directory.subspan(entry_size, at<std::uint16_t>(e.directory, 28)));
  if ((flags & 9) != 0) return bad(e.name + ": is encrypted, or its sizes stand behind it");
  if (method != 0 && method != 8) return bad(e.name + ": method " + std::to_string(method));
  e.deflated = method == 8;
  const std::uint64_t packed = at<std::uint32_t>(e.directory, 20);
  e.size = at<std::uint32_t>(e.directory, 24);
  if (packed == elsewhere || e.size == elsewhere) return bad(e.name + ": is too large");
  if (at<std::uint32_t>(e.directory, 42) != place || place + local_size > limit ||
      at<std::uint32_t>(zip, place) != local_magic)
    return bad(e.name + ": members do not lie end to end");
  const std::size_t name = at<std::uint16_t>(zip, place + 26);
  const std::size_t head = local_size + name + at<std::uint16_t>(zip, place + 28);
  if (head > limit - place || packed > limit - place - head) return bad(e.name + ": truncated");
  e.local = zip.subspan(place, head);
  e.data = zip.subspan(place + head, packed);
  if (at<std::uint32_t>(e.local, 18) == elsewhere) {
    e.wide = wide_sizes(e.local, local_size + name);
    if (e.wide == 0) return bad(e.name + ": damaged");
  }
  if (!e.deflated && e.size != packed) return bad(e.name + ": sizes differ");
  return e;
}

Result<Zip> read_zip(ByteSpan zip) {
  Zip out;
  const std::size_t size = zip.size();
  for (std::size_t back = end_size; back <= size && back < end_size + 65536; ++back)
    if (at<std::uint32_t>(zip, size - back) == end_magic &&
        at<std::uint16_t>(zip, size - back + 20) == back - end_size) {
      out.end = zip.subspan(size - back);
      break;
    }
  if (out.end.empty()) return bad("no directory");
  const std::size_t count = at<std::uint16_t>(out.end, 10);
  std::size_t directory = at<std::uint32_t>(out.end, 16);
  const std::size_t limit = directory, end = size - out.end.size();
  if (directory > end) return bad("directory: is not there");
  std::size_t place = 0;
  for (std::size_t i = 0; i < count; ++i) {
    ETALON_ASSIGN(Entry entry, read_entry(zip.first(end), directory, place, limit));
    place += entry.local.size() + entry.data.size();
    out.entries.push_back(std::move(entry));
  }
  if (place != limit || directory != end) return bad("members do not lie end to end");
  return out;
}

Result<Bytes> inflated(const Entry& e) {
  if (!e.deflated) return Bytes(e.data.begin(), e.data.end());
  if (e.size > 1040 * (e.data.size() + 1)) return bad(e.name + ": cannot hold what it declares");
  Bytes out(e.size);
  z_stream stream{};
  if (inflateInit2(&stream, -15) != Z_OK) return Error{Errc::io, "zlib: no memory"};
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(e.data.data()));
  stream.avail_in = static_cast<unsigned>(e.data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  const int status = ::inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.avail_out == 0 && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole) return bad(e.name + ": damaged");
  return out;
}

Result<Bytes> deflated(ByteSpan data, int level) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return Error{Errc::io, "zlib: no memory"};
  Bytes out(deflateBound(&stream, data.size()));
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data.data()));
  stream.avail_in = static_cast<unsigned>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  const int status = ::deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  if (status != Z_STREAM_END) return Error{Errc::io, "zlib: could not deflate"};
  return out;
}

}  // namespace

Result<std::vector<ZipMember>> zip_members(ByteSpan zip) {
  ETALON_ASSIGN(const Zip parsed, read_zip(zip));
  std::vector<ZipMember> members;
  for (const Entry& e : parsed.entries) {
    if (e.deflated) return bad(e.name + ": is deflated");
    members.push_back({e.name, static_cast<std::uint64_t>(e.data.data() - zip.data()), e.size});
  }
  return members;
}

bool has_deflated(ByteSpan zip) {
  const auto parsed = read_zip(zip);
  if (!parsed.ok()) return false;
  for (const Entry& e : parsed->entries)
    if (e.deflated) return true;
  return false;
}

Result<Bytes> repacked_zip(ByteSpan zip, int level) {
  ETALON_ASSIGN(const Zip parsed, read_zip(zip));
  ByteWriter out, directory;
  for (const Entry& e : parsed.entries) {
    const std::size_t place = out.size(), row = directory.size();
    ETALON_ASSIGN(const Bytes plain, inflated(e));
    Bytes packed;
    if (level > 0) {
      ETALON_ASSIGN(packed, deflated(plain, level));
    }
    const ByteSpan data = level > 0 ? packed : plain;
    if (out.size() + data.size() + e.local.size() >= elsewhere || plain.size() >= elsewhere)
      return Error{Errc::io, "zip: more than 4 GiB"};
    const std::uint16_t method = level > 0 ? 8 : 0;
    const auto sum = static_cast<std::uint32_t>(
        crc32_z(0, reinterpret_cast<const Bytef*>(plain.data()), plain.size()));
    out.append(e.local);
    out.patch(place + 8, method);
    out.patch(place + 14, sum);
    if (e.wide == 0) {
      out.patch(place + 18, static_cast<std::uint32_t>(data.size()));
      out.patch(place + 22, static_cast<std::uint32_t>(plain.size()));
    } else {
      out.patch(place + e.wide, std::uint64_t{plain.size()});
      out.patch(place + e.wide + 8, std::uint64_t{data.size()});
    }
    out.append(data);
    directory.append(e.directory);
    directory.patch(row + 10, method);
    directory.patch(row + 16, sum);
    directory.patch(row + 20, static_cast<std::uint32_t>(data.size()));
    directory.patch(row + 24, static_cast<std::uint32_t>(plain.size()));
    directory.patch(row + 42, static_cast<std::uint32_t>(place));
  }
  const auto begin = static_cast<std::uint32_t>(out.size());
  out.append(directory.buffer());
  const std::size_t end = out.size();
  out.append(parsed.end);
  out.patch(end + 16, begin);
  return out.take();
}

Result<Bytes> packed_as(Bytes file, std::string_view format, int level) {
  if (format == "npz") return repacked_zip(file, level);
  return file;
}

}  // namespace etalon
