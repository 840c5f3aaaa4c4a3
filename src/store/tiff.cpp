#include "store/tiff.hpp"

#include <tiffio.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

namespace etalon {
namespace {

Error malformed(const std::string& reason) { return {Errc::malformed, "TIFF: " + reason}; }

// A file in memory, as libtiff asks for it; what it complained of last.
struct Memory {
  ByteSpan bytes;
  std::size_t at = 0;
  std::string complaint;
};

Memory& memory(thandle_t handle) { return *static_cast<Memory*>(handle); }

tmsize_t read_bytes(thandle_t handle, void* to, tmsize_t size) {
  Memory& m = memory(handle);
  const std::size_t n = std::min(static_cast<std::size_t>(size), m.bytes.size() - m.at);
  std::memcpy(to, m.bytes.data() + m.at, n);
  m.at += n;
  return static_cast<tmsize_t>(n);
}
tmsize_t write_bytes(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int from) {
  Memory& m = memory(handle);
  const std::size_t base = from == SEEK_CUR ? m.at : from == SEEK_END ? m.bytes.size() : 0;
  m.at = std::min(base + static_cast<std::size_t>(offset), m.bytes.size());
  return m.at;
}
int close_nothing(thandle_t) { return 0; }
toff_t size_of_file(thandle_t handle) { return memory(handle).bytes.size(); }

int take_complaint(TIFF*, void* user, const char*, const char* format, va_list arguments) {
  char text[256];
  std::vsnprintf(text, sizeof text, format, arguments);
  static_cast<Memory*>(user)->complaint = text;
  return 1;
}
int ignore_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }

struct Closer {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using File = std::unique_ptr<TIFF, Closer>;

File open_file(Memory& m) {
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  // Tables of a file cannot be larger than it is, but for those that grow from packed bytes.
  TIFFOpenOptionsSetMaxSingleMemAlloc(
      options.get(), static_cast<tmsize_t>(std::max<std::size_t>(m.bytes.size(), 1 << 20) * 16));
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), take_complaint, &m);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), ignore_warning, nullptr);
  // "m": not mapped, "c": without chopping strips.
  return File(TIFFClientOpenExt("", "rmc", &m, read_bytes, write_bytes, seek, close_nothing,
                                size_of_file, nullptr, nullptr, options.get()));
}

struct Page {
  DType dtype = DType::u8;
  std::uint32_t ny = 0, nx = 0;
  bool operator==(const Page&) const = default;
  std::size_t row_bytes() const { return nx * size_of(dtype); }
};

template <typename T>
T field(TIFF* tiff, std::uint32_t tag, T otherwise) {
  T value = otherwise;
  if (TIFFGetFieldDefaulted(tiff, tag, &value) != 1) value = otherwise;
  return value;
}

std::optional<DType> dtype_of(std::uint16_t bits, std::uint16_t format) {
  struct Kind {
    std::uint16_t bits, format;
    DType type;
  };
  for (const Kind& k : {Kind{8, SAMPLEFORMAT_UINT, DType::u8},
                        {16, SAMPLEFORMAT_UINT, DType::u16},
                        {32, SAMPLEFORMAT_UINT, DType::u32},
                        {64, SAMPLEFORMAT_UINT, DType::u64},
                        {8, SAMPLEFORMAT_INT, DType::i8},
                        {16, SAMPLEFORMAT_INT, DType::i16},
                        {32, SAMPLEFORMAT_INT, DType::i32},
                        {64, SAMPLEFORMAT_INT, DType::i64},
                        {32, SAMPLEFORMAT_IEEEFP, DType::f32},
                        {64, SAMPLEFORMAT_IEEEFP, DType::f64}})
    if (k.bits == bits && (k.format == format || format == SAMPLEFORMAT_VOID)) return k.type;
  return std::nullopt;
}

