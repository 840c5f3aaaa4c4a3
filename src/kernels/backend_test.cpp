#include "etalon/backend.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

class Backend : public ::testing::Test {
 protected:
  void TearDown() override {
    unsetenv("ETALON_BACKEND");
    ASSERT_TRUE(set_backend("auto").ok());
  }
};

TEST_F(Backend, TheReferenceIsAlwaysThereAndFirst) {
  ASSERT_FALSE(backends().empty());
  EXPECT_EQ(backends().front(), "scalar");
}

TEST_F(Backend, AutoIsTheWidestAndNeverNamed) {
  ASSERT_TRUE(set_backend("auto").ok());
  EXPECT_EQ(backend(), backends().back());
  EXPECT_EQ(use_reference(), backends().size() == 1);
}

TEST_F(Backend, EveryListedOneCanBeSet) {
  for (const std::string& name : backends()) {
    ASSERT_TRUE(set_backend(name).ok());
    EXPECT_EQ(backend(), name);
    EXPECT_EQ(use_reference(), name == "scalar");
  }
}

TEST_F(Backend, ListDoesNotShrinkWhenOneIsSet) {
  const auto before = backends();
  ASSERT_TRUE(set_backend(before.back()).ok());
  EXPECT_EQ(backends(), before);
}

TEST_F(Backend, UnknownNameIsUsageAndListsWhatExists) {
  const std::string before = backend();
  const auto set = set_backend("mmx");
  ASSERT_FALSE(set.ok());
  EXPECT_EQ(set.error().code, Errc::usage);
  EXPECT_NE(set.error().message.find("scalar"), std::string::npos);
  EXPECT_EQ(backend(), before);
}

TEST_F(Backend, OneThatThisMachineLacksIsMissing) {
  const auto here = backends();
  for (const char* name : {"sse4", "avx2", "avx512"}) {
    if (std::find(here.begin(), here.end(), name) != here.end()) continue;
    const auto set = set_backend(name);
    ASSERT_FALSE(set.ok());
    EXPECT_TRUE(set.error().code == Errc::missing || set.error().code == Errc::usage);
  }
}

TEST_F(Backend, EnvironmentIsObeyed) {
  setenv("ETALON_BACKEND", "scalar", 1);
  ASSERT_TRUE(set_backend_from_environment().ok());
  EXPECT_EQ(backend(), "scalar");
  setenv("ETALON_BACKEND", "nonsense", 1);
  EXPECT_FALSE(set_backend_from_environment().ok());
  setenv("ETALON_BACKEND", "", 1);
  EXPECT_TRUE(set_backend_from_environment().ok());
}

TEST_F(Backend, WhatRanIsRemembered) {
  record_run(0);
  EXPECT_EQ(backend_that_ran(), "scalar");
  record_run(-1);
  EXPECT_EQ(backend_that_ran(), "");
  record_run(1);
  EXPECT_EQ(backend_that_ran(), "unlisted");
}

}  // namespace
}  // namespace etalon
