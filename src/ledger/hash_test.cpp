// The hashes against published values, the tree against its definition.
#include "ledger/hash.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ledger/harm_test.hpp"

namespace etalon {
namespace {

using testing::Folder;
using testing::write_file;

TEST(Sha256, PublishedValues) {  // FIPS 180-4 examples
  EXPECT_EQ(sha256({}).hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(bytes_of("abc")).hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).hex(),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PiecesMakeTheWhole) {
  Sha256 hasher;
  for (int round = 0; round < 2; ++round) {  // and finish() starts anew
    hasher.add(bytes_of("a"));
    hasher.add({});
    hasher.add(bytes_of("bc"));
    EXPECT_EQ(hasher.finish(), sha256(bytes_of("abc")));
  }
}

TEST(Sha256, HexIsReadBack) {
  const Hash hash = sha256(bytes_of("x"));
  EXPECT_EQ(*Hash::from_hex(hash.hex()), hash);
  std::string upper = hash.hex();
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(*Hash::from_hex(upper), hash);
  EXPECT_EQ(Hash::from_hex("ab").error().code, Errc::usage);
  EXPECT_EQ(Hash::from_hex(std::string(64, 'g')).error().code, Errc::usage);
}

TEST(Sha256, Files) {
  const Folder folder;
  const std::string content(3 << 20, 'q');
  std::uint64_t seen = 0;
  const auto hash = sha256_file(write_file(folder / "f", content), [&](std::uint64_t n) {
    seen += n;
    return true;
  });
  ASSERT_TRUE(hash.ok());
  EXPECT_EQ(*hash, sha256(bytes_of(content)));
  EXPECT_EQ(seen, content.size());
  EXPECT_EQ(*sha256_file(write_file(folder / "empty", "")), sha256({}));
  EXPECT_EQ(sha256_file(folder / "absent").error().code, Errc::missing);
  EXPECT_EQ(sha256_file(folder / "f/below").error().code, Errc::missing);
  EXPECT_EQ(sha256_file(folder / ".").error().code, Errc::usage);
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(sha256_file(folder / "pipe").error().code, Errc::usage);  // and does not wait
  EXPECT_EQ(sha256_file(folder / "f", [](std::uint64_t) { return false; }).error().code,
            Errc::interrupted);
}

TEST(FrameSum, IsXxh3InCanonicalOrder) {
  // XXH3 128 bits of nothing, as `xxhsum -H2` prints it.
  std::string hex;
  for (const std::uint8_t b : frame_sum({}).bytes) {
    constexpr char digits[] = "0123456789abcdef";
    hex += digits[b >> 4];
    hex += digits[b & 15];
  }
  EXPECT_EQ(hex, "99aa06d3014798d86001c324468d497f");
  EXPECT_NE(frame_sum(bytes_of("a")), frame_sum(bytes_of("b")));
}

// RFC 9162 section 2.1.1, word for word.
Hash by_definition(std::span<const Bytes> d) {
  const auto prefixed = [](std::uint8_t prefix, ByteSpan a, ByteSpan b) {
    Bytes bytes{static_cast<std::byte>(prefix)};
    for (const ByteSpan part : {a, b}) bytes.insert(bytes.end(), part.begin(), part.end());
    return sha256(bytes);
  };
  if (d.empty()) return sha256({});
  if (d.size() == 1) return prefixed(0, d[0], {});
  std::size_t k = 1;
  while (2 * k < d.size()) k *= 2;
  return prefixed(1, by_definition(d.first(k)).span(), by_definition(d.subspan(k)).span());
}

TEST(Merkle, EqualsItsDefinition) {
  std::vector<Bytes> data;
  for (std::size_t n = 0; n < 70; ++n) {
    std::vector<ByteSpan> leaves(data.begin(), data.end());
    EXPECT_EQ(merkle_root(leaves), by_definition(data)) << n;
    const ByteSpan text = bytes_of("leaf");
    Bytes leaf(text.begin(), text.end());
    leaf.push_back(static_cast<std::byte>(n));
    data.push_back(std::move(leaf));
  }
}

TEST(Merkle, PublishedRoots) {  // certificate-transparency's reference tree of eight leaves
  const std::vector<Bytes> data = [] {
    std::vector<Bytes> d;
    for (const char* hex : {"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                            "606162636465666768696a6b6c6d6e6f"}) {
      Bytes leaf;
      for (const char* at = hex; *at != '\0'; at += 2)
        leaf.push_back(static_cast<std::byte>(std::stoi(std::string(at, 2), nullptr, 16)));
      d.push_back(std::move(leaf));
    }
    return d;
  }();
  const std::vector<ByteSpan> leaves(data.begin(), data.end());
  EXPECT_EQ(merkle_root({leaves[0]}).hex(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(merkle_root(leaves).hex(),
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

TEST(Merkle, FramesAreLeaves) {
  const std::vector<FrameSum> frames = {frame_sum(bytes_of("a")), frame_sum(bytes_of("b")),
                                        frame_sum(bytes_of("c"))};
  std::vector<ByteSpan> leaves;
  for (const FrameSum& f : frames) leaves.push_back(std::as_bytes(std::span(f.bytes)));
  EXPECT_EQ(merkle_root(frames), merkle_root(leaves));
}

}  // namespace
}  // namespace etalon
