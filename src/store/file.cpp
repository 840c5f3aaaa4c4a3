#include "store/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "base/durable.hpp"

namespace etalon {
namespace fs = std::filesystem;
namespace {

// A device, a pipe or a socket.
bool is_special(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

constexpr const char* part_ending = ".part.etalon";
constexpr int part_flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

enum class Lock { ours, busy, unknown };  // unknown: the file system has no locks

// A lock that belongs to this very descriptor and ends with it. Not flock(2): HDF5 uses that.
Lock lock(const Fd& fd, short kind) {
  struct flock whole {};
  whole.l_type = kind;
  whole.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_OFD_SETLK, &whole) == 0) return Lock::ours;
  return errno == EAGAIN || errno == EACCES ? Lock::busy : Lock::unknown;
}

bool is_named(const Fd& fd, const std::string& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(fd.get(), &open) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

// The part of `target`, new or one that nobody writes any more; it is empty, and locked.
Result<void> open_part(const std::string& path, const std::string& target, Fd& fd,
                       std::string& part) {
  const auto fail = [&](const char* what) {
    Error error = system_error(path, what);
    error.code = Errc::io;
    return error;
  };
  for (int attempt = 0; attempt < 100; ++attempt) {
    part = target + part_ending;
    fd = Fd(::open(part.c_str(), part_flags | O_CREAT | O_EXCL, 0666));
    const bool made = fd.valid();
    if (!made && errno != EEXIST) return fail("create");
    if (!made) fd = Fd(::open(part.c_str(), part_flags));
    if (!fd.valid() && errno == ENOENT) continue;
    if (!fd.valid()) return Error{Errc::io, part + ": is in the way: " + std::strerror(errno)};
    const Lock locked = lock(fd, F_WRLCK);
    if (locked == Lock::busy)
      return Error{Errc::io, path + ": another program is writing it (" + part + ")"};
    if (locked == Lock::unknown && !made) {  // whether it is in use cannot be known
      fd.reset();
      for (int i = 2; !fd.valid() && i < 1000; ++i) {
        part = target + part_ending + "-" + std::to_string(i);
        fd = Fd(::open(part.c_str(), part_flags | O_CREAT | O_EXCL, 0666));
      }
      return fd.valid() ? Result<void>() : fail("create");
    }
    // Between our open and our lock its program may have given it its name, or removed it.
    if (!is_named(fd, part)) continue;
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return fail("create");
    if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
      return Error{Errc::io, part + ": is in the way"};
    if (::ftruncate(fd.get(), 0) != 0) return fail("create");
    return {};
  }
  return Error{Errc::io, path + ": another program is writing it"};
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::size_t most) {
  const Fd fd(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return system_error(path, "open");
  struct stat status {};
  Bytes bytes;
  if (::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode))
    bytes.reserve(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t size = 0;
  while (true) {
    if (bytes.size() - size < 65536)
      bytes.resize(std::max(bytes.capacity(), size + (std::size_t{1} << 20)));
    const ssize_t n = ::read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "read");
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size > most)
      return Error{Errc::malformed,
                   path + ": more than " + std::to_string(most >> 20) + " MiB: no such file is"};
  }
  bytes.resize(size);
  return bytes;
}

Result<void> refuse_same_file(const std::string& input, const std::string& output) {
  std::error_code unknown;
  if (fs::equivalent(input, output, unknown) && !is_special(output))
    return Error{Errc::usage, output + ": is what is read; the output must have another name"};
  return {};
}

Error exists_already(const std::string& path) {
  return {Errc::usage, path + ": exists already; -f overwrites it"};
}

Result<OutputFile> OutputFile::create(const std::string& path, bool overwrite) {
  OutputFile file;
  file.path_ = path;
  if (path == "-" || is_special(path)) {
    file.fd_ = Fd(path == "-" ? ::dup(STDOUT_FILENO) : ::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file.fd_.valid()) return system_error(path, "open");
    return file;
  }
  std::error_code unknown;  // a name that cannot be looked at cannot be made either, which says why
  if (!overwrite && fs::exists(path, unknown)) return exists_already(path);
  if (fs::is_symlink(path, unknown))
    if (const auto target = fs::canonical(path, unknown); !unknown) file.path_ = target.string();
  std::string part;
  ETALON_TRY(open_part(path, file.path_, file.fd_, part));
  file.temporary_ = std::move(part);  // not before: what another program writes is not removed
  return file;
}

Result<OutputFile> OutputFile::create_regular(const std::string& path, bool overwrite) {
  if (path == "-" || is_special(path))
    return Error{Errc::usage, path + ": this kind of file cannot go to a pipe or a device"};
  return create(path, overwrite);
}

Result<std::optional<OutputFile>> OutputFile::left_behind(const std::string& path) {
  OutputFile file;
  file.path_ = path;
  file.temporary_ = path + part_ending;
  file.kept_ = true;
  file.fd_ = Fd(::open(file.temporary_.c_str(), part_flags));
  if (!file.fd_.valid() && errno == ENOENT) return std::optional<OutputFile>();
  if (!file.fd_.valid()) return system_error(file.temporary_, "open");
  if (lock(file.fd_, F_WRLCK) != Lock::ours || !is_named(file.fd_, file.temporary_))
    return std::optional<OutputFile>();
  return std::optional(std::move(file));
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      fd_(std::move(other.fd_)),
      kept_(other.kept_) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  if (this != &other) {
    discard();
    path_ = std::move(other.path_);
    temporary_ = std::exchange(other.temporary_, {});
    fd_ = std::move(other.fd_);
    kept_ = other.kept_;
  }
  return *this;
}

OutputFile::~OutputFile() { discard(); }

// Unlinked while it is locked: it is still ours.
void OutputFile::discard() {
  if (!temporary_.empty() && !kept_) ::unlink(temporary_.c_str());
  temporary_.clear();
  fd_.reset();
}

Result<void> OutputFile::write(ByteSpan bytes) { return write_all(fd_.get(), path_, bytes); }

Result<void> OutputFile::finish() {
  if (::fsync(fd_.get()) != 0) return system_error(path_, "sync");
  // From here on it may be read, also by what takes locks of its own for that.
  (void)lock(fd_, F_RDLCK);
  return {};
}

Result<void> OutputFile::name_as(const std::string& path, bool replace) {
  const char *from = temporary_.c_str(), *to = path.c_str();
  bool named = ::renameat2(AT_FDCWD, from, AT_FDCWD, to, replace ? 0 : RENAME_NOREPLACE) == 0;
  // Not every file system knows RENAME_NOREPLACE.
  if (!named && errno == EINVAL && !replace && ::link(from, to) == 0) {
    ::unlink(from);
    named = true;
  }
  if (!named && errno == EEXIST) return exists_already(path);
  if (!named) return system_error(path, "rename");
  temporary_.clear();
  fd_.reset();
  return sync_names_beside(path);
}

Result<void> OutputFile::commit() {
  if (temporary_.empty()) {
    if (fd_.close() != 0) return system_error(path_, "write");
    return {};
  }
  ETALON_TRY(finish());
  return name_as(path_, true);
}

}  // namespace etalon
