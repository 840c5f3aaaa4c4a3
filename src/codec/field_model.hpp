// What a field's decoder is told besides symbols: how every class is foretold, and the tables.
#pragma once

#include <cstdint>
#include <vector>

#include "codec/counts.hpp"
#include "codec/field_rows.hpp"
#include "codec/rans.hpp"

namespace etalon::codec {

// Weights in 1/4096.
inline constexpr int weight_one = 4096;
inline constexpr std::int64_t most_weight = std::int64_t{1} << 24;

struct ClassPredictor {
  bool told = false;  // otherwise the cubic through the four nearest on each odd axis
  std::int64_t slope = weight_one;
  std::array<std::int64_t, max_features> weights{};  // the first one is not used
};

// Elements with like statistics have tables together: groups by label, level and class, activities
// within each.
inline constexpr std::size_t groups_per_label = 9;
std::size_t group_of(std::size_t label, std::size_t level, unsigned cls);

struct TableRun {
  std::uint8_t first = 0;  // activity
};
struct FieldModel {
  bool thorough = false;  // symbols are FieldCoder's; there are no tables
  double mean = 0;
  std::vector<ClassPredictor> predictors;   // in the order of for_each_class
  std::vector<std::vector<TableRun>> runs;  // of every group: at which activity tables begin
  std::vector<Frequencies> tables;          // run by run, and one of only symbol 0
};

// The table of every group and activity, activity by activity.
std::vector<std::array<std::uint8_t, activities>> table_map(const FieldModel& model);

void put_field_model(SideEncoder& out, const FieldModel& model, const CountsLayout& layout,
                     const std::vector<std::size_t>& features);
// The first part of it alone: whether the coder is thorough, fills and regions.
Result<bool> get_field_layout(SideDecoder& in, CountsLayout& layout, std::size_t labels,
                              std::size_t fills);
Result<void> get_field_model(SideDecoder& in, FieldModel& model, CountsLayout& layout,
                             const std::vector<std::size_t>& features, std::size_t labels,
                             std::size_t fills);

template <typename V>
RowPredictor<V> row_predictor(const ClassPredictor& told, const Features& features, double mean,
                              double step);

}  // namespace etalon::codec
