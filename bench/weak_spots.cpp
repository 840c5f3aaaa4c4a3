#include "weak_spots.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "analyse/running_mean.hpp"
#include "base/thread_pool.hpp"
#include "sim/diffraction.hpp"
#include "sim/poisson.hpp"

namespace etalon::bench {
namespace {

Geometry square_of(std::size_t side) {
  Geometry geometry;
  geometry.ny = geometry.nx = side;
  return geometry;
}

void clamp_at_zero(Array& image) {
  for (std::int32_t& value : image.as<std::int32_t>()) value = std::max(value, 0);
}

double sum_of(const Array& image) {
  double sum = 0;
  visit(image.dtype(), [&](auto zero) {
    for (const auto value : image.as<decltype(zero)>()) sum += static_cast<double>(value);
  });
  return sum;
}

}  // namespace

std::string name_of(Treatment treatment) {
  constexpr const char* names[] = {"plain", "clamped", "dither"};
  return names[static_cast<std::size_t>(treatment)];
}

WeakSpotExperiment::WeakSpotExperiment(const WeakSpots& parameters) : parameters_(parameters) {
  const std::size_t side = parameters.side, pitch = parameters.pitch;
  const Geometry geometry = square_of(side);
  mean_.assign(side * side, static_cast<float>(parameters.background));
  RandomStream random({parameters.seed, 0, Purpose::shot});
  for (std::size_t y = 0; y + pitch <= side; y += pitch)
    for (std::size_t x = 0; x + pitch <= side; x += pitch) {
      PredictedSpot spot;
      const auto middle = static_cast<double>(pitch / 2);
      spot.x = static_cast<double>(x) + middle + random.uniform() - 0.5;
      spot.y = static_cast<double>(y) + middle + random.uniform() - 0.5;
      spot.photons =
          parameters.weakest + (parameters.strongest - parameters.weakest) * random.uniform();
      spot.sigma_radial_px = spot.sigma_tangential_px = parameters.sigma_px;
      add_spot(spot, geometry, mean_);
      places_.push_back({spot.x, spot.y});
    }
  true_mean_ = mean_net(mean_image());
}

ArrayView WeakSpotExperiment::mean_image() const {
  return view_of(std::span(mean_), Shape{parameters_.side, parameters_.side});
}

std::vector<double> WeakSpotExperiment::nets(const ArrayView& image) const {
  std::vector<double> found;
  found.reserve(places_.size());
  for (const Place& p : places_)  // no spot's square leaves the image
    found.push_back(sum_spot(image, {}, p.x, p.y, WeakSpots::aperture).value_or(SpotSum{}).net());
  return found;
}

double WeakSpotExperiment::mean_net(const ArrayView& image) const {
  RunningMean mean;
  for (const double net : nets(image)) mean.add(net);
  return mean.mean();
}

std::size_t WeakSpotExperiment::frames_needed(unsigned bound, double share) const {
  const double step = 2.0 * bound + 1;
  const double variance = (step * step - 1) / 12 * WeakSpots::aperture.noise_pixels();
  const double sigmas = sigmas_of_99_percent / (share * true_mean_);
  return static_cast<std::size_t>(
      std::ceil(sigmas * sigmas * variance / static_cast<double>(spots_per_frame())));
}

Array WeakSpotExperiment::exposure(std::size_t frame) const {
  static const PoissonSampler sampler;
  const RandomKey key{parameters_.seed, frame, Purpose::pixel};
  Array image(DType::u16, {parameters_.side, parameters_.side});
  const auto counts = image.as<std::uint16_t>();
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = static_cast<std::uint16_t>(sampler.sample(static_cast<double>(mean_[i]), key, i));
  return image;
}

// What one frame adds, by treatment.
struct WeakSpotExperiment::Exposed {
  struct Part {
    std::vector<double> differences;
    double offset = 0;
    std::size_t bytes = 0;
  };
  std::vector<Part> parts;
};

Result<WeakSpotExperiment::Exposed> WeakSpotExperiment::expose(
    unsigned bound, std::size_t frame, std::span<const Treatment> treatments) const {
  const Array raw = exposure(frame);
  const std::vector<double> before = nets(raw.view());
  const double raw_sum = sum_of(raw);
  Exposed exposed;
  for (const Treatment treatment : treatments) {
    CompressOptions options;
    options.bound = Bound::abs(bound);
    options.dither = treatment != Treatment::plain;
    options.seed = random_words({parameters_.seed, frame, Purpose::defect}, 0)[0];
    ETALON_ASSIGN(const auto chunk, encode_chunk(raw.view(), options));
    ETALON_ASSIGN(Array reduced, decode_chunk(chunk));
    if (treatment == Treatment::clamped) clamp_at_zero(reduced);
    Exposed::Part part{nets(reduced.view()), sum_of(reduced) - raw_sum, chunk.size()};
    for (std::size_t i = 0; i < before.size(); ++i) part.differences[i] -= before[i];
    exposed.parts.push_back(std::move(part));
  }
  return exposed;
}

Result<std::vector<Outcome>> WeakSpotExperiment::run(unsigned bound, std::size_t frames,
                                                     std::span<const Treatment> treatments) const {
  struct Sums {
    RunningMean differences;
    double offset = 0, bytes = 0;
  };
  std::vector<Sums> sums(treatments.size());
  ThreadPool pool;
  const std::size_t batch = 4 * pool.size();
  for (std::size_t first = 0; first < frames; first += batch) {
    std::vector<std::optional<Result<Exposed>>> exposed(std::min(batch, frames - first));
    pool.for_each(exposed.size(),
                  [&](std::size_t i) { exposed[i] = expose(bound, first + i, treatments); });
    for (auto& frame : exposed) {
      if (!frame->ok()) return std::move(*frame).error();
      for (std::size_t t = 0; t < sums.size(); ++t) {
        const Exposed::Part& part = (*frame)->parts[t];
        for (const double difference : part.differences) sums[t].differences.add(difference);
        sums[t].offset += part.offset;
        sums[t].bytes += static_cast<double>(part.bytes);
      }
    }
  }
  std::vector<Outcome> outcomes;
  const double pixels =
      static_cast<double>(frames) * static_cast<double>(parameters_.side * parameters_.side);
  for (std::size_t t = 0; t < sums.size(); ++t) {
    const RunningMean& differences = sums[t].differences;
    outcomes.push_back({treatments[t], bound, differences.n(), true_mean_,
                        differences.mean() / true_mean_,
                        sigmas_of_99_percent * differences.error() / true_mean_,
                        pixels * sizeof(std::uint16_t) / sums[t].bytes, sums[t].offset / pixels});
  }
  return outcomes;
}

}  // namespace etalon::bench
