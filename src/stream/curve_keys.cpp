#include "stream/curve_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/posix.hpp"

namespace etalon {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t key_letters = 40;
constexpr std::size_t most_bytes = 256;  // of a key's file
using Letters = std::array<char, key_letters + 1>;

std::string prefix(std::string_view kind) { return "etalon." + std::string(kind) + " "; }

Result<std::string> read_key(const std::string& path, std::string_view kind) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return system_error(path, "read the key");
  if (kind == "secret" && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{Errc::usage, path + ": others may read this secret; chmod 600 it"};
  std::ifstream file(path, std::ios::binary);
  std::string text(most_bytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  auto key = parse_key(text, kind);
  if (!key.ok()) return std::move(key).error().in(path);
  return key;
}

Result<void> write_key(const fs::path& path, std::string_view kind, const Letters& letters,
                       mode_t mode) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd.valid() && errno == EEXIST)
    return Error{Errc::usage, path.string() + ": exists already; keys are not written over"};
  if (!fd.valid()) return system_error(path.string(), "create");
  return write_all(fd.get(), path.string(), bytes_of(prefix(kind) + letters.data() + "\n"));
}

}  // namespace

Result<std::string> parse_key(std::string_view text, std::string_view kind) {
  const std::string begin = prefix(kind);
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (!text.starts_with(begin) || text.size() != begin.size() + key_letters)
    return Error{Errc::malformed, "not a " + std::string(kind) + " key"};
  std::string key(text.substr(begin.size()));
  std::array<std::uint8_t, 32> bytes;
  Letters again;
  if (key.find('\0') != std::string::npos || zmq_z85_decode(bytes.data(), key.c_str()) == nullptr ||
      zmq_z85_encode(again.data(), bytes.data(), bytes.size()) == nullptr || key != again.data())
    return Error{Errc::malformed, "not a key: letters that are not Z85"};
  return key;
}

Result<CurveKeys> load_keys(const std::string& folder, const std::string& own,
                            const std::string& peer) {
  if (zmq_has("curve") == 0)
    return Error{Errc::missing, folder + ": this ZeroMQ was built without CURVE"};
  CurveKeys keys;
  ETALON_ASSIGN(keys.own_secret, read_key((fs::path(folder) / (own + ".key")).string(), "secret"));
  ETALON_ASSIGN(keys.peer_public,
                read_key((fs::path(folder) / (peer + ".pub")).string(), "public"));
  Letters own_public;
  if (zmq_curve_public(own_public.data(), keys.own_secret.c_str()) != 0)
    return Error{Errc::malformed, folder + ": " + own + ".key: has no public key"};
  keys.own_public = own_public.data();
  return keys;
}

Result<void> make_keys(const std::string& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{Errc::io, folder + ": cannot be made: " + error.message()};
  for (const char* end : {"edge", "collector"}) {
    Letters own_public, own_secret;
    if (zmq_curve_keypair(own_public.data(), own_secret.data()) != 0)
      return Error{Errc::missing, "this ZeroMQ was built without CURVE"};
    const std::string name = (fs::path(folder) / end).string();
    ETALON_TRY(write_key(name + ".key", "secret", own_secret, 0600));
    ETALON_TRY(write_key(name + ".pub", "public", own_public, 0644));
  }
  return {};
}

bool is_local_address(std::string_view address) {
  for (const std::string_view local :
       {"ipc://", "inproc://", "tcp://127.", "tcp://localhost:", "tcp://[::1]:", "tcp://lo:"})
    if (address.starts_with(local)) return true;
  return false;
}

}  // namespace etalon
