#include <sys/stat.h>

#include <algorithm>
#include <array>
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

// Where HDF5 looks for a file that another one names: beside that, then from the current folder.
std::array<fs::path, 2> places_of(const std::string& own, const std::string& file) {
  return {fs::path(own).parent_path() / file, fs::path(file)};
}

bool is_no_file(const fs::path& at) {
  struct stat status {};
  return ::stat(at.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
}

herr_t refuse_what_is_no_file(const char* own, const char*, const char* file, const char*,
                              unsigned*, hid_t, void*) {
  for (const fs::path& at : places_of(own, file)) {
    if (!is_no_file(at)) continue;
    H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_LINK, H5E_CANTOPENFILE,
             "an external link to %s, which is no file", at.c_str());
    return -1;
  }
  return 0;
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
    const std::string file = name_from([&](char* to, std::size_t size) {
      return H5Pget_virtual_filename(plist, piece, to, size);
    });
    const std::string source = name_from([&](char* to, std::size_t size) {
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

  Result<Id> open(hid_t dataset, const std::string& file) const {
    Id own(H5Iget_file_id(dataset));
    if (file == ".") return own;
    const std::string path =
        name_from([&](char* to, std::size_t size) { return H5Fget_name(own, to, size); });
    for (const fs::path& at : places_of(path, file)) {
      if (is_no_file(at)) return wrong("is virtual and shows " + file + ", which is no file");
      Id opened(H5Fopen(at.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
      if (opened.ok()) return opened;
    }
    return Id();
  }

  const std::string& place_;
  std::map<std::pair<unsigned long, haddr_t>, std::uint64_t> known_;  // 0: is being counted
};

}  // namespace

void follow_links_to_files_only() {
  H5Pset_elink_cb(H5P_LINK_ACCESS_DEFAULT, refuse_what_is_no_file, nullptr);
}

Result<void> check_virtual(hid_t dataset, const std::string& place) {
  const Lock lock;
  const auto count = Sources(place).count(dataset, 1);
  H5Eclear2(H5E_DEFAULT);
  if (!count.ok()) return count.error();
  return {};
}

}  // namespace etalon::h5
