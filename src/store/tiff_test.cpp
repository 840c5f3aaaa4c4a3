#include "store/tiff.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "store/folder_test.hpp"

namespace etalon {
namespace {

// A TIFF 6.0 file of one strip, little- or big-endian, written by hand.
class Writer {
 public:
  explicit Writer(bool big = false) : big_(big) {}
  std::vector<std::pair<std::uint16_t, std::uint32_t>> fields;  // tag, value (as LONG)

  Bytes file(ByteSpan pixels) {
    out_.clear();
    out_.push_back(std::byte(big_ ? 'M' : 'I'));
    out_.push_back(out_[0]);
    put<std::uint16_t>(42);
    put<std::uint32_t>(static_cast<std::uint32_t>(8 + pixels.size()));
    out_.insert(out_.end(), pixels.begin(), pixels.end());
    put(static_cast<std::uint16_t>(fields.size()));
    for (const auto& [tag, value] : fields) {
      put(tag);
      put<std::uint16_t>(4);
      put<std::uint32_t>(1);
      put(value);
    }
    put<std::uint32_t>(0);
    return out_;
  }

 private:
  template <typename T>
  void put(T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i)
      out_.push_back(static_cast<std::byte>(value >> 8 * (big_ ? sizeof(T) - 1 - i : i)));
  }
  bool big_;
  Bytes out_;
};

Writer image(std::uint32_t ny, std::uint32_t nx, std::uint32_t bits, std::uint32_t format,
             bool big = false) {
  Writer w(big);
  w.fields = {{256, nx},    {257, ny}, {258, bits},
              {259, 1},     {262, 1},  {273, 8},
              {277, 1},     {278, ny}, {279, ny * nx * bits / 8},
              {339, format}};
  return w;
}

TEST(Tiff, ReadsIntegersAndFloatsOfEitherOrder) {
  const float values[] = {1.5F, -0.0F, 3e30F, 7, 8, 9};
  const auto floats = parse_tiff(image(2, 3, 32, 3).file(std::as_bytes(std::span(values))));
  ASSERT_TRUE(floats.ok()) << floats.error().message;
  EXPECT_EQ(floats->dtype(), DType::f32);
  EXPECT_EQ(to_string(floats->shape()), "2x3");
  EXPECT_EQ(std::memcmp(floats->view().data, values, sizeof values), 0);

  const Bytes big = {std::byte{0xFF}, std::byte{0xFE}, std::byte{0x01}, std::byte{0x02}};
  const auto integers = parse_tiff(image(1, 2, 16, 2, true).file(big));
  ASSERT_TRUE(integers.ok()) << integers.error().message;
  EXPECT_EQ(integers->dtype(), DType::i16);
  EXPECT_EQ(integers->as<std::int16_t>()[0], -2);
  EXPECT_EQ(integers->as<std::int16_t>()[1], 258);
}

TEST(Tiff, RefusesWhatItDoesNotRead) {
  const Bytes pixels(64);
  const auto expect = [&](Writer w, std::string_view words) {
    expect_error(parse_tiff(w.file(pixels)), Errc::malformed, {"TIFF", words});
  };
  expect(image(2, 3, 1, 1), "1 bits");
  expect(image(2, 3, 24, 1), "24 bits");
  expect(image(2, 3, 16, 3), "sample format 3");
  Writer empty = image(2, 0, 16, 1);
  expect(empty, "zero scanline");
  expect(image(30, 300, 16, 1), "30x300 in a file of");
  expect(image(0x10000, 0x10000, 32, 1), "in a file of");
  Writer colours = image(2, 3, 8, 1);
  colours.fields[6].second = 3;
  expect(colours, "3 numbers a pixel");
  Writer packed = image(2, 3, 8, 1);
  packed.fields[3].second = 7;
  expect(packed, "JPEG");
  expect_error(parse_tiff({}), Errc::malformed, {"TIFF"});
  expect_error(parse_tiff(pixels), Errc::malformed, {"TIFF"});
  const Bytes whole = image(4, 4, 16, 1).file(Bytes(32));
  EXPECT_TRUE(parse_tiff(whole).ok());
  expect_error(parse_tiff(whole, 31), Errc::malformed, {"4x4"});
  for (std::size_t n = 0; n < whole.size() - 4; ++n)
    EXPECT_FALSE(parse_tiff(ByteSpan(whole).first(n)).ok()) << n;
}

}  // namespace
}  // namespace etalon
