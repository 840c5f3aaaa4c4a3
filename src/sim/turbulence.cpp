#include "sim/turbulence.hpp"

#include <cmath>
#include <vector>

#include "base/exact_math.hpp"
#include "sim/fft.hpp"
#include "sim/random.hpp"

namespace etalon {
namespace {

Result<void> check(const TurbulenceParameters& p, DType dtype) {
  const auto fail = [](const std::string& what) {
    return Error{Errc::usage, "turbulence: " + what};
  };
  if (p.shape.rank() != 3) return fail("the shape has three axes, z, y, x");
  for (std::size_t n : p.shape.extents())
    if (n < 2) return fail("the shape: an axis has at least 2 cells");
  if (p.shape.count() > std::size_t{1} << 30) return fail("the shape: more than 2^30 cells");
  if (!(p.layer > 0 && p.layer <= 0.5)) return fail("the layer is above 0 and at most 0.5");
  if (!(p.intensity >= 0 && p.intensity <= 100)) return fail("the intensity is 0 to 100");
  if (!is_float(dtype)) return fail("elements are f32 or f64");
  return {};
}

double envelope(double distance, double layer) {
  const double d = distance / layer, cube = d * d * d;
  return (1 - exact::exp(-20 * d)) / (1 + 5.5 * (cube * cube));
}

// Two independent fields of variance 1, a + ib: complex white noise has no symmetry to keep.
struct Eddies {
  std::vector<double> a, b;
};

Eddies eddies(const TurbulenceParameters& p, Workers& workers) {
  const std::size_t nz = p.shape[0], ny = p.shape[1], nx = p.shape[2];
  Eddies out{std::vector<double>(p.shape.count()), std::vector<double>(p.shape.count())};
  std::vector<double> power(nz);  // summed in the order of z
  const RandomKey key{p.seed, 0, Purpose::turbulence};
  // Cycles over the distance of the walls, squared.
  const auto squared = [nz](std::size_t j, std::size_t n) {
    const double k = signed_frequency(j, n) * static_cast<double>(nz) / static_cast<double>(n);
    return k * k;
  };
  const double k0 = 1 / p.layer;
  workers.for_each(nz, [&](std::size_t z) {
    for (std::size_t y = 0; y < ny; ++y)
      for (std::size_t x = 0; x < nx; ++x) {
        const double k2 = squared(z, nz) + squared(y, ny) + squared(x, nx);
        if (k2 == 0) continue;  // no mean
        const std::size_t i = (z * ny + y) * nx + x;
        const auto words = random_words(key, i);
        const double amplitude = exact::exp(-11.0 / 12 * exact::log(k2 + k0 * k0));
        const double radius = amplitude * std::sqrt(-2 * exact::log(uniform_of(words[0])));
        const auto [sine, cosine] = exact::sincos_turns(uniform_of(words[1]));
        out.a[i] = radius * cosine;
        out.b[i] = radius * sine;
        power[z] += amplitude * amplitude;
      }
  });
  transform(p.shape, out.a, out.b, Direction::backward, workers);
  double sum = 0;
  for (double plane : power) sum += plane;
  const double scale = 1 / std::sqrt(sum);
  workers.for_each(nz, [&](std::size_t z) {
    for (std::size_t i = z * ny * nx; i < (z + 1) * ny * nx; ++i) {
      out.a[i] *= scale;
      out.b[i] *= scale;
    }
  });
  return out;
}

}  // namespace

Result<Array> turbulence(const TurbulenceParameters& p, DType dtype, unsigned threads) {
  ETALON_TRY(check(p, dtype));
  Workers workers(threads);
  const Eddies field = eddies(p, workers);
  Array out(dtype, p.shape);
  const auto fill = [&]<typename T>(std::span<T> u) {
    const std::size_t nz = p.shape[0], plane = p.shape[1] * p.shape[2];
    workers.for_each(nz, [&](std::size_t j) {
      const double z = (static_cast<double>(j) + 0.5) / static_cast<double>(nz);
      const double laminar = 4 * z * (1 - z);
      const double low = p.intensity * envelope(z, p.layer);
      const double high = p.intensity * envelope(1 - z, p.layer);
      for (std::size_t i = j * plane; i < (j + 1) * plane; ++i)
        u[i] = static_cast<T>(laminar + (low * field.a[i] + high * field.b[i]));
    });
  };
  if (dtype == DType::f32)
    fill(out.as<float>());
  else
    fill(out.as<double>());
  return out;
}

}  // namespace etalon
