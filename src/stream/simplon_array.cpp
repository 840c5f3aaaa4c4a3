#include "stream/simplon_array.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "stream/dectris_compression.hpp"

namespace etalon {
namespace {

const cbor::Tagged* tagged(const cbor::Value& value) {
  const auto* pointer = value.get_if<std::shared_ptr<const cbor::Tagged>>();
  return pointer == nullptr ? nullptr : pointer->get();
}

Error malformed(std::string_view field, const std::string& reason) {
  return {Errc::malformed, std::string(field) + ": " + reason};
}

std::optional<DType> dtype_of_tag(std::uint64_t tag) {
  for (const DType dtype : {DType::u8, DType::u16, DType::u32, DType::f32})
    if (typed_array_tag(dtype) == tag) return dtype;
  return std::nullopt;
}

// The bytes of a typed array before they are taken out.
struct Packed {
  DectrisCompression compression = DectrisCompression::none;
  std::size_t element_size = 0;
  ByteSpan payload;
};

Result<Packed> packed(const cbor::Value& value, std::string_view field) {
  Packed p;
  const cbor::Tagged* tag = tagged(value);
  if (tag == nullptr) {
    ETALON_ASSIGN(p.payload, value.as_bytes(field));
    return p;
  }
  if (tag->tag != cbor_tag::dectris)
    return malformed(field, "tag " + std::to_string(tag->tag) + " where a byte string should be");
  ETALON_ASSIGN(const cbor::List* parts, tag->content.as_list(field));
  if (parts->size() != 3) return malformed(field, "tag 56500 needs three parts");
  ETALON_ASSIGN(const std::string name, (*parts)[0].as_text(field));
  auto known = parse_dectris_compression(name);
  if (!known.ok()) return malformed(field, known.error().message);
  p.compression = *known;
  ETALON_ASSIGN(const std::uint64_t element_size, (*parts)[1].as_uint(field));
  p.element_size = static_cast<std::size_t>(std::min<std::uint64_t>(element_size, 1 << 10));
  ETALON_ASSIGN(p.payload, (*parts)[2].as_bytes(field));
  return p;
}

Result<std::size_t> unpacked_size(const Packed& p, std::string_view field) {
  if (p.compression == DectrisCompression::none) return p.payload.size();
  if (p.payload.size() < 8) return malformed(field, "truncated inside the header");
  std::uint64_t raw = 0;
  for (std::size_t i = 0; i < 8; ++i) raw = raw << 8 | static_cast<std::uint8_t>(p.payload[i]);
  return static_cast<std::size_t>(raw);
}

// A typed array's elements in the shape that was announced; without one, along one axis.
Result<Array> elements(const cbor::Value& value, std::string_view field, std::size_t max_bytes,
                       std::optional<Shape> shape) {
  const cbor::Tagged* tag = tagged(value);
  const auto dtype = tag == nullptr ? std::nullopt : dtype_of_tag(tag->tag);
  if (!dtype)
    return malformed(field, "no typed array (tag 64, 69, 70 or 85)" +
                                (tag ? ", tag " + std::to_string(tag->tag) : std::string()));
  ETALON_ASSIGN(const Packed p, packed(tag->content, field));
  const std::size_t element = size_of(*dtype);
  if (!shape) {
    ETALON_ASSIGN(const std::size_t size, unpacked_size(p, field));
    if (size % element != 0) return malformed(field, "not a whole number of elements");
    shape = Shape{size / element};
  }
  const std::size_t count = shape->count();
  if (count > max_bytes / element)
    return malformed(field, to_string(*shape) + " elements are more than is taken");
  if (!is_plausible(p.compression, p.payload.size(), count * element))
    return malformed(field, std::to_string(p.payload.size()) + " bytes cannot hold " +
                                to_string(*shape) + " elements");
  Array array(*dtype, *shape);
  if (auto done = decompress_dectris(p.compression, p.element_size, p.payload,
                                     array.mutable_view().bytes());
      !done.ok())
    return std::move(done).error().in(std::string(field) + ": " +
                                      std::string(name_of(p.compression)));
  return array;
}

}  // namespace

std::uint64_t typed_array_tag(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return cbor_tag::u8;
    case DType::u16:
      return cbor_tag::u16le;
    case DType::u32:
      return cbor_tag::u32le;
    case DType::f32:
      return cbor_tag::f32le;
    default:
      return 0;
  }
}

Result<Array> decode_image_array(const cbor::Value& value, std::string_view field,
                                 std::size_t max_bytes) {
  const cbor::Tagged* tag = tagged(value);
  if (tag == nullptr || tag->tag != cbor_tag::multi_dimensional)
    return malformed(field, "no multi-dimensional array (tag 40)");
  ETALON_ASSIGN(const cbor::List* parts, tag->content.as_list(field));
  if (parts->size() != 2) return malformed(field, "tag 40 needs a shape and elements");
  ETALON_ASSIGN(const cbor::List* extents, (*parts)[0].as_list(field));
  if (extents->size() != 2) return malformed(field, "an image has two axes");
  ETALON_ASSIGN(const std::uint64_t rows, (*extents)[0].as_uint(field));
  ETALON_ASSIGN(const std::uint64_t columns, (*extents)[1].as_uint(field));
  if (rows == 0 || columns == 0) return malformed(field, "an image without pixels");
  return elements((*parts)[1], field, max_bytes, Shape{rows, columns});
}

Result<Array> decode_typed_array(const cbor::Value& value, std::string_view field,
                                 std::size_t max_bytes) {
  if (const cbor::Tagged* tag = tagged(value); tag && tag->tag == cbor_tag::multi_dimensional)
    return decode_image_array(value, field, max_bytes);
  return elements(value, field, max_bytes, std::nullopt);
}

}  // namespace etalon
