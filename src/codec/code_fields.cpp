#include <algorithm>
#include <tuple>

#include "codec/coded.hpp"
#include "codec/mapped.hpp"

namespace etalon::codec {

template <typename T>
std::optional<Coded> code_fields(std::span<const T> values, const Shape& shape, const Task& task,
                                 const Tolerances& tolerances) {
  if (task.without_fields || task.dither ||
      std::any_of(task.bounds.begin(), task.bounds.end(), grows_with_value))
    return std::nullopt;
  CountsLayout layout = task.layout;
  layout.fills = task.fills.rects;
  const auto encoded = [&](const FieldEffort& effort) {
    return encode_fields(values, shape, layout, tolerances, task.fills.largest, effort);
  };
  FieldEffort effort;
  if (task.level >= every_way_level) {
    effort.sample = slow_field_sample;
    effort.thorough = [](const FieldsStream&) { return Thorough::if_smaller; };
  } else if (task.level >= default_level && values.size() <= std::size_t{1} << 19) {
    // Where tables are much of it. The coder that needs none takes the longer, the more decisions
    // there are: about as many as bits.
    effort.thorough = [&](const FieldsStream& fields) {
      constexpr std::size_t most_gain = 2, most_bits = 3;  // of that coder; of two elements
      const bool may_pay =
          fields.side.size() * 6 > fields.symbols.size() &&
          fields.size() / most_gain <= task.rival &&
          (fields.size() * 16 <= values.size() * most_bits || task.level > default_level);
      return may_pay ? Thorough::if_smaller : Thorough::no;
    };
  }
  auto fields = encoded(effort);
  if (!fields) return std::nullopt;
  const auto try_also = [&](std::size_t sample, bool evenly) {
    effort.sample = sample;
    effort.evenly = evenly;
    if (auto other = encoded(effort); other->size() < fields->size()) fields = std::move(other);
  };
  if (task.level >= most_level) {
    try_also(slow_field_sample, true);
    for (const bool evenly : {false, true}) try_also(values.size(), evenly);
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
  coded.label_max_error = std::move(fields->label_max_error);
  return coded;
}
template std::optional<Coded> code_fields(std::span<const float>, const Shape&, const Task&,
                                          const Tolerances&);
template std::optional<Coded> code_fields(std::span<const double>, const Shape&, const Task&,
                                          const Tolerances&);

namespace {

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

}  // namespace

template <typename T>
Sample<T> sample_of(std::span<const T> values, const Shape& shape, const Task& task,
                    std::size_t elements) {
  Sample<T> sample;
  std::tie(sample.box, sample.extent) = middle_of(values, shape, elements);
  Task& part = sample.task;
  part.bounds = {task.bounds[0]};
  part.dither = task.dither;
  part.level = task.level;
  part.layout.bounds = {task.layout.bounds[0]};
  part.layout.grid = grid_of(sample.extent, 1);
  part.fills = find_fills(
      {reinterpret_cast<const std::byte*>(sample.box.data()), DTypeOf<T>::value, sample.extent},
      part.layout.grid, {});
  return sample;
}
template Sample<float> sample_of(std::span<const float>, const Shape&, const Task&, std::size_t);
template Sample<double> sample_of(std::span<const double>, const Shape&, const Task&, std::size_t);
template Sample<std::int8_t> sample_of(std::span<const std::int8_t>, const Shape&, const Task&,
                                       std::size_t);
template Sample<std::uint8_t> sample_of(std::span<const std::uint8_t>, const Shape&, const Task&,
                                        std::size_t);
template Sample<std::int16_t> sample_of(std::span<const std::int16_t>, const Shape&, const Task&,
                                        std::size_t);
template Sample<std::uint16_t> sample_of(std::span<const std::uint16_t>, const Shape&, const Task&,
                                         std::size_t);
template Sample<std::int32_t> sample_of(std::span<const std::int32_t>, const Shape&, const Task&,
                                        std::size_t);
template Sample<std::uint32_t> sample_of(std::span<const std::uint32_t>, const Shape&, const Task&,
                                         std::size_t);

}  // namespace etalon::codec
