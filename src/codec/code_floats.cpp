#include <algorithm>

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
    auto fields = code_field(values, shape, task), scaled = code_scaled(values, task);
    if (bits_take_less(values, task.layout.grid, fields, scaled)) return std::nullopt;
    return better(std::move(fields), std::move(scaled));
  }
  const auto [box, extent, part] = sample_of(values, shape, task, sample);
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
