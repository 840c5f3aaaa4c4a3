#include "pipeline/raw_conversion.hpp"

#include <algorithm>
#include <bit>
#include <functional>

#include "frame/dark_sums.hpp"
#include "kernels/jungfrau/jungfrau.hpp"
#include "store/flat_field_file.hpp"
#include "store/gain_constants_file.hpp"

namespace etalon {
namespace {

constexpr std::uint32_t dead_pixel = 2;              // NeXus pixel_mask, bit 1
constexpr double kev_angstrom = 12.398419843320026;  // h c

Result<RawConversion> photons_of(const Recipe& recipe, const std::string& path, const Geometry& g) {
  const Recipe::Calibrate& wanted = recipe.calibrate;
  RawConversion out;
  std::string constants_path = path, dark_path;
  if (!wanted.constants.empty()) {
    ETALON_ASSIGN(constants_path, recipe_path(recipe, wanted.constants));
    out.files.push_back(constants_path);
  }
  if (!wanted.dark.empty()) {
    ETALON_ASSIGN(dark_path, recipe_path(recipe, wanted.dark));
    out.files.push_back(dark_path);
  }
  ETALON_ASSIGN(const GainConstantsFile file, read_gain_constants(constants_path, dark_path));
  if (file.constants.ny != g.ny || file.constants.nx != g.nx)
    return Error{Errc::usage, constants_path + ": constants of " +
                                  to_string(Shape{file.constants.ny, file.constants.nx}) +
                                  ", the images are " + to_string(Shape{g.ny, g.nx})};
  const double energy = wanted.energy_kev != 0 ? wanted.energy_kev : file.energy_kev.value_or(0);
  if (energy == 0)
    return Error{Errc::usage, constants_path + ": says no photon energy: calibrate.energy_kev"};
  ETALON_ASSIGN(auto constants, jungfrau::make_constants(file.constants, energy));
  ETALON_ASSIGN(const auto mode, jungfrau::parse_common_mode(wanted.common_mode));
  ETALON_ASSIGN(auto made, jungfrau::Converter::create(std::move(constants), {mode, 256, 256}));
  const auto converter = std::make_shared<jungfrau::Converter>(std::move(made));
  out.dtype = DType::i32;
  out.convert = [converter](const ArrayView& in, const MutableArrayView& to) {
    return converter->convert(in, to);
  };
  if (wanted.dark_every != 0) {
    const auto tracker = std::make_shared<PedestalTracker>(
        file.constants.pedestal_adu[0], 0,
        static_cast<unsigned>(std::countr_zero(wanted.dark_memory)));
    out.follow_dark = [converter, tracker, every = wanted.dark_every,
                       first = wanted.dark_offset](const Frame& raw) -> Result<void> {
      if (raw.number % every != first || raw.image.dtype() != DType::u16) return {};
      tracker->add(raw.image.as<std::uint16_t>());
      return converter->set_pedestal(0, tracker->pedestals());
    };
  }
  for (const float f : converter->constants().photons_per_unit[0]) out.bad.push_back(f == 0);
  out.wavelength_angstrom = kev_angstrom / double{converter->constants().energy_kev};
  return out;
}

Result<RawConversion> shares_of_beam(const Recipe& recipe, const Geometry& g) {
  const Recipe::Calibrate& wanted = recipe.calibrate;
  if (wanted.dark.empty() || wanted.flat.empty())
    return Error{Errc::usage,
                 recipe.path + ": calibrate.detector = \"camera\" needs calibrate.dark and flat"};
  if (recipe.analyse.kind == "powder")
    return Error{Errc::usage, recipe.path +
                                  ": calibrate.detector = \"camera\" makes f32 images, and powder "
                                  "takes integers: analyse.kind = \"none\""};
  ETALON_ASSIGN(const std::string dark, recipe_path(recipe, wanted.dark));
  ETALON_ASSIGN(const std::string flat, recipe_path(recipe, wanted.flat));
  ETALON_ASSIGN(FlatField made, read_flat_field(frames_in(dark), frames_in(flat), g.ny, g.nx));
  RawConversion out;
  out.files = {frames_in(dark).file};
  if (frames_in(flat).file != out.files[0]) out.files.push_back(frames_in(flat).file);
  const auto field = std::make_shared<FlatField>(std::move(made));
  out.dtype = DType::f32;
  out.convert = [field](const ArrayView& in, const MutableArrayView& to) {
    return field->apply(in, to);
  };
  for (const std::uint8_t good : field->mask()) out.bad.push_back(good == 0);
  return out;
}

}  // namespace

void RawConversion::describe(SeriesInfo& info) const {
  info.dtype = dtype;
  info.saturation_value = 0;
  if (info.geometry.wavelength_angstrom == 0)
    info.geometry.wavelength_angstrom = wavelength_angstrom;
  info.pixel_mask.resize(bad.size());
  for (std::size_t i = 0; i < bad.size(); ++i)
    if (bad[i] != 0) info.pixel_mask[i] |= dead_pixel;
}

Result<Frame> RawConversion::operator()(Frame frame) const {
  Array made(dtype, frame.image.shape());
  auto done = convert(frame.image.view(), made.mutable_view());
  if (done.ok() && follow_dark) done = follow_dark(frame);
  if (!done.ok()) return std::move(done).error().in("frame " + std::to_string(frame.number));
  frame.image = std::move(made);
  return frame;
}

Result<std::optional<RawConversion>> raw_conversion(const Recipe& recipe, const std::string& source,
                                                    const Geometry& geometry) {
  const Recipe::Calibrate& wanted = recipe.calibrate;
  if (wanted.dark_every != 0 && wanted.detector != "jungfrau")
    return Error{Errc::usage,
                 recipe.path + ": calibrate.dark_every needs calibrate.detector = \"jungfrau\""};
  if (wanted.dark_every != 0 && wanted.dark_offset >= wanted.dark_every)
    return Error{Errc::usage, recipe.path + ": calibrate.dark_offset: not below dark_every"};
  if (wanted.detector == "none") return std::optional<RawConversion>();
  auto made = wanted.detector == "jungfrau" ? photons_of(recipe, source, geometry)
                                            : shares_of_beam(recipe, geometry);
  if (!made.ok()) return std::move(made).error();
  return std::optional<RawConversion>(std::move(made).value());
}

}  // namespace etalon
