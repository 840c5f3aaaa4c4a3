// HDF5 files that tests make.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "store/folder_test.hpp"
#include "store/hdf5_write.hpp"
#include "store/remarks.hpp"

namespace etalon {

class MadeHdf5 : public TestFolder {
 protected:
  // A file that `fill` makes.
  template <typename F>
  std::string made(const std::string& name, F&& fill) {
    auto file = h5::create_file(path(name));
    EXPECT_TRUE(file.ok());
    fill(static_cast<hid_t>(*file));
    EXPECT_TRUE(h5::close_file(std::move(*file), name).ok());
    return path(name);
  }
};

template <typename R>
void must(const R& result) {
  ASSERT_TRUE(result.ok()) << result.error().message;
}

// What readers say while this lives.
class Heard {
 public:
  Heard() {
    tell_remarks_to([this](const std::string& text) { all_ += text + "\n"; });
  }
  ~Heard() { tell_remarks_to({}); }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;
  const std::string& all() const { return all_; }
  bool has(const std::string& part) const { return all_.find(part) != std::string::npos; }

 private:
  std::string all_;
};

// A dataset of u16 in one chunk, which has passed a filter that nobody has.
inline void write_unreadable(hid_t file, const char* name, std::vector<hsize_t> extents) {
  const h5::Lock lock;
  const int rank = static_cast<int>(extents.size());
  const h5::Id plist(H5Pcreate(H5P_DATASET_CREATE)), links(H5Pcreate(H5P_LINK_CREATE));
  H5Pset_create_intermediate_group(links, 1);
  const hsize_t zero[] = {0, 0, 0};
  const h5::Id space(H5Screate_simple(rank, extents.data(), nullptr));
  H5Pset_chunk(plist, rank, extents.data());
  H5Pset_filter(plist, 32009, H5Z_FLAG_OPTIONAL, 0, nullptr);
  const h5::Id dataset(H5Dcreate2(file, name, H5T_NATIVE_UINT16, space, links, plist, H5P_DEFAULT));
  ASSERT_TRUE(dataset.ok());
  const std::vector<std::byte> chunk(128);
  ASSERT_GE(H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, zero, chunk.size(), chunk.data()), 0);
}

}  // namespace etalon
