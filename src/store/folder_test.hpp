// What the room's tests share: a folder of their own that goes away, arrays, comparison.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "etalon/array.hpp"

namespace etalon {

class TestFolder : public testing::Test {
 protected:
  TestFolder() {
    static int n = 0;
    folder_ = std::filesystem::temp_directory_path() /
              ("etalon_store_" + std::to_string(::getpid()) + "_" + std::to_string(n++));
    std::filesystem::create_directories(folder_);
  }
  ~TestFolder() override { std::filesystem::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ / name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_),
                                                  std::filesystem::directory_iterator()));
  }

  std::filesystem::path folder_;
};

// Where data that is not part of the project may lie; empty when it does not.
inline std::string shared_data(const std::string& name) {
  const char* root = std::getenv("ETALON_DATA");
  const char* source = std::getenv("ETALON_SOURCE_DIR");
  const std::string path =
      (root != nullptr ? std::string(root)
                       : std::string(source != nullptr ? source : ".") + "/../shared/data") +
      "/" + name;
  return std::filesystem::exists(path) ? path : "";
}

// 1, 2, 3, ... Kept out of line: inlined with a constant shape, gcc 12 warns of an overflow that is
// not there.
template <typename T>
[[gnu::noinline]] Array counting(const Shape& shape) {
  Array array(DTypeOf<T>::value, shape);
  T n{};
  for (T& value : array.as<T>()) value = ++n;
  return array;
}

inline void expect_same(const Array& a, const Array& b) {
  ASSERT_EQ(a.dtype(), b.dtype());
  ASSERT_EQ(to_string(a.shape()), to_string(b.shape()));
  const auto x = a.view().bytes(), y = b.view().bytes();
  EXPECT_TRUE(std::equal(x.begin(), x.end(), y.begin()));
}

// That a Result failed with this code and that its message has every one of these parts.
template <typename R>
void expect_error(const R& result, Errc code, std::initializer_list<std::string_view> parts = {}) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(exit_code(result.error().code), exit_code(code)) << result.error().message;
  for (std::string_view part : parts)
    EXPECT_NE(result.error().message.find(part), std::string::npos)
        << "'" << part << "' is not in: " << result.error().message;
}

}  // namespace etalon
