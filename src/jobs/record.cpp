#include "jobs/record.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/crc32c.hpp"
#include "base/posix.hpp"

namespace etalon::jobs {
namespace {

constexpr std::string_view magic = "EJR1";
constexpr cbor::Limits limits{16, std::size_t{1} << 18};

}  // namespace

Result<void> sync_directory(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return system_error(path, "open");
  // Some file systems cannot sync a directory and say EINVAL.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return system_error(path, "sync");
  return {};
}

Bytes pack_record(const cbor::Value& value) {
  const Bytes payload = cbor::encode(value);
  ByteWriter out;
  out.append(bytes_of(magic));
  out.put(static_cast<std::uint32_t>(payload.size()));
  out.put(crc32c(payload));
  out.append(payload);
  return out.take();
}

Result<cbor::Value> unpack_record(ByteSpan file) {
  ByteReader in(file);
  ETALON_ASSIGN(const ByteSpan start, in.take(magic.size()));
  if (text_of(start) != magic) return Error{Errc::malformed, "offset 0: not a job record"};
  ETALON_ASSIGN(const auto size, in.get<std::uint32_t>());
  ETALON_ASSIGN(const auto checksum, in.get<std::uint32_t>());
  if (size != in.left())
    return Error{Errc::malformed, "offset 4: length " + std::to_string(size) + " but " +
                                      std::to_string(in.left()) + " bytes follow"};
  ETALON_ASSIGN(const ByteSpan payload, in.take(size));
  if (crc32c(payload) != checksum)
    return Error{Errc::malformed, "offset 8: the checksum does not match"};
  return cbor::decode(payload, limits);
}

Result<cbor::Value> read_record(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd.get() < 0) return system_error(path, "open");
  struct stat about {};
  if (::fstat(fd.get(), &about) != 0) return system_error(path, "inspect");
  if (!S_ISREG(about.st_mode) || static_cast<std::size_t>(about.st_size) > max_record_bytes)
    return Error{Errc::malformed, path + ": not a job record"};
  Bytes bytes(static_cast<std::size_t>(about.st_size));
  std::size_t got = 0;
  while (got < bytes.size()) {
    const ssize_t n = ::read(fd.get(), bytes.data() + got, bytes.size() - got);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path, "read");
    if (n == 0) break;
    got += static_cast<std::size_t>(n);
  }
  bytes.resize(got);
  auto value = unpack_record(bytes);
  if (!value.ok()) return std::move(value).error().in(path);
  return value;
}

Result<bool> write_record(const std::string& path, const cbor::Value& value, Durable durable,
                          Existing existing) {
  static std::atomic<unsigned> counter{0};
  const std::string temporary =
      path + "." + std::to_string(::getpid()) + "." + std::to_string(counter++) + ".tmp";
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (fd.get() < 0) return system_error(temporary, "create");
  const auto fail = [&](Error error) {
    ::unlink(temporary.c_str());
    return error;
  };
  if (auto done = write_all(fd.get(), temporary, pack_record(value)); !done.ok())
    return fail(done.error());
  if (durable == Durable::yes && ::fsync(fd.get()) != 0)
    return fail(system_error(temporary, "sync"));
  fd.reset();
  if (existing == Existing::replace) {
    if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(system_error(path, "rename"));
  } else {
    const bool linked = ::link(temporary.c_str(), path.c_str()) == 0;
    if (!linked && errno != EEXIST) return fail(system_error(path, "link"));
    ::unlink(temporary.c_str());
    if (!linked) return false;
  }
  if (durable == Durable::yes)
    ETALON_TRY(sync_directory(path.substr(0, path.find_last_of('/') + 1)));
  return true;
}

}  // namespace etalon::jobs
