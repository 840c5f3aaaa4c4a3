#include "base/posix.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace etalon {
namespace {

TEST(Posix, ADescriptorHasOneOwner) {
  Fd first(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const int number = first.get();
  ASSERT_GE(number, 0);
  Fd second = std::move(first);
  EXPECT_FALSE(first.valid());
  EXPECT_EQ(second.get(), number);
  second.reset();
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(Posix, ErrorsNamePlaceAndReason) {
  errno = ENOENT;
  EXPECT_EQ(system_error("/a", "open").code, Errc::missing);
  errno = ENOSPC;
  const Error full = system_error("/a", "write");
  EXPECT_EQ(full.code, Errc::io);
  EXPECT_EQ(full.message, "/a: cannot write: No space left on device");
}

TEST(Posix, AFullDeviceIsAnError) {
  const Fd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  if (!full.valid()) GTEST_SKIP() << "no /dev/full";
  const auto written = write_all(full.get(), "x", bytes_of("abc"));
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().message, "x: cannot write: No space left on device");
}

TEST(Posix, ThisProgramHasAFile) {
  const auto self = running_program();
  ASSERT_TRUE(self.ok()) << self.error().message;
  EXPECT_TRUE(std::filesystem::exists(*self));
  EXPECT_EQ(absolute_path("/a/b"), "/a/b");
  EXPECT_EQ(absolute_path("b"), std::filesystem::current_path() / "b");
}

}  // namespace
}  // namespace etalon
