#include "store/npy.hpp"
#include "store/packing.hpp"
#include "store/scan_builder.hpp"

namespace etalon {
namespace {

// The names scipy.sparse.save_npz gives a matrix's parts, and those particles have.
Role role_of(const std::string& name, DType dtype) {
  if (is_float(dtype))
    return name == "x" || name == "y" || name == "z" || name.starts_with("pos") ? Role::positions
                                                                                : Role::values;
  for (const char* own : {"indices", "indptr", "row", "col", "edge_index", "cells", "connectivity"})
    if (name == own) return Role::connectivity;
  return Role::integers;
}

// The zlib level at which the stored file packs to the same bytes as the original; 0 for none.
std::uint8_t level_of(ByteSpan stored, ByteSpan original) {
  for (const int level : {6, 9, 1, 5, 4, 3, 2, 7, 8}) {
    const auto packed = repacked_zip(stored, level);
    if (packed.ok() && std::equal(packed->begin(), packed->end(), original.begin(), original.end()))
      return static_cast<std::uint8_t>(level);
  }
  return 0;
}

}  // namespace

Result<Scan> scan_npz(ByteSpan file, const MustBeExact& exact) {
  Bytes stored;
  const bool packed = has_deflated(file);
  if (packed) {
    ETALON_ASSIGN(stored, repacked_zip(file, 0));
  }
  ScanBuilder builder(packed ? stored : file, "npz", exact);
  ETALON_ASSIGN(const auto members, zip_members(builder.file()));
  std::optional<std::uint32_t> indices, starts;
  for (const ZipMember& m : members) {
    const ByteSpan data = builder.file().subspan(m.offset, m.size);
    const auto header = parse_npy_header(data);
    // What is no plain array (names, flags, objects) stays in the skeleton.
    if (!header.ok() || header->size > m.size ||
        header->shape.count() != (m.size - header->size) / size_of(header->dtype) ||
        (m.size - header->size) % size_of(header->dtype) != 0)
      continue;
    const std::string name =
        m.name.ends_with(".npy") ? m.name.substr(0, m.name.size() - 4) : m.name;
    ETALON_ASSIGN(const std::uint32_t array,
                  builder.add_binary(name, role_of(name, header->dtype), header->dtype,
                                     header->shape, m.offset + header->size, header->swap));
    if (is_float(header->dtype) || header->shape.rank() != 1) continue;
    if (name == "indices") indices = array;
    if (name == "indptr") starts = array;
  }
  if (indices && starts && builder.scan().arrays[*starts].elements.count() > 1) {
    builder.scan().topology = {{Topology::Form::rows, *indices, *starts, 0, 0, 0}};
    builder.scan().nodes = builder.scan().arrays[*starts].elements.count() - 1;
  }
  ETALON_ASSIGN(Scan scan, builder.finish());
  if (packed) {
    scan.packing = level_of(stored, file);
    scan.unpacked = scan.packing == 0;
  }
  return scan;
}

}  // namespace etalon
