// The cases themselves. Where a case is a trap, `why` says which.
#include "case_file.hpp"
#include "etalon/backend.hpp"
#include "kernels/dispersion/dispersion_cases.hpp"

namespace etalon::conformance {
namespace {

// A 48 x 64 plate of ones and twos; the beam is far to the left, so that a radial bin is nearly a
// column.
class Plate {
 public:
  Plate(std::string name, std::string why, FindMethod method = FindMethod::peakfinder8) {
    c_.name = std::move(name);
    c_.why = std::move(why);
    c_.settings.method = method;
    c_.geometry.ny = ny;
    c_.geometry.nx = nx;
    c_.geometry.centre_x = -10000;
    c_.geometry.centre_y = 24;
    c_.mask.assign(ny * nx, 1);
    c_.settings.parameters.snr = 3;  // few pixels in a bin
    for (std::size_t i = 0; i < values_.size(); ++i)
      values_[i] = 1 + static_cast<std::int64_t>((i / nx + i % nx) % 2);
  }
  std::int64_t& at(std::size_t y, std::size_t x) { return values_[y * nx + x]; }
  void spot(std::size_t y, std::size_t x, std::int64_t height = 100) {
    at(y, x) = at(y, x + 1) = at(y + 1, x) = at(y + 1, x + 1) = height;
  }
  void bad(std::size_t y, std::size_t x) { c_.mask[y * nx + x] = 0; }
  Geometry& geometry() { return c_.geometry; }
  PeakParameters& parameters() { return c_.settings.parameters; }
  DispersionParameters& dispersion() { return c_.settings.dispersion; }
  Case as(DType type) {
    c_.image = pf8::as_type(values_, type, c_.geometry);
    return c_;
  }

