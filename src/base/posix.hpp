// What the rooms that touch files and processes share: descriptors with an owner, errno as an
// Error.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "etalon/result.hpp"

namespace etalon {

// A file descriptor with an owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release();
  void reset(int fd = -1);
  // For descriptors whose last bytes matter: what close(2) says; -1 with errno when it failed.
  int close();

 private:
  int fd_ = -1;
};

// "PATH: cannot WHAT: why", from errno; Errc::missing for what is not there, else Errc::io.
Error system_error(const std::string& path, std::string_view what);

// All of it, whatever interrupts; `path` is for the message.
Result<void> write_all(int fd, const std::string& path, ByteSpan bytes);

// From the current folder; as it is when there is none.
std::string absolute_path(const std::string& path);

// The file of the running program.
Result<std::string> running_program();

}  // namespace etalon
