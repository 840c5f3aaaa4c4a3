#include "field_coders.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zfp.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>

namespace etalon::bench {
namespace {

struct ZfpClose {
  void operator()(zfp_field* f) const { zfp_field_free(f); }
  void operator()(zfp_stream* s) const { zfp_stream_close(s); }
  void operator()(bitstream* b) const { stream_close(b); }
};
using ZfpField = std::unique_ptr<zfp_field, ZfpClose>;
using ZfpStream = std::unique_ptr<zfp_stream, ZfpClose>;
using ZfpBits = std::unique_ptr<bitstream, ZfpClose>;

ZfpField zfp_field_of(const void* data, DType dtype, const Shape& shape) {
  const Shape& e = shape;
  void* const p = const_cast<void*>(data);
  const zfp_type type = dtype == DType::f64 ? zfp_type_double : zfp_type_float;
  switch (e.rank()) {
    case 1:
      return ZfpField(zfp_field_1d(p, type, e[0]));
    case 2:
      return ZfpField(zfp_field_2d(p, type, e[1], e[0]));
    case 3:
      return ZfpField(zfp_field_3d(p, type, e[2], e[1], e[0]));
    case 4:
      return ZfpField(zfp_field_4d(p, type, e[3], e[2], e[1], e[0]));
    default:
      return nullptr;
  }
}

Bytes zfp_encode(const ArrayView& in, double bound) {
  const ZfpField field = zfp_field_of(in.data, in.dtype, in.shape);
  if (!field) return {};
  const ZfpStream stream(zfp_stream_open(nullptr));
  zfp_stream_set_accuracy(stream.get(), bound);
  Bytes out(zfp_stream_maximum_size(stream.get(), field.get()));
  const ZfpBits bits(stream_open(out.data(), out.size()));
  zfp_stream_set_bit_stream(stream.get(), bits.get());
  zfp_stream_rewind(stream.get());
  out.resize(zfp_compress(stream.get(), field.get()));
  return out;
}

bool zfp_decode(ByteSpan in, double bound, const MutableArrayView& out) {
  const ZfpField field = zfp_field_of(out.data, out.dtype, out.shape);
  const ZfpStream stream(zfp_stream_open(nullptr));
  zfp_stream_set_accuracy(stream.get(), bound);
  const ZfpBits bits(stream_open(const_cast<std::byte*>(in.data()), in.size()));
  zfp_stream_set_bit_stream(stream.get(), bits.get());
  zfp_stream_rewind(stream.get());
  return zfp_decompress(stream.get(), field.get()) != 0;
}

using Compress = std::size_t(const void*, int, int, const std::size_t*, double, int, char**);
using Decompress = int(const char*, std::size_t, int, int, const std::size_t*, double, int, void*);

struct SharedObject {
  Compress* compress;
  Decompress* decompress;
  int mode;

