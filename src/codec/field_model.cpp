#include "codec/field_model.hpp"

#include <algorithm>
#include <bit>

#include "codec/tokens.hpp"

namespace etalon::codec {

std::size_t group_of(std::size_t label, std::size_t level, unsigned cls) {
  const auto odd = static_cast<std::size_t>(std::popcount(cls));
  return label * groups_per_label + 3 * std::min<std::size_t>(level, 2) +
         std::clamp<std::size_t>(odd, 1, 3) - 1;
}

std::vector<std::array<std::uint8_t, activities>> table_map(const FieldModel& model) {
  std::vector<std::array<std::uint8_t, activities>> map(model.runs.size());
  std::size_t table = 0;
  for (std::size_t group = 0; group < map.size(); ++group) {
    const auto& runs = model.runs[group];
    for (std::size_t a = 0, run = 0; a < activities && !runs.empty(); ++a) {
      if (run + 1 < runs.size() && runs[run + 1].first <= a) ++run;
      map[group][a] = static_cast<std::uint8_t>(table + run);
    }
    table += runs.size();
  }
  return map;
}

namespace {

struct WeightModels {
  BitModel told, sloped;
  UintModel slope;
  std::array<UintModel, max_features> weights;
};

}  // namespace

void put_field_model(SideEncoder& out, const FieldModel& model, const CountsLayout& layout,
                     const std::vector<std::size_t>& features) {
  out.put_raw(model.thorough, 1);
  put_rects(out, layout.fills, layout.grid.nx);
  const std::size_t labels = layout.bounds.size();
  if (labels > 1) {
    auto squares = layout.squares.begin();
    for (std::size_t label = 1; label < labels; ++label) {
      const bool here = squares != layout.squares.end() && squares->label == label;
      out.put_raw(here, 1);
      if (here) put_squares(out, *squares++, layout.grid.nx);
    }
    put_rects(out, layout.regions, layout.grid.nx);
  }
  out.put_raw(std::bit_cast<std::uint64_t>(model.mean), 64);
  WeightModels models;
  for (std::size_t c = 0; c < model.predictors.size(); ++c) {
    const ClassPredictor& p = model.predictors[c];
    if (features[c] == 0) continue;
    out.put_bit(models.told, p.told);
    if (!p.told) continue;
    out.put_bit(models.sloped, p.slope != weight_one);
    if (p.slope != weight_one) out.put(models.slope, zigzag(p.slope - weight_one));
    for (std::size_t j = 1; j < features[c]; ++j) out.put(models.weights[j], zigzag(p.weights[j]));
  }
  if (model.thorough) return;
  UintModel counts, widths;
  for (const auto& runs : model.runs) {
    out.put(counts, runs.size());
    for (std::size_t r = 1; r < runs.size(); ++r)
      out.put(widths, runs[r].first - runs[r - 1].first - 1u);
  }
  TableCoder tables(true);
  for (std::size_t t = 0; t + 1 < model.tables.size(); ++t) tables.put(out, model.tables[t]);
}

Result<bool> get_field_layout(SideDecoder& in, CountsLayout& layout, std::size_t labels,
                              std::size_t fills) {
  const Grid& g = layout.grid;
  layout.bounds.assign(labels, 0);  // as many as there are labels
  const bool thorough = in.get_raw(1) != 0;
  ETALON_ASSIGN(layout.fills, get_rects(in, g.planes * g.ny, g.nx, fills + 1));
  if (labels > 1) {
    for (std::size_t label = 1; label < labels; ++label) {
      if (in.get_raw(1) == 0) continue;
      ETALON_ASSIGN(auto squares, get_squares(in, g.ny, g.nx));
      squares.label = static_cast<std::uint8_t>(label);
      layout.squares.push_back(std::move(squares));
    }
    ETALON_ASSIGN(layout.regions, get_rects(in, g.ny, g.nx, labels));
  }
  return thorough;
}

Result<void> get_field_model(SideDecoder& in, FieldModel& model, CountsLayout& layout,
                             const std::vector<std::size_t>& features, std::size_t labels,
                             std::size_t fills) {
  const auto bad = [](const char* reason) { return Error{Errc::malformed, reason}; };
  ETALON_ASSIGN(model.thorough, get_field_layout(in, layout, labels, fills));
  model.mean = std::bit_cast<double>(in.get_raw(64));
  WeightModels models;
  model.predictors.resize(features.size());
  for (std::size_t c = 0; c < features.size(); ++c) {
    ClassPredictor& p = model.predictors[c];
    if (features[c] == 0) continue;
    p.told = in.get_bit(models.told);
    if (!p.told) continue;
    if (in.get_bit(models.sloped)) p.slope = weight_one + unzigzag(in.get(models.slope));
    if (p.slope > most_weight || p.slope < -most_weight) return bad("weight out of range");
    for (std::size_t j = 1; j < features[c]; ++j) {
      p.weights[j] = unzigzag(in.get(models.weights[j]));
      if (p.weights[j] > most_weight || p.weights[j] < -most_weight)
        return bad("weight out of range");
    }
    if (in.exhausted()) return bad("side information: truncated");
  }
  if (in.exhausted()) return bad("side information: truncated");
  if (model.thorough) return {};
  UintModel counts, widths;
  model.runs.resize(labels * groups_per_label);
  std::size_t all = 0;
  for (auto& runs : model.runs) {
    const std::uint64_t count = in.get(counts);
    all += count;
    if (count > activities || all > max_tables) return bad("too many tables");
    std::uint64_t first = 0;
    for (std::uint64_t r = 0; r < count; ++r) {
      if (r != 0) first += in.get(widths) + 1;
      if (first >= activities) return bad("activity out of range");
      runs.push_back({static_cast<std::uint8_t>(first)});
    }
  }
  TableCoder tables(true);
  for (std::size_t t = 0; t < all; ++t) {
    ETALON_ASSIGN(const auto table, tables.get(in, token_count(wide_split)));
    model.tables.push_back(table);
  }
  if (in.exhausted()) return bad("side information: truncated");
  Frequencies silent{};
  silent[0] = probability_one;
  model.tables.push_back(silent);
  return {};
}

template <typename V>
RowPredictor<V> row_predictor(const ClassPredictor& told, const Features& features, double mean,
                              double step) {
  RowPredictor<V> r;
  r.features = features.lengths.size();
  r.nearest = features.nearest;
  r.mean = static_cast<V>(mean);
  r.spread = static_cast<V>(1 / (step * static_cast<double>(std::max<std::size_t>(1, r.features))));
  if (r.features == 0) return r;
  r.loop = best_loop(r.features, r.nearest, features.lengths.data());
  r.inverse_nearest = static_cast<V>(1.0 / static_cast<double>(r.nearest));
  for (std::size_t j = 0; j < r.features; ++j) {
    r.lengths[j] = features.lengths[j];
    r.inverse_lengths[j] = V(1) / static_cast<V>(features.lengths[j]);
  }
  if (told.told) {
    r.slope = static_cast<V>(static_cast<double>(told.slope) / weight_one);
    for (std::size_t j = 1; j < r.features; ++j)
      r.weights[j] = static_cast<V>(static_cast<double>(told.weights[j]) / weight_one);
  } else {
    for (std::size_t j = r.nearest; j < 2 * r.nearest; ++j)
      r.weights[j] = static_cast<V>(-0.125 / static_cast<double>(r.nearest));
  }
  return r;
}
template RowPredictor<float> row_predictor(const ClassPredictor&, const Features&, double, double);
template RowPredictor<double> row_predictor(const ClassPredictor&, const Features&, double, double);

}  // namespace etalon::codec
