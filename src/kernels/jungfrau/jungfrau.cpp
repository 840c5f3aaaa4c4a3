#include "kernels/jungfrau/jungfrau.hpp"

#include <cmath>
#include <numeric>

#include "kernels/dispatch.hpp"
#include "kernels/jungfrau/jungfrau_rows.hpp"

namespace etalon::jungfrau {
namespace {

constexpr std::pair<std::string_view, CommonMode> mode_names[] = {{"none", CommonMode::none},
                                                                  {"rows", CommonMode::rows},
                                                                  {"columns", CommonMode::columns},
                                                                  {"asics", CommonMode::asics}};

// To nearest, ties away from zero; 0 of too few.
std::int32_t rounded_mean(std::int64_t sum, std::int64_t n) {
  if (n < least_common_pixels) return 0;
  const std::int64_t magnitude = (2 * std::abs(sum) + n) / (2 * n);
  return static_cast<std::int32_t>(sum < 0 ? -magnitude : magnitude);
}

}  // namespace

Result<CommonMode> parse_common_mode(std::string_view name) {
  for (const auto& [known, mode] : mode_names)
    if (name == known) return mode;
  return Error{Errc::usage, "common mode '" + std::string(name) +
                                "': expected one of none, rows, columns, asics"};
}

std::string_view name_of(CommonMode mode) {
  for (const auto& [name, known] : mode_names)
    if (mode == known) return name;
  return "";
}

Result<Constants> make_constants(const GainConstants& measured, double energy_kev) {
  if (!(energy_kev >= 0.01 && energy_kev <= 1000))
    return Error{Errc::usage,
                 "photon energy " + std::to_string(energy_kev) + " keV: expected 0.01 to 1000"};
  const std::size_t pixels = measured.ny * measured.nx;
  Constants out{measured.ny, measured.nx, static_cast<float>(energy_kev), {}, {}};
  if (measured.bad.size() != pixels) return Error{Errc::usage, "mask: not one value a pixel"};
  for (std::size_t g = 0; g < 3; ++g) {
    const auto& pedestal = measured.pedestal_adu[g];
    const auto& gain = measured.gain_adu_per_kev[g];
    if (pedestal.size() != pixels || gain.size() != pixels)
      return Error{Errc::usage, "constants of G" + std::to_string(g) + ": not one a pixel"};
    out.pedestal[g].resize(pixels);
    out.photons_per_unit[g].resize(pixels);
    for (std::size_t i = 0; i < pixels; ++i) {
      const double f = 1 / (64 * double{gain[i]} * energy_kev);
      const bool good = measured.bad[i] == 0 && pedestal[i] >= 0 && pedestal[i] <= 16383 &&
                        std::abs(f) >= 0x1p-60 && std::abs(f) <= 0x1p20;
      if (!good) continue;
      out.pedestal[g][i] = static_cast<std::int32_t>(std::nearbyint(64 * double{pedestal[i]}));
      out.photons_per_unit[g][i] = static_cast<float>(f);
    }
  }
  return out;
}

Result<Converter> Converter::create(Constants constants, const Options& options) {
  const std::size_t ny = constants.ny, nx = constants.nx;
  if (options.asic_ny == 0 || options.asic_nx == 0 || options.asic_ny > 512 ||
      ny % options.asic_ny != 0 || nx % options.asic_nx != 0)
    return Error{Errc::usage, "ASICs of " + to_string(Shape{options.asic_ny, options.asic_nx}) +
                                  " pixels do not tile an image of " + to_string(Shape{ny, nx})};
  Converter converter;
  converter.constants_ = std::make_shared<const Constants>(std::move(constants));
  converter.options_ = options;
  converter.sums_.resize(nx);
  converter.counts_.resize(nx);
  converter.common_.assign(nx, 0);
  return converter;
}

// Fills common_ for the rows that begin at y0: one row, or all of a row of ASICs.
void Converter::find_common(const std::uint16_t* raw, std::size_t y0) {
  const std::size_t nx = constants_->nx;
  const std::size_t rows = options_.common_mode == CommonMode::rows ? 1 : options_.asic_ny;
  std::fill(sums_.begin(), sums_.end(), 0);
  std::fill(counts_.begin(), counts_.end(), 0);
  for (std::size_t y = y0; y < y0 + rows; ++y) {
    const Run run{*constants_, y * nx, nx, raw + y * nx, nullptr};
    (use_reference() ? add_small_ref : add_small_simd)(run, sums_.data(), counts_.data());
  }
  const std::size_t width = options_.common_mode == CommonMode::columns ? 1 : options_.asic_nx;
  for (std::size_t x = 0; x < nx; x += width) {
    std::int64_t sum = 0, n = 0;
    for (std::size_t i = x; i < x + width; ++i) {
      sum += sums_[i];
      n += counts_[i];
    }
    std::fill_n(common_.begin() + static_cast<std::ptrdiff_t>(x), width, rounded_mean(sum, n));
  }
}

Result<void> Converter::set_pedestal(unsigned gain, std::span<const std::int32_t> pedestal) {
  if (gain > 2 || pedestal.size() != constants_->ny * constants_->nx)
    return Error{Errc::usage, "pedestals of another number of pixels"};
  auto changed = std::make_shared<Constants>(*constants_);
  changed->pedestal[gain].assign(pedestal.begin(), pedestal.end());
  constants_ = std::move(changed);
  return {};
}

Result<void> Converter::convert(const ArrayView& raw, const MutableArrayView& out) {
  const std::size_t ny = constants_->ny, nx = constants_->nx;
  if (raw.dtype != DType::u16 || !(raw.shape == Shape{ny, nx}))
    return Error{Errc::malformed, "raw image of " + to_string(raw.shape) + " " +
                                      std::string(etalon::name_of(raw.dtype)) + ": expected " +
                                      to_string(Shape{ny, nx}) + " u16, as the constants"};
  if ((out.dtype != DType::i32 && out.dtype != DType::f32) || !(out.shape == raw.shape))
    return Error{Errc::malformed, "output: expected " + to_string(raw.shape) + " i32 or f32"};
  const std::uint16_t* pixels = raw.as<std::uint16_t>().data();
  const CommonMode mode = options_.common_mode;
  for (std::size_t y = 0; y < ny; ++y) {
    if (mode == CommonMode::rows || (mode != CommonMode::none && y % options_.asic_ny == 0))
      find_common(pixels, y);
    const Run run{*constants_, y * nx, nx, pixels + y * nx, common_.data()};
    if (out.dtype == DType::i32)
      (use_reference() ? to_photons_ref : to_photons_simd)(run,
                                                           out.as<std::int32_t>().data() + y * nx);
    else
      (use_reference() ? to_kev_ref : to_kev_simd)(run, out.as<float>().data() + y * nx);
  }
  return {};
}

}  // namespace etalon::jungfrau
