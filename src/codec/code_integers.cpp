#include <algorithm>
#include <cmath>
#include <limits>

#include "codec/coded.hpp"
#include "codec/default_chunk.hpp"
#include "codec/field_loops.hpp"
#include "codec/fields.hpp"
#include "codec/mapped.hpp"

namespace etalon::codec {
namespace {

template <typename T>
Coded code_counts(std::span<const T> values, Task task) {
  Coded coded;
  coded.engine = Engine::counts;
  coded.fills = task.fills.patterns;
  task.layout.fills = task.fills.rects;
  CountsReport report;
  if (std::any_of(task.bounds.begin(), task.bounds.end(), grows_with_value)) {
    coded.engine = Engine::binned;
    auto mapped = encode_binned(values, task.layout, task.bounds, task.fills, task.good, report);
    take(coded, std::move(mapped.stream), report);
    coded.label_max_error = std::move(mapped.label_max_error);
    return coded;
  }
  take(coded, encode_counts(values, task.layout, task.good, report), report);
  for (std::size_t label = 0; label < task.bounds.size(); ++label)
    coded.label_max_error[label] = task.bounds[label].error(0, coded.label_max_error[label]);
  return coded;
}

template <typename T>
std::optional<Coded> code_dithered(std::span<const T> values, Task task) {
  task.layout.fills = task.fills.rects;
  CountsReport report;
  auto mapped = encode_dithered(values, task.layout, task.bounds, task.fills, task.good,
                                *task.dither, report);
  if (!mapped) return std::nullopt;
  Coded coded;
  coded.engine = Engine::dithered;
  coded.dither = true;
  coded.fills = task.fills.patterns;
  take(coded, std::move(mapped->stream), report);
  coded.label_max_error = std::move(mapped->label_max_error);
  return coded;
}

// 64-bit integers whose range has 32 bits; nothing otherwise.
template <typename T>
std::optional<Coded> code_offset(std::span<const T> values, Task task) {
  T low = std::numeric_limits<T>::max(), high = std::numeric_limits<T>::min();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!task.fills.map.empty() && task.fills.map[i] != 0) continue;
    low = std::min(low, values[i]);
    high = std::max(high, values[i]);
  }
  if (low > high) low = high = 0;
  const std::uint64_t base = static_cast<std::uint64_t>(low);
  if (static_cast<std::uint64_t>(high) - base > 0xFFFFFFFFu) return std::nullopt;
  // base + q is not clamped: what bins let q exceed the highest by must not pass the type's end.
  const std::uint64_t room =
      static_cast<std::uint64_t>(std::numeric_limits<T>::max()) - static_cast<std::uint64_t>(high);
  for (std::uint64_t& b : task.layout.bounds) b = std::min(b, room);
  // Bounds that grow with the value are kept by coding exactly.
  for (Bound& b : task.bounds)
    if (grows_with_value(b)) b = Bound::lossless();
  std::vector<std::uint32_t> less(values.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    less[i] = static_cast<std::uint32_t>(static_cast<std::uint64_t>(values[i]) - base);
  Coded coded = code_counts<std::uint32_t>(less, std::move(task));
  coded.engine = Engine::offset;
  coded.base = base;
  return coded;
}

template <typename T>
std::optional<Coded> code_field(std::span<const T> values, const Shape& shape, const Task& task) {
  Tolerances tolerances;
  for (const std::uint64_t b : task.layout.bounds) tolerances.push_back(field_tolerance(b));
  const std::vector<FieldOf<T>> field(values.begin(), values.end());
  Task of_floats = task;
  of_floats.fills.largest = static_cast<double>(magnitudes(field.data(), field.size()).largest);
  auto coded = code_fields<FieldOf<T>>(field, shape, of_floats, tolerances);
  if (!coded) return coded;
  for (std::size_t label = 0; label < task.bounds.size(); ++label) {
    double& error = coded->label_max_error[label];
    error = task.bounds[label].error(
        0, std::min(std::floor(error + 0.5), static_cast<double>(task.layout.bounds[label])));
  }
  return coded;
}

// Whether neighbours along some axis are much nearer to one another than to the mean: then it may
// be a field. Counts of photons are not.
template <typename T>
bool is_smooth(const std::vector<T>& box, const Shape& extent) {
  double mean = 0, spread = 0;
  for (const T v : box) mean += static_cast<double>(v);
  mean /= static_cast<double>(box.size());
  for (const T v : box) spread += std::abs(static_cast<double>(v) - mean);
  spread /= static_cast<double>(box.size());
  std::size_t stride = 1;
  for (std::size_t axis = extent.rank(); axis-- > 0; stride *= extent[axis]) {
    if (extent[axis] < 2) continue;
    double change = 0;
    for (std::size_t i = stride; i < box.size(); ++i)
      change += std::abs(static_cast<double>(box[i]) - static_cast<double>(box[i - stride]));
    if (change < 0.5 * spread * static_cast<double>(box.size() - stride)) return true;
  }
  return false;
}

// As counts or as a field, whichever is smaller; of large arrays a sample decides.
template <typename T>
Coded code_smaller(std::span<const T> values, const Shape& shape, Task task) {
  constexpr std::size_t look = std::size_t{1} << 12, sample = std::size_t{1} << 15;
  if (std::any_of(task.bounds.begin(), task.bounds.end(), grows_with_value) || shape.rank() == 0)
    return code_counts(values, std::move(task));
  const bool every_way = task.level >= every_way_level;
  if (!every_way) {
    const Sample<T> small = sample_of(values, shape, task, look);
    if (!is_smooth(small.box, small.extent)) return code_counts(values, std::move(task));
  }
  if (every_way || values.size() <= few_elements) {
    auto field = code_field(values, shape, task);
    Coded counts = code_counts(values, std::move(task));
    return field && field->size() < counts.size() ? std::move(*field) : std::move(counts);
  }
  const Sample<T> part = sample_of(values, shape, task, sample);
  auto field = code_field<T>(part.box, part.extent, part.task);
  if (field && weight_in_sample(*field) < weight_in_sample(code_counts<T>(part.box, part.task)))
    field = code_field(values, shape, task);
  else
    field.reset();
  return field ? std::move(*field) : code_counts(values, std::move(task));
}

// A field by a clear margin: chunks of one image can be read alone.
template <typename T>
bool is_field(std::span<const T> values, const Shape& shape, const Task& task) {
  constexpr std::size_t elements = std::size_t{1} << 15;
  const Sample<T> part = sample_of(values, shape, task, elements);
  if (!is_smooth(part.box, part.extent)) return false;
  const auto field = code_field<T>(part.box, part.extent, part.task);
  return field &&
         weight_in_sample(*field) * 20 < weight_in_sample(code_counts<T>(part.box, part.task)) * 19;
}

bool is_volume(const ArrayView& images, const CompressOptions& options) {
  const Bound& bound = options.bound;
  if (images.shape.rank() != 3 || images.count() == 0 || images.shape[0] < 4 || options.dither ||
      options.level == least_level || grows_with_value(bound) || is_float(images.dtype))
    return false;
  return visit(images.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T> || sizeof(T) == 8) {
      return false;
    } else {
      Task task;
      task.bounds = {bound};
      task.layout.bounds = {integer_bound(bound, images.dtype)};
      return is_field<T>(images.as<T>(), images.shape, task);
    }
  });
}

}  // namespace

