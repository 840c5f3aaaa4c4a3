#include "sim/phase_space.hpp"

#include "base/exact_math.hpp"
#include "sim/random.hpp"

namespace etalon {
namespace {

struct Wave {
  std::array<int, 3> m{};
  double phase = 0;  // turns
};

// m in {-1, 0, 1}^positions whose first component other than 0 is 1.
std::vector<Wave> waves_of(std::size_t positions, RandomStream& random) {
  std::vector<Wave> out;
  for (int number = 0; number < 27; ++number) {
    const std::array<int, 3> m{number / 9 - 1, number / 3 % 3 - 1, number % 3 - 1};
    int first = 0;
    bool inside = true;
    for (std::size_t i = 0; i < 3; ++i) {
      if (first == 0) first = m[i];
      if (i >= positions && m[i] != 0) inside = false;
    }
    if (inside && first == 1) out.push_back({m, random.uniform()});
  }
  return out;
}

double cosine_of(const Wave& wave, std::size_t cell, const Shape& cells) {
  double turns = wave.phase;
  for (std::size_t axis = cells.rank(); axis-- > 0; cell /= cells[axis])
    turns +=
        wave.m[axis] * (static_cast<double>(cell % cells[axis]) / static_cast<double>(cells[axis]));
  return exact::sincos_turns(turns).second;
}

// Along one velocity, at its points; a sum of 1.
std::vector<double> profile(const PhaseSpace& space, std::size_t axis, double drift, bool beams) {
  std::vector<double> out(space.velocities[axis]);
  double sum = 0;
  for (std::size_t j = 0; j < out.size(); ++j) {
    const double v = space.velocity(j, out.size()) - drift;
    out[j] = (beams ? v * v : 1.0) * exact::exp(-0.5 * (v * v));
    sum += out[j];
  }
  for (double& value : out) value /= sum;
  return out;
}

}  // namespace

PhaseSpace::PhaseSpace(const VlasovParameters& p)
    : shape(p.shape), edge(2 * exact::pi / p.wavenumber), fastest(p.fastest) {
  const auto extents = p.shape.extents();
  cells = Shape(extents.first(extents.size() / 2));
  velocities = Shape(extents.subspan(extents.size() / 2));
  cell_volume = velocity_volume = 1;
  for (std::size_t n : cells.extents()) cell_volume *= edge / static_cast<double>(n);
  for (std::size_t n : velocities.extents())
    velocity_volume *= 2 * fastest / static_cast<double>(n);
}

std::size_t PhaseSpace::stride(std::size_t axis) const {
  return Shape(shape.extents().subspan(axis + 1)).count();
}

std::vector<double> initial_distribution(const VlasovParameters& p, const PhaseSpace& space,
                                         Workers& workers) {
  RandomStream random({p.seed, 0, Purpose::density});
  const std::vector<Wave> waves = waves_of(space.positions(), random);
  const Wave drift{{1, 0, 0}, random.uniform()};
  const std::size_t per_cell = space.velocities.count(), rank = space.velocities.rank();
  std::vector<double> f(space.shape.count());
  workers.for_each(space.cells.count(), [&](std::size_t cell) {
    double density = 0;
    for (const Wave& wave : waves) density += cosine_of(wave, cell, space.cells);
    density = 1 + p.amplitude * (density / static_cast<double>(waves.size()));
    std::vector<std::vector<double>> along;
    for (std::size_t axis = 0; axis < rank; ++axis)
      along.push_back(profile(
          space, axis, axis < space.positions() ? 0 : 0.5 * cosine_of(drift, cell, space.cells),
          axis == 0 && p.start == VlasovParameters::Start::two_stream));
    for (std::size_t i = 0; i < per_cell; ++i) {
      double value = density / space.velocity_volume;
      std::size_t rest = i;
      for (std::size_t axis = rank; axis-- > 0; rest /= space.velocities[axis])
        value *= along[axis][rest % space.velocities[axis]];
      f[cell * per_cell + i] = value;
    }
  });
  return f;
}

}  // namespace etalon
