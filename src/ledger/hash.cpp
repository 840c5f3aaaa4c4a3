#include "ledger/hash.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#if defined(__x86_64__) && __has_include(<xxh_x86dispatch.h>)
#include <xxh_x86dispatch.h>  // the widest vectors that the machine has
#endif

#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "base/posix.hpp"
#include "base/text.hpp"

namespace etalon {
namespace {

// Looked up once: by name it costs more than hashing a short record.
const EVP_MD* algorithm() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return md != nullptr ? md : EVP_sha256();
}

// SHA-256(0x00 || d) of leaves, folded pairwise as they come: level k of `full` holds the root of a
// complete subtree of 2^k leaves.
class Tree {
 public:
  void add(ByteSpan leaf) {
    hasher_.add(leaf_prefix);
    hasher_.add(leaf);
    Hash node = hasher_.finish();
    for (std::uint64_t n = count_++; n & 1; n >>= 1) {
      node = join(full_.back(), node);
      full_.pop_back();
    }
    full_.push_back(node);
  }
  Hash root() {
    if (full_.empty()) return hasher_.finish();
    Hash node = full_.back();
    for (std::size_t i = full_.size() - 1; i-- > 0;) node = join(full_[i], node);
    return node;
  }

 private:
  static constexpr std::array<std::byte, 1> leaf_prefix{std::byte{0}}, node_prefix{std::byte{1}};

  Hash join(const Hash& left, const Hash& right) {
    hasher_.add(node_prefix);
    hasher_.add(left.span());
    hasher_.add(right.span());
    return hasher_.finish();
  }

  Sha256 hasher_;
  std::vector<Hash> full_;
  std::uint64_t count_ = 0;
};

}  // namespace

std::string Hash::hex() const { return etalon::hex(span()); }

Result<Hash> Hash::from_hex(std::string_view hex) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  Hash hash;
  bool good = hex.size() == 64;
  for (std::size_t i = 0; good && i < 32; ++i) {
    const int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
    good = high >= 0 && low >= 0;
    hash.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (!good)
    return Error{Errc::usage,
                 std::string("'").append(hex).append("': expected 64 hexadecimal digits")};
  return hash;
}

struct Sha256::Impl {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  Impl() {
    if (context == nullptr || EVP_DigestInit_ex(context, algorithm(), nullptr) != 1)
      throw std::bad_alloc();
  }
  ~Impl() { EVP_MD_CTX_free(context); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

Sha256::Sha256() : impl_(std::make_unique<Impl>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::add(ByteSpan bytes) { EVP_DigestUpdate(impl_->context, bytes.data(), bytes.size()); }

Hash Sha256::finish() {
  Hash hash;
  EVP_DigestFinal_ex(impl_->context, hash.bytes.data(), nullptr);
  EVP_DigestInit_ex(impl_->context, nullptr, nullptr);
  return hash;
}

Hash sha256(ByteSpan bytes) {
  thread_local Sha256 hasher;
  hasher.add(bytes);
  return hasher.finish();
}

Result<Hash> sha256_file(const std::string& path, const HashProgress& progress) {
  const auto fail = [&](Errc code, std::string reason) {
    return Error{code, path + ": " + std::move(reason)};
  };
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid())
    return fail(errno == ENOENT || errno == ENOTDIR ? Errc::missing : Errc::io,
                std::string("cannot open: ") + std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0)
    return fail(Errc::io, std::string("cannot stat: ") + std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail(Errc::usage, "not a regular file");

  Sha256 hasher;
  std::vector<std::byte> buffer(std::size_t{1} << 20);
  while (true) {
    const ssize_t n = ::read(file.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Errc::io, std::string("cannot read: ") + std::strerror(errno));
    if (n == 0) return hasher.finish();
    hasher.add(ByteSpan(buffer).first(static_cast<std::size_t>(n)));
    if (progress && !progress(static_cast<std::uint64_t>(n)))
      return fail(Errc::interrupted, "interrupted");
  }
}

FrameSum frame_sum(ByteSpan bytes) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  FrameSum sum;
  static_assert(sizeof canonical.digest == sizeof sum.bytes);
  std::memcpy(sum.bytes.data(), canonical.digest, sizeof sum.bytes);
  return sum;
}

Hash merkle_root(const std::vector<FrameSum>& leaves) {
  Tree tree;
  for (const FrameSum& leaf : leaves) tree.add(std::as_bytes(std::span(leaf.bytes)));
  return tree.root();
}

Hash merkle_root(const std::vector<ByteSpan>& leaves) {
  Tree tree;
  for (const ByteSpan leaf : leaves) tree.add(leaf);
  return tree.root();
}

}  // namespace etalon
