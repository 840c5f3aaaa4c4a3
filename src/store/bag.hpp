// Archives: BagIt bags in one ZIP file, written once, checked by SHA-256, any part of which can be
// read alone.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledger/hash.hpp"
#include "store/file.hpp"

namespace etalon {

// BagIt 1.0 (RFC 8493) with one folder in a ZIP file (PKWARE's APPNOTE) of stored members: a member
// is one range of the file's bytes, so an object store gives it alone. In the bag:
//   bagit.txt, bag-info.txt, manifest-sha256.txt, tagmanifest-sha256.txt   as BagIt says
//   index.json                what of the payload are series, and what they hold
//   provenance.json           W3C PROV-JSON of what led to them, where a ledger knew
//   data/NAME                 the payload
struct BagFile {
  std::string name;  // under data/, "/" between folders
  std::uint64_t bytes = 0;
  Hash hash;
  std::uint32_t crc32 = 0;  // of what is to be archived, with its last change in Unix time
  std::int64_t time_s = 0;
};

// A file to archive.
struct BagSource {
  std::string path, name;
};
// What these paths name: files, and folders with all that is in them, in the order of the names.
// Errc::usage when two would have one name; Errc::malformed for what is neither file nor folder
// (pipes, devices, links that lead nowhere).
Result<std::vector<BagSource>> bag_sources(const std::vector<std::string>& paths);

struct BagText {
  std::string name, text;
};
// Called with bytes of sources, read once for their hashes and once for the archive; false ends the
// work with Errc::interrupted.
using BagProgress = std::function<bool(std::uint64_t bytes)>;

// Hashes of the sources.
Result<std::vector<BagFile>> hash_sources(const std::vector<BagSource>& sources,
                                          const BagProgress& progress = {});
// Writes the bag `name` with these files (as hash_sources() found them), `tags` (index.json, ...)
// and lines of bag-info.txt. Errc::check when a file has changed since it was hashed.
Result<void> write_bag(OutputFile& out, const std::string& name,
                       const std::vector<BagSource>& sources, const std::vector<BagFile>& files,
                       const std::vector<BagText>& tags,
                       const std::vector<std::pair<std::string, std::string>>& info,
                       const BagProgress& progress = {});

// Lines "HASH  data/NAME" of a manifest; `prefix` is taken off names and must be there.
// Errc::malformed for other lines, names that lead out of the bag, and names that come twice.
Result<std::vector<BagFile>> parse_manifest(const std::string& text, const std::string& prefix);

class BagReader {
 public:
  // Errc::missing; Errc::malformed when it is no such archive, or its manifest and its members are
  // not the same files.
  static Result<BagReader> open(const std::string& path);
  ~BagReader();
  BagReader(BagReader&&) noexcept;
  BagReader& operator=(BagReader&&) noexcept;

  const std::vector<BagFile>& files() const;  // in the order of the manifest
  const std::string& name() const;            // of the bag
  // A tag file; none when the bag has no such one. Errc::check when it is not what
  // tagmanifest-sha256.txt says.
  Result<std::optional<std::string>> tag(const std::string& name) const;
  // Reads one file of the payload; Errc::check at its end when its bytes are not those of the
  // manifest.
  Result<void> read(const BagFile& file, const std::function<Result<void>(ByteSpan)>& take) const;

 private:
  struct Impl;
  explicit BagReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace etalon
