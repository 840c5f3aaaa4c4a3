#include "kernels/jungfrau/jungfrau.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "etalon/backend.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/jungfrau/jungfrau_cases.hpp"

namespace etalon {
namespace {

using jungfrau::bad_photons;
using jungfrau::CommonMode;

Array convert(const jungfrau::Case& c, const std::string& backend_name, DType type = DType::i32) {
  EXPECT_TRUE(set_backend(backend_name).ok());
  record_run(-1);
  auto constants = jungfrau::make_constants(c.measured, c.energy_kev);
  EXPECT_TRUE(constants.ok()) << constants.error().message;
  auto converter = jungfrau::Converter::create(std::move(*constants), c.options);
  EXPECT_TRUE(converter.ok()) << converter.error().message;
  Array out(type, c.raw.shape());
  auto done = converter->convert(c.raw.view(), out.mutable_view());
  EXPECT_TRUE(done.ok()) << done.error().message;
  EXPECT_EQ(backend_that_ran(), backend_name) << "this backend is listed and did not run";
  EXPECT_TRUE(set_backend("auto").ok());
  return out;
}

TEST(Jungfrau, EveryBackendGivesTheReferencesBits) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const jungfrau::Case c = jungfrau::random_case(seed);
    for (DType type : {DType::i32, DType::f32}) {
      const Array expected = convert(c, "scalar", type);
      for (const std::string& name : backends()) {
        const Array out = convert(c, name, type);
        ASSERT_EQ(std::memcmp(out.view().data, expected.view().data, out.view().size_bytes()), 0)
            << name << ", seed " << seed;
      }
    }
  }
}

TEST(Jungfrau, GivesBackThePhotonsThatWentIn) {
  const jungfrau::Case c = jungfrau::exposure(128, 256, 5, 3);
  const Array out = convert(c, backend());
  std::size_t wrong = 0, in_g0 = 0;
  for (std::size_t i = 0; i < c.photons.size(); ++i) {
    const std::int32_t error = out.as<std::int32_t>()[i] - c.photons[i];
    // Five times the noise of 5 ADU (and a common mode's rest of 1), in photons of the gain.
    const double adu_per_photon = c.photons[i] < 20 ? 380 : c.photons[i] < 680 ? 13.3 : 0.95;
    EXPECT_LE(std::abs(error), 0.5 + 5 * 6 / adu_per_photon * 1.15) << i;
    if (c.photons[i] < 20) ++in_g0, wrong += error != 0;
  }
  EXPECT_GT(in_g0, 30000U);
  EXPECT_EQ(wrong, 0U);
}

// One pixel a row of ASICs of 4 x 4: pedestal 100, 10 ADU a photon.
struct Plate {
  jungfrau::Case c;
  Plate() {
    c.measured.ny = 8;
    c.measured.nx = 64;
    for (std::size_t g = 0; g < 3; ++g) {
      c.measured.pedestal_adu[g].assign(512, g == 0 ? 100.0F : 10000.0F);
      c.measured.gain_adu_per_kev[g].assign(512, g == 0 ? 10.0F : -1.0F);
    }
    c.measured.bad.assign(512, 0);
    c.energy_kev = 1;
    c.options = {CommonMode::none, 8, 64};
    c.raw = Array(DType::u16, {8, 64});
    for (std::uint16_t& v : c.raw.as<std::uint16_t>()) v = 100;
  }
  std::uint16_t& at(std::size_t i) { return c.raw.as<std::uint16_t>()[i]; }
  std::vector<std::int32_t> photons() {
    const Array out = convert(c, "scalar");
    return {out.as<std::int32_t>().begin(), out.as<std::int32_t>().end()};
  }
};

TEST(Jungfrau, RoundsToNearestTiesToEvenAndKeepsNegatives) {
  Plate plate;
  constexpr std::uint16_t values[] = {105, 115, 125, 126, 95, 85, 70};
  std::copy(std::begin(values), std::end(values), &plate.at(0));
  const auto photons = plate.photons();
  constexpr std::int32_t expected[] = {0, 2, 2, 3, 0, -2, -3};
  for (std::size_t i = 0; i < std::size(expected); ++i) EXPECT_EQ(photons[i], expected[i]) << i;
}

