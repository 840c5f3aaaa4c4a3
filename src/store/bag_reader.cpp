#include <zip.h>

#include <algorithm>
#include <map>

#include "store/bag.hpp"
#include "store/bag_format.hpp"

namespace etalon {
namespace {

constexpr std::uint64_t most_text = std::uint64_t{1} << 30;  // of a manifest or an index

struct CloseArchive {
  void operator()(zip_t* zip) const { zip_discard(zip); }
};
struct CloseMember {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

struct Member {
  std::uint64_t index = 0, bytes = 0;
};

}  // namespace

struct BagReader::Impl {
  std::string path, name;
  std::unique_ptr<zip_t, CloseArchive> zip;
  std::map<std::string, Member> members;  // without the bag's own folder
  std::vector<BagFile> files;
  std::map<std::string, Hash> tags;

  Error malformed(const std::string& reason) const {
    return {Errc::malformed, path + ": " + reason};
  }

  // All bytes of a member in pieces.
  Result<void> read(const std::string& member,
                    const std::function<Result<void>(ByteSpan)>& take) const {
    const auto found = members.find(member);
    if (found == members.end()) return malformed("has no " + member);
    const std::unique_ptr<zip_file_t, CloseMember> file(
        zip_fopen_index(zip.get(), found->second.index, 0));
    if (file == nullptr) return malformed(member + ": " + zip_strerror(zip.get()));
    Bytes piece(std::size_t{1} << 20);
    for (std::uint64_t left = found->second.bytes;;) {
      const zip_int64_t got = zip_fread(file.get(), piece.data(), piece.size());
      if (got < 0)  // its CRC is that of ZIP
        return Error{Errc::check, path + ": " + member + ": " + zip_file_strerror(file.get())};
      if (got == 0) {
        if (left > 0) return malformed(member + ": ends too early");
        return {};
      }
      if (static_cast<std::uint64_t>(got) > left) return malformed(member + ": is too long");
      left -= static_cast<std::uint64_t>(got);
      ETALON_TRY(take(ByteSpan(piece).first(static_cast<std::size_t>(got))));
    }
  }

  Result<std::string> text(const std::string& member) const {
    std::string all;
    if (const auto found = members.find(member);
        found != members.end() && found->second.bytes > most_text)
      return malformed(member + ": is too large");
    ETALON_TRY(read(member, [&](ByteSpan piece) -> Result<void> {
      all.append(reinterpret_cast<const char*>(piece.data()), piece.size());
      return {};
    }));
    return all;
  }

  Result<void> list_members() {
    const zip_int64_t count = zip_get_num_entries(zip.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t about;
      zip_stat_init(&about);
      const auto index = static_cast<zip_uint64_t>(i);
      if (zip_stat_index(zip.get(), index, ZIP_FL_ENC_RAW, &about) != 0 ||
          (about.valid & ZIP_STAT_NAME) == 0 || (about.valid & ZIP_STAT_SIZE) == 0)
        return malformed("member " + std::to_string(i) + " cannot be described");
      const std::string whole = about.name;
      if (whole.ends_with('/')) continue;  // a folder
      const std::size_t slash = whole.find('/');
      if (!bag::is_inside(whole) || slash == std::string::npos)
        return malformed("member '" + whole + "' is not inside a bag");
      if (members.empty()) name = whole.substr(0, slash);
      if (whole.substr(0, slash) != name)
        return malformed("member '" + whole + "' is not inside the bag '" + name + "'");
      if (!members.emplace(whole.substr(slash + 1), Member{index, about.size}).second)
        return malformed("member '" + whole + "' is there twice");
    }
    return {};
  }

  Result<void> read_manifests() {
    ETALON_ASSIGN(const std::string declared, text("bagit.txt"));
    if (!declared.starts_with("BagIt-Version: 1.") && !declared.starts_with("BagIt-Version: 0.97"))
      return malformed("bagit.txt: no BagIt version that is known");
    ETALON_ASSIGN(const std::string tag_lines, text(bag::tag_manifest));
    auto listed = parse_manifest(tag_lines, "");
    if (!listed.ok()) return std::move(listed).error().in(path + ": " + bag::tag_manifest);
    for (const BagFile& file : *listed) tags[file.name] = file.hash;
    ETALON_ASSIGN(const std::string lines, checked_text(bag::manifest));
    auto parsed = parse_manifest(lines, bag::payload);
    if (!parsed.ok()) return std::move(parsed).error().in(path + ": " + bag::manifest);
    files = std::move(*parsed);
    std::size_t payload = 0;
    for (const auto& [member, about] : members) payload += member.starts_with(bag::payload);
    for (BagFile& file : files) {
      const auto found = members.find(bag::payload + file.name);
      if (found == members.end()) return malformed("has no " + (bag::payload + file.name));
      file.bytes = found->second.bytes;
    }
    if (payload != files.size())
      return malformed("has " + std::to_string(payload) + " files, and its manifest names " +
                       std::to_string(files.size()));
    return {};
  }

  Result<std::string> checked_text(const std::string& member) const {
    ETALON_ASSIGN(std::string found, text(member));
    const auto wanted = tags.find(member);
    if (wanted == tags.end())
      return malformed(std::string(bag::tag_manifest) + " has no " + member);
    if (sha256(std::as_bytes(std::span(found))) != wanted->second)
      return Error{Errc::check, path + ": " + member + ": is not what its SHA-256 says"};
    return found;
  }
};

BagReader::BagReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BagReader::~BagReader() = default;
BagReader::BagReader(BagReader&&) noexcept = default;
BagReader& BagReader::operator=(BagReader&&) noexcept = default;

Result<BagReader> BagReader::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  int code = 0;
  impl->zip.reset(zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code));
  if (impl->zip == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    const bool is_there = code != ZIP_ER_NOENT;
    const bool is_read = code != ZIP_ER_OPEN && code != ZIP_ER_READ;
    return Error{!is_there ? Errc::missing
                 : is_read ? Errc::malformed
                           : Errc::io,
                 path + ": no archive: " + why};
  }
  ETALON_TRY(impl->list_members());
  ETALON_TRY(impl->read_manifests());
  return BagReader(std::move(impl));
}

const std::vector<BagFile>& BagReader::files() const { return impl_->files; }
const std::string& BagReader::name() const { return impl_->name; }

Result<std::optional<std::string>> BagReader::tag(const std::string& name) const {
  if (!impl_->members.contains(name)) return std::optional<std::string>();
  ETALON_ASSIGN(std::string text, impl_->checked_text(name));
  return std::optional(std::move(text));
}

Result<void> BagReader::read(const BagFile& file,
                             const std::function<Result<void>(ByteSpan)>& take) const {
  Sha256 hash;
  ETALON_TRY(impl_->read(bag::payload + file.name, [&](ByteSpan piece) -> Result<void> {
    hash.add(piece);
    return take(piece);
  }));
  if (hash.finish() == file.hash) return {};
  return Error{Errc::check, impl_->path + ": " + file.name + ": is not what its SHA-256 says"};
}

}  // namespace etalon
