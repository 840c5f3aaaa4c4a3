#include <algorithm>
#include <cstring>
#include <exception>

#include "codec/c_arguments.hpp"
#include "etalon/series.hpp"
#include "etalon/version.hpp"

struct etalon_bytes {
  etalon::Bytes value;
};
struct etalon_array {
  etalon::Array value;
};
struct etalon_encoder {
  etalon::DType dtype;
  etalon::Shape frame;
  etalon::SeriesEncoder value;
};

namespace etalon::c_api {
namespace {

static_assert(ETALON_U8 == static_cast<int>(DType::u8));
static_assert(ETALON_F64 == static_cast<int>(DType::f64));
static_assert(ETALON_MAX_RANK == Shape::max_rank);
static_assert(ETALON_INTERRUPTED == static_cast<int>(Errc::interrupted));

int fail(etalon_error* to, int code, std::string_view message) {
  if (to != nullptr) {
    to->code = code;
    const std::size_t size = std::min(message.size(), sizeof to->message - 1);
    std::memcpy(to->message, message.data(), size);
    to->message[size] = 0;
  }
  return code;
}

// Nothing is thrown across the boundary; step() gives a Result<void>.
template <typename Step>
int guarded(etalon_error* error, Step&& step) noexcept {
  try {
    const Result<void> done = step();
    if (!done.ok()) return fail(error, exit_code(done.error().code), done.error().message);
    return fail(error, ETALON_OK, "");
  } catch (const std::exception& e) {
    return fail(error, ETALON_IO, e.what());
  } catch (...) {
    return fail(error, ETALON_IO, "etalon: unknown failure");
  }
}

template <typename Handle, typename Value>
Result<void> hand_out(Handle** out, Result<Value> value) {
  if (!value.ok()) return std::move(value).error();
  *out = new Handle{std::move(*value)};
  return {};
}

// *out is NULL where there is nothing.
template <typename Handle>
Result<void> empty(Handle** out) {
  ETALON_TRY(present(out, "out"));
  *out = nullptr;
  return {};
}

void put_text(std::span<char> to, std::string_view text) {
  const std::size_t size = std::min(text.size(), to.size() - 1);
  std::copy_n(text.begin(), size, to.begin());
}

}  // namespace
}  // namespace etalon::c_api

using namespace etalon;
using namespace etalon::c_api;

const char* etalon_version(void) { return version.data(); }

const void* etalon_bytes_data(const etalon_bytes* bytes) {
  return bytes == nullptr ? nullptr : bytes->value.data();
}
size_t etalon_bytes_size(const etalon_bytes* bytes) {
  return bytes == nullptr ? 0 : bytes->value.size();
}
void etalon_bytes_free(etalon_bytes* bytes) { delete bytes; }

etalon_view etalon_array_view(const etalon_array* array) {
  etalon_view view{};
  if (array == nullptr) return view;
  const Shape& shape = array->value.shape();
  view.data = array->value.view().data;
  view.dtype = static_cast<int>(array->value.dtype());
  view.rank = static_cast<int>(shape.rank());
  std::copy(shape.extents().begin(), shape.extents().end(), view.extents);
  return view;
}
void etalon_array_free(etalon_array* array) { delete array; }

int etalon_compress(const etalon_view* array, const etalon_options* options, etalon_bytes** out,
                    etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(empty(out));
    ETALON_ASSIGN(const ArrayView view, view_from(array));
    ETALON_ASSIGN(const CompressOptions read, options_from(options, &view));
    return hand_out(out, compress(view, read));
  });
}

int etalon_decompress(const void* container, size_t size, unsigned threads, etalon_array** out,
                      etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(empty(out));
    ETALON_ASSIGN(const ByteSpan bytes, bytes_at(container, size));
    return hand_out(out, decompress(bytes, threads_of(threads)));
  });
}

int etalon_decompress_box(const void* container, size_t size, int rank, const size_t* begin,
                          const size_t* end, etalon_array** out, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(empty(out));
    ETALON_ASSIGN(const ByteSpan bytes, bytes_at(container, size));
    ETALON_ASSIGN(const Shape from, shape_of(rank, begin, DType::u8));
    ETALON_ASSIGN(const Shape to, shape_of(rank, end, DType::u8));
    Box box;
    for (std::size_t i = 0; i < from.rank(); ++i) box.axes.push_back({from[i], to[i]});
    return hand_out(out, decompress_box(bytes, box));
  });
}

