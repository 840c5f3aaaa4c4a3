#include "coders.hpp"

#include <blosc.h>
#include <jxl/decode.h>
#include <jxl/encode.h>
#include <zstd.h>

#include <cstring>
#include <memory>

#include "etalon/backend.hpp"

// The library behind HDF5's bitshuffle filter (Debian: bitshuffle), which comes without a header.
// Sizes and results are in elements, then bytes; negative results are errors; block 0 is 8 KiB.
extern "C" {
std::size_t bshuf_compress_lz4_bound(std::size_t count, std::size_t element, std::size_t block);
std::int64_t bshuf_compress_lz4(const void* in, void* out, std::size_t count, std::size_t element,
                                std::size_t block);
std::int64_t bshuf_decompress_lz4(const void* in, void* out, std::size_t count, std::size_t element,
                                  std::size_t block);
std::int64_t bshuf_bitshuffle(const void* in, void* out, std::size_t count, std::size_t element,
                              std::size_t block);
std::int64_t bshuf_bitunshuffle(const void* in, void* out, std::size_t count, std::size_t element,
                                std::size_t block);
}

namespace etalon::bench {
namespace {

Bytes zstd_frame(const void* raw, std::size_t bytes, int level) {
  Bytes out(ZSTD_compressBound(bytes));
  const std::size_t size = ZSTD_compress(out.data(), out.size(), raw, bytes, level);
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

struct JxlDelete {
  void operator()(JxlEncoder* e) const { JxlEncoderDestroy(e); }
  void operator()(JxlDecoder* d) const { JxlDecoderDestroy(d); }
};

JxlPixelFormat jxl_grey(DType type) {
  return {1, size_of(type) == 1 ? JXL_TYPE_UINT8 : JXL_TYPE_UINT16, JXL_NATIVE_ENDIAN, 0};
}

Bytes jxl_encode(const ArrayView& image, int effort) {
  const JxlPixelFormat format = jxl_grey(image.dtype);
  const std::unique_ptr<JxlEncoder, JxlDelete> encoder(JxlEncoderCreate(nullptr));
  JxlBasicInfo info;
  JxlEncoderInitBasicInfo(&info);
  info.xsize = static_cast<std::uint32_t>(image.shape[1]);
  info.ysize = static_cast<std::uint32_t>(image.shape[0]);
  info.bits_per_sample = static_cast<std::uint32_t>(8 * size_of(image.dtype));
  info.num_color_channels = 1;
  info.uses_original_profile = JXL_TRUE;
  JxlColorEncoding grey;
  JxlColorEncodingSetToSRGB(&grey, JXL_TRUE);
  JxlEncoderFrameSettings* frame = JxlEncoderFrameSettingsCreate(encoder.get(), nullptr);
  if (JxlEncoderSetCodestreamLevel(encoder.get(), 10) != JXL_ENC_SUCCESS ||
      JxlEncoderSetBasicInfo(encoder.get(), &info) != JXL_ENC_SUCCESS ||
      JxlEncoderSetColorEncoding(encoder.get(), &grey) != JXL_ENC_SUCCESS ||
      JxlEncoderSetFrameLossless(frame, JXL_TRUE) != JXL_ENC_SUCCESS ||
      JxlEncoderFrameSettingsSetOption(frame, JXL_ENC_FRAME_SETTING_EFFORT, effort) !=
          JXL_ENC_SUCCESS ||
      JxlEncoderAddImageFrame(frame, &format, image.data, image.size_bytes()) != JXL_ENC_SUCCESS)
    return {};
  JxlEncoderCloseInput(encoder.get());
  Bytes out(image.size_bytes() / 4 + 4096);
  std::size_t used = 0;
  for (;;) {
    auto* next = reinterpret_cast<std::uint8_t*>(out.data()) + used;
    std::size_t left = out.size() - used;
    const JxlEncoderStatus status = JxlEncoderProcessOutput(encoder.get(), &next, &left);
    used = out.size() - left;
    if (status == JXL_ENC_ERROR) return {};
    if (status == JXL_ENC_SUCCESS) break;
    out.resize(2 * out.size());
  }
  out.resize(used);
  return out;
}

bool jxl_decode(ByteSpan bytes, const MutableArrayView& out) {
  const JxlPixelFormat format = jxl_grey(out.dtype);
  const std::unique_ptr<JxlDecoder, JxlDelete> decoder(JxlDecoderCreate(nullptr));
  JxlDecoderSubscribeEvents(decoder.get(), JXL_DEC_FULL_IMAGE);
  JxlDecoderSetInput(decoder.get(), reinterpret_cast<const std::uint8_t*>(bytes.data()),
                     bytes.size());
  JxlDecoderCloseInput(decoder.get());
  for (;;) switch (JxlDecoderProcessInput(decoder.get())) {
      case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
        if (JxlDecoderSetImageOutBuffer(decoder.get(), &format, out.data, out.size_bytes()) !=
            JXL_DEC_SUCCESS)
          return false;
        break;
      case JXL_DEC_FULL_IMAGE:
        return true;
      default:
        return false;
    }
}

}  // namespace

Coder etalon_chunk(const std::string& name, const CompressOptions& options) {
  return {name,
          [options](const ArrayView& in) {
            auto chunk = encode_chunk(in, options);
            return chunk.ok() ? std::move(*chunk) : Bytes{};
          },
          [](ByteSpan bytes, const MutableArrayView& out) {
            return decode_chunk_into(bytes, out).ok();
          },
          options.bound == Bound::lossless() && options.regions.empty()};
}

Coder etalon_backend(const std::string& name, const CompressOptions& options) {
  Coder coder = etalon_chunk("etalon_" + name, options);
  const auto with = [name](const auto& code) {
    return [name, code](const auto&... arguments) {
      const std::string before = backend();
      const bool there = set_backend(name).ok();
      auto result = code(arguments...);
      if (!there) result = {};
      (void)set_backend(before);
      return result;
    };
  };
  coder.encode = with(coder.encode);
  coder.decode = with(coder.decode);
  return coder;
}

Coder etalon_container(const CompressOptions& options) {
  return {"etalon_container",
          [options](const ArrayView& in) {
            auto container = compress(in, options);
            return container.ok() ? std::move(*container) : Bytes{};
          },
          [](ByteSpan bytes, const MutableArrayView& out) {
            const auto array = decompress(bytes);
            if (!array.ok() || array->view().size_bytes() != out.size_bytes()) return false;
            std::memcpy(out.data, array->view().data, out.size_bytes());
            return true;
          },
          true, true};
}

Coder memcpy_coder() {
  return {"memcpy",
          [](const ArrayView& in) {
            const auto raw = in.bytes();
            return Bytes(raw.begin(), raw.end());
          },
          [](ByteSpan bytes, const MutableArrayView& out) {
            std::memcpy(out.data, bytes.data(), bytes.size());
            return true;
          }};
}

Coder bitshuffle_lz4() {
  return {"bitshuffle_lz4",
          [](const ArrayView& in) {
            const std::size_t element = size_of(in.dtype);
            Bytes out(bshuf_compress_lz4_bound(in.count(), element, 0));
            const auto size = bshuf_compress_lz4(in.data, out.data(), in.count(), element, 0);
            out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
            return out;
          },
          [](ByteSpan bytes, const MutableArrayView& out) {
            return bshuf_decompress_lz4(bytes.data(), out.data, out.count(), size_of(out.dtype),
                                        0) == static_cast<std::int64_t>(bytes.size());
          }};
}

Coder bitshuffle_zstd(int level) {
  return {"bitshuffle_zstd" + std::to_string(level),
          [level](const ArrayView& in) {
            Bytes turned(in.size_bytes());
            if (bshuf_bitshuffle(in.data, turned.data(), in.count(), size_of(in.dtype), 0) < 0)
              return Bytes{};
            return zstd_frame(turned.data(), turned.size(), level);
          },
          [](ByteSpan bytes, const MutableArrayView& out) {
            Bytes turned(out.size_bytes());
            return ZSTD_decompress(turned.data(), turned.size(), bytes.data(), bytes.size()) ==
                       turned.size() &&
                   bshuf_bitunshuffle(turned.data(), out.data, out.count(), size_of(out.dtype),
                                      0) >= 0;
          }};
}

Coder zstd(int level) {
  return {"zstd" + std::to_string(level),
          [level](const ArrayView& in) { return zstd_frame(in.data, in.size_bytes(), level); },
          [](ByteSpan bytes, const MutableArrayView& out) {
            return ZSTD_decompress(out.data, out.size_bytes(), bytes.data(), bytes.size()) ==
                   out.size_bytes();
          }};
}

Coder blosc_bitshuffle_zstd(int level) {
  return {"blosc_bitshuffle_zstd" + std::to_string(level),
          [level](const ArrayView& in) {
            Bytes out(in.size_bytes() + BLOSC_MAX_OVERHEAD);
            const int size =
                blosc_compress_ctx(level, BLOSC_BITSHUFFLE, size_of(in.dtype), in.size_bytes(),
                                   in.data, out.data(), out.size(), BLOSC_ZSTD_COMPNAME, 0, 1);
            out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
            return out;
          },
          [](ByteSpan bytes, const MutableArrayView& out) {
            return blosc_decompress_ctx(bytes.data(), out.data, out.size_bytes(), 1) ==
                   static_cast<int>(out.size_bytes());
          }};
}

Coder jpegxl(int effort) {
  return {"jpegxl_e" + std::to_string(effort),
          [effort](const ArrayView& in) { return jxl_encode(in, effort); },
          jxl_decode,
          true,
          false,
          2};
}

}  // namespace etalon::bench
