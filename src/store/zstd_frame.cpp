#include "store/zstd_frame.hpp"

#include <zstd.h>

namespace etalon {

Result<Bytes> zstd_packed(ByteSpan bytes, int level) {
  Bytes out(ZSTD_compressBound(bytes.size()));
  const std::size_t size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), level);
  if (ZSTD_isError(size) != 0)
    return Error{Errc::io, std::string("zstd: ") + ZSTD_getErrorName(size)};
  out.resize(size);
  return out;
}

Result<Bytes> zstd_unpacked(ByteSpan frame, std::uint64_t size) {
  if (size > max_unpacked(frame.size()))
    return Error{Errc::malformed, "zstd: declares more than its bytes can hold"};
  Bytes out(size);
  const std::size_t got = ZSTD_decompress(out.data(), out.size(), frame.data(), frame.size());
  if (ZSTD_isError(got) != 0 || got != size)
    return Error{Errc::malformed, "zstd: frame is damaged"};
  return out;
}

}  // namespace etalon