int etalon_encode_chunk(const etalon_view* elements, const etalon_options* options,
                        etalon_bytes** out, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(empty(out));
    ETALON_ASSIGN(const ArrayView view, view_from(elements));
    ETALON_ASSIGN(const CompressOptions read, options_from(options, nullptr));
    return hand_out(out, encode_chunk(view, read));
  });
}

int etalon_decode_chunk(const void* chunk, size_t size, etalon_array** out, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(empty(out));
    ETALON_ASSIGN(const ByteSpan bytes, bytes_at(chunk, size));
    return hand_out(out, decode_chunk(bytes));
  });
}

int etalon_decode_chunk_into(const void* chunk, size_t size, void* data, int dtype, int rank,
                             const size_t* extents, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_ASSIGN(const ByteSpan bytes, bytes_at(chunk, size));
    MutableArrayView out;
    ETALON_ASSIGN(out.dtype, dtype_of(dtype));
    ETALON_ASSIGN(out.shape, shape_of(rank, extents, out.dtype));
    ETALON_TRY(check_memory(data, out.dtype, out.shape));
    out.data = static_cast<std::byte*>(data);
    return decode_chunk_into(bytes, out);
  });
}

int etalon_inspect(const void* bytes, size_t size, etalon_info* info, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(present(info, "info"));
    if (info->size < sizeof(std::size_t) || info->size > 4096)
      return usage("info.size is not sizeof(etalon_info)");
    ETALON_ASSIGN(const ByteSpan given, bytes_at(bytes, size));
    const bool chunk = text_of(given).starts_with("Etc");
    ETALON_ASSIGN(const StreamInfo stream, chunk ? inspect_chunk(given) : inspect(given));
    etalon_info filled{};
    filled.size = info->size;
    filled.dtype = static_cast<int>(stream.dtype);
    filled.source = static_cast<int>(stream.source);
    filled.rank = static_cast<int>(stream.shape.rank());
    for (std::size_t i = 0; i < stream.shape.rank(); ++i) {
      filled.extents[i] = stream.shape[i];
      filled.chunk[i] = stream.chunk_shape[i];
    }
    filled.raw_bytes = stream.raw_bytes;
    filled.bytes = stream.bytes;
    filled.chunks = stream.chunks;
    filled.regions = stream.regions.size();
    filled.max_error = stream.regions[0].max_error;
    put_text(filled.format, stream.format);
    put_text(filled.bound, to_string(stream.bound));
    std::memcpy(info, &filled, std::min(info->size, sizeof filled));
    return {};
  });
}

int etalon_encoder_new(int dtype, int rank, const size_t* extents, size_t frames_per_chunk,
                       const etalon_options* options, etalon_sink sink, void* user,
                       etalon_encoder** out, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(empty(out));
    if (sink == nullptr) return usage("sink is NULL");
    SeriesSettings settings;
    ETALON_ASSIGN(settings.dtype, dtype_of(dtype));
    ETALON_ASSIGN(settings.frame, shape_of(rank, extents, settings.dtype));
    settings.frames_per_chunk = std::max<std::size_t>(frames_per_chunk, 1);
    ETALON_ASSIGN(settings.options, options_from(options, nullptr));
    auto take = [sink, user](ByteSpan bytes) -> Result<void> {
      if (const int code = sink(user, bytes.data(), bytes.size()); code != 0)
        return Error{Errc::io, "sink: gave up with " + std::to_string(code)};
      return {};
    };
    ETALON_ASSIGN(SeriesEncoder encoder, SeriesEncoder::create(settings, std::move(take)));
    *out = new etalon_encoder{settings.dtype, settings.frame, std::move(encoder)};
    return {};
  });
}

int etalon_encoder_push(etalon_encoder* encoder, const void* frame, size_t size,
                        const etalon_options* own, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(present(encoder, "encoder"));
    const ArrayView view{static_cast<const std::byte*>(frame), encoder->dtype, encoder->frame};
    ETALON_TRY(present(frame, "frame"));
    if (size != view.size_bytes())
      return usage("a frame of " + std::to_string(size) + " bytes where " +
                   std::to_string(view.size_bytes()) + " are expected");
    if (own == nullptr) return encoder->value.push(view);
    ETALON_ASSIGN(const CompressOptions options, options_from(own, nullptr));
    return encoder->value.push(view, options);
  });
}

int etalon_encoder_finish(etalon_encoder* encoder, etalon_error* error) {
  return guarded(error, [&]() -> Result<void> {
    ETALON_TRY(present(encoder, "encoder"));
    return encoder->value.finish();
  });
}

void etalon_encoder_free(etalon_encoder* encoder) { delete encoder; }
