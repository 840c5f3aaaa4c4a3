#include "store/cxi_view.hpp"

#include <array>

namespace etalon {
namespace {

constexpr double joule_angstrom = 1.98644586e-15;  // h c
const std::string detector = "/entry_1/instrument_1/detector_1";

enum CxiPixel : std::uint32_t {
  is_invalid = 0x1,
  is_hot = 0x4,
  is_dead = 0x8,
  is_bad = 0x80,
};

// CXI's laboratory: z along the beam, y up, x such that the three are right-handed (to the left,
// seen along the beam).
Result<void> write_place(hid_t file, const Geometry& g) {
  const double dx = g.pixel_size_x_m, dy = g.pixel_size_y_m;
  const std::array<double, 3> corner{(g.centre_x + 0.5) * dx, (g.centre_y + 0.5) * dy,
                                     g.distance_m};
  const std::array<double, 6> steps{0, -dy, 0, -dx, 0, 0};  // to the next row, then column
  ETALON_TRY(h5::write_array(file, detector + "/corner_position",
                             view_of(std::span<const double>(corner), {3}), "m"));
  ETALON_TRY(h5::write_array(file, detector + "/basis_vectors",
                             view_of(std::span<const double>(steps), {2, 3}), "m"));
  return {};
}

}  // namespace

std::uint32_t cxi_mask_of(std::uint32_t nxmx_bits) {
  // By bit: gap, dead, under-responding, over-responding; what follows has no name in CXI.
  constexpr std::array<std::uint32_t, 4> of{is_invalid, is_dead, is_bad, is_hot};
  std::uint32_t bits = 0;
  for (std::size_t bit = 0; bit < of.size(); ++bit)
    if ((nxmx_bits >> bit & 1) != 0) bits |= of[bit];
  return nxmx_bits >> of.size() != 0 ? bits | is_bad : bits;
}

Result<void> write_cxi_view(hid_t file, const SeriesInfo& info) {
  const h5::Lock lock;
  const Geometry& g = info.geometry;
  ETALON_TRY(h5::write_integer(file, "/cxi_version", 160));
  ETALON_TRY(h5::link(file, "/entry/data/data", "/entry_1/data_1/data"));
  ETALON_TRY(h5::link(file, "/entry/data/data", detector + "/data"));
  const auto number = [&](const std::string& name, double value,
                          const char* units) -> Result<void> {
    if (!(value > 0)) return {};
    ETALON_TRY(h5::write_number(file, name, value, units));
    return {};
  };
  if (g.wavelength_angstrom > 0)
    ETALON_TRY(number("/entry_1/instrument_1/source_1/energy",
                      joule_angstrom / g.wavelength_angstrom, "J"));
  ETALON_TRY(number(detector + "/distance", g.distance_m, "m"));
  ETALON_TRY(number(detector + "/x_pixel_size", g.pixel_size_x_m, "m"));
  ETALON_TRY(number(detector + "/y_pixel_size", g.pixel_size_y_m, "m"));
  if (g.places.empty() && g.distance_m > 0 && g.pixel_size_x_m > 0)
    ETALON_TRY(write_place(file, g));
  if (!info.pixel_mask.empty() && info.pixel_mask.size() == g.pixels()) {
    std::vector<std::uint32_t> mask(info.pixel_mask.size());
    for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = cxi_mask_of(info.pixel_mask[i]);
    const std::span<const std::uint32_t> bits(mask);
    ETALON_TRY(h5::write_packed(file, detector + "/mask", view_of(bits, {g.ny, g.nx})));
  }
  return {};
}

}  // namespace etalon