TEST(Jungfrau, TakesEachGainByItsBitsAndMasksWhatIsNoSignal) {
  Plate plate;
  plate.at(0) = 1 << 14 | 9000;    // G1 counts down
  plate.at(1) = 3 << 14 | 1;       // G2
  plate.at(2) = 3 << 14;           // saturated
  plate.at(3) = 3 << 14 | 0x3fff;  // saturated the other way
  plate.at(4) = 2 << 14 | 100;     // no such gain
  plate.at(5) = 1 << 14;           // the end of G1 is no saturation
  plate.c.measured.bad[6] = 1;
  plate.c.measured.gain_adu_per_kev[1][7] = 0;  // only G1 is unknown
  plate.at(7) = 1 << 14 | 9000;
  plate.c.measured.gain_adu_per_kev[1][8] = 0;
  const auto photons = plate.photons();
  const std::vector<std::int32_t> expected = {
      1000, 9999, bad_photons, bad_photons, bad_photons, 10000, bad_photons, bad_photons, 0};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(photons[i], expected[i]) << i;
}

TEST(Jungfrau, CommonModeOfRowsColumnsAndAsics) {
  Plate plate;
  for (std::size_t x = 0; x < 64; ++x) plate.at(64 + x) = 104;  // row 1 lies 4 ADU high
  plate.at(64 + 3) = 204;                                       // ten photons on it
  plate.at(64 + 4) = 109;                                       // half a photon
  plate.c.options.common_mode = CommonMode::rows;
  auto photons = plate.photons();
  EXPECT_EQ(photons[64 + 3], 10);
  EXPECT_EQ(photons[64 + 4], 0);
  EXPECT_EQ(photons[0], 0);
  // In keV the correction itself is seen: 62 pixels of 4 ADU take part.
  const Array kev = convert(plate.c, "scalar", DType::f32);
  EXPECT_EQ(kev.as<float>()[64], 0.0F);
  EXPECT_EQ(kev.as<float>()[64 + 3], 10.0F);

  plate.c.options.common_mode = CommonMode::asics;  // 62 of 510 pixels at 4 ADU: 31/64 ADU
  const Array whole = convert(plate.c, "scalar", DType::f32);
  EXPECT_FLOAT_EQ(whole.as<float>()[0], -31.0F / 640);

  plate.c.options.common_mode = CommonMode::columns;  // eight pixels are too few
  EXPECT_EQ(convert(plate.c, "scalar", DType::f32).as<float>()[0], 0.0F);
}

TEST(Jungfrau, RefusesWhatDoesNotFit) {
  Plate plate;
  EXPECT_FALSE(jungfrau::make_constants(plate.c.measured, 0).ok());
  EXPECT_FALSE(jungfrau::make_constants(plate.c.measured, NAN).ok());
  auto constants = jungfrau::make_constants(plate.c.measured, 1);
  ASSERT_TRUE(constants.ok());
  EXPECT_FALSE(jungfrau::Converter::create(*constants, {CommonMode::none, 3, 64}).ok());
  EXPECT_FALSE(jungfrau::Converter::create(*constants, {CommonMode::none, 0, 64}).ok());
  auto converter = jungfrau::Converter::create(*constants, {CommonMode::none, 8, 64});
  ASSERT_TRUE(converter.ok());
  Array out(DType::i32, {8, 64}), small(DType::u16, {8, 63}), other(DType::i16, {8, 64});
  EXPECT_FALSE(converter->convert(small.view(), out.mutable_view()).ok());
  EXPECT_FALSE(converter->convert(other.view(), out.mutable_view()).ok());
  EXPECT_FALSE(converter->convert(plate.c.raw.view(), other.mutable_view()).ok());
  plate.c.measured.pedestal_adu[2].pop_back();
  EXPECT_FALSE(jungfrau::make_constants(plate.c.measured, 1).ok());
}

}  // namespace
}  // namespace etalon
