// RFC 8949 appendix A, deterministic encoding (section 4.2.1), and what is refused where.
#include "base/cbor.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace etalon::cbor {
namespace {

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}
std::string to_hex(const Bytes& bytes) {
  const std::string text = diagnostic(Value(bytes));  // h'..'
  return text.substr(2, text.size() - 3);
}

struct Example {
  std::string_view hex, diagnostic;
  std::string_view deterministic = {};  // where it is not `hex`
};

// Every row of appendix A. Indefinite lengths are not kept, so they print and encode as definite
// ones; bignums print as the tagged bytes that they are.
constexpr Example appendix_a[] = {
    {"00", "0"},
    {"01", "1"},
    {"0a", "10"},
    {"17", "23"},
    {"1818", "24"},
    {"1819", "25"},
    {"1864", "100"},
    {"1903e8", "1000"},
    {"1a000f4240", "1000000"},
    {"1b000000e8d4a51000", "1000000000000"},
    {"1bffffffffffffffff", "18446744073709551615"},
    {"c249010000000000000000", "2(h'010000000000000000')"},
    {"3bffffffffffffffff", "-18446744073709551616"},
    {"c349010000000000000000", "3(h'010000000000000000')"},
    {"20", "-1"},
    {"29", "-10"},
    {"3863", "-100"},
    {"3903e7", "-1000"},
    {"f90000", "0.0"},
    {"f98000", "-0.0"},
    {"f93c00", "1.0"},
    {"fb3ff199999999999a", "1.1"},
    {"f93e00", "1.5"},
    {"f97bff", "65504.0"},
    {"fa47c35000", "100000.0"},
    {"fa7f7fffff", "3.4028234663852886e+38"},
    {"fb7e37e43c8800759c", "1.0e+300"},
    {"f90001", "5.960464477539063e-8"},
    {"f90400", "0.00006103515625"},
    {"f9c400", "-4.0"},
    {"fbc010666666666666", "-4.1"},
    {"f97c00", "Infinity"},
    {"f97e00", "NaN"},
    {"f9fc00", "-Infinity"},
    {"fa7f800000", "Infinity", "f97c00"},
    {"fa7fc00000", "NaN", "f97e00"},
    {"faff800000", "-Infinity", "f9fc00"},
    {"fb7ff0000000000000", "Infinity", "f97c00"},
    {"fb7ff8000000000000", "NaN", "f97e00"},
    {"fbfff0000000000000", "-Infinity", "f9fc00"},
    {"f4", "false"},
    {"f5", "true"},
    {"f6", "null"},
    {"f7", "undefined"},
    {"f0", "simple(16)"},
    {"f8ff", "simple(255)"},
    {"c074323031332d30332d32315432303a30343a30305a", "0(\"2013-03-21T20:04:00Z\")"},
    {"c11a514b67b0", "1(1363896240)"},
    {"c1fb41d452d9ec200000", "1(1363896240.5)"},
    {"d74401020304", "23(h'01020304')"},
    {"d818456449455446", "24(h'6449455446')"},
    {"d82076687474703a2f2f7777772e6578616d706c652e636f6d", "32(\"http://www.example.com\")"},
    {"40", "h''"},
    {"4401020304", "h'01020304'"},
    {"60", "\"\""},
    {"6161", "\"a\""},
    {"6449455446", "\"IETF\""},
    {"62225c", "\"\\\"\\\\\""},
    {"62c3bc", "\"\u00fc\""},
    {"63e6b0b4", "\"\u6c34\""},
    {"64f0908591", "\"\U00010151\""},
    {"80", "[]"},
    {"83010203", "[1, 2, 3]"},
    {"8301820203820405", "[1, [2, 3], [4, 5]]"},
    {"98190102030405060708090a0b0c0d0e0f101112131415161718181819",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]"},
    {"a0", "{}"},
    {"a201020304", "{1: 2, 3: 4}"},
    {"a26161016162820203", "{\"a\": 1, \"b\": [2, 3]}"},
    {"826161a161626163", "[\"a\", {\"b\": \"c\"}]"},
    {"a56161614161626142616361436164614461656145",
     "{\"a\": \"A\", \"b\": \"B\", \"c\": \"C\", \"d\": \"D\", \"e\": \"E\"}"},
    {"5f42010243030405ff", "h'0102030405'", "450102030405"},
    {"7f657374726561646d696e67ff", "\"streaming\"", "6973747265616d696e67"},
    {"9fff", "[]", "80"},
    {"9f018202039f0405ffff", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"9f01820203820405ff", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"83018202039f0405ff", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"83019f0203ff820405", "[1, [2, 3], [4, 5]]", "8301820203820405"},
    {"9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
     "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]",
     "98190102030405060708090a0b0c0d0e0f101112131415161718181819"},
    {"bf61610161629f0203ffff", "{\"a\": 1, \"b\": [2, 3]}", "a26161016162820203"},
    {"826161bf61626163ff", "[\"a\", {\"b\": \"c\"}]", "826161a161626163"},
    {"bf6346756ef563416d7421ff", "{\"Fun\": true, \"Amt\": -2}", "a263416d74216346756ef5"},
};

