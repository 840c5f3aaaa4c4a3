#include "codec/spots.hpp"

#include <algorithm>

#include "codec/lambda_map.hpp"

namespace etalon::codec {
namespace {

// 8 log2(1 + 2^(-d / 8)), rounded: the level of a sum above the larger of two levels d apart.
constexpr std::uint8_t sum_gain[36] = {8, 8, 7, 7, 6, 6, 5, 5, 5, 4, 4, 4, 3, 3, 3, 3, 3, 2,
                                       2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

constexpr unsigned add_levels(unsigned a, unsigned b) {
  const unsigned high = std::max(a, b), d = high - std::min(a, b);
  return high + (d < 36 ? sum_gain[d] : 0u);
}

// The mean that a class stands for, in 1/256.
std::int64_t mean_of_class(unsigned c) { return static_cast<std::int64_t>(mean_of_level(c) >> 8); }

}  // namespace

template <typename Number>
Spots measure_spots(const Squares& squares, const Grid& grid, std::span<const std::uint8_t> labels,
                    const Number* numbers, std::span<const std::uint8_t> classes) {
  struct Excess {
    std::int64_t sum = 0, count = 0;
  };
  std::array<Excess, rings> profile;
  std::vector<std::array<Excess, rings>> each(squares.centres.size());
  Squares one{squares.label, squares.half, {Point{}}};
  for (std::size_t s = 0; s < each.size(); ++s) {
    one.centres[0] = squares.centres[s];
    for_each_pixel(one, grid.ny, grid.nx, [&](std::size_t k, std::ptrdiff_t dy, std::ptrdiff_t dx) {
      if (labels[k] != squares.label) return;
      Excess& e = each[s][ring_of(static_cast<std::uint64_t>(dy * dy + dx * dx))];
      for (std::size_t i = k; i < grid.count(); i += grid.plane()) {
        if (classes[i] >= max_classes) continue;
        const auto n = static_cast<std::int64_t>(std::min<std::uint32_t>(numbers[i], 1u << 24));
        e.sum += 256 * n - mean_of_class(classes[i]);
        ++e.count;
      }
    });
    for (unsigned r = 0; r < rings; ++r) {
      profile[r].sum += each[s][r].sum;
      profile[r].count += each[s][r].count;
    }
  }
  Spots spots;
  spots.brightness.assign(each.size(), 0);
  const auto level = [](double mean) {  // of a mean in 1/256
    return mean > 0 ? log_mean(static_cast<std::uint64_t>(mean), 256) : std::uint8_t{0};
  };
  std::array<double, rings> mean{};
  for (unsigned r = 0; r < rings; ++r)
    if (profile[r].count != 0)
      mean[r] = std::max(
          0.0, static_cast<double>(profile[r].sum) / static_cast<double>(profile[r].count));
  const int top = level(mean[0]);
  if (top == 0) return spots;
  for (unsigned r = 0; r < rings; ++r)
    spots.drop[r] = static_cast<std::uint8_t>(
        level(mean[r]) == 0 ? max_drop : std::max(0, top - level(mean[r])));
  for (std::size_t s = 0; s < each.size(); ++s) {
    double sum = 0, weight = 0;
    for (unsigned r = 0; r < rings; ++r) {
      sum += static_cast<double>(each[s][r].sum);
      weight += static_cast<double>(each[s][r].count) * mean[r];
    }
    if (weight > 0 && sum > 0)
      spots.brightness[s] = static_cast<std::uint8_t>(
          std::min<unsigned>((level(sum / weight * mean[0]) + 4u) / 8, max_brightness));
  }
  return spots;
}

void put_spots(SideEncoder& out, const Spots& spots) {
  UintModel drops;
  CrowdModel brightness;
  for (std::uint8_t d : spots.drop) out.put(drops, d);
  for (std::uint8_t b : spots.brightness) out.put(brightness, b);
}

Result<Spots> get_spots(SideDecoder& in, std::size_t squares) {
  const auto bad = [](const char* reason) { return Error{Errc::malformed, reason}; };
  UintModel drops;
  CrowdModel brightness;
  Spots spots;
  for (std::uint8_t& d : spots.drop) {
    const std::uint64_t drop = in.get(drops);
    if (drop > max_drop) return bad("squares: profile out of range");
    d = static_cast<std::uint8_t>(drop);
  }
  for (std::size_t s = 0; s < squares; ++s) {
    const std::uint64_t b = in.get(brightness);
    if (b > max_brightness || in.exhausted()) return bad("squares: brightness out of range");
    spots.brightness.push_back(static_cast<std::uint8_t>(b));
  }
  return spots;
}

void raise_classes(const Squares& squares, const Spots& spots, const Grid& grid,
                   std::span<const std::uint8_t> labels, std::span<std::uint8_t> classes) {
  std::vector<std::uint8_t> levels(grid.plane());  // where squares overlap the brighter one counts
  Squares one{squares.label, squares.half, {Point{}}};
  for (std::size_t s = 0; s < squares.centres.size(); ++s) {
    one.centres[0] = squares.centres[s];
    const int centre = 8 * spots.brightness[s];
    for_each_pixel(one, grid.ny, grid.nx, [&](std::size_t k, std::ptrdiff_t dy, std::ptrdiff_t dx) {
      const auto ring = ring_of(static_cast<std::uint64_t>(dy * dy + dx * dx));
      const int level = std::max(0, centre - spots.drop[ring]);
      levels[k] = std::max(levels[k], static_cast<std::uint8_t>(level));
    });
  }
  for_each_pixel(squares, grid.ny, grid.nx, [&](std::size_t k, std::ptrdiff_t, std::ptrdiff_t) {
    const unsigned level = levels[k];
    levels[k] = 0;  // once a pixel
    if (level == 0 || labels[k] != squares.label) return;
    for (std::size_t i = k; i < grid.count(); i += grid.plane())
      if (classes[i] < max_classes)
        classes[i] = static_cast<std::uint8_t>(
            std::min<unsigned>(add_levels(classes[i], level), max_classes - 1));
  });
}

template Spots measure_spots(const Squares&, const Grid&, std::span<const std::uint8_t>,
                             const std::uint8_t*, std::span<const std::uint8_t>);
template Spots measure_spots(const Squares&, const Grid&, std::span<const std::uint8_t>,
                             const std::uint16_t*, std::span<const std::uint8_t>);
template Spots measure_spots(const Squares&, const Grid&, std::span<const std::uint8_t>,
                             const std::uint32_t*, std::span<const std::uint8_t>);

}  // namespace etalon::codec
