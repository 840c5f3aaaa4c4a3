#include "sim/stills.hpp"

#include <algorithm>
#include <cmath>

#include "base/exact_math.hpp"
#include "base/thread_pool.hpp"
#include "sim/poisson.hpp"
#include "sim/random.hpp"

namespace etalon {
namespace {

Error senseless(const std::string& what) { return {Errc::usage, "simulator: " + what}; }

Result<void> check(const StillsParameters& p) {
  if (p.ny == 0 || p.nx == 0 || p.ny > 16384 || p.nx > 16384)
    return senseless("size must lie in 1..16384 along each axis");
  if (p.frames >= std::uint64_t{1} << 40) return senseless("frames must be below 2^40");
  for (double fraction :
       {p.hit_fraction, p.jet_fraction, p.background.polarization,
        p.detector.dead_fraction + p.detector.hot_fraction, p.detector.hot_known_fraction})
    if (!(fraction >= 0 && fraction <= 1)) return senseless("fractions must lie in 0..1");
  for (double length : {p.wavelength_angstrom, p.distance_m, p.pixel_size_m})
    if (!(length > 0 && length <= 1e3))
      return senseless("wavelength, distance and pixel size must be above zero");
  for (double photons : {p.flux, p.structure_factor_intensity, p.b_factor, p.background.water,
                         p.background.air, p.background.dark})
    if (!(photons >= 0 && photons <= 1e7))
      return senseless("flux, intensities and B factor must lie in 0..1e7");
  for (double jitter : {p.flux_jitter, p.jet_jitter, p.crystal_jitter})
    if (!(jitter >= 0 && jitter <= 3)) return senseless("jitters must lie in 0..3");
  for (double width : {p.rocking.mosaic_rad, p.rocking.divergence_rad, p.rocking.bandwidth})
    if (!(width >= 0 && width <= 0.1)) return senseless("rocking widths must lie in 0..0.1");
  if (!(p.rocking.domain_angstrom >= 50 && p.rocking.domain_angstrom <= 1e9))
    return senseless("domain size must lie in 50..1e9 angstrom");
  if (!(p.spot.sigma_px >= 0.2 && p.spot.sigma_px <= 20))
    return senseless("spot size must lie in 0.2..20 pixels");
  if (!(p.weakest_photons > 0)) return senseless("weakest photons must be above zero");
  if (!(p.background.air_q > 0) || !(p.background.beam_stop_px >= 0))
    return senseless("air and beam stop must have a size");
  if (p.detector.module_ny == 0 || p.detector.module_nx == 0 || p.detector.saturation > 65535)
    return senseless("modules must have pixels, and saturation must fit 16 bits");
  return {};
}

Geometry geometry_of(const StillsParameters& p) {
  Geometry g;
  g.ny = p.ny;
  g.nx = p.nx;
  // Off the middle, as beams are.
  g.centre_x = (static_cast<double>(p.nx) - 1) / 2 + 0.8;
  g.centre_y = (static_cast<double>(p.ny) - 1) / 2 + 0.6;
  g.pixel_size_x_m = g.pixel_size_y_m = p.pixel_size_m;
  g.distance_m = p.distance_m;
  g.wavelength_angstrom = p.wavelength_angstrom;
  g.panels = module_panels(p.ny, p.nx, p.detector);
  return g;
}

// Resolution at the image's farthest corner, angstrom.
double corner_resolution(const Geometry& g) {
  const double dx = std::max(g.centre_x, static_cast<double>(g.nx) - g.centre_x) * g.pixel_size_x_m;
  const double dy = std::max(g.centre_y, static_cast<double>(g.ny) - g.centre_y) * g.pixel_size_y_m;
  const double cosine = g.distance_m / std::sqrt(dx * dx + dy * dy + g.distance_m * g.distance_m);
  return g.wavelength_angstrom / std::sqrt(2 * (1 - cosine));
}

SeriesInfo info_of(const StillsParameters& p, const Geometry& geometry, const Detector& detector) {
  SeriesInfo info;
  info.name = "stills-" + std::to_string(p.seed);
  info.frames = p.frames;
  info.dtype = DType::u16;
  info.geometry = geometry;
  info.pixel_mask = detector.pixel_mask;
  info.saturation_value = p.detector.saturation;
  info.count_time_s = p.count_time_s;
  info.frame_time_s = p.frame_time_s;
  info.start_time = "2026-01-01T00:00:00Z";  // a clock would make every file another one
  info.detector = "Etalon simulated photon counter";
  info.sensor_material = "Si";
  info.sensor_thickness_m = 450e-6;
  return info;
}

}  // namespace

struct StillsSimulator::Impl {
  StillsParameters parameters;
  SeriesInfo info;
  Matrix3 basis;
  std::vector<Reflection> reflections;
  Background background;
  Detector detector;
  PoissonSampler poisson;
};

StillsSimulator::StillsSimulator(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
StillsSimulator::~StillsSimulator() = default;
StillsSimulator::StillsSimulator(StillsSimulator&&) noexcept = default;
StillsSimulator& StillsSimulator::operator=(StillsSimulator&&) noexcept = default;

Result<StillsSimulator> StillsSimulator::create(const StillsParameters& parameters) {
  ETALON_TRY(check(parameters));
  const Geometry geometry = geometry_of(parameters);
  const WilsonParameters wilson{parameters.structure_factor_intensity, parameters.b_factor,
                                corner_resolution(geometry)};
  ETALON_ASSIGN(auto reflections, structure_factors(parameters.cell, wilson, parameters.seed));
  auto impl = std::make_unique<Impl>();
  impl->parameters = parameters;
  impl->detector =
      make_detector(parameters.ny, parameters.nx, parameters.detector, parameters.seed);
  impl->info = info_of(parameters, geometry, impl->detector);
  impl->basis = reciprocal_basis(parameters.cell);
  impl->reflections = std::move(reflections);
  impl->background = make_background(geometry, parameters.background);
  return StillsSimulator(std::move(impl));
}

const StillsParameters& StillsSimulator::parameters() const { return impl_->parameters; }
const SeriesInfo& StillsSimulator::info() const { return impl_->info; }
const std::vector<Reflection>& StillsSimulator::reflections() const { return impl_->reflections; }

StillTruth StillsSimulator::truth(std::uint64_t number) const {
  const StillsParameters& p = impl_->parameters;
  RandomStream shot({p.seed, number, Purpose::shot});
  // Every number is drawn in every frame, so that one parameter changes nothing but its own part.
  const double hit = shot.uniform(), jet = shot.uniform();
  const double flux = exact::exp(p.flux_jitter * shot.normal());
  const double thickness = exact::exp(p.jet_jitter * shot.normal());
  const double crystal = exact::exp(p.crystal_jitter * shot.normal());

  StillTruth truth;
  truth.is_hit = hit < p.hit_fraction;
  truth.has_jet = truth.is_hit || jet < p.jet_fraction;
  truth.background_scale = p.flux * flux;
  truth.jet_scale = truth.has_jet ? thickness : 0;
  if (!truth.is_hit) return truth;
  truth.crystal_scale = truth.background_scale * crystal;
  RandomStream orientation({p.seed, number, Purpose::orientation});
  const double u1 = orientation.uniform(), u2 = orientation.uniform(), u3 = orientation.uniform();
  truth.a_matrix = rotation_of(u1, u2, u3) * impl_->basis;
  truth.spots =
      predict_spots(impl_->reflections, truth.a_matrix, impl_->info.geometry, p.rocking, p.spot,
                    p.background.polarization, truth.crystal_scale, p.weakest_photons);
  return truth;
}

std::vector<float> StillsSimulator::mean_image(const StillTruth& truth) const {
  const Background& background = impl_->background;
  std::vector<float> image(background.water.size());
  const auto air = static_cast<float>(truth.background_scale);
  const auto water = static_cast<float>(truth.background_scale * truth.jet_scale);
  const auto dark = static_cast<float>(impl_->parameters.background.dark);
  for (std::size_t i = 0; i < image.size(); ++i)
    image[i] = air * background.air[i] + water * background.water[i] + dark;
  for (const PredictedSpot& spot : truth.spots) add_spot(spot, impl_->info.geometry, image);
  return image;
}

Still StillsSimulator::still(std::uint64_t number) const {
  const StillsParameters& p = impl_->parameters;
  Still still{
      {number, static_cast<double>(number) * p.frame_time_s, Array(DType::u16, Shape{p.ny, p.nx})},
      truth(number)};
  std::vector<float> mean = mean_image(still.truth);
  for (const HotPixel& hot : impl_->detector.hot) mean[hot.index] += static_cast<float>(hot.rate);
  const RandomKey key{p.seed, number, Purpose::pixel};
  const auto counts = still.frame.image.as<std::uint16_t>();
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const std::uint32_t flaw = impl_->detector.pixel_mask[i];
    if (flaw & mask_gap)
      counts[i] = p.detector.gap_value;
    else if (flaw & mask_dead)
      counts[i] = 0;
    else
      counts[i] = static_cast<std::uint16_t>(std::min(
          impl_->poisson.sample(static_cast<double>(mean[i]), key, i), p.detector.saturation));
  }
  return still;
}

Result<void> StillsSimulator::run(unsigned threads, const std::function<Result<void>(Still)>& sink,
                                  const std::atomic<bool>* stop) const {
  const auto stopped = [&] { return stop && stop->load(); };
  const auto interrupted = [] { return Error{Errc::interrupted, "simulator: interrupted"}; };
  const std::uint64_t frames = impl_->parameters.frames;
  if (threads == 1) {
    for (std::uint64_t n = 0; n < frames; ++n) {
      if (stopped()) return interrupted();
      ETALON_TRY(sink(still(n)));
    }
    return {};
  }
  ThreadPool pool(threads);
  const std::uint64_t batch = 2 * pool.size();
  for (std::uint64_t first = 0; first < frames; first += batch) {
    if (stopped()) return interrupted();
    std::vector<Still> stills(std::min(batch, frames - first));
    pool.for_each(stills.size(), [&](std::size_t i) { stills[i] = still(first + i); });
    for (Still& one : stills) ETALON_TRY(sink(std::move(one)));
  }
  return {};
}

}  // namespace etalon