std::size_t images_looked_at(DType dtype, std::size_t elements) {
  constexpr std::size_t most = 16, room = std::size_t{1} << 22;
  return is_float(dtype) ? 0 : std::min(most, room / std::max<std::size_t>(elements, 1));
}

Shape default_chunk(const ArrayView& first, const Shape& shape, const CompressOptions& options) {
  return etalon::default_chunk(is_volume(first, options) ? DType::f32 : first.dtype, shape);
}

template <typename T>
std::optional<Coded> code_integers(std::span<const T> values, const Shape& shape, Task task) {
  if constexpr (sizeof(T) == 8)
    return code_offset(values, std::move(task));
  else if (task.dither)
    return code_dithered(values, std::move(task));
  else
    return code_smaller(values, shape, std::move(task));
}
template std::optional<Coded> code_integers(std::span<const std::int8_t>, const Shape&, Task);
template std::optional<Coded> code_integers(std::span<const std::uint8_t>, const Shape&, Task);
template std::optional<Coded> code_integers(std::span<const std::int16_t>, const Shape&, Task);
template std::optional<Coded> code_integers(std::span<const std::uint16_t>, const Shape&, Task);
template std::optional<Coded> code_integers(std::span<const std::int32_t>, const Shape&, Task);
template std::optional<Coded> code_integers(std::span<const std::uint32_t>, const Shape&, Task);
template std::optional<Coded> code_integers(std::span<const std::int64_t>, const Shape&, Task);
template std::optional<Coded> code_integers(std::span<const std::uint64_t>, const Shape&, Task);

}  // namespace etalon::codec
