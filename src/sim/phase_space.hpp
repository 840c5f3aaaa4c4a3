// The grid of a plasma in phase space, and what it holds at the start.
#pragma once

#include <vector>

#include "sim/vlasov.hpp"
#include "sim/workers.hpp"

namespace etalon {

// Positions are the slower half of the axes (the smaller, of an odd number), velocities the rest.
struct PhaseSpace {
  explicit PhaseSpace(const VlasovParameters& p);

  std::size_t positions() const { return cells.rank(); }
  std::size_t stride(std::size_t axis) const;  // elements between neighbours along an axis
  double velocity(std::size_t j, std::size_t n) const {  // of point j of n
    return (static_cast<double>(j) + 0.5) * (2 * fastest / static_cast<double>(n)) - fastest;
  }

  Shape shape, cells, velocities;  // of f, of its positions, of its velocities
  double edge, fastest;            // of the box; of the velocities
  double cell_volume, velocity_volume;
};

// f at time 0. Density: 1 + amplitude * mean over m of cos(m . k x + phase), m of the wave vectors
// with components -1, 0, 1, one of each pair m, -m. Velocities: what `start` says; a velocity
// without a position of its own drifts by 0.5 cos(k x1 + phase). Density averages to 1.
std::vector<double> initial_distribution(const VlasovParameters& p, const PhaseSpace& space,
                                         Workers& workers);

}  // namespace etalon
