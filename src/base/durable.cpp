#include "base/durable.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/posix.hpp"

namespace etalon {

Result<void> sync_data(int fd, const std::string& path) {
  if (::fdatasync(fd) != 0) return system_error(path, "sync");
  return {};
}

Result<void> sync_names_beside(const std::string& path) {
  std::filesystem::path place(path);
  if (!place.has_filename()) place = place.parent_path();  // "FOLDER/"
  std::string folder = place.parent_path().string();
  if (folder.empty()) folder = ".";
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return system_error(folder, "open");
  if (::fsync(fd.get()) != 0 && errno != EINVAL && errno != EROFS)
    return system_error(folder, "sync");
  return {};
}

}  // namespace etalon