  Bytes encode(const ArrayView& in, double bound) const {
    char* coded = nullptr;
    const std::size_t size =
        compress(in.data, in.dtype == DType::f64, static_cast<int>(in.shape.rank()),
                 in.shape.extents().data(), bound, mode, &coded);
    const std::unique_ptr<char, void (*)(void*)> owner(coded, std::free);
    Bytes out(size);
    if (size != 0) std::memcpy(out.data(), coded, size);
    return out;
  }
  bool decode(ByteSpan in, double bound, const MutableArrayView& out) const {
    return decompress(reinterpret_cast<const char*>(in.data()), in.size(), out.dtype == DType::f64,
                      static_cast<int>(out.shape.rank()), out.shape.extents().data(), bound, mode,
                      out.data) == 0;
  }
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

// The least of up to five runs, of about two seconds together.
template <typename F>
double least_seconds(F&& run) {
  double least = 1e300, all = 0;
  for (int i = 0; i < 5 && (i == 0 || all < 2); ++i) {
    const double begin = cpu_seconds();
    run();
    const double took = cpu_seconds() - begin;
    all += took;
    least = std::min(least, took);
  }
  return least;
}

template <typename T>
void judge(std::span<const T> raw, std::span<const T> got, FieldFigures& figures) {
  double low = 1e300, high = -1e300, squares = 0, finite = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const auto a = static_cast<double>(raw[i]), b = static_cast<double>(got[i]);
    if (!std::isfinite(a)) {
      figures.specials_lost += std::isnan(a) ? !std::isnan(b) : a != b;
      continue;
    }
    low = std::min(low, a);
    high = std::max(high, a);
    const double e = std::abs(b - a);
    figures.error = e <= figures.error ? figures.error : e;  // NaN stays
    squares += e * e;
    ++finite;
  }
  constexpr double all_equal = 999;  // as large as JSON needs it
  figures.psnr =
      squares > 0 ? 20 * std::log10((high - low) / std::sqrt(squares / finite)) : all_equal;
}

FieldFigures measure_here(const FieldCoder& coder, const ArrayView& field, double bound) {
  FieldFigures figures;
  Bytes coded;
  figures.encode_s = least_seconds([&] { coded = coder.encode(field, bound); });
  if (coded.empty()) return figures;
  Array out(field.dtype, field.shape);
  bool decoded = true;
  figures.decode_s =
      least_seconds([&] { decoded = decoded && coder.decode(coded, bound, out.mutable_view()); });
  if (!decoded) return figures;
  figures.worked = true;
  figures.bytes = static_cast<double>(coded.size());
  if (field.dtype == DType::f64)
    judge<double>(field.as<double>(), out.view().as<double>(), figures);
  else
    judge<float>(field.as<float>(), out.view().as<float>(), figures);
  return figures;
}

FieldFigures measure_apart(const FieldCoder& coder, const ArrayView& field, double bound) {
  int ends[2];
  if (pipe(ends) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    alarm(300);
    // Freed memory is kept: no coder pays for fresh pages of its output.
    mallopt(M_MMAP_THRESHOLD, 1 << 25);
    mallopt(M_TRIM_THRESHOLD, -1);
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);  // peers chatter
    const FieldFigures figures = measure_here(coder, field, bound);
    const bool sent = write(ends[1], &figures, sizeof figures) == sizeof figures;
    _exit(sent ? 0 : 1);
  }
  close(ends[1]);
  FieldFigures figures;
  if (child < 0 || read(ends[0], &figures, sizeof figures) != sizeof figures) figures = {};
  close(ends[0]);
  int status = 0;
  if (child > 0) waitpid(child, &status, 0);
  return figures;
}

// Those are measured without a container, as an HDF5 file holds them: with type, shape, bound and
// checksum.
bool is_one_chunk(const ArrayView& field) {
  return default_chunk(field.dtype, field.shape) == field.shape;
}

}  // namespace

FieldCoder etalon_fields(const std::string& name, const CompressOptions& options) {
  return {name,
          [options](const ArrayView& in, double bound) {
            CompressOptions own = options;
            own.bound = Bound::abs(bound);
            auto coded = is_one_chunk(in) ? encode_chunk(in, own) : compress(in, own);
            return coded.ok() ? std::move(*coded) : Bytes{};
          },
          [](ByteSpan in, double, const MutableArrayView& out) {
            return (is_one_chunk(out) ? decode_chunk_into(in, out) : decompress_into(in, out)).ok();
          }};
}

FieldCoder zfp_fields() { return {"zfp", zfp_encode, zfp_decode}; }

Result<FieldCoder> shared_object_fields(const std::string& argument) {
  const auto equals = argument.find('='), hash = argument.find('#', equals);
  if (equals == std::string::npos)
    return Error{Errc::usage, argument + ": not NAME=PATH or NAME=PATH#MODE"};
  const std::string path = argument.substr(equals + 1, hash - equals - 1);
  void* const object = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) return Error{Errc::io, dlerror()};
  SharedObject coder{reinterpret_cast<Compress*>(dlsym(object, "compress")),
                     reinterpret_cast<Decompress*>(dlsym(object, "decompress")),
                     hash == std::string::npos ? 0 : std::atoi(argument.c_str() + hash + 1)};
  if (coder.compress == nullptr || coder.decompress == nullptr)
    return Error{Errc::malformed, path + ": has not both compress and decompress"};
  return FieldCoder{argument.substr(0, equals),
                    [coder](const ArrayView& in, double bound) { return coder.encode(in, bound); },
                    [coder](ByteSpan in, double bound, const MutableArrayView& out) {
                      return coder.decode(in, bound, out);
                    }};
}

FieldFigures measure(const FieldCoder& coder, const ArrayView& field, double bound) {
  ArrayView view = field;
  for (;;) {
    const FieldFigures figures = measure_apart(coder, view, bound);
    const auto extents = view.shape.extents();
    if (figures.worked || extents.size() < 2) return figures;
    std::vector<std::size_t> fewer(extents.begin() + 1, extents.end());
    fewer[0] *= extents[0];
    view.shape = Shape(std::span<const std::size_t>(fewer));
  }
}

}  // namespace etalon::bench
