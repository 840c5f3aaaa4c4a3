#include "store/inflate.hpp"

#include <bzlib.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

namespace etalon {
namespace {

enum class Step { more, end, damaged };

// Drives a decompressor: `step(in, in_size, out, out_size)` takes from and gives to the front of
// both, and says how it stands; `reset` begins the next of several streams that lie end to end.
template <typename Stepper, typename Reset>
Result<Bytes> drive(ByteSpan in, std::size_t limit, std::string_view name, Stepper&& step,
                    Reset&& reset) {
  const auto bad = [&](std::string_view reason) {
    return Error{Errc::malformed, std::string(name) + ": " + std::string(reason)};
  };
  Bytes out(std::min(limit, std::max<std::size_t>(65536, in.size() * 4)));
  std::size_t used = 0;
  while (true) {
    if (used == out.size()) {
      if (out.size() == limit) return bad("more than " + std::to_string(limit) + " bytes");
      out.resize(std::min(limit, out.size() * 2));
    }
    std::size_t room = std::min<std::size_t>(out.size() - used, 1U << 30);
    std::size_t left = std::min<std::size_t>(in.size(), 1U << 30);
    const std::size_t had_room = room, had_left = left;
    const Step state = step(in.data(), left, out.data() + used, room);
    used += had_room - room;
    in = in.subspan(had_left - left);
    if (state == Step::damaged) return bad("damaged");
    if (state == Step::end) {
      if (in.empty()) break;
      if (!reset()) return bad("damaged");
    } else if (in.empty() && room > 0) {
      return bad("truncated");
    }
  }
  out.resize(used);
  return out;
}

Result<Bytes> from_bzip2(ByteSpan in, std::size_t limit) {
  bz_stream stream{};
  if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) return Error{Errc::io, "bzip2: no memory"};
  const auto step = [&](const std::byte* from, std::size_t& left, std::byte* to,
                        std::size_t& room) {
    stream.next_in = const_cast<char*>(reinterpret_cast<const char*>(from));
    stream.avail_in = static_cast<unsigned>(left);
    stream.next_out = reinterpret_cast<char*>(to);
    stream.avail_out = static_cast<unsigned>(room);
    const int status = BZ2_bzDecompress(&stream);
    left = stream.avail_in;
    room = stream.avail_out;
    return status == BZ_STREAM_END ? Step::end : status == BZ_OK ? Step::more : Step::damaged;
  };
  auto out = drive(in, limit, "bzip2", step, [&] {
    BZ2_bzDecompressEnd(&stream);
    stream = {};
    return BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK;
  });
  BZ2_bzDecompressEnd(&stream);
  return out;
}

Result<Bytes> from_gzip(ByteSpan in, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return Error{Errc::io, "gzip: no memory"};
  const auto step = [&](const std::byte* from, std::size_t& left, std::byte* to,
                        std::size_t& room) {
    stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(from));
    stream.avail_in = static_cast<uInt>(left);
    stream.next_out = reinterpret_cast<Bytef*>(to);
    stream.avail_out = static_cast<uInt>(room);
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    left = stream.avail_in;
    room = stream.avail_out;
    return status == Z_STREAM_END                                   ? Step::end
           : status == Z_OK || (status == Z_BUF_ERROR && room == 0) ? Step::more
                                                                    : Step::damaged;
  };
  auto out = drive(in, limit, "gzip", step, [&] { return inflateReset(&stream) == Z_OK; });
  inflateEnd(&stream);
  return out;
}

}  // namespace

Result<Bytes> inflate_any(Bytes bytes, std::size_t limit) {
  const std::string_view text = text_of(bytes);
  if (text.starts_with("BZh")) return from_bzip2(bytes, limit);
  if (text.starts_with("\x1F\x8B")) return from_gzip(bytes, limit);
  return bytes;
}

}  // namespace etalon
