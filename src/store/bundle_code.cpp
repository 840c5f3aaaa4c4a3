#include "store/bundle_code.hpp"

#include <algorithm>

#include "store/foretell.hpp"
#include "store/zstd_frame.hpp"

namespace etalon {
namespace {

// Ways of coding are compared on this many elements of a longer array.
constexpr std::size_t sample_size = std::size_t{1} << 17;

// The first bytes of all elements, then the second ones, ...
Bytes to_planes(const ArrayView& array) {
  const std::size_t size = size_of(array.dtype), count = array.count();
  Bytes out(count * size);
  for (std::size_t b = 0; b < size; ++b)
    for (std::size_t i = 0; i < count; ++i) out[b * count + i] = array.data[i * size + b];
  return out;
}

Array from_planes(ByteSpan planes, DType dtype, const Shape& shape) {
  Array array(dtype, shape);
  const std::size_t size = size_of(dtype), count = array.count();
  std::byte* out = array.mutable_view().data;
  for (std::size_t b = 0; b < size; ++b)
    for (std::size_t i = 0; i < count; ++i) out[i * size + b] = planes[b * count + i];
  return array;
}

Result<Bytes> code(const ArrayView& elements, const BundleArray& about,
                   const CodeOptions& options) {
  if (about.coding == Coding::zstd)
    return zstd_packed(to_planes(elements), elements.size_bytes() > (4U << 20) ? 12 : 19);
  CompressOptions how;
  how.bound = about.bound;
  how.threads = options.threads;
  how.level = options.level;
  return compress(elements, how);
}

Result<Bytes> code_integers(const ArrayView& elements, const BundleArray& about,
                            const CodeOptions& options) {
  const Array rest = foretell(elements, about.foretold);
  const Array turned = about.by_column ? by_column(rest.view()) : Array();
  return code(about.by_column ? turned.view() : rest.view(), about, options);
}

// A part of whole rows.
ArrayView sample_of(const ArrayView& a) {
  if (a.shape.rank() == 0 || a.count() <= sample_size) return a;
  const std::size_t row = a.count() / a.shape[0];
  Shape shape = a.shape;
  shape[0] = std::max<std::size_t>(1, sample_size / row);
  const std::size_t begin = (a.shape[0] - shape[0]) / 2;
  return {a.data + begin * row * size_of(a.dtype), a.dtype, shape};
}

Result<Bytes> encode_integers(const ArrayView& elements, BundleArray& about,
                              const CodeOptions& options) {
  const ArrayView sample = sample_of(elements);
  const bool table = elements.shape.rank() == 2 && elements.shape[1] > 1;
  BundleArray best = about;
  Bytes least;
  for (const Foretold how : {Foretold::no, Foretold::before, Foretold::row, Foretold::within}) {
    if (!table && (how == Foretold::row || how == Foretold::within)) continue;
    for (const bool by_column : {false, true})
      for (const Coding coding : {Coding::container, Coding::zstd}) {
        if (by_column && !table) continue;
        BundleArray one = about;
        one.foretold = how;
        one.by_column = by_column;
        one.coding = coding;
        ETALON_ASSIGN(Bytes bytes, code_integers(sample, one, options));
        if (!least.empty() && bytes.size() >= least.size()) continue;
        best = one;
        least = std::move(bytes);
      }
  }
  about = best;
  if (sample.count() == elements.count()) return least;
  return code_integers(elements, about, options);
}

// The axis that nodes lie along; rank where there is none.
std::size_t node_axis(const Shape& shape, std::size_t nodes) {
  if (shape.rank() > 0 && shape[0] == nodes) return 0;
  return shape.rank() == 2 && shape[1] == nodes ? 1 : shape.rank();
}

Result<Bytes> encode_floats(const ArrayView& elements, BundleArray& about,
                            const CodeOptions& options) {
  ETALON_ASSIGN(Bytes least, code(elements, about, options));
  BundleArray best = about;
  const auto offer = [&](const ArrayView& view, const BundleArray& one) -> Result<void> {
    ETALON_ASSIGN(Bytes bytes, code(view, one, options));
    if (bytes.size() < least.size()) {
      least = std::move(bytes);
      best = one;
    }
    return {};
  };
  const bool narrow =
      elements.shape.rank() == 2 && elements.shape[1] > 1 && elements.shape[1] <= 16;
  if (narrow) {
    BundleArray one = about;
    one.by_column = true;
    const Array turned = by_column(elements);
    ETALON_TRY(offer(turned.view(), one));
  }
  const std::size_t axis = options.mesh == nullptr
                               ? elements.shape.rank()
                               : node_axis(elements.shape, options.mesh->size());
  if (about.order == Order::none && axis < elements.shape.rank()) {
    const Array walked = put_in_order(elements, axis, *options.mesh);
    BundleArray one = about;
    one.order = Order::mesh;
    one.axis = static_cast<std::uint8_t>(axis);
    ETALON_TRY(offer(walked.view(), one));
    if (narrow) {
      one.by_column = true;
      const Array turned = by_column(walked.view());
      ETALON_TRY(offer(turned.view(), one));
    }
  }
  about = best;
  return least;
}

}  // namespace

Result<Bytes> encode_array(const ArrayView& elements, BundleArray& about,
                           const CodeOptions& options) {
  return is_float(about.dtype) ? encode_floats(elements, about, options)
                               : encode_integers(elements, about, options);
}

Result<Array> decode_payload(const BundleArray& about, ByteSpan payload, unsigned threads) {
  const Shape shape = about.by_column ? Shape{about.shape[1], about.shape[0]} : about.shape;
  Array array;
  if (about.coding == Coding::zstd) {
    ETALON_ASSIGN(const Bytes planes, zstd_unpacked(payload, shape.count() * size_of(about.dtype)));
    array = from_planes(planes, about.dtype, shape);
  } else {
    ETALON_ASSIGN(const StreamInfo info, inspect(payload));
    if (info.dtype != about.dtype || !(info.shape == shape))
      return Error{Errc::malformed, "its type or shape is not what the bundle declares"};
    ETALON_ASSIGN(array, decompress(payload, threads));
  }
  if (about.by_column) array = by_column(array.view());
  if (about.foretold != Foretold::no) array = unforetell(array.view(), about.foretold);
  return array;
}

}  // namespace etalon
