#include "sim/speckle.hpp"

#include <cmath>
#include <complex>

#include "base/exact_math.hpp"
#include "sim/poisson.hpp"
#include "sim/random.hpp"
#include "sim/workers.hpp"

namespace etalon {
namespace {

using Field = std::vector<std::complex<double>>;

// Half of a Gaussian kernel of this full width at half maximum in the field's intensity, from its
// middle on, and of unit energy in two dimensions.
std::vector<double> half_kernel(double speckle_pixels) {
  // The correlation of two fields smoothed by exp(-x^2 / (2 s^2)) falls as exp(-x^2 / (4 s^2)),
  // that of intensities as its square: to a half at x = s sqrt(2 log 2).
  const double s = speckle_pixels / (2 * std::sqrt(2 * 0.6931471805599453));
  std::vector<double> kernel;
  double energy = 0;
  for (int x = 0; x == 0 || x <= 4 * s; ++x) {
    const double k = s > 0 ? exact::exp(-x * x / (2 * s * s)) : 1;
    kernel.push_back(k);
    energy += (x == 0 ? 1 : 2) * k * k;
  }
  for (double& k : kernel) k /= std::sqrt(energy);
  return kernel;
}

// The fields of one series, and their movement. They reach beyond the image by the kernel.
class Speckles {
 public:
  Speckles(const SpeckleParameters& p, const Geometry& g, Workers& workers)
      : p_(p),
        workers_(workers),
        kernel_(half_kernel(p.speckle_pixels)),
        margin_(kernel_.size() - 1),
        ny_(p.ny + 2 * margin_),
        nx_(p.nx + 2 * margin_),
        keep_(ny_ * nx_) {
    for (std::size_t y = 0; y < ny_; ++y)
      for (std::size_t x = 0; x < nx_; ++x) {
        const double m = static_cast<double>(margin_);
        const double r = p.pixel_size_m * std::hypot(static_cast<double>(x) - m - g.centre_x,
                                                     static_cast<double>(y) - m - g.centre_y);
        // sin(atan(t) / 2) from half-angle formulas, without libm's last bits.
        const double cosine = p.distance_m / std::sqrt(r * r + p.distance_m * p.distance_m);
        const double sine = std::sqrt((1 - cosine) / 2);
        const double q = 4 * exact::pi * sine / p.wavelength_angstrom;
        keep_[y * nx_ + x] = exact::exp(-p.diffusion * q * q * p.frame_time_s);
      }
    fields_.assign(p.modes, Field(ny_ * nx_));
  }

  // The fields of the next frame.
  void move(std::uint64_t frame) {
    const RandomKey key{p_.seed, frame, Purpose::speckle_field};
    workers_.for_each(ny_, [&](std::size_t y) {
      for (unsigned mode = 0; mode < p_.modes; ++mode)
        for (std::size_t i = y * nx_; i < (y + 1) * nx_; ++i) {
          const auto words = random_words(key, mode * keep_.size() + i);
          const double r = std::sqrt(-exact::log(uniform_of(words[0])));
          const auto [sine, cosine] = exact::sincos_turns(uniform_of(words[1]));
          const std::complex<double> noise(r * cosine, r * sine);
          const double kept = frame == 0 ? 0 : keep_[i], fresh = std::sqrt(1 - kept * kept);
          std::complex<double>& a = fields_[mode][i];
          a = {kept * a.real() + fresh * noise.real(), kept * a.imag() + fresh * noise.imag()};
        }
    });
  }

  // Mean over modes of |E|^2, 1 on average.
  void intensities(std::vector<double>& out) {
    out.assign(p_.ny * p_.nx, 0);
    Field across(ny_ * p_.nx);
    for (const Field& field : fields_) {
      workers_.for_each(ny_, [&](std::size_t y) {
        for (std::size_t x = 0; x < p_.nx; ++x)
          across[y * p_.nx + x] = smooth(&field[y * nx_ + x + margin_], 1);
      });
      workers_.for_each(p_.ny, [&](std::size_t y) {
        for (std::size_t x = 0; x < p_.nx; ++x) {
          const auto e = smooth(&across[(y + margin_) * p_.nx + x], p_.nx);
          out[y * p_.nx + x] += (e.real() * e.real() + e.imag() * e.imag()) / p_.modes;
        }
      });
    }
  }

 private:
  std::complex<double> smooth(const std::complex<double>* at, std::size_t step) const {
    double re = kernel_[0] * at->real(), im = kernel_[0] * at->imag();
    for (std::size_t k = 1; k < kernel_.size(); ++k) {
      const auto &before = *(at - k * step), &after = at[k * step];
      re += kernel_[k] * (before.real() + after.real());
      im += kernel_[k] * (before.imag() + after.imag());
    }
    return {re, im};
  }

