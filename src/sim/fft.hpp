// Discrete Fourier transforms of arrays.
#pragma once

#include <span>

#include "base/fft.hpp"
#include "etalon/array.hpp"
#include "sim/workers.hpp"

namespace etalon {

// Along every axis of a complex array.
void transform(const Shape& shape, std::span<double> re, std::span<double> im, Direction direction,
               Workers& workers);

}  // namespace etalon
