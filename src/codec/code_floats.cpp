#include <algorithm>

#include "codec/coded.hpp"
#include "codec/fields.hpp"
#include "codec/mapped.hpp"
#include "codec/planes.hpp"
#include "codec/scaled.hpp"

namespace etalon::codec {
namespace {

constexpr int every_way_level = 7;  // from here on every way of coding is tried whole

template <typename T>
std::optional<Coded> code_scaled(std::span<const T> values, const Task& task) {
  CountsReport report;
  auto scaled =
      encode_scaled(values, task.layout, task.bounds, task.fills, task.good, task.dither, report);
  if (!scaled) return std::nullopt;
  Coded coded;
  coded.engine = Engine::scaled;
  coded.dither = task.dither.has_value();
  coded.fills = task.fills.patterns;
  coded.step = scaled->step;
  coded.exact = std::move(scaled->exact);
  take(coded, std::move(scaled->stream), report);
  coded.label_max_error = std::move(scaled->label_max_error);
  return coded;
}

template <typename T>
std::optional<Coded> code_fields(std::span<const T> values, const Shape& shape, const Task& task) {
  if (task.dither || std::any_of(task.bounds.begin(), task.bounds.end(), grows_with_value))
    return std::nullopt;
  CountsLayout layout = task.layout;
  layout.fills = task.fills.rects;
  Tolerances tolerances;
  for (const Bound& b : task.bounds) tolerances.push_back(b.tolerance(0));
  auto fields = encode_fields(values, shape, layout, tolerances, false);
  if (!fields) return std::nullopt;
  // Where tables are much of it, the coder that needs none.
  constexpr std::size_t small = std::size_t{1} << 19;
  const bool dear_tables =
      values.size() <= small && fields->side.size() * 6 > fields->symbols.size();
  if (task.level >= every_way_level || (dear_tables && task.level >= default_level)) {
    auto thorough = encode_fields(values, shape, layout, tolerances, true);
    if (thorough->size() < fields->size()) fields = std::move(thorough);
  }
  Coded coded;
  coded.engine = Engine::fields;
  coded.fills = task.fills.patterns;
  coded.allowance = fields->allowance;
  coded.side = std::move(fields->side);
  coded.symbols = std::move(fields->symbols);
  coded.bits = std::move(fields->bits);
  coded.exact = std::move(fields->exact);
  coded.label_bits = std::move(fields->label_bits);
  for (std::size_t label = 0; label < task.bounds.size(); ++label)
    coded.label_max_error.push_back(task.bounds[label].error(0, fields->label_max_error[label]));
  return coded;
}

// A box from the middle of an array, of about as many elements.
template <typename T>
std::pair<std::vector<T>, Shape> middle_of(std::span<const T> values, const Shape& shape,
                                           std::size_t elements) {
  std::vector<std::size_t> extent(shape.extents().begin(), shape.extents().end());
  const auto count = [&] {
    std::size_t n = 1;
    for (const std::size_t e : extent) n *= e;
    return n;
  };
  while (count() > elements) {
    auto longest = std::max_element(extent.begin(), extent.end());
    *longest = (*longest + 1) / 2;
  }
  std::vector<T> box;
  box.reserve(count());
  const std::size_t rank = extent.size(), n = extent.back();
  std::vector<std::size_t> index(rank);
  for (std::size_t row = 0; row < count() / n; ++row) {
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < rank; ++axis)
      at =
          at * shape[axis] + (shape[axis] - extent[axis]) / 2 + (axis + 1 < rank ? index[axis] : 0);
    box.insert(box.end(), values.begin() + static_cast<std::ptrdiff_t>(at),
               values.begin() + static_cast<std::ptrdiff_t>(at + n));
    for (std::size_t axis = rank - 1; axis-- > 0;) {
      if (++index[axis] < extent[axis]) break;
      index[axis] = 0;
    }
  }
  return {std::move(box), Shape(std::span<const std::size_t>(extent))};
}

// Integers in floats' clothes and the like: their bits take less than what a bound leaves of them,
// by a clear margin. Then they are coded exactly.
template <typename T>
bool bits_take_less(std::span<const T> values, const Grid& grid, const std::optional<Coded>& a,
                    const std::optional<Coded>& b) {
  std::size_t least = values.size_bytes();
  for (const auto* coded : {&a, &b})
    if (*coded) least = std::min(least, (*coded)->size());
  const Bytes planes = encode_planes(std::as_bytes(values), sizeof(T), true, grid);
  return planes.size() * 10 < least * 9;
}

}  // namespace

// Of large arrays a sample decides.
template <typename T>
std::optional<Coded> code_floats(std::span<const T> values, const Shape& shape, const Task& task) {
  constexpr std::size_t few = std::size_t{1} << 17, sample = std::size_t{1} << 15;
  const auto better = [](std::optional<Coded> a, std::optional<Coded> b) {
    return !b || (a && a->size() <= b->size()) ? std::move(a) : std::move(b);
  };
  if (values.size() <= few || shape.rank() == 0 || task.level >= every_way_level) {
    auto fields = code_fields(values, shape, task), scaled = code_scaled(values, task);
    if (bits_take_less(values, task.layout.grid, fields, scaled)) return std::nullopt;
    return better(std::move(fields), std::move(scaled));
  }
  const auto [box, extent] = middle_of(values, shape, sample);
  Task part;
  part.bounds = {task.bounds[0]};
  part.dither = task.dither;
  part.level = task.level;
  part.layout.bounds = {task.layout.bounds[0]};
  part.layout.grid = grid_of(extent, 1);
  const DType dtype = sizeof(T) == 4 ? DType::f32 : DType::f64;
  part.fills = find_fills({reinterpret_cast<const std::byte*>(box.data()), dtype, extent},
                          part.layout.grid, {});
  const auto fields = code_fields<T>(box, extent, part), scaled = code_scaled<T>(box, part);
  // What is told once weighs more in the sample.
  const auto weight = [](const std::optional<Coded>& c) {
    return c ? c->size() - c->side.size() : 0;
  };
  if (bits_take_less<T>(box, part.layout.grid, fields, scaled)) return std::nullopt;
  const bool scaled_wins = !fields || (scaled && weight(scaled) < weight(fields));
  auto coded = scaled_wins ? code_scaled(values, task) : code_fields(values, shape, task);
  if (coded) return coded;
  return scaled_wins ? code_fields(values, shape, task) : code_scaled(values, task);
}
template std::optional<Coded> code_floats(std::span<const float>, const Shape&, const Task&);
template std::optional<Coded> code_floats(std::span<const double>, const Shape&, const Task&);

}  // namespace etalon::codec
