// The written cases hold on every backend, and are what the reference makes today.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "case_file.hpp"
#include "etalon/backend.hpp"
#include "kernels/dispatch.hpp"

namespace etalon::conformance {
namespace {

std::string folder() {
  const char* source = std::getenv("ETALON_SOURCE_DIR");
  return std::string(source != nullptr ? source : ".") + "/formats/finders";
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const auto& file : std::filesystem::directory_iterator(folder()))
    if (file.path().extension() == ".json") out.push_back(file.path().stem());
  std::sort(out.begin(), out.end());
  return out;
}

void expect_same(const std::vector<Peak>& found, const std::vector<Peak>& expected,
                 const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  for (std::size_t i = 0; i < found.size(); ++i)
    EXPECT_EQ(std::memcmp(&found[i], &expected[i], sizeof(Peak)), 0) << what << ", peak " << i;
}

TEST(Conformance, EveryBackendFindsWhatIsWritten) {
  std::size_t peaks = 0;
  for (const std::string& name : names()) {
    const auto c = read_case(folder(), name);
    ASSERT_TRUE(c.ok()) << c.error().message;
    peaks += c->peaks.size();
    for (const std::string& backend_name : backends()) {
      ASSERT_TRUE(set_backend(backend_name).ok());
      auto finder = Finder::create(c->geometry, c->mask, c->settings);
      ASSERT_TRUE(finder.ok()) << finder.error().message;
      const auto found = finder->find(c->image.view());
      ASSERT_TRUE(found.ok()) << found.error().message;
      EXPECT_EQ(backend_that_ran(), backend_name) << "this backend is listed and did not run";
      expect_same(*found, c->peaks, name + " on " + backend_name);
    }
  }
  ASSERT_TRUE(set_backend("auto").ok());
  EXPECT_GT(peaks, 100U);
}

TEST(Conformance, WhatIsWrittenIsWhatIsMade) {
  const auto cases = make_cases();
  ASSERT_TRUE(cases.ok()) << cases.error().message;
  EXPECT_EQ(cases->size(), names().size());
  for (const Case& c : *cases) {
    const auto written = read_case(folder(), c.name);
    ASSERT_TRUE(written.ok()) << written.error().message;
    expect_same(written->peaks, c.peaks, c.name);
    EXPECT_EQ(written->why, c.why);
    EXPECT_EQ(written->mask, c.mask) << c.name;
    const auto bytes = written->image.view().bytes(), made = c.image.view().bytes();
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), made.begin(), made.end())) << c.name;
  }
}

}  // namespace
}  // namespace etalon::conformance