 private:
  static constexpr std::size_t ny = 48, nx = 64;
  Case c_;
  std::vector<std::int64_t> values_ = std::vector<std::int64_t>(ny * nx);
};

void peakfinder8_traps(std::vector<Case>& cases) {
  {
    Plate p("pf8_panels",
            "a group never reaches into another panel, nor is it joined by what was found in one");
    p.geometry().panels = {{0, 24, 0, 64}, {24, 48, 0, 32}, {24, 48, 32, 64}};
    for (std::size_t x = 10; x < 16; ++x) p.spot(10, x, 90);  // large, found first
    p.spot(30, 12);
    p.spot(30, 16);
    p.spot(36, 31);  // lies over the border of two panels
    p.spot(23, 50);
    cases.push_back(p.as(DType::u16));
  }
  {
    Plate p("pf8_border", "border pixels of a panel join a group and do not begin one");
    p.at(0, 10) = p.at(0, 11) = 90;
    p.at(0, 30) = p.at(0, 31) = p.at(1, 31) = 90;
    p.at(20, 63) = p.at(21, 63) = p.at(21, 62) = 90;
    cases.push_back(p.as(DType::u16));
  }
  {
    Plate p("pf8_radius", "r is rounded, ties to even; positions are not shifted by half a pixel");
    p.geometry().centre_x = 20.5;
    p.geometry().centre_y = 24;
    p.spot(10, 20);
    p.spot(24, 40, 60);
    p.spot(40, 50, 30);
    cases.push_back(p.as(DType::i16));
  }
  {
    Plate p("pf8_rejected", "a group too large is no peak, and its pixels are no one's background");
    for (std::size_t x = 5; x < 50; ++x) p.at(10, x) = 200;
    p.spot(12, 20);
    p.parameters().max_pixels = 20;
    cases.push_back(p.as(DType::u16));
  }
  {
    Plate p("pf8_ring", "the local background is -2R <= dy, dx < 2R, half open, within 2R");
    p.spot(20, 20);
    for (std::size_t i = 0; i < 48; ++i) p.at(i, 14) = 5, p.at(i, 26) = 6, p.at(14, i) = 4;
    cases.push_back(p.as(DType::u16));
  }
  {
    Plate p("pf8_threshold", "the threshold is the floor of a bin's limit in every round");
    p.parameters().threshold = 60;
    p.spot(10, 20, 59);
    p.spot(20, 20, 60);
    p.spot(30, 20, 61);
    for (std::size_t y = 0; y < 48; y += 3) p.at(y, 40) = 45;
    p.spot(20, 39, 80);
    cases.push_back(p.as(DType::u16));
  }
  {
    Plate p("pf8_alone", "with no background left: the radial mean, and a sigma of 0.01");
    p.spot(10, 20);
    for (std::size_t y = 0; y < 25; ++y)
      for (std::size_t x = 10; x < 32; ++x)
        if (!((y == 10 || y == 11) && (x == 20 || x == 21))) p.bad(y, x);
    cases.push_back(p.as(DType::u16));
  }
  {
    Plate p("pf8_extremes", "values from -2^31 to 2^31 - 1; those of 1e9 and more are in no sum");
    p.spot(10, 20, 2147483647);
    p.spot(20, 40, -2147483648LL);
    p.at(30, 30) = 1000000000;
    p.at(30, 31) = 999999999;
    p.spot(40, 10, 70000);
    cases.push_back(p.as(DType::i32));
  }
  {
    Plate p("pf8_floats", "f32 is rounded to a fraction of the threshold; NaN and inf are bad");
    p.spot(10, 20);
    p.spot(30, 40, 33);
    Case c = p.as(DType::f32);
    for (float& v : c.image.as<float>()) v *= 0.37F;
    c.image.as<float>()[10 * 64 + 22] = NAN;
    c.image.as<float>()[30 * 64 + 39] = INFINITY;
    c.image.as<float>()[40 * 64 + 39] = -INFINITY;
    c.settings.parameters.threshold = 3.7F;
    cases.push_back(c);
  }
}

void dispersion_traps(std::vector<Case>& cases) {
  for (const FindMethod method : {FindMethod::dispersion, FindMethod::dispersion_extended}) {
    const std::string kind = method == FindMethod::dispersion ? "plain" : "extended";
    const auto name = [&](const char* what) { return "dispersion_" + kind + "_" + what; };
    {
      Plate p(name("panels"), "windows and groups end at a panel's edge", method);
      p.geometry().panels = {{0, 24, 0, 64}, {24, 48, 0, 32}, {24, 48, 32, 64}};
      p.spot(10, 10);
      p.spot(23, 40, 300);
      p.spot(36, 31, 300);
      p.spot(0, 62);
      p.dispersion().min_pixels = 2;
      cases.push_back(p.as(DType::u16));
    }
    {
      Plate p(name("groups"), "4-connected; size and distance to the largest pixel", method);
      p.dispersion().min_pixels = 1;
      p.dispersion().max_pixels = 9;
      p.at(10, 10) = p.at(11, 11) = 200;
      for (std::size_t x = 30; x < 38; ++x) p.at(10, x) = x == 30 ? 150 : 100;
      for (std::size_t x = 30; x < 42; ++x) p.at(30, x) = 100;
      p.spot(40, 10);
      cases.push_back(p.as(DType::u16));
    }
    {
      Plate p(name("bad"), "bad pixels are in no sum; right beside one nothing is eroded", method);
      p.spot(10, 20);
      p.bad(10, 22);
      p.spot(30, 20);
      p.bad(30, 24);
      p.spot(30, 50, 1 << 24);  // in no sum, and yet strong
      p.at(34, 50) = 40;
      cases.push_back(p.as(DType::u32));
    }
    {
      Plate p(name("whole"), "min_local 0: only whole windows; a gain, a threshold, a long window",
              method);
      p.dispersion().min_local = 0;
      p.dispersion().gain = 1.7F;
      p.dispersion().threshold = 12;
      p.dispersion().kernel_size = {4, 2};
      p.spot(0, 20);
      p.spot(20, 20, 60);
      p.spot(30, 40, 12);
      p.spot(40, 61);
      Case c = p.as(DType::f32);
      for (float& v : c.image.as<float>()) v *= 1.31F;
      c.image.as<float>()[20 * 64 + 26] = NAN;
      cases.push_back(c);
    }
  }
}

void stills(std::vector<Case>& cases) {
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Case still;
    Geometry& g = still.geometry;
    g.ny = 70 + seed;
    g.nx = 61 - seed;
    g.centre_y = 33.3;
    g.centre_x = 28.8;
    pf8::Dice dice(seed);
    still.image = pf8::as_type(pf8::still(g, 3.0, 14, dice), DType::u16, g);
    still.mask.assign(g.pixels(), 1);
    for (std::size_t x = 0; x < g.nx; ++x) still.mask[30 * g.nx + x] = 0;
    still.why = "Poisson background, spots, a masked row";
    for (const FindMethod method :
         {FindMethod::peakfinder8, FindMethod::dispersion, FindMethod::dispersion_extended}) {
      still.name = std::string(name_of(method)) + "_still" + std::to_string(seed);
      still.settings.method = method;
      cases.push_back(still);
    }
  }
}

}  // namespace

Result<std::vector<Case>> make_cases() {
  std::vector<Case> cases;
  peakfinder8_traps(cases);
  dispersion_traps(cases);
  stills(cases);
  ETALON_TRY(set_backend("scalar"));
  for (Case& c : cases) {
    ETALON_ASSIGN(Finder finder, Finder::create(c.geometry, c.mask, c.settings));
    ETALON_ASSIGN(c.peaks, finder.find(c.image.view()));
  }
  ETALON_TRY(set_backend("auto"));
  return cases;
}

}  // namespace etalon::conformance