TEST(CborAppendixA, EveryExampleIsReadPrintedAndWritten) {
  for (const Example& example : appendix_a) {
    const auto value = decode(from_hex(example.hex));
    ASSERT_TRUE(value.ok()) << example.hex << ": " << value.error().message;
    EXPECT_EQ(diagnostic(*value), example.diagnostic) << example.hex;
    const auto expected = example.deterministic.empty() ? example.hex : example.deterministic;
    EXPECT_EQ(to_hex(encode(*value)), expected) << example.hex;
  }
}

TEST(CborAppendixA, NoExampleCutShortIsWellFormed) {
  for (const Example& example : appendix_a) {
    const Bytes whole = from_hex(example.hex);
    for (std::size_t n = 0; n < whole.size(); ++n) {
      const auto value = decode(ByteSpan(whole).first(n));
      ASSERT_FALSE(value.ok()) << example.hex << " cut at " << n;
      EXPECT_EQ(value.error().code, Errc::malformed);
    }
  }
}

struct Bad {
  std::string_view hex, message;
};

TEST(Cbor, WhatIsWrongIsNamedWithItsPlace) {
  constexpr Bad cases[] = {
      {"", "offset 0: truncated"},
      {"0000", "offset 1: 1 bytes after the item"},
      {"18", "offset 0: truncated"},
      {"1b00000000000000", "offset 0: truncated"},
      {"1c", "offset 0: reserved"},
      {"821d00", "offset 1: reserved"},
      {"fe", "offset 0: reserved"},
      {"1f", "offset 0: this type of item has no indefinite length"},
      {"3f", "offset 0: this type"},
      {"df00", "offset 0: this type"},
      {"ff", "offset 0: a break"},
      {"82ff00", "offset 1: a break"},
      {"a1ff00", "offset 1: a break"},
      {"a100ff", "offset 2: a break"},
      {"bf00ff", "offset 2: a map's key without a value"},
      {"f800", "offset 0: a simple value below 32"},
      {"f81f", "offset 0: a simple value below 32"},
      {"61ff", "offset 1: text is not UTF-8"},
      {"62c328", "offset 1: text is not UTF-8"},
      {"63eda080", "offset 1: text is not UTF-8"},    // a surrogate
      {"62c080", "offset 1: text is not UTF-8"},      // overlong
      {"64f4908080", "offset 1: text is not UTF-8"},  // beyond U+10FFFF
      {"6361c3bc62", "offset 4: 1 bytes after"},
      {"7f61c361bcff", "offset 2: text is not UTF-8"},  // a character split between pieces
      {"5f6100ff", "offset 1: not a piece"},
      {"5f5f4100ffff", "offset 1: not a piece"},
      {"5f00ff", "offset 1: not a piece"},
      {"5fc24100ff", "offset 1: not a piece"},
      {"5f4100", "offset 3: truncated"},
      {"9f00", "offset 2: truncated"},
      {"bf0000", "offset 3: truncated"},
      {"c0", "offset 1: truncated"},
      {"a2010002", "offset 0: truncated"},
      {"a2010001f6", "offset 3: duplicate map key"},
      {"a20100180100", "offset 3: duplicate map key"},  // the same number in a longer form
      {"a2f93c0000fa3f80000000", "offset 5: duplicate map key"},
      {"bf616100616200616100ff", "offset 7: duplicate map key"},
      {"9bffffffffffffffff00", "offset 0: truncated"},
      {"bbffffffffffffffff0000", "offset 0: truncated"},
      {"5bffffffffffffffff00", "offset 0: truncated"},
      {"7b7fffffffffffffff61", "offset 0: truncated"},
  };
  for (const Bad& bad : cases) {
    const auto value = decode(from_hex(bad.hex));
    ASSERT_FALSE(value.ok()) << bad.hex;
    EXPECT_EQ(value.error().code, Errc::malformed) << bad.hex;
    EXPECT_TRUE(value.error().message.starts_with(bad.message))
        << bad.hex << ": " << value.error().message;
  }
}

