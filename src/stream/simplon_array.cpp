#include "stream/simplon_array.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

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

// The bytes of a typed array: into `array`.
Result<void> find_payload(const cbor::Value& value, PackedArray& array) {
  const std::string& field = array.field;
  const cbor::Tagged* tag = tagged(value);
  if (tag == nullptr) {
    ETALON_ASSIGN(array.payload.bytes, value.as_bytes(field));
    return {};
  }
  if (tag->tag != cbor_tag::dectris)
    return malformed(field, "tag " + std::to_string(tag->tag) + " where a byte string should be");
  ETALON_ASSIGN(const cbor::List* parts, tag->content.as_list(field));
  if (parts->size() != 3) return malformed(field, "tag 56500 needs three parts");
  ETALON_ASSIGN(const std::string name, (*parts)[0].as_text(field));
  auto known = parse_dectris_compression(name);
  if (!known.ok()) return malformed(field, known.error().message);
  array.compression = *known;
  ETALON_ASSIGN(const std::uint64_t element_size, (*parts)[1].as_uint(field));
  array.element_size = static_cast<std::size_t>(std::min<std::uint64_t>(element_size, 1 << 10));
  ETALON_ASSIGN(array.payload.bytes, (*parts)[2].as_bytes(field));
  return {};
}

Result<std::size_t> unpacked_size(const PackedArray& array) {
  const ByteSpan payload = array.payload.bytes;
  if (array.compression == DectrisCompression::none) return payload.size();
  if (payload.size() < 8) return malformed(array.field, "truncated inside the header");
  std::uint64_t raw = 0;
  for (std::size_t i = 0; i < 8; ++i) raw = raw << 8 | static_cast<std::uint8_t>(payload[i]);
  return static_cast<std::size_t>(raw);
}

// A typed array's elements in the shape that was announced; without one, along one axis.
Result<PackedArray> elements(const cbor::Value& value, std::string field, std::size_t max_bytes,
                             std::optional<Shape> shape) {
  PackedArray array;
  array.field = std::move(field);
  const cbor::Tagged* tag = tagged(value);
  const auto dtype = tag == nullptr ? std::nullopt : dtype_of_tag(tag->tag);
  if (!dtype)
    return malformed(array.field, "no typed array (tag 64, 69, 70 or 85)" +
                                      (tag ? ", tag " + std::to_string(tag->tag) : std::string()));
  array.dtype = *dtype;
  ETALON_TRY(find_payload(tag->content, array));
  const std::size_t element = size_of(*dtype);
  if (!shape) {
    ETALON_ASSIGN(const std::size_t size, unpacked_size(array));
    if (size % element != 0) return malformed(array.field, "not a whole number of elements");
    shape = Shape{size / element};
  }
  array.shape = *shape;
  if (shape->count() > max_bytes / element)
    return malformed(array.field, to_string(*shape) + " elements are more than is taken");
  const std::size_t packed_bytes = array.payload.bytes.size();
  if (!is_plausible(array.compression, packed_bytes, array.size_bytes()))
    return malformed(array.field, std::to_string(packed_bytes) + " bytes cannot hold " +
                                      to_string(*shape) + " elements");
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

Result<PackedArray> find_image_array(const cbor::Value& value, std::string field,
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
  return elements((*parts)[1], std::move(field), max_bytes, Shape{rows, columns});
}

Result<PackedArray> find_typed_array(const cbor::Value& value, std::string field,
                                     std::size_t max_bytes) {
  if (const cbor::Tagged* tag = tagged(value); tag && tag->tag == cbor_tag::multi_dimensional)
    return find_image_array(value, std::move(field), max_bytes);
  return elements(value, std::move(field), max_bytes, std::nullopt);
}

}  // namespace etalon
