// The field of charges in a periodic box.
#pragma once

#include <span>
#include <vector>

#include "etalon/array.hpp"
#include "sim/workers.hpp"

namespace etalon {

// Components of E at the cells, one for each axis: div E = charge less its mean, curl E = 0, E
// without a mean; exact for all waves that the grid holds (of the shortest, no derivative). `edge`
// is the length of the box along every axis.
std::vector<std::vector<double>> electric_field(const Shape& cells, double edge,
                                                std::span<const double> charge, Workers& workers);

}  // namespace etalon
