#include "stream/simplon_message.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>

#include "base/cbor.hpp"

namespace etalon {
namespace {

Bytes random_bytes(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(n);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random());
  return bytes;
}

// Few photons, as on a detector: compresses, and differs everywhere.
Array photons(DType dtype, std::size_t ny, std::size_t nx, unsigned seed) {
  std::mt19937 random(seed);
  Array image(dtype, {ny, nx});
  const auto bytes = image.mutable_view().bytes();
  for (std::size_t i = 0; i < bytes.size(); i += size_of(dtype))
    bytes[i] = static_cast<std::byte>(random() % 5);
  return image;
}

bool same(const Array& a, const Array& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape() &&
         std::equal(a.view().bytes().begin(), a.view().bytes().end(), b.view().bytes().begin());
}

template <typename T>
T decoded(const Bytes& bytes) {
  auto message = decode_simplon(SharedBytes(bytes));
  if (!message.ok()) {
    ADD_FAILURE() << message.error().message;
    return {};
  }
  if (T* body = std::get_if<T>(&*message)) return std::move(*body);
  ADD_FAILURE() << "another type of message";
  return {};
}

SimplonImage example_image() {
  SimplonImage image;
  image.series_id = 70000;
  image.image_id = 7;
  image.series_unique_id = "01HB";
  image.series_date = "2026-01-02T03:04:05Z";
  image.real_time = {1, 500};
  image.start_time = {14, 1000};
  image.stop_time = {16, 1000};
  return image;
}

TEST(DectrisCompression, ComesBackAtEveryLength) {
  for (const auto compression :
       {DectrisCompression::none, DectrisCompression::lz4, DectrisCompression::bslz4})
    for (const std::size_t element : {1, 2, 4})
      for (const std::size_t count : {1, 7, 8, 9, 4095, 4096, 4097, 300001}) {
        const Bytes in = random_bytes(count * element, 5);
        const Bytes packed = compress_dectris(compression, element, in);
        Bytes out(in.size());
        const auto done = decompress_dectris(compression, element, packed, out);
        ASSERT_TRUE(done.ok()) << done.error().message;
        ASSERT_EQ(out, in) << name_of(compression) << " " << element << " " << count;
      }
}

TEST(DectrisCompression, DamageIsAnError) {
  const Bytes in(20000, std::byte{3});
  for (const auto compression : {DectrisCompression::lz4, DectrisCompression::bslz4}) {
    const Bytes packed = compress_dectris(compression, 2, in);
    Bytes out(in.size());
    for (std::size_t cut = 0; cut < packed.size(); ++cut)
      EXPECT_FALSE(decompress_dectris(compression, 2, ByteSpan(packed).first(cut), out).ok());
    Bytes longer = packed;
    longer.push_back(std::byte{0});
    EXPECT_FALSE(decompress_dectris(compression, 2, longer, out).ok());
    Bytes no_block = packed;
    std::fill(no_block.begin() + 8, no_block.begin() + 12, std::byte{0});
    EXPECT_FALSE(decompress_dectris(compression, 2, no_block, out).ok());
  }
}

TEST(SimplonMessage, ImageComesBackInEveryTypeAndCompression) {
  for (const auto compression :
       {DectrisCompression::none, DectrisCompression::lz4, DectrisCompression::bslz4})
    for (const DType dtype : {DType::u8, DType::u16, DType::u32}) {
      const SimplonImage image = example_image();
      const std::vector<std::pair<std::string, Array>> channels{
          {"threshold_1", photons(dtype, 37, 61, 1)}, {"threshold_2", photons(dtype, 37, 61, 2)}};
      const auto back = decoded<SimplonImage>(
          encode_simplon_image(image, encode_simplon_data(channels, compression)));
      EXPECT_EQ(back.series_id, 70000u);
      EXPECT_EQ(back.image_id, 7u);
      EXPECT_EQ(back.series_unique_id, "01HB");
      EXPECT_EQ(back.series_date, image.series_date);
      EXPECT_EQ(back.real_time, image.real_time);
      EXPECT_DOUBLE_EQ(back.start_time.seconds(), 0.014);
      ASSERT_EQ(back.data.size(), 2u);
      for (std::size_t c = 0; c < 2; ++c) {
        EXPECT_EQ(back.data[c].first, channels[c].first);
        const auto pixels = back.data[c].second.unpack();
        ASSERT_TRUE(pixels.ok()) << pixels.error().message;
        EXPECT_TRUE(same(*pixels, channels[c].second));
      }
    }
}

TEST(SimplonMessage, DamagedPixelsAreSeenWhenTheyAreUnpacked) {
  const std::vector<std::pair<std::string, Array>> channels{
      {"threshold_1", photons(DType::u16, 37, 61, 1)}};
  Bytes bytes = encode_simplon_image(example_image(),
                                     encode_simplon_data(channels, DectrisCompression::bslz4));
  std::fill(bytes.end() - 200, bytes.end(), std::byte{0xFF});
  const auto image = decoded<SimplonImage>(bytes);
  ASSERT_EQ(image.data.size(), 1u);
  EXPECT_EQ(image.data[0].second.dtype, DType::u16);
  EXPECT_EQ(image.data[0].second.shape, (Shape{37, 61}));
  const auto pixels = image.data[0].second.unpack();
  ASSERT_FALSE(pixels.ok());
  EXPECT_EQ(pixels.error().code, Errc::malformed);
  EXPECT_EQ(pixels.error().message.find("image 7: data.threshold_1: bslz4: "), 0u)
      << pixels.error().message;
}

TEST(SimplonMessage, StartComesBackWithEveryField) {
  SimplonStart s;
  s.series_id = 3;
  s.number_of_images = 1800;
  s.saturation_value = 21517;
  s.series_unique_id = "01HB";
  s.arm_date = "2026-01-02T03:04:05Z";
  s.image_dtype = "uint16";
  s.detector_description = "a detector";
  s.channels = {"threshold_1", "threshold_2"};
  s.image_size_x = 6;
  s.image_size_y = 4;
  s.beam_center_x = 2.5;
  s.pixel_size_x = 75e-6;
  s.incident_energy = 12398.419843320026;
  s.detector_translation = {0.1, 0.2, -0.25};
  s.goniometer["omega"] = {10, 0.1};
  s.threshold_energy["threshold_2"] = 18900.5;
  s.enabled["flatfield_enabled"] = true;
  s.pixel_mask.emplace("threshold_2", photons(DType::u32, 4, 6, 9));
  s.flatfield.emplace("threshold_1", photons(DType::f32, 4, 6, 9));
  s.countrate_correction_lookup_table = Array(DType::u32, {5});
  s.countrate_correction_lookup_table->as<std::uint32_t>()[4] = 99;
  for (const auto compression : {DectrisCompression::none, DectrisCompression::bslz4}) {
    const auto back = decoded<SimplonStart>(encode_simplon(s, compression));
    EXPECT_TRUE(back.remarks.empty()) << back.remarks.front();
    EXPECT_EQ(back.number_of_images, 1800u);
    EXPECT_EQ(back.channels, s.channels);
    EXPECT_EQ(back.goniometer, s.goniometer);
    EXPECT_EQ(back.threshold_energy, s.threshold_energy);
    EXPECT_EQ(back.enabled, s.enabled);
    ASSERT_EQ(back.pixel_mask.size(), 1u);
    EXPECT_TRUE(same(back.pixel_mask.at("threshold_2"), s.pixel_mask.at("threshold_2")));
    EXPECT_TRUE(same(back.flatfield.at("threshold_1"), s.flatfield.at("threshold_1")));
    EXPECT_TRUE(
        same(*back.countrate_correction_lookup_table, *s.countrate_correction_lookup_table));
    const SeriesInfo info = series_info(back, "threshold_2");
    EXPECT_EQ(info.frames, 1800u);
    EXPECT_EQ(info.dtype, DType::u16);
    EXPECT_DOUBLE_EQ(info.geometry.distance_m, 0.25);
    EXPECT_NEAR(info.geometry.wavelength_angstrom, 1.0, 1e-12);
    EXPECT_EQ(info.pixel_mask.size(), 24u);
    EXPECT_EQ(info.saturation_value, 21517);
  }
}

TEST(SimplonMessage, SelfDescriptionIsSentAndNotNeeded) {
  Bytes bytes = encode_simplon(SimplonEnd{4, "x"});
  ASSERT_EQ(bytes[0], std::byte{0xD9});
  EXPECT_EQ(text_of(ByteSpan(bytes).subspan(4, 9)), "dtypecend");
  EXPECT_EQ(decoded<SimplonEnd>(bytes).series_id, 4u);
  bytes.erase(bytes.begin(), bytes.begin() + 3);
  EXPECT_EQ(decoded<SimplonEnd>(bytes).series_unique_id, "x");
}

TEST(SimplonMessage, ErrorsNameMessageAndField) {
  const auto reason = [](cbor::Value data) {
    cbor::Value message;
    message.set("type", "image").set("image_id", 7).set("series_id", 1);
    message.set("data", cbor::Map{{cbor::Value("threshold_1"), std::move(data)}});
    auto read = decode_simplon(SharedBytes(cbor::encode(message)), 1 << 20);
    return read.ok() ? std::string("read") : read.error().message;
  };
  const auto image = [](std::uint64_t rows, std::uint64_t columns, std::uint64_t tag,
                        cbor::Value content) {
    return cbor::Value::tagged(
        40, cbor::List{cbor::List{rows, columns}, cbor::Value::tagged(tag, std::move(content))});
  };
  const auto begins = [](const std::string& text, const std::string& with) {
    EXPECT_EQ(text.substr(0, with.size()), with);
  };
  EXPECT_EQ(reason(image(2, 2, 64, Bytes(4))), "read");
  begins(reason(Bytes(4)), "image 7: data.threshold_1: no multi-dimensional array");
  begins(reason(image(2, 2, 65, Bytes(8))), "image 7: data.threshold_1: no typed array");
  begins(reason(image(2, 3, 64, Bytes(4))), "image 7: data.threshold_1: 4 bytes cannot hold");
  begins(reason(image(0, 3, 64, Bytes())), "image 7: data.threshold_1: an image without pixels");
  begins(reason(image(1 << 20, 1 << 20, 64, Bytes(4))),
         "image 7: data.threshold_1: 1048576x1048576 elements are more than is taken");
  begins(reason(image(1, 1, 85, Bytes(4))), "image 7: data.threshold_1: pixels are floating");
  begins(reason(image(2, 2, 64, cbor::Value::tagged(56500, cbor::List{"zip", 0, Bytes(4)}))),
         "image 7: data.threshold_1: compression 'zip'");
  // What 20 bytes cannot expand to is refused before memory is taken for it.
  begins(reason(image(1000, 1000, 64, cbor::Value::tagged(56500, cbor::List{"lz4", 0, Bytes(20)}))),
         "image 7: data.threshold_1: 20 bytes cannot hold");
  EXPECT_FALSE(decode_simplon(SharedBytes({}, bytes_of("hello"))).ok());
  EXPECT_FALSE(decode_simplon(SharedBytes(cbor::encode(cbor::Map{{"type", "stop"}}))).ok());
}

TEST(SimplonMessage, NegativePixelsBecomeTheLargest) {
  Array signed_pixels(DType::i32, {1, 4});
  const std::int32_t values[] = {-2, -1, 0, 70000};
  std::copy(std::begin(values), std::end(values), signed_pixels.as<std::int32_t>().begin());
  const Array sent = simplon_pixels(std::move(signed_pixels));
  ASSERT_EQ(sent.dtype(), DType::u32);
  const auto pixels = sent.as<std::uint32_t>();
  EXPECT_EQ(std::vector(pixels.begin(), pixels.end()),
            (std::vector<std::uint32_t>{0xFFFFFFFF, 0xFFFFFFFF, 0, 70000}));
}

Bytes recorded(const std::string& name) {
  const char* data = std::getenv("ETALON_DATA");
  const char* source = std::getenv("ETALON_SOURCE_DIR");
  const std::string folder = data     ? data
                             : source ? std::string(source) + "/../shared/data"
                                      : std::string("../shared/data");
  std::ifstream in(folder + "/detector/eiger_stream2/" + name, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const ByteSpan bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

TEST(SimplonMessage, RecordedStartIsKeptAsFarAsItIsUsable) {
  const Bytes bytes = recorded("start.cbor");
  if (bytes.empty()) GTEST_SKIP() << "no recorded messages";
  const auto start = decoded<SimplonStart>(bytes);
  EXPECT_EQ(start.series_id, 15614u);
  EXPECT_EQ(start.image_size_x, 4148u);
  EXPECT_DOUBLE_EQ(start.beam_center_y, 2163.621048575148);
  EXPECT_EQ(start.goniometer.at("chi").start, 30);
  EXPECT_EQ(start.saturation_value, 21517u);
  // Three arrays are placeholders of four bytes.
  ASSERT_EQ(start.remarks.size(), 3u);
  EXPECT_EQ(start.remarks[0], "pixel_mask.threshold_1: no multi-dimensional array (tag 40)");
  EXPECT_TRUE(start.pixel_mask.empty());
  EXPECT_DOUBLE_EQ(series_info(start, "threshold_1").geometry.distance_m, 0.23715919962215962);
}

TEST(SimplonMessage, RecordedImageIsReadToTheLastByte) {
  const Bytes bytes = recorded("image.cbor");
  if (bytes.empty()) GTEST_SKIP() << "no recorded messages";
  const auto image = decoded<SimplonImage>(bytes);
  ASSERT_EQ(image.data.size(), 1u);
  const auto unpacked = image.data[0].second.unpack();
  ASSERT_TRUE(unpacked.ok()) << unpacked.error().message;
  const Array& a = *unpacked;
  EXPECT_EQ(a.dtype(), DType::u16);
  EXPECT_EQ(a.shape(), (Shape{4362, 4148}));
  // What Bitshuffle's own filter makes of it: pixels in gaps, and a sum that tells places apart.
  std::uint64_t gaps = 0, sum = 0, place = 0;
  for (const std::uint16_t v : a.as<std::uint16_t>()) {
    gaps += v == 0xFFFF;
    sum += v * (place++ % 65521);
  }
  EXPECT_EQ(gaps, 1253075u);
  EXPECT_EQ(sum, 2701395986522909u);
  const std::vector<std::pair<std::string, Array>> channels{{image.data[0].first, a}};
  const auto again = decoded<SimplonImage>(
      encode_simplon_image(image, encode_simplon_data(channels, DectrisCompression::bslz4)));
  const auto back = again.data.at(0).second.unpack();
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(same(*back, a));
}

}  // namespace
}  // namespace etalon