TEST(Cbor, LimitsHold) {
  const auto nested = [](std::size_t depth) {
    Bytes bytes(depth, std::byte{0x81});
    bytes.push_back(std::byte{0});
    return bytes;
  };
  EXPECT_TRUE(decode(nested(64)).ok());
  EXPECT_EQ(decode(nested(65)).error().message, "offset 65: nested too deeply");
  EXPECT_FALSE(decode(nested(1000000)).ok());
  EXPECT_FALSE(decode(Bytes(1000000, std::byte{0xC1})).ok());  // tags count as well
  Bytes many = from_hex("9a00000010");
  many.insert(many.end(), 16, std::byte{0});
  EXPECT_TRUE(decode(many, {.depth = 1, .items = 17}).ok());
  EXPECT_FALSE(decode(many, {.depth = 1, .items = 16}).ok());
}

TEST(Cbor, IntegersAreShortestAndOfTheRightKind) {
  EXPECT_EQ(to_hex(encode(std::numeric_limits<std::int64_t>::min())), "3b7fffffffffffffff");
  EXPECT_EQ(to_hex(encode(std::numeric_limits<std::int64_t>::max())), "1b7fffffffffffffff");
  EXPECT_EQ(to_hex(encode(255)), "18ff");
  EXPECT_EQ(to_hex(encode(256)), "190100");
  EXPECT_EQ(to_hex(encode(65536)), "1a00010000");
  EXPECT_EQ(to_hex(encode(std::uint64_t{1} << 32)), "1b0000000100000000");
  EXPECT_TRUE(decode(from_hex("1b7fffffffffffffff"))->get_if<std::int64_t>());
  EXPECT_TRUE(decode(from_hex("1b8000000000000000"))->get_if<std::uint64_t>());
  EXPECT_TRUE(decode(from_hex("3b7fffffffffffffff"))->get_if<std::int64_t>());
  EXPECT_TRUE(decode(from_hex("3b8000000000000000"))->get_if<Negative>());
  EXPECT_EQ(to_hex(encode(*decode(from_hex("1b0000000000000001")))), "01");
}

TEST(Cbor, FloatsAreShortestThatKeepTheValue) {
  EXPECT_EQ(to_hex(encode(0.1)), "fb3fb999999999999a");
  EXPECT_EQ(to_hex(encode(static_cast<double>(0.1F))), "fa3dcccccd");
  EXPECT_EQ(to_hex(encode(65505.0)), "fa477fe100");
  EXPECT_EQ(to_hex(encode(65536.0)), "fa47800000");
  EXPECT_EQ(to_hex(encode(std::ldexp(1, -24))), "f90001");
  EXPECT_EQ(to_hex(encode(std::ldexp(1, -25))), "fa33000000");
  EXPECT_EQ(to_hex(encode(std::ldexp(1023, -24))), "f903ff");
  EXPECT_EQ(to_hex(encode(std::ldexp(2047, -25))), "fa387fe000");
  EXPECT_EQ(to_hex(encode(std::ldexp(1, -149))), "fa00000001");
  EXPECT_EQ(to_hex(encode(std::ldexp(1, -150))), "fb3690000000000000");
  EXPECT_EQ(to_hex(encode(1e39)), "fb48078287f49c4a1d");
  EXPECT_EQ(to_hex(encode(-std::nan("123"))), "f97e00");
}

TEST(Cbor, EveryHalfComesBack) {
  for (unsigned bits = 0; bits < 65536; ++bits) {
    Bytes half = {std::byte{0xF9}, static_cast<std::byte>(bits >> 8),
                  static_cast<std::byte>(bits & 0xFF)};
    const auto value = decode(half);
    ASSERT_TRUE(value.ok());
    if (std::isnan(*value->get_if<double>())) half = from_hex("f97e00");
    ASSERT_EQ(encode(*value), half) << bits;
  }
}

TEST(Cbor, FloatsOfAllSizesComeBack) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 100000; ++i) {
    const auto bits = random();
    const double d = i % 2 == 0 ? std::bit_cast<double>(bits)
                                : std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    const auto back = decode(encode(d));
    ASSERT_TRUE(back.ok());
    const double value = *back->get_if<double>();
    if (std::isnan(d))
      ASSERT_TRUE(std::isnan(value));
    else
      ASSERT_EQ(std::bit_cast<std::uint64_t>(value), std::bit_cast<std::uint64_t>(d));
  }
}

