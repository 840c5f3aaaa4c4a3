#include "store/bag.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "base/utf8.hpp"
#include "store/bag_format.hpp"
#include "store/zip_writer.hpp"

namespace etalon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece_bytes = std::size_t{1} << 20;

Error not_read(const std::string& path) {
  return {errno == ENOENT ? Errc::missing : Errc::io,
          path + ": cannot read: " + std::strerror(errno)};
}

struct State {
  std::uint64_t bytes = 0;
  std::int64_t time_s = 0;
};

// All bytes of a regular file, in pieces.
template <typename F>
Result<State> read_pieces(const std::string& path, F&& take) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (!fd.valid() || ::fstat(fd.get(), &about) != 0) return not_read(path);
  if (!S_ISREG(about.st_mode)) return Error{Errc::malformed, path + ": is no regular file"};
  Bytes piece(piece_bytes);
  State state{0, about.st_mtim.tv_sec};
  while (true) {
    const ssize_t got = ::read(fd.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return not_read(path);
    if (got == 0) return state;
    state.bytes += static_cast<std::uint64_t>(got);
    ETALON_TRY(take(ByteSpan(piece).first(static_cast<std::size_t>(got))));
  }
}

Result<void> go_on(const BagProgress& progress, std::uint64_t bytes) {
  if (progress && !progress(bytes)) return Error{Errc::interrupted, "archive: interrupted"};
  return {};
}

Result<void> add_folder(const fs::path& folder, const std::string& name,
                        std::vector<BagSource>& sources) {
  std::error_code failed;
  fs::recursive_directory_iterator at(folder, failed), end;
  for (; !failed && at != end; at.increment(failed)) {
    const fs::file_status status = at->status(failed);
    if (failed) break;
    const std::string path = at->path().string();
    // Followed, it may lead round in a circle; passed over, nobody would see what is missing.
    if (fs::is_directory(status) && at->is_symlink(failed))
      return Error{Errc::malformed, path + ": is a link to a folder: name that folder instead"};
    if (fs::is_directory(status)) continue;
    if (!fs::is_regular_file(status))
      return Error{Errc::malformed, path + ": is neither file nor folder"};
    sources.push_back({path, name + "/" + at->path().lexically_relative(folder).generic_string()});
  }
  if (failed) return Error{Errc::io, folder.string() + ": cannot be listed: " + failed.message()};
  return {};
}

}  // namespace

Result<std::vector<BagSource>> bag_sources(const std::vector<std::string>& paths) {
  std::vector<BagSource> sources;
  for (const std::string& given : paths) {
    std::error_code failed;
    const fs::path path = fs::absolute(given, failed).lexically_normal();
    const fs::file_status status = fs::status(path, failed);
    std::string name = path.filename().string();
    if (name.empty()) name = path.parent_path().filename().string();  // "folder/"
    if (status.type() == fs::file_type::not_found)
      return Error{Errc::missing, given + ": there is no such file"};
    if (fs::is_directory(status)) {
      if (name.empty()) return Error{Errc::usage, given + ": has no name of its own"};
      ETALON_TRY(add_folder(given, name, sources));
    } else if (fs::is_regular_file(status)) {
      sources.push_back({given, name});
    } else {
      return Error{Errc::malformed, given + ": is neither file nor folder"};
    }
  }
  for (const BagSource& source : sources)
    if (!is_utf8(source.name))
      return Error{Errc::malformed,
                   source.path + ": its name is not UTF-8, which names in an archive are"};
  std::sort(sources.begin(), sources.end(),
            [](const BagSource& a, const BagSource& b) { return a.name < b.name; });
  for (std::size_t i = 1; i < sources.size(); ++i)
    if (sources[i].name == sources[i - 1].name)
      return Error{Errc::usage, sources[i - 1].path + " and " + sources[i].path +
                                    " would both be " + sources[i].name + " in the archive"};
  return sources;
}

Result<std::vector<BagFile>> hash_sources(const std::vector<BagSource>& sources,
                                          const BagProgress& progress) {
  std::vector<BagFile> files;
  for (const BagSource& source : sources) {
    Sha256 hash;
    std::uint32_t crc = 0;
    ETALON_ASSIGN(const State state, read_pieces(source.path, [&](ByteSpan piece) {
                    hash.add(piece);
                    crc = zip_crc32(crc, piece);
                    return go_on(progress, piece.size());
                  }));
    files.push_back({source.name, state.bytes, hash.finish(), crc, state.time_s});
  }
  return files;
}

namespace {

// Writes the members, and the hash of all that is written.
class BagWriter {
 public:
  BagWriter(OutputFile& out, std::string name) : zip_(out), name_(std::move(name)) {}

  Result<void> add_text(const BagText& tag) {
    const ByteSpan bytes = std::as_bytes(std::span(tag.text));
    tags_.push_back({tag.name, bytes.size(), sha256(bytes)});
    return zip_.add({name_ + "/" + tag.name, bytes.size(), zip_crc32(0, bytes), 0},
                    [&](const ZipWriter::Sink& sink) { return sink(bytes); });
  }
  // BagIt wants it to name every other tag file.
  Result<void> add_tag_manifest() {
    return add_text({bag::tag_manifest, bag::manifest_of(tags_, "")});
  }
  Result<void> add_file(const BagSource& source, const BagFile& file, const BagProgress& progress) {
    const ZipWriter::Member member{name_ + "/" + bag::payload + file.name, file.bytes, file.crc32,
                                   file.time_s};
    Sha256 hash;
    ETALON_TRY(zip_.add(member, [&](const ZipWriter::Sink& sink) -> Result<void> {
      ETALON_TRY(read_pieces(source.path, [&](ByteSpan piece) -> Result<void> {
        hash.add(piece);
        ETALON_TRY(sink(piece));
        return go_on(progress, piece.size());
      }));
      return {};
    }));
    if (hash.finish() == file.hash) return {};
    return Error{Errc::check, source.path + ": changed while it was archived"};
  }
  Result<void> finish() { return zip_.finish(); }

 private:
  ZipWriter zip_;
  std::string name_;
  std::vector<BagFile> tags_;
};

}  // namespace

Result<void> write_bag(OutputFile& out, const std::string& name,
                       const std::vector<BagSource>& sources, const std::vector<BagFile>& files,
                       const std::vector<BagText>& tags,
                       const std::vector<std::pair<std::string, std::string>>& info,
                       const BagProgress& progress) {
  if (!bag::is_inside(name) || name.find('/') != std::string::npos)
    return Error{Errc::usage, "'" + name + "' is no name for a bag"};
  BagWriter writer(out, name);
  ETALON_TRY(writer.add_text({"bagit.txt", bag::declaration}));
  ETALON_TRY(writer.add_text({"bag-info.txt", bag::info_of(info)}));
  ETALON_TRY(writer.add_text({bag::manifest, bag::manifest_of(files, bag::payload)}));
  for (const BagText& tag : tags) ETALON_TRY(writer.add_text(tag));
  ETALON_TRY(writer.add_tag_manifest());
  for (std::size_t i = 0; i < sources.size(); ++i)
    ETALON_TRY(writer.add_file(sources[i], files[i], progress));
  return writer.finish();
}

}  // namespace etalon
