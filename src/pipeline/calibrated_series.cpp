#include "pipeline/calibrated_series.hpp"

#include <algorithm>
#include <functional>

#include "kernels/jungfrau/jungfrau.hpp"
#include "store/flat_field_file.hpp"
#include "store/gain_constants_file.hpp"

namespace etalon {
namespace {

constexpr std::uint32_t dead_pixel = 2;              // NeXus pixel_mask, bit 1
constexpr double kev_angstrom = 12.398419843320026;  // h c

using Convert = std::function<Result<void>(const ArrayView&, const MutableArrayView&)>;

class CalibratedSeries final : public SeriesReader {
 public:
  // `is_bad`: of a pixel in all frames.
  CalibratedSeries(std::unique_ptr<SeriesReader> raw, DType type, Convert convert,
                   const std::function<bool(std::size_t)>& is_bad, std::vector<std::string> files)
      : raw_(std::move(raw)), convert_(std::move(convert)), files_(std::move(files)) {
    info_ = raw_->info();
    info_.dtype = type;
    info_.saturation_value = 0;
    info_.pixel_mask.resize(info_.geometry.pixels());
    for (std::size_t i = 0; i < info_.pixel_mask.size(); ++i)
      if (is_bad(i)) info_.pixel_mask[i] |= dead_pixel;
  }

  const SeriesInfo& info() const override { return info_; }
  Result<Frame> read(std::uint64_t index) override {
    ETALON_ASSIGN(Frame frame, raw_->read(index));
    Array made(info_.dtype, {info_.geometry.ny, info_.geometry.nx});
    auto done = convert_(frame.image.view(), made.mutable_view());
    if (!done.ok()) return std::move(done).error().in("frame " + std::to_string(index));
    frame.image = std::move(made);
    return frame;
  }
  std::uint64_t source_number(std::uint64_t index) const override {
    return raw_->source_number(index);
  }
  bool has_source_numbers() const override { return raw_->has_source_numbers(); }
  std::vector<std::string> files() const override { return files_; }
  void set_wavelength(double angstrom) {
    if (info_.geometry.wavelength_angstrom == 0) info_.geometry.wavelength_angstrom = angstrom;
  }

 private:
  std::unique_ptr<SeriesReader> raw_;
  Convert convert_;
  std::vector<std::string> files_;
  SeriesInfo info_;
};

Result<std::unique_ptr<SeriesReader>> photons_of(const Recipe& recipe, const std::string& path,
                                                 std::unique_ptr<SeriesReader> raw) {
  const Recipe::Calibrate& wanted = recipe.calibrate;
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
  ETALON_ASSIGN(auto made, jungfrau::Converter::create(std::move(constants), {mode, 256, 256}));
  const auto converter = std::make_shared<jungfrau::Converter>(std::move(made));
  auto series = std::make_unique<CalibratedSeries>(
      std::move(raw), DType::i32,
      [converter](const ArrayView& in, const MutableArrayView& out) {
        return converter->convert(in, out);
      },
      [&](std::size_t i) { return converter->constants().photons_per_unit[0][i] == 0; },
      std::move(files));
  series->set_wavelength(kev_angstrom / double{converter->constants().energy_kev});
  return std::unique_ptr<SeriesReader>(std::move(series));
}

Result<std::unique_ptr<SeriesReader>> shares_of_beam(const Recipe& recipe,
                                                     std::unique_ptr<SeriesReader> raw) {
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
  const Geometry& g = raw->info().geometry;
  ETALON_ASSIGN(FlatField made, read_flat_field(frames_in(dark), frames_in(flat), g.ny, g.nx));
  std::vector<std::string> files = raw->files();
  for (const std::string& read : {frames_in(dark).file, frames_in(flat).file})
    if (std::find(files.begin(), files.end(), read) == files.end()) files.push_back(read);
  const auto field = std::make_shared<FlatField>(std::move(made));
  return std::unique_ptr<SeriesReader>(new CalibratedSeries(
      std::move(raw), DType::f32,
      [field](const ArrayView& in, const MutableArrayView& out) { return field->apply(in, out); },
      [&](std::size_t i) { return field->mask()[i] == 0; }, std::move(files)));
}

}  // namespace

Result<std::unique_ptr<SeriesReader>> open_source(const Recipe& recipe, const std::string& path) {
  ETALON_ASSIGN(auto raw, open_series(path, {recipe.source.dataset, {}, {}}));
  if (recipe.calibrate.detector == "jungfrau") return photons_of(recipe, path, std::move(raw));
  if (recipe.calibrate.detector == "camera") return shares_of_beam(recipe, std::move(raw));
  return raw;
}

}  // namespace etalon
