// Files that are compressed themselves, as the same files without that and back.
#pragma once

#include "base/bytes.hpp"

namespace etalon {

// A member of a ZIP file (PKWARE APPNOTE), and where its data lie in the file.
struct ZipMember {
  std::string name;
  std::uint64_t offset = 0, size = 0;
};
// Of a file whose members are stored. Errc::malformed for what no NumPy writes: encryption, sizes
// behind the data, members that do not lie end to end, ZIP64 directories.
Result<std::vector<ZipMember>> zip_members(ByteSpan zip);
bool has_deflated(ByteSpan zip);

// The ZIP with every member stored (level 0) or deflated at a level from 1 to 9, its sizes, sums
// and places put right. A member's data are what they are now, whatever its checksum says.
Result<Bytes> repacked_zip(ByteSpan zip, int level);

// A rebuilt file as its format wants it: the sums of a ZIP, and its members deflated where `level`
// is not 0.
Result<Bytes> packed_as(Bytes file, std::string_view format, int level);

}  // namespace etalon