Result<Page> describe(TIFF* tiff, const Memory& m, std::size_t max_bytes) {
  Page page;
  page.ny = field<std::uint32_t>(tiff, TIFFTAG_IMAGELENGTH, 0);
  page.nx = field<std::uint32_t>(tiff, TIFFTAG_IMAGEWIDTH, 0);
  const auto samples = field<std::uint16_t>(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
  const auto bits = field<std::uint16_t>(tiff, TIFFTAG_BITSPERSAMPLE, 1);
  const auto format = field<std::uint16_t>(tiff, TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
  const auto packing = field<std::uint16_t>(tiff, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
  if (page.ny == 0 || page.nx == 0) return malformed("an image without pixels");
  if (samples != 1) return malformed(std::to_string(samples) + " numbers a pixel; one is read");
  const auto type = dtype_of(bits, format);
  if (!type)
    return malformed(std::to_string(bits) + " bits of sample format " + std::to_string(format) +
                     " are not read");
  page.dtype = *type;
  if (packing == COMPRESSION_JPEG || packing == COMPRESSION_OJPEG)
    return malformed("JPEG compression is not read");
  // An image that grew more than this was not packed by any camera.
  const std::size_t growth = packing == COMPRESSION_NONE ? 1 : 4096;
  const std::size_t room =
      std::min(max_bytes / page.row_bytes(), m.bytes.size() * growth / page.row_bytes());
  if (page.ny > room)
    return malformed("an image of " + std::to_string(page.ny) + "x" + std::to_string(page.nx) +
                     " in a file of " + std::to_string(m.bytes.size()) + " bytes");
  return page;
}

Result<void> read_strips(TIFF* tiff, Memory& m, const Page& page, std::span<std::byte> out) {
  const auto rows = std::min(field<std::uint32_t>(tiff, TIFFTAG_ROWSPERSTRIP, page.ny), page.ny);
  if (rows == 0) return malformed("strips without rows");
  for (std::uint32_t y = 0; y < page.ny; y += rows) {
    const std::size_t size = std::min(rows, page.ny - y) * page.row_bytes();
    const auto made =
        TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, y, 0), out.data() + y * page.row_bytes(),
                             static_cast<tmsize_t>(size));
    if (made != static_cast<tmsize_t>(size))
      return malformed("row " + std::to_string(y) + ": " +
                       (m.complaint.empty() ? "the strip is short" : m.complaint));
  }
  return {};
}

Result<void> read_tiles(TIFF* tiff, Memory& m, const Page& page, std::span<std::byte> out) {
  const auto ty = field<std::uint32_t>(tiff, TIFFTAG_TILELENGTH, 0);
  const auto tx = field<std::uint32_t>(tiff, TIFFTAG_TILEWIDTH, 0);
  const std::size_t element = size_of(page.dtype);
  // A tile may reach over the image's edges, but not be of another size altogether.
  if (ty == 0 || tx == 0 || ty > page.ny + 4096 || tx > page.nx + 4096)
    return malformed("tiles of " + std::to_string(ty) + "x" + std::to_string(tx));
  Bytes tile(std::size_t{ty} * tx * element);
  if (TIFFTileSize(tiff) != static_cast<tmsize_t>(tile.size())) return malformed("senseless tiles");
  for (std::uint32_t y = 0; y < page.ny; y += ty)
    for (std::uint32_t x = 0; x < page.nx; x += tx) {
      const auto made = TIFFReadTile(tiff, tile.data(), x, y, 0, 0);
      if (made != static_cast<tmsize_t>(tile.size()))
        return malformed("tile at y " + std::to_string(y) + " x " + std::to_string(x) + ": " +
                         (m.complaint.empty() ? "short" : m.complaint));
      const std::size_t width = std::min(tx, page.nx - x) * element;
      for (std::uint32_t row = 0; row < std::min(ty, page.ny - y); ++row)
        std::memcpy(out.data() + (y + row) * page.row_bytes() + x * element,
                    tile.data() + row * tx * element, width);
    }
  return {};
}

}  // namespace

Result<Array> parse_tiff(ByteSpan file, std::size_t max_bytes) {
  Memory m{file, 0, {}};
  const File tiff = open_file(m);
  if (!tiff) return malformed(m.complaint.empty() ? "no TIFF file" : m.complaint);
  Bytes pixels;
  Page first;
  std::size_t pages = 0;
  do {
    ETALON_ASSIGN(const Page page, describe(tiff.get(), m, max_bytes - pixels.size()));
    if (pages == 0) first = page;
    if (!(page == first))
      return malformed("page " + std::to_string(pages) + " is of another size or type");
    const std::size_t at = pixels.size(), size = page.ny * page.row_bytes();
    pixels.resize(at + size);
    const std::span<std::byte> out = std::span(pixels).subspan(at, size);
    ETALON_TRY(TIFFIsTiled(tiff.get()) != 0 ? read_tiles(tiff.get(), m, page, out)
                                            : read_strips(tiff.get(), m, page, out));
    ++pages;
  } while (TIFFReadDirectory(tiff.get()) == 1);
  Array array(first.dtype,
              pages == 1 ? Shape{first.ny, first.nx} : Shape{pages, first.ny, first.nx});
  std::memcpy(array.mutable_view().data, pixels.data(), pixels.size());
  return array;
}

}  // namespace etalon
