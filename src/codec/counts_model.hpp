// What encoder and decoder of counts share: which table a pixel uses, and how a coded number
// becomes a value.
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "codec/counts.hpp"
#include "codec/groups.hpp"
#include "codec/lambda_map.hpp"
#include "codec/rans.hpp"
#include "codec/rate_table.hpp"
#include "codec/scratch.hpp"
#include "codec/spots.hpp"
#include "codec/tokens.hpp"

namespace etalon::codec {

// A run of classes of one group that share a table.
struct Segment {
  std::uint8_t group = 0;
  std::uint8_t first_class = 0;
  std::uint64_t phase = 0;  // bins are [q s - phase, (q + 1) s - phase) with s = 2 bound + 1
  std::optional<RateTable> rate = {};  // what tells the table; otherwise its frequencies are told
};

struct CountsModel {
  Predictor predictor = Predictor::none;
  unsigned split = narrow_split;
  Tiling tiling;
  std::vector<std::uint8_t> levels;  // tiles of every plane
  std::vector<Spots> spots;          // of every layout.squares
  Groups groups;
  std::vector<Segment> segments;    // by group, then class; one table each
  std::vector<Frequencies> tables;  // and one more: everything is symbol 0
};

void put_model(SideEncoder& out, const CountsModel& model, const CountsLayout& layout, bool phases);
Result<void> get_model(SideDecoder& in, CountsModel& model, CountsLayout& layout,
                       std::size_t labels, std::size_t fills, bool is_unsigned);

// Classes of all planes from the coarse map; with the spots'; then tables of all elements, in
// place. Fills get the last table.
Scratch<std::uint8_t> class_planes(const CountsModel& model, const Grid& grid);
void raise_classes(const CountsModel& model, const CountsLayout& layout,
                   std::span<std::uint8_t> classes);
void classes_to_tables(const CountsModel& model, const CountsLayout& layout,
                       std::span<std::uint8_t> classes);

// Numbers that tables have no symbol for, each less the first such number of its table.
class EscapeModels {
 public:
  CrowdModel& of(const CountsModel& model, std::size_t table) {
    return models_[model.groups.label[model.segments[table].group]];
  }

 private:
  std::array<CrowdModel, max_labels> models_;
};
// The number of the first symbol that has no frequency, the escape aside.
std::uint32_t first_escaped(const Frequencies& frequencies, unsigned split);

template <typename T>
T clamp_to(std::int64_t value) {
  return static_cast<T>(std::clamp<std::int64_t>(value, std::numeric_limits<T>::min(),
                                                 std::numeric_limits<T>::max()));
}

constexpr std::int64_t wrapping_scale(std::int64_t q, std::uint64_t step) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(q) * step);
}
constexpr std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// Without a predictor: the value of a coded number.
template <typename T>
T direct_value(std::uint32_t u, std::uint64_t step, std::int64_t offset) {
  const std::int64_t q = std::is_signed_v<T> ? unzigzag(u) : std::int64_t{u};
  return clamp_to<T>(wrapping_add(wrapping_scale(q, step), offset));
}

// With one: the value from the prediction and a coded number. Differences wrap at the type's width
// when the bound is 0.
template <typename T>
T predicted_value(std::int64_t prediction, std::uint32_t u, std::uint64_t bound) {
  const std::int64_t q = unzigzag(u);
  if (bound == 0)
    return static_cast<T>(static_cast<std::uint64_t>(prediction) + static_cast<std::uint64_t>(q));
  return clamp_to<T>(wrapping_add(prediction, wrapping_scale(q, 2 * bound + 1)));
}

// The prediction of element (y, x) of the plane that `at` points into, from decoded neighbours,
// within the type's range. On the first row the west neighbour stands for all, in the first column
// the north one; the first element takes the plane before, or 0.
template <typename T>
std::int64_t predict(Predictor kind, const T* at, std::size_t y, std::size_t x, std::size_t plane,
                     const Grid& grid) {
  const std::size_t nx = grid.nx;
  const auto behind = [&](std::size_t steps) { return std::int64_t{*(at - steps)}; };
  const std::size_t up = grid.plane();
  if (kind == Predictor::previous || kind == Predictor::lorenzo) {
    if (plane != 0) {
      const std::int64_t u = behind(up);
      if (kind == Predictor::previous) return u;
      const std::int64_t w = x ? behind(1) - behind(up + 1) : 0;
      const std::int64_t n = y ? behind(nx) - behind(up + nx) : 0;
      const std::int64_t nw = x && y ? behind(up + nx + 1) - behind(nx + 1) : 0;
      return clamp_to<T>(u + w + n + nw);
    }
    kind = Predictor::median;
  }
  if (y == 0) return x ? behind(1) : plane ? behind(up) : 0;
  const std::int64_t n = behind(nx);
  if (x == 0) return n;
  const std::int64_t w = behind(1), nw = behind(nx + 1);
  if (kind == Predictor::average) {
    const std::int64_t ne = x + 1 < nx ? behind(nx - 1) : n;
    return (w + nw + n + ne + 2) >> 2;
  }
  return std::clamp(w + n - nw, std::min(w, n), std::max(w, n));
}

// Calls body(i, prediction) for every element in order; body stores element i before it returns.
template <typename T, typename F>
void for_each_predicted(Predictor kind, const T* values, const Grid& grid, F&& body) {
  std::size_t i = 0;
  for (std::size_t p = 0; p < grid.planes; ++p)
    for (std::size_t y = 0; y < grid.ny; ++y)
      for (std::size_t x = 0; x < grid.nx; ++x, ++i)
        body(i, predict(kind, values + i, y, x, p, grid));
}

}  // namespace etalon::codec
