// The little of VTK's XML files (VTK User's Guide, "VTK File Formats") that says where arrays are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "etalon/array.hpp"

namespace etalon {

// A DataArray element. Positions are in the file.
struct XmlArray {
  std::string name, section;  // section: "Points", "Cells", "PointData", ...
  DType dtype = DType::u8;
  bool known_type = false;
  std::size_t components = 1;
  std::string format;                            // "ascii", "binary", "appended"
  std::uint64_t offset = 0;                      // of appended ones
  std::size_t offset_begin = 0, offset_end = 0;  // where the file says that
  std::size_t begin = 0, end = 0;                // what stands between its tags, without blanks
};

struct XmlFile {
  std::vector<XmlArray> arrays;
  bool big = false;
  std::size_t header = 4;  // bytes of a size before binary data
  std::string compressor;
  std::size_t compressor_begin = 0, compressor_end = 0;  // the attribute and the blank before it
  std::size_t pieces = 0;
  std::uint64_t points = 0;  // of the last piece
  std::size_t appended = 0;  // where appended data begin, behind the '_'; 0 for none
  bool appended_base64 = false;
};

// Errc::malformed for tags that do not end and numbers that are none.
Result<XmlFile> parse_vtk_xml(std::string_view text);

// The same file without zlib inside (vtkZLibDataCompressor). Errc::malformed when it is damaged.
Result<Bytes> without_zlib(ByteSpan file, const XmlFile& xml);

}  // namespace etalon
