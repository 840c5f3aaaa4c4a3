#include "sim/electrostatics.hpp"

#include "base/exact_math.hpp"
#include "sim/fft.hpp"

namespace etalon {

std::vector<std::vector<double>> electric_field(const Shape& cells, double edge,
                                                std::span<const double> charge, Workers& workers) {
  const std::size_t count = cells.count(), rank = cells.rank();
  std::vector<double> re(charge.begin(), charge.end()), im(count);
  transform(cells, re, im, Direction::forward, workers);
  std::vector<std::vector<double>> field(rank, std::vector<double>(count));
  std::vector<std::vector<double>> imaginary = field;
  const double base = 2 * exact::pi / edge, scale = 1 / static_cast<double>(count);
  for (std::size_t i = 1; i < count; ++i) {  // i = 0 is the mean
    std::array<double, Shape::max_rank> k{};
    double k2 = 0;
    std::size_t rest = i;
    for (std::size_t axis = rank; axis-- > 0; rest /= cells[axis]) {
      const std::size_t j = rest % cells[axis];
      const double wave = base * signed_frequency(j, cells[axis]);
      k2 += wave * wave;
      k[axis] = 2 * j == cells[axis] ? 0 : wave;
    }
    for (std::size_t axis = 0; axis < rank; ++axis) {  // E = -i k rho / k^2
      field[axis][i] = scale * k[axis] * im[i] / k2;
      imaginary[axis][i] = -scale * k[axis] * re[i] / k2;
    }
  }
  for (std::size_t axis = 0; axis < rank; ++axis)
    transform(cells, field[axis], imaginary[axis], Direction::backward, workers);
  return field;
}

}  // namespace etalon
