#include "store/npy.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "store/folder_test.hpp"

namespace etalon {
namespace {

// A file with any header, padded or not: the reader must not depend on numpy's padding.
Bytes npy(int version, const std::string& header, std::size_t element_bytes) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i)
    file += static_cast<char>(header.size() >> (8 * i));
  file += header;
  for (std::size_t i = 0; i < element_bytes; ++i) file += static_cast<char>(i);
  const ByteSpan bytes = bytes_of(file);
  return Bytes(bytes.begin(), bytes.end());
}

std::string header(const std::string& descr, const std::string& order, const std::string& shape) {
  return "{'descr': " + descr + ", 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}

TEST(Npy, ReadsEveryVersion) {
  for (int version = 1; version <= 3; ++version) {
    auto array = parse_npy(npy(version, header("'<u2'", "False", "(2, 3)"), 12));
    ASSERT_TRUE(array.ok()) << array.error().message;
    EXPECT_EQ(to_string(array->shape()), "2x3");
    EXPECT_EQ(array->as<std::uint16_t>()[1], 0x0302);
  }
  expect_error(parse_npy(npy(4, header("'<u2'", "False", "(2, 3)"), 12)), Errc::malformed,
               {"version 4"});
}

TEST(Npy, SwapsBigEndianElements) {
  auto array = parse_npy(npy(1, header("'>i4'", "False", "(1,)"), 4));
  ASSERT_TRUE(array.ok()) << array.error().message;
  EXPECT_EQ(array->dtype(), DType::i32);
  EXPECT_EQ(array->as<std::int32_t>()[0], 0x00010203);
}

TEST(Npy, ReadsAScalarAndAnEmptyArray) {
  auto scalar = parse_npy(npy(1, header("'<f8'", "False", "()"), 8));
  ASSERT_TRUE(scalar.ok());
  EXPECT_EQ(scalar->shape().rank(), 0U);
  EXPECT_EQ(scalar->count(), 1U);
  auto empty = parse_npy(npy(1, header("'|u1'", "False", "(0, 5)"), 0));
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(empty->count(), 0U);
}

TEST(Npy, HeaderIsWhatNumpyWrites) {
  const Bytes bytes = npy_header(DType::u16, {2, 3});
  const std::string expected = std::string("\x93NUMPY\x01\x00v\x00", 10) +
                               "{'descr': '<u2', 'fortran_order': False, 'shape': (2, 3), }";
  ASSERT_EQ(bytes.size(), 128U);
  EXPECT_EQ(text_of(bytes).substr(0, expected.size()), expected);
  EXPECT_EQ(bytes.back(), std::byte{'\n'});
  EXPECT_NE(
      text_of(npy_header(DType::i8, {7})).find("'|i1', 'fortran_order': False, 'shape': (7,)"),
      std::string::npos);
}

TEST(Npy, RefusesWhatItCannotHold) {
  expect_error(parse_npy({}), Errc::malformed);
  expect_error(parse_npy(npy(1, header("'<u2'", "True", "(2, 3)"), 12)), Errc::malformed,
               {"Fortran"});
  expect_error(parse_npy(npy(1, header("[('a', '<u2')]", "False", "(6,)"), 12)), Errc::malformed,
               {"structured"});
  for (const char* type : {"'<f2'", "'|O'", "'<c8'", "'<U3'", "'<u16'", "'u2'", "''"})
    expect_error(parse_npy(npy(1, header(type, "False", "(6,)"), 12)), Errc::malformed, {"type"});
  expect_error(parse_npy(npy(1, header("'|u1'", "False", "(1,1,1,1,1,1,1)"), 1)), Errc::malformed,
               {"6 axes"});
  for (const char* shape : {"(2", "2", "(-1,)", "(2 3)", "(a,)", "(99999999999999999999,)",
                            "(4294967296, 4294967296, 4294967296)"})
    expect_error(parse_npy(npy(1, header("'|u1'", "False", shape), 6)), Errc::malformed);
  expect_error(parse_npy(npy(1, header("'|u1'", "False", "(6,)"), 5)), Errc::malformed,
               {"npy elements"});
  expect_error(parse_npy(npy(1, header("'|u1'", "False", "(6,)"), 7)), Errc::malformed,
               {"npy elements"});
  Bytes truncated = npy(2, header("'|u1'", "False", "(6,)"), 6);
  truncated.resize(30);
  expect_error(parse_npy(truncated), Errc::malformed);
}

}  // namespace
}  // namespace etalon