  const SpeckleParameters& p_;
  Workers& workers_;
  std::vector<double> kernel_;
  std::size_t margin_, ny_, nx_;
  std::vector<double> keep_;  // of a field from frame to frame
  std::vector<Field> fields_;
};

Result<void> check(const SpeckleParameters& p) {
  const auto positive = [](double v) { return std::isfinite(v) && v > 0; };
  const auto wrong = [](const char* what) {
    return Error{Errc::usage, std::string("speckle: ") + what};
  };
  if (p.frames == 0) return wrong("frames: at least 1");
  if (p.ny == 0 || p.nx == 0 || p.ny > 16384 || p.nx > 16384)
    return wrong("size: 1 to 16384 pixels");
  if (!positive(p.wavelength_angstrom)) return wrong("wavelength: above 0");
  if (!positive(p.distance_m)) return wrong("distance: above 0");
  if (!positive(p.pixel_size_m)) return wrong("pixel size: above 0");
  if (!positive(p.frame_time_s)) return wrong("frame time: above 0");
  if (!(p.diffusion >= 0 && std::isfinite(p.diffusion))) return wrong("diffusion: 0 or more");
  if (!(p.speckle_pixels >= 0 && p.speckle_pixels <= 64)) return wrong("speckle: 0 to 64 pixels");
  if (p.modes == 0 || p.modes > 1000) return wrong("modes: 1 to 1000");
  if (!(positive(p.mean_counts) && p.mean_counts <= 1000)) return wrong("counts: up to 1000");
  if (!(p.beamstop_pixels >= 0 && std::isfinite(p.beamstop_pixels)))
    return wrong("beamstop: 0 pixels or more");
  return {};
}

}  // namespace

SpeckleSimulator::SpeckleSimulator(const SpeckleParameters& parameters) : parameters_(parameters) {
  const SpeckleParameters& p = parameters_;
  info_.name = "speckle";
  info_.frames = p.frames;
  info_.dtype = DType::u16;
  Geometry& g = info_.geometry;
  g.ny = p.ny;
  g.nx = p.nx;
  g.centre_x = static_cast<double>(p.nx - 1) / 2;
  g.centre_y = static_cast<double>(p.ny - 1) / 2;
  g.pixel_size_x_m = g.pixel_size_y_m = p.pixel_size_m;
  g.distance_m = p.distance_m;
  g.wavelength_angstrom = p.wavelength_angstrom;
  info_.frame_time_s = info_.count_time_s = p.frame_time_s;
  info_.detector = "photon counter, simulated";
  info_.start_time = "2026-01-01T00:00:00Z";
  info_.pixel_mask.assign(g.pixels(), 0);
  const std::vector<float> radius = radius_map(g);
  for (std::size_t i = 0; i < radius.size(); ++i)
    if (radius[i] < p.beamstop_pixels) info_.pixel_mask[i] = 1u << 8;
}

Result<SpeckleSimulator> SpeckleSimulator::create(const SpeckleParameters& parameters) {
  ETALON_TRY(check(parameters));
  return SpeckleSimulator(parameters);
}

Result<void> SpeckleSimulator::run(unsigned threads, const std::function<Result<void>(Frame)>& keep,
                                   const std::atomic<bool>* stop) const {
  const SpeckleParameters& p = parameters_;
  Workers workers(threads);
  Speckles speckles(p, info_.geometry, workers);
  const PoissonSampler poisson;
  std::vector<double> intensity;
  for (std::uint64_t frame = 0; frame < p.frames; ++frame) {
    if (stop != nullptr && *stop) return Error{Errc::interrupted, "simulate: interrupted"};
    speckles.move(frame);
    speckles.intensities(intensity);
    Frame made{frame, static_cast<double>(frame) * p.frame_time_s, Array(DType::u16, {p.ny, p.nx})};
    const std::span<std::uint16_t> pixels = made.image.as<std::uint16_t>();
    const RandomKey key{p.seed, frame, Purpose::speckle_photon};
    workers.for_each(p.ny, [&](std::size_t y) {
      for (std::size_t i = y * p.nx; i < (y + 1) * p.nx; ++i) {
        if (info_.pixel_mask[i] != 0) continue;
        pixels[i] = static_cast<std::uint16_t>(
            std::min<std::uint32_t>(poisson.sample(p.mean_counts * intensity[i], key, i), 65534));
      }
    });
    ETALON_TRY(keep(std::move(made)));
  }
  return {};
}

}  // namespace etalon