TEST(Cbor, KeysAreSortedByTheirBytes) {
  // The order of RFC 8949 section 4.2.1's own example.
  const Map map{{false, 0},     {List{-1}, 0}, {"aa", 0}, {"z", 0},
                {List{100}, 0}, {-1, 0},       {100, 0},  {10, 0}};
  EXPECT_EQ(diagnostic(*decode(encode(map))),
            "{10: 0, 100: 0, -1: 0, \"z\": 0, \"aa\": 0, [100]: 0, [-1]: 0, false: 0}");
}

TEST(Cbor, WhatIsWrittenCanAlwaysBeRead) {
  const Map twice{{"a", 1}, {"b", 2}, {"a", 3}};
  EXPECT_EQ(diagnostic(*decode(encode(twice))), "{\"a\": 3, \"b\": 2}");
  EXPECT_EQ(diagnostic(*decode(encode("x\xFFy\xC3"))), "\"x\uFFFDy\uFFFD\"");
  for (int n = 0; n < 256; ++n)
    EXPECT_TRUE(decode(encode(Value(Value::Variant(Simple{static_cast<std::uint8_t>(n)})))).ok());
}

TEST(Cbor, EqualityIsOfMeaning) {
  EXPECT_EQ(Value(Map{{"a", 1}, {"b", 2}}), Value(Map{{"b", 2}, {"a", 1}}));
  EXPECT_EQ(Value(std::nan("")), Value(std::nan("1")));
  EXPECT_FALSE(Value(0.0) == Value(-0.0));
  EXPECT_FALSE(Value(1) == Value(1.0));
  EXPECT_FALSE(Value("a") == Value(Bytes{std::byte{'a'}}));
}

TEST(Cbor, TypedAccessNamesWhatIsWrong) {
  const Value value(Map{{"n", -3}, {"big", UINT64_MAX}, {"d", 0.5}, {"s", "text"}, {"b", true}});
  EXPECT_EQ(*(*value.at("n"))->as_int("n"), -3);
  EXPECT_EQ(*(*value.at("big"))->as_uint("big"), UINT64_MAX);
  EXPECT_EQ(*(*value.at("n"))->as_double("n"), -3.0);
  EXPECT_EQ(*(*value.at("d"))->as_double("d"), 0.5);
  EXPECT_EQ(*(*value.at("s"))->as_text("s"), "text");
  EXPECT_EQ(*(*value.at("b"))->as_bool("b"), true);
  EXPECT_EQ((*value.at("n"))->as_uint("n").error().message,
            "n: expected a non-negative integer, found -3");
  EXPECT_EQ((*value.at("s"))->as_list("s").error().message, "s: expected a list, found text");
  EXPECT_EQ((*value.at("big"))->as_int("big").error().code, Errc::malformed);
  EXPECT_EQ(value.at("none").error().message, "none: missing");
  EXPECT_EQ(Value(1).at("x").error().message, "x: expected a map that holds it, found an integer");
  EXPECT_EQ(Value(1).find("x"), nullptr);
}

TEST(Cbor, SetAddsAndReplaces) {
  Value value;
  value.set("a", 1).set("b", 2).set("a", 3);
  EXPECT_EQ(diagnostic(value), "{\"a\": 3, \"b\": 2}");
}

TEST(Cbor, BorrowedBytesLieInWhatWasDecoded) {
  const Bytes encoded = encode(Map{{"data", Bytes(300, std::byte{7})}});
  Limits limits;
  limits.borrow = true;
  const auto value = decode(encoded, limits);
  const ByteSpan data = *(*value->at("data"))->as_bytes("data");
  EXPECT_EQ(data.size(), 300U);
  EXPECT_GE(data.data(), encoded.data());
  EXPECT_LE(data.data() + data.size(), encoded.data() + encoded.size());
  EXPECT_EQ(*value, *decode(encoded));
  EXPECT_EQ(diagnostic(*value), diagnostic(*decode(encoded)));
  EXPECT_EQ((*value->at("data"))->as_text("data").error().message,
            "data: expected text, found bytes");
}

TEST(CborDiagnostic, ControlCharactersAreEscaped) {
  EXPECT_EQ(diagnostic(Value("a\nb")), "\"a\\u000ab\"");
  EXPECT_EQ(diagnostic(Value(1e21)), "1.0e+21");
  EXPECT_EQ(diagnostic(Value(1e20)), "100000000000000000000.0");
}

}  // namespace
}  // namespace etalon::cbor
