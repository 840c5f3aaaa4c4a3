#include "pipeline/calibrated_series.hpp"

#include "kernels/jungfrau/jungfrau.hpp"
#include "store/gain_constants_file.hpp"

namespace etalon {
namespace {

constexpr std::uint32_t dead_pixel = 2;              // NeXus pixel_mask, bit 1
constexpr double kev_angstrom = 12.398419843320026;  // h c

class CalibratedSeries final : public SeriesReader {
 public:
  CalibratedSeries(std::unique_ptr<SeriesReader> raw, jungfrau::Converter converter,
                   std::vector<std::string> files)
      : raw_(std::move(raw)), converter_(std::move(converter)), files_(std::move(files)) {
    const jungfrau::Constants& c = converter_.constants();
    info_ = raw_->info();
    info_.dtype = DType::i32;
    info_.saturation_value = 0;
    if (info_.geometry.wavelength_angstrom == 0)
      info_.geometry.wavelength_angstrom = kev_angstrom / double{c.energy_kev};
    info_.pixel_mask.resize(info_.geometry.pixels());
    for (std::size_t i = 0; i < info_.pixel_mask.size(); ++i)
      if (c.photons_per_unit[0][i] == 0) info_.pixel_mask[i] |= dead_pixel;
  }

  const SeriesInfo& info() const override { return info_; }
  Result<Frame> read(std::uint64_t index) override {
    ETALON_ASSIGN(Frame frame, raw_->read(index));
    Array photons(DType::i32, {info_.geometry.ny, info_.geometry.nx});
    auto done = converter_.convert(frame.image.view(), photons.mutable_view());
    if (!done.ok()) return std::move(done).error().in("frame " + std::to_string(index));
    frame.image = std::move(photons);
    return frame;
  }
  std::uint64_t source_number(std::uint64_t index) const override {
    return raw_->source_number(index);
  }
  bool has_source_numbers() const override { return raw_->has_source_numbers(); }
  std::vector<std::string> files() const override { return files_; }

 private:
  std::unique_ptr<SeriesReader> raw_;
  jungfrau::Converter converter_;
  std::vector<std::string> files_;
  SeriesInfo info_;
};

}  // namespace

Result<std::unique_ptr<SeriesReader>> open_source(const Recipe& recipe, const std::string& path) {
  ETALON_ASSIGN(auto raw, open_series(path, {recipe.source.dataset, {}, {}}));
  const Recipe::Calibrate& wanted = recipe.calibrate;
  if (wanted.detector == "none") return raw;
  std::vector<std::string> files = raw->files();
  std::string constants_path = path, dark_path;
  if (!wanted.constants.empty()) {
    ETALON_ASSIGN(constants_path, recipe_path(recipe, wanted.constants));
    files.push_back(constants_path);
  }
  if (!wanted.dark.empty()) {
    ETALON_ASSIGN(dark_path, recipe_path(recipe, wanted.dark));
    files.push_back(dark_path);
  }
  ETALON_ASSIGN(const GainConstantsFile file, read_gain_constants(constants_path, dark_path));
  const Geometry& g = raw->info().geometry;
  if (file.constants.ny != g.ny || file.constants.nx != g.nx)
    return Error{Errc::usage, constants_path + ": constants of " +
                                  to_string(Shape{file.constants.ny, file.constants.nx}) +
                                  ", the images are " + to_string(Shape{g.ny, g.nx})};
  const double energy = wanted.energy_kev != 0 ? wanted.energy_kev : file.energy_kev.value_or(0);
  if (energy == 0)
    return Error{Errc::usage, constants_path + ": says no photon energy: calibrate.energy_kev"};
  ETALON_ASSIGN(auto constants, jungfrau::make_constants(file.constants, energy));
  ETALON_ASSIGN(const auto mode, jungfrau::parse_common_mode(wanted.common_mode));
  ETALON_ASSIGN(auto converter,
                jungfrau::Converter::create(std::move(constants), {mode, 256, 256}));
  return std::unique_ptr<SeriesReader>(
      new CalibratedSeries(std::move(raw), std::move(converter), std::move(files)));
}

}  // namespace etalon
