// Every backend gives the reference's peaks to the bit.
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "etalon/backend.hpp"
#include "kernels/dispatch.hpp"
#include "kernels/dispersion/dispersion_cases.hpp"

namespace etalon {
namespace {

std::vector<Peak> find(const dispersion::Case& c, const std::string& backend_name) {
  EXPECT_TRUE(set_backend(backend_name).ok());
  record_run(-1);
  auto finder = Dispersion::create(c.geometry, c.mask, c.parameters);
  EXPECT_TRUE(finder.ok()) << finder.error().message;
  auto peaks = finder->find(c.image.view());
  EXPECT_TRUE(peaks.ok()) << peaks.error().message;
  EXPECT_EQ(backend_that_ran(), backend_name) << "this backend is listed and did not run";
  const auto again = finder->find(c.image.view());  // nothing stays from frame to frame
  EXPECT_EQ(*peaks, *again) << backend_name;
  EXPECT_TRUE(set_backend("auto").ok());
  return *peaks;
}

std::size_t expect_equal_on_all_backends(const dispersion::Case& c, const std::string& what) {
  const std::vector<Peak> expected = find(c, "scalar");
  for (const std::string& name : backends()) {
    const std::vector<Peak> peaks = find(c, name);
    EXPECT_EQ(peaks.size(), expected.size()) << name << ", " << what;
    for (std::size_t i = 0; i < std::min(peaks.size(), expected.size()); ++i)
      EXPECT_EQ(std::memcmp(&peaks[i], &expected[i], sizeof(Peak)), 0)
          << name << ", " << what << ", peak " << i;
  }
  return expected.size();
}

TEST(DispersionVariants, AgreeOnRandomCases) {
  std::size_t found = 0;
  for (std::uint64_t seed = 0; seed < 1000 && !::testing::Test::HasFailure(); ++seed) {
    pf8::Dice dice(seed);
    found +=
        expect_equal_on_all_backends(dispersion::random_case(dice), "case " + std::to_string(seed));
  }
  EXPECT_GT(found, 1000U);  // the comparison was about something
}

TEST(DispersionVariants, AgreeOnStillsOfEveryType) {
  for (const DType type : {DType::u8, DType::u16, DType::u32, DType::i16, DType::i32, DType::f32})
    for (const bool extended : {false, true})
      for (const std::int64_t factor : {1, 3000, 200000}) {  // the last is beyond exact f64 sums
        Geometry g;
        g.ny = 150;
        g.nx = 131;
        g.panels = {{0, 70, 0, 131}, {70, 150, 0, 60}, {70, 150, 60, 131}};
        pf8::Dice dice(7);
        std::vector<std::int64_t> image = pf8::still(g, 4, 25, dice);
        for (std::int64_t& v : image) v *= factor;
        dispersion::Case c{g, Mask(g.pixels(), 1), {}, pf8::as_type(image, type, g)};
        c.parameters.extended = extended;
        c.parameters.gain = static_cast<float>(factor);
        const std::size_t found = expect_equal_on_all_backends(
            c, std::string(name_of(type)) + " x" + std::to_string(factor));
        if (factor == 1) {
          EXPECT_GT(found, 10U) << name_of(type);
        }
      }
}

}  // namespace
}  // namespace etalon
