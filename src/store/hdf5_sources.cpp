#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "store/hdf5_virtual.hpp"

namespace etalon::h5 {
namespace {

namespace fs = std::filesystem;

constexpr int deepest = 4;
constexpr std::uint64_t most_sources = 1'000'000;

// Of names with "%b" (printf-style mappings), that of one block.
std::string name_of_block(std::string name, std::uint64_t block) {
  for (std::size_t at = 0; (at = name.find('%', at)) != std::string::npos;) {
    const std::string with = name.substr(at, 2) == "%b" ? std::to_string(block) : "%";
    name.replace(at, 2, with);
    at += with.size();
  }
  return name;
}

class Sources {
 public:
  explicit Sources(const std::string& place) : place_(place) {}

  // How many datasets are read when this one is.
  Result<std::uint64_t> count(hid_t dataset, int depth) {
    const Id plist(H5Dget_create_plist(dataset));
    if (!plist.ok() || H5Pget_layout(plist) != H5D_VIRTUAL) return std::uint64_t{1};
    if (depth > deepest) return wrong("virtual more than " + std::to_string(deepest) + " deep");
    H5O_info_t about{};
    std::size_t pieces = 0;
    if (H5Oget_info2(dataset, &about, H5O_INFO_BASIC) < 0 ||
        H5Pget_virtual_count(plist, &pieces) < 0)
      return failure(Errc::malformed, place_ + ": virtual dataset");
    const auto [known, is_new] = known_.emplace(std::pair(about.fileno, about.addr), 0);
    if (!is_new && known->second == 0) return wrong("is virtual and shows itself");
    if (!is_new) return known->second;
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < pieces; ++i) {
      ETALON_ASSIGN(const std::uint64_t more, count_piece(dataset, plist, i, depth));
      all += more;
      if (all > most_sources)
        return wrong("is virtual and shows more than " + std::to_string(most_sources) +
                     " datasets");
    }
    return known->second = std::max<std::uint64_t>(all, 1);
  }

 private:
  Error wrong(const std::string& reason) const { return {Errc::malformed, place_ + ": " + reason}; }

  Result<std::uint64_t> count_piece(hid_t dataset, hid_t plist, std::size_t piece, int depth) {
    const std::string file = name([&](char* to, std::size_t size) {
      return H5Pget_virtual_filename(plist, piece, to, size);
    });
    const std::string source = name([&](char* to, std::size_t size) {
      return H5Pget_virtual_dsetname(plist, piece, to, size);
    });
    const bool has_blocks =
        file.find("%b") != std::string::npos || source.find("%b") != std::string::npos;
    std::uint64_t all = 0;
    for (std::uint64_t block = 0; all <= most_sources; ++block) {
      ETALON_ASSIGN(const Id in, open(dataset, name_of_block(file, block)));
      const Id shown(in.ok() ? H5Dopen2(in, name_of_block(source, block).c_str(), H5P_DEFAULT)
                             : hid_t{-1});
      if (!shown.ok()) return all;
      ETALON_ASSIGN(const std::uint64_t more, count(shown, depth + 1));
      all += more;
      if (!has_blocks) break;
    }
    return all;
  }

  // Where HDF5 looks for it: beside the file of the dataset, then from the current folder.
  Result<Id> open(hid_t dataset, const std::string& file) const {
    Id own(H5Iget_file_id(dataset));
    if (file == ".") return own;
    const std::string path =
        name([&](char* to, std::size_t size) { return H5Fget_name(own, to, size); });
    for (const fs::path& at : {fs::path(path).parent_path() / file, fs::path(file)}) {
      struct stat status {};
      if (::stat(at.c_str(), &status) != 0) continue;
      if (!S_ISREG(status.st_mode))
        return wrong("is virtual and shows " + file + ", which is no file");
      Id opened(H5Fopen(at.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
      if (opened.ok()) return opened;
    }
    return Id();
  }

  template <typename F>
  static std::string name(F&& ask) {
    const ssize_t size = ask(nullptr, 0);
    if (size <= 0 || size > 65536) return "";
    std::string text(static_cast<std::size_t>(size) + 1, '\0');
    ask(text.data(), text.size());
    text.resize(static_cast<std::size_t>(size));
    return text;
  }

  const std::string& place_;
  std::map<std::pair<unsigned long, haddr_t>, std::uint64_t> known_;  // 0: is being counted
};

}  // namespace

Result<void> check_virtual(hid_t dataset, const std::string& place) {
  const Lock lock;
  const auto count = Sources(place).count(dataset, 1);
  H5Eclear2(H5E_DEFAULT);
  if (!count.ok()) return count.error();
  return {};
}

}  // namespace etalon::h5
