#include "store/cbf.hpp"

#include <bzlib.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <zlib.h>

#include <fstream>
#include <limits>

#include "store/folder_test.hpp"
#include "store/inflate.hpp"
#include "store/series_reader.hpp"

namespace etalon {
namespace {

// The encoder that the format describes.
std::string pack(const std::vector<std::int32_t>& values) {
  std::string out;
  const auto put = [&](auto v) { out.append(reinterpret_cast<const char*>(&v), sizeof v); };
  std::int64_t before = 0;
  for (std::int32_t value : values) {
    const std::int64_t delta = value - before;
    before = value;
    if (delta > -128 && delta < 128) {
      put(static_cast<std::int8_t>(delta));
      continue;
    }
    put(std::int8_t{-128});
    if (delta > -32768 && delta < 32768) {
      put(static_cast<std::int16_t>(delta));
      continue;
    }
    put(std::int16_t{-32768});
    if (delta > std::numeric_limits<std::int32_t>::min() &&
        delta <= std::numeric_limits<std::int32_t>::max()) {
      put(static_cast<std::int32_t>(delta));
      continue;
    }
    put(std::numeric_limits<std::int32_t>::min());
    put(delta);
  }
  return out;
}

std::string md5(const std::string& bytes) {
  unsigned char digest[16], text[32] = {};
  EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, EVP_md5(), nullptr);
  EVP_EncodeBlock(text, digest, 16);
  return reinterpret_cast<char*>(text);
}

std::string cbf(const std::vector<std::int32_t>& values, std::size_t ny, std::size_t nx) {
  const std::string packed = pack(values);
  return "###CBF: VERSION 1.5\r\ndata_test\r\n_array_data.header_contents\r\n;\r\n"
         "# Detector: PILATUS3 6M, S/N 60-0119\r\n# 2019-09-11T13:20:29.029\r\n"
         "# Pixel_size 172e-6 m x 173e-6 m\r\n# Silicon sensor, thickness 0.000450 m\r\n"
         "# Exposure_time 0.0190000 s\r\n# Exposure_period 0.0200000 s\r\n"
         "# Count_cutoff 115897 counts\r\n# Wavelength 0.96859 A\r\n"
         "# Detector_distance 0.35100 m\r\n# Beam_xy (1261.61, 1306.96) pixels\r\n;\r\n"
         "_array_data.data\r\n;\r\n--CIF-BINARY-FORMAT-SECTION--\r\n"
         "Content-Type: application/octet-stream;\r\n     conversions=\"x-CBF_BYTE_OFFSET\"\r\n"
         "X-Binary-Size: " +
         std::to_string(packed.size()) +
         "\r\nX-Binary-Element-Type: \"signed 32-bit integer\"\r\n"
         "X-Binary-Element-Byte-Order: LITTLE_ENDIAN\r\nContent-MD5: " +
         md5(packed) + "\r\nX-Binary-Number-of-Elements: " + std::to_string(values.size()) +
         "\r\nX-Binary-Size-Fastest-Dimension: " + std::to_string(nx) +
         "\r\nX-Binary-Size-Second-Dimension: " + std::to_string(ny) + "\r\n\r\n\x0C\x1A\x04\xD5" +
         packed + "\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

const std::vector<std::int32_t> extremes = {0,
                                            127,
                                            -1,
                                            -128,
                                            -2,
                                            32767,
                                            -1,
                                            40000,
                                            std::numeric_limits<std::int32_t>::max(),
                                            std::numeric_limits<std::int32_t>::min(),
                                            -1,
                                            1};

TEST(Cbf, DecodesEveryWidthOfStep) {
  auto image = parse_cbf(bytes_of(cbf(extremes, 3, 4)));
  ASSERT_TRUE(image.ok()) << image.error().message;
  EXPECT_EQ(to_string(image->image.shape()), "3x4");
  const auto values = image->image.as<std::int32_t>();
  EXPECT_EQ(std::vector(values.begin(), values.end()), extremes);
}

TEST(Cbf, ReadsTheHeader) {
  auto image = parse_cbf(bytes_of(cbf(extremes, 3, 4)));
  ASSERT_TRUE(image.ok());
  const SeriesInfo& info = image->info;
  EXPECT_EQ(info.detector, "PILATUS3 6M, S/N 60-0119");
  EXPECT_EQ(info.start_time, "2019-09-11T13:20:29.029");
  EXPECT_EQ(info.sensor_material, "Si");
  EXPECT_DOUBLE_EQ(info.sensor_thickness_m, 450e-6);
  EXPECT_DOUBLE_EQ(info.geometry.pixel_size_x_m, 172e-6);
  EXPECT_DOUBLE_EQ(info.geometry.pixel_size_y_m, 173e-6);
  EXPECT_DOUBLE_EQ(info.geometry.centre_x, 1261.61);
  EXPECT_DOUBLE_EQ(info.geometry.centre_y, 1306.96);
  EXPECT_DOUBLE_EQ(info.geometry.distance_m, 0.351);
  EXPECT_DOUBLE_EQ(info.geometry.wavelength_angstrom, 0.96859);
  EXPECT_DOUBLE_EQ(info.saturation_value, 115897);
  EXPECT_DOUBLE_EQ(info.count_time_s, 0.019);
  EXPECT_DOUBLE_EQ(info.frame_time_s, 0.02);
}

TEST(Cbf, EveryTruncationFails) {
  const std::string whole = cbf(extremes, 3, 4);
  const std::size_t end = whole.find("\x0C\x1A\x04\xD5") + 4 + pack(extremes).size();
  for (std::size_t size = 0; size < end; ++size)
    expect_error(parse_cbf(bytes_of(whole.substr(0, size))), Errc::malformed, {"CBF"});
  EXPECT_TRUE(parse_cbf(bytes_of(whole.substr(0, end))).ok());
}

TEST(Cbf, DamageIsNamed) {
  const std::string good = cbf(extremes, 3, 4);
  std::string flipped = good;
  flipped[good.find("\x0C\x1A\x04\xD5") + 4] ^= 1;
  expect_error(parse_cbf(bytes_of(flipped)), Errc::malformed, {"MD5"});
  const std::string no_sum = replaced(good, "Content-MD5", "Content-Was");
  EXPECT_TRUE(parse_cbf(bytes_of(no_sum)).ok());
  const auto with = [&](const char* from, const char* to) {
    return parse_cbf(bytes_of(replaced(no_sum, from, to)));
  };
  expect_error(with("Elements: 12", "Elements: 13"), Errc::malformed, {"3x4"});
  expect_error(with("Fastest-Dimension: 4", "Fastest-Dimension: 18446744073709551615"),
               Errc::malformed);
  expect_error(with("Second-Dimension: 3", "Second-Dimension: -3"), Errc::malformed, {"-3"});
  expect_error(with("X-Binary-Size: ", "X-Binary-Size: 9"), Errc::malformed, {"truncated"});
  expect_error(with("signed 32", "unsigned 16"), Errc::malformed, {"unsigned 16"});
  expect_error(with("BYTE_OFFSET", "PACKED"), Errc::malformed, {"compression"});
  expect_error(with("LITTLE", "BIG"), Errc::malformed, {"byte order"});
}

TEST(Cbf, StepsStayInsideBytesAndRange) {
  const auto decode = [](const std::string& bytes, std::size_t count) {
    std::vector<std::int32_t> out(count);
    return decode_byte_offset(bytes_of(bytes), out);
  };
  EXPECT_TRUE(decode(std::string("\x01\x02", 2), 2).ok());
  expect_error(decode(std::string("\x01\x02", 2), 1), Errc::malformed, {"left over"});
  expect_error(decode(std::string("\x01\x02", 2), 3), Errc::malformed, {"end in element 2"});
  expect_error(decode(std::string("\x80\x01", 2), 1), Errc::malformed);
  expect_error(decode(std::string("\x80\x00\x80\x01\x02", 5), 1), Errc::malformed);
  const std::string wide = std::string("\x80\x00\x80\x00\x00\x00\x80", 7);
  expect_error(decode(wide + std::string(7, '\x01'), 1), Errc::malformed);
  expect_error(decode(wide + std::string(8, '\x7F'), 1), Errc::malformed, {"32 bits"});
}

class CbfSeries : public TestFolder {
 protected:
  void write(const std::string& name, const std::string& bytes) {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
};

std::string bzip2(std::string bytes) {
  std::string out(bytes.size() + 1000, '\0');
  auto size = static_cast<unsigned>(out.size());
  BZ2_bzBuffToBuffCompress(out.data(), &size, bytes.data(), static_cast<unsigned>(bytes.size()), 9,
                           0, 0);
  return out.substr(0, size);
}

std::string gzip(std::string bytes) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(bytes.size() + 1000, '\0');
  z.next_in = reinterpret_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST_F(CbfSeries, AFolderAndAGlobAreSeriesInNameOrder) {
  write("b_2.cbf.bz2", bzip2(cbf({-1, 5, -2, 6}, 2, 2)));
  write("b_1.cbf", cbf({-1, 3, -2, 4}, 2, 2));
  write("b_3.cbf.gz", gzip(cbf({-1, 7, -2, 8}, 2, 2)));
  write("notes.txt", "not an image");
  for (const std::string& name : {folder_.string(), path("b_*")}) {
    auto series = open_series(name);
    ASSERT_TRUE(series.ok()) << series.error().message;
    ASSERT_EQ((*series)->info().frames, 3U);
    EXPECT_EQ((*series)->info().pixel_mask, (std::vector<std::uint32_t>{1, 0, 2, 0}));
    EXPECT_EQ((*series)->files().size(), 3U);
    for (std::uint64_t pass = 0; pass < 2; ++pass)
      for (std::uint64_t i = 0; i < 3; ++i) {
        auto frame = (*series)->read(i);
        ASSERT_TRUE(frame.ok()) << frame.error().message;
        EXPECT_EQ(frame->number, i);
        EXPECT_EQ(frame->image.as<std::int32_t>()[1], static_cast<std::int32_t>(3 + 2 * i));
      }
    expect_error((*series)->read(3), Errc::usage, {"no frame 3"});
  }
  auto one = read_array(path("b_2.cbf.bz2"));
  ASSERT_TRUE(one.ok());
  EXPECT_EQ(to_string(one->shape()), "2x2");
}

TEST_F(CbfSeries, FailuresNameTheFile) {
  expect_error(open_series(folder_.string()), Errc::missing, {"no CBF or TIFF files"});
  expect_error(open_series(path("none*.cbf")), Errc::missing);
  expect_error(open_series(path("none.cbf")), Errc::missing, {"none.cbf"});
  write("a.cbf", cbf({1, 2, 3, 4}, 2, 2));
  write("b.cbf", cbf({1, 2, 3, 4, 5, 6}, 2, 3));
  const std::string packed = bzip2(cbf({1, 2, 3, 4}, 2, 2));
  write("c.cbf.bz2", packed.substr(0, packed.size() / 2));
  auto series = open_series(folder_.string());
  ASSERT_TRUE(series.ok());
  expect_error((*series)->read(1), Errc::malformed, {"b.cbf", "2x3", "2x2"});
  expect_error((*series)->read(2), Errc::malformed, {"c.cbf.bz2", "bzip2"});
}

TEST(Inflate, StopsAtTheLimit) {
  const std::string zeros(1 << 20, '\0');
  for (const std::string& packed : {bzip2(zeros), gzip(zeros)}) {
    const ByteSpan span = bytes_of(packed);
    auto whole = inflate_any(Bytes(span.begin(), span.end()), 1 << 20);
    ASSERT_TRUE(whole.ok()) << whole.error().message;
    EXPECT_EQ(whole->size(), zeros.size());
    expect_error(inflate_any(Bytes(span.begin(), span.end()), (1 << 20) - 1), Errc::malformed,
                 {"more than"});
    expect_error(inflate_any(Bytes(span.begin(), span.end() - 3), 1 << 20), Errc::malformed);
  }
}

TEST(CbfData, PilatusFramesRead) {
  const std::string folder = shared_data("detector/thaumatin_grid");
  if (folder.empty()) GTEST_SKIP() << "no detector/thaumatin_grid";
  auto series = open_series(folder);
  ASSERT_TRUE(series.ok()) << series.error().message;
  const SeriesInfo& info = (*series)->info();
  EXPECT_EQ(info.frames, 3U);
  EXPECT_EQ(info.geometry.ny, 2527U);
  EXPECT_EQ(info.geometry.nx, 2463U);
  EXPECT_DOUBLE_EQ(info.geometry.centre_x, 1261.61);
  EXPECT_DOUBLE_EQ(info.saturation_value, 115897);
  auto last = (*series)->read(2);
  ASSERT_TRUE(last.ok()) << last.error().message;
  // Gaps lie between the detector's 5 x 12 modules of 487 x 195 pixels, 7 and 17 pixels wide.
  for (std::size_t x = 487; x < 494; ++x) EXPECT_EQ(info.pixel_mask[100 * 2463 + x], 1U);
  for (std::size_t y = 195; y < 212; ++y) EXPECT_EQ(info.pixel_mask[y * 2463 + 100], 1U);
}

}  // namespace
}  // namespace etalon
