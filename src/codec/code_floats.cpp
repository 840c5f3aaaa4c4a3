#include <algorithm>
#include <array>
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
  constexpr std::size_t beyond_reach = 16;  // of what bits repeat
  if (least * beyond_reach < values.size_bytes()) return false;
  // The estimate is mostly a little low, and mostly enough.
  const double bits = planes_bits(std::as_bytes(values), sizeof(T), true, grid);
  if (bits / 8 >= 0.9 * static_cast<double>(least)) return false;
  const Bytes planes = encode_planes(std::as_bytes(values), sizeof(T), true, grid);
  return planes.size() * 10 < least * 9;
}

// In parts that do not wait for one another.
template <typename F>
double sum_of(std::size_t begin, std::size_t end, F&& f) {
  std::array<double, 8> part{};
  std::size_t i = begin;
  for (; i + part.size() <= end; i += part.size())
    for (std::size_t k = 0; k < part.size(); ++k) part[k] += f(i + k);
  for (; i < end; ++i) part[0] += f(i);
  double sum = 0;
  for (const double p : part) sum += p;
  return sum;
}

// Whether a box is so smooth that a field is sure to be smaller than numbers on a grid: elements
// lie nearer to the middle of their neighbours, on an average over the axes, than to a neighbour
// along the best one, what is below `least` being alike, and are neither often the same nor of few
// digits.
template <typename T>
bool is_surely_a_field(std::span<const T> box, const Shape& extent, double least) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  constexpr unsigned few_digits = sizeof(T) == 4 ? 8 : 29;
  Bits digits = 0;
  for (const T v : box) digits |= std::bit_cast<Bits>(v);
  const auto value = [&](std::size_t i) { return static_cast<double>(box[i]); };
  const double mean = sum_of(0, box.size(), value) / static_cast<double>(box.size());
  const double spread =
      sum_of(0, box.size(), [&](std::size_t i) { return std::abs(value(i) - mean); }) /
      static_cast<double>(box.size());
  if (!(spread > 0 && spread <= std::numeric_limits<double>::max()) ||
      (digits & ((Bits{1} << few_digits) - 1)) == 0)
    return false;
  std::size_t stride = 1;
  std::vector<double> middles;
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t axis = extent.rank(); axis-- > 0; stride *= extent[axis]) {
    if (extent[axis] < 3) continue;
    // Over the box's edges as well, where few are.
    const std::size_t end = box.size() - stride;
    const double middle = sum_of(stride, end, [&](std::size_t i) {
      return std::abs(value(i) - 0.5 * (value(i - stride) + value(i + stride)));
    });
    const auto n = static_cast<double>(box.size() - 2 * stride);
    if (!(middle < 0.3 * spread * n)) return false;
    const double beside =
        sum_of(stride, end, [&](std::size_t i) { return std::abs(value(i) - value(i - stride)); });
    const double same = sum_of(
        stride, end, [&](std::size_t i) { return value(i) == value(i - stride) ? 1.0 : 0.0; });
    if (same > 0.1 * n) return false;
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
  constexpr std::size_t sample = std::size_t{1} << 14;
  const auto better = [](std::optional<Coded> a, std::optional<Coded> b) {
    return !b || (a && a->size() <= b->size()) ? std::move(a) : std::move(b);
  };
  const auto every_way = [&]() -> std::optional<Coded> {
    auto scaled = code_scaled(values, task);
    // A field takes as much for its tables alone.
    constexpr std::size_t next_to_nothing = 400;
    if (task.level < every_way_level && scaled && scaled->size() <= next_to_nothing &&
        scaled->size() * 32 < values.size())
      return scaled;
    Task task_of_fields = task;
    if (scaled) task_of_fields.rival = scaled->size();
    auto fields = code_field(values, shape, task_of_fields);
    if (bits_take_less(values, task.layout.grid, fields, scaled)) return std::nullopt;
    return better(std::move(fields), std::move(scaled));
  };
  if (shape.rank() == 0 || task.level >= every_way_level) return every_way();
  const auto surely_a_field = [&](std::span<const T> box, const Shape& extent) {
    return is_surely_a_field(box, extent, 0.25 * task.bounds[0].tolerance(0));
  };
  if (values.size() <= sample) {
    if (surely_a_field(values, shape))
      if (auto coded = code_field(values, shape, task)) return coded;
    return every_way();
  }
  auto [box, extent, part] = sample_of(values, shape, task, sample);
  if (surely_a_field(box, extent))
    if (auto coded = code_field(values, shape, task)) return coded;
  if (values.size() <= few_elements) return every_way();
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
