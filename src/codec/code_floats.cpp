#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "codec/coded.hpp"
#include "codec/fields.hpp"
#include "codec/mapped.hpp"
#include "codec/planes.hpp"
#include "codec/scaled.hpp"

namespace etalon::codec {
namespace {

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
std::optional<Coded> code_field(std::span<const T> values, const Shape& shape, const Task& task) {
  Tolerances tolerances;
  for (const Bound& b : task.bounds) tolerances.push_back(b.tolerance(0));
  auto coded = code_fields(values, shape, task, tolerances);
  if (!coded) return coded;
  for (std::size_t label = 0; label < task.bounds.size(); ++label)
    coded->label_max_error[label] = task.bounds[label].error(0, coded->label_max_error[label]);
  return coded;
}

// Integers in floats' clothes and the like: their bits take less than what a bound leaves of them,
// by a clear margin. Then they are coded exactly.
template <typename T>
bool bits_take_less(std::span<const T> values, const Grid& grid, const std::optional<Coded>& a,
                    const std::optional<Coded>& b) {
  std::size_t least = values.size_bytes();
  for (const auto* coded : {&a, &b})
    if (*coded) least = std::min(least, (*coded)->size());
  // The estimate is mostly a little low, and mostly enough.
  const double bits = planes_bits(std::as_bytes(values), sizeof(T), true, grid);
  if (bits / 8 >= 0.9 * static_cast<double>(least)) return false;
  const Bytes planes = encode_planes(std::as_bytes(values), sizeof(T), true, grid);
  return planes.size() * 10 < least * 9;
}

// Whether a box is so smooth that a field is sure to be smaller than numbers on a grid: elements
// lie nearer to the middle of their neighbours, on an average over the axes, than to a neighbour
// along the best one, what is below `least` being alike, and are neither often the same nor of few
// digits.
template <typename T>
bool is_surely_a_field(const std::vector<T>& box, const Shape& extent, double least) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr unsigned few_digits = sizeof(T) == 4 ? 8 : 29;
  double mean = 0, spread = 0;
  Bits digits = 0;
  for (const T v : box) {
    mean += static_cast<double>(v);
    digits |= std::bit_cast<Bits>(v);
  }
  mean /= static_cast<double>(box.size());
  for (const T v : box) spread += std::abs(static_cast<double>(v) - mean);
  spread /= static_cast<double>(box.size());
  if (!(spread > 0 && spread <= std::numeric_limits<double>::max()) ||
      (digits & ((Bits{1} << few_digits) - 1)) == 0)
    return false;
  std::size_t stride = 1;
  std::vector<double> middles;
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t axis = extent.rank(); axis-- > 0; stride *= extent[axis]) {
    if (extent[axis] < 3) continue;
    double middle = 0, beside = 0;
    std::size_t same = 0;
    // Over the box's edges as well, where few are.
    for (std::size_t i = stride; i + stride < box.size(); ++i) {
      const auto v = static_cast<double>(box[i]), before = static_cast<double>(box[i - stride]);
      beside += std::abs(v - before);
      middle += std::abs(v - 0.5 * (before + static_cast<double>(box[i + stride])));
      same += v == before;
    }
    const auto n = static_cast<double>(box.size() - 2 * stride);
    if (static_cast<double>(same) > 0.1 * n || !(middle < 0.3 * spread * n)) return false;
    middles.push_back(middle / n + least);
    nearest = std::min(nearest, beside / n + least);
  }
  double all = 1;
  for (const double middle : middles) all *= middle / (0.9 * nearest);
  return !middles.empty() && all < 1;
}

}  // namespace

// Where a sample is not smooth, it decides for large arrays; small ones are coded both ways.
template <typename T>
std::optional<Coded> code_floats(std::span<const T> values, const Shape& shape, const Task& task) {
  constexpr std::size_t few = std::size_t{1} << 17, sample = std::size_t{1} << 14;
  const auto better = [](std::optional<Coded> a, std::optional<Coded> b) {
    return !b || (a && a->size() <= b->size()) ? std::move(a) : std::move(b);
  };
  const auto every_way = [&]() -> std::optional<Coded> {
    auto scaled = code_scaled(values, task);
    Task task_of_fields = task;
    if (scaled) task_of_fields.rival = scaled->size();
    auto fields = code_field(values, shape, task_of_fields);
    if (bits_take_less(values, task.layout.grid, fields, scaled)) return std::nullopt;
    return better(std::move(fields), std::move(scaled));
  };
  if (shape.rank() == 0 || task.level >= every_way_level) return every_way();
  auto [box, extent, part] = sample_of(values, shape, task, sample);
  if (is_surely_a_field(box, extent, 0.25 * task.bounds[0].tolerance(0)))
    if (auto coded = code_field(values, shape, task)) return coded;
  if (values.size() <= few) return every_way();
  part.level = std::min(part.level, default_level - 1);  // tables are dear in it alone
  const auto fields = code_field<T>(box, extent, part), scaled = code_scaled<T>(box, part);
  if (bits_take_less<T>(box, part.layout.grid, fields, scaled)) return std::nullopt;
  const bool scaled_wins =
      !fields || (scaled && weight_in_sample(*scaled) < weight_in_sample(*fields));
  auto coded = scaled_wins ? code_scaled(values, task) : code_field(values, shape, task);
  if (coded) return coded;
  return scaled_wins ? code_field(values, shape, task) : code_scaled(values, task);
}
template std::optional<Coded> code_floats(std::span<const float>, const Shape&, const Task&);
template std::optional<Coded> code_floats(std::span<const double>, const Shape&, const Task&);

}  // namespace etalon::codec
