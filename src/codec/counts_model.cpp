#include "codec/counts_model.hpp"

#include <cstring>

#include "codec/counts_loops.hpp"

namespace etalon::codec {

Grid grid_of(const Shape& shape, std::size_t labels, Planes planes) {
  Grid g;
  const std::size_t rank = shape.rank();
  if (rank >= 1) g.nx = shape[rank - 1];
  if (rank >= 2) g.ny = shape[rank - 2];
  for (std::size_t axis = 0; axis + 2 < rank; ++axis) g.planes *= shape[axis];
  const bool small = labels == 1 && g.plane() < 4096;
  if (planes == Planes::joined || (small && planes == Planes::small_joined)) {
    g.ny *= g.planes;
    g.planes = 1;
  }
  return g;
}

bool has_small_planes(const Shape& shape, std::size_t labels) {
  const Grid g = grid_of(shape, labels, Planes::apart);
  return labels == 1 && g.planes > 1 && g.plane() != 0 && g.plane() < 4096;
}

void put_model(SideEncoder& out, const CountsModel& model, const CountsLayout& layout,
               bool phases) {
  const Grid& g = layout.grid;
  out.put_raw(static_cast<unsigned>(model.predictor), 3);
  out.put_raw(model.split == wide_split, 1);
  UintModel bounds;
  for (std::uint64_t b : layout.bounds) out.put(bounds, b);
  put_rects(out, layout.fills, g.nx);
  if (layout.bounds.size() > 1) {
    auto squares = layout.squares.begin();
    for (std::size_t label = 1; label < layout.bounds.size(); ++label) {
      const bool here = squares != layout.squares.end() && squares->label == label;
      out.put_raw(here, 1);
      if (!here) continue;
      put_squares(out, *squares, g.nx);
      put_spots(out, model.spots[static_cast<std::size_t>(squares - layout.squares.begin())]);
      ++squares;
    }
    put_rects(out, layout.regions, g.nx);
  }
  out.put_raw(model.tiling.log2_y, 4);
  out.put_raw(model.tiling.log2_x, 4);
  const std::size_t tiles = model.tiling.tiles();
  for (std::size_t p = 0; p < g.planes; ++p)
    put_levels(out, std::span(model.levels).subspan(p * tiles, tiles), model.tiling.columns());
  UintModel counts, widths, phase;
  auto segment = model.segments.begin();
  for (std::size_t group = 0; group < model.groups.label.size(); ++group) {
    const auto end = std::find_if(segment, model.segments.end(),
                                  [&](const Segment& s) { return s.group != group; });
    out.put(counts, static_cast<std::uint64_t>(end - segment) - 1);
    for (unsigned first = 0; segment != end; ++segment) {
      if (first != 0 || segment->first_class != 0)
        out.put(widths, segment->first_class - first - 1u);
      first = segment->first_class;
      if (phases && layout.bounds[model.groups.label[group]] != 0) out.put(phase, segment->phase);
    }
  }
  TableCoder tables(true);
  RateCoder rates;
  for (std::size_t s = 0; s < model.segments.size(); ++s) {
    const auto& rate = model.segments[s].rate;
    out.put_bit(rates.kind, rate.has_value());
    if (rate)
      rates.put(out, *rate, model.segments[s].first_class);
    else
      tables.put(out, model.tables[s]);
  }
}

Result<void> get_model(SideDecoder& in, CountsModel& model, CountsLayout& layout,
                       std::size_t labels, std::size_t fills, bool is_unsigned) {
  const auto bad = [](const char* reason) { return Error{Errc::malformed, reason}; };
  const Grid& g = layout.grid;
  const std::uint64_t predictor = in.get_raw(3);
  if (predictor >= predictors) return bad("unknown predictor");
  model.predictor = static_cast<Predictor>(predictor);
  model.split = in.get_raw(1) ? wide_split : narrow_split;
  UintModel bounds;
  for (std::size_t i = 0; i < labels; ++i) {
    layout.bounds.push_back(in.get(bounds));
    if (layout.bounds.back() > std::numeric_limits<std::uint32_t>::max())
      return bad("bound out of range");
  }
  ETALON_ASSIGN(layout.fills, get_rects(in, g.planes * g.ny, g.nx, fills + 1));
  if (labels > 1) {
    for (std::size_t label = 1; label < labels; ++label) {
      if (in.get_raw(1) == 0) continue;
      ETALON_ASSIGN(auto squares, get_squares(in, g.ny, g.nx));
      ETALON_ASSIGN(auto spots, get_spots(in, squares.centres.size()));
      model.spots.push_back(std::move(spots));
      squares.label = static_cast<std::uint8_t>(label);
      layout.squares.push_back(std::move(squares));
    }
    ETALON_ASSIGN(layout.regions, get_rects(in, g.ny, g.nx, labels));
  }
  ETALON_ASSIGN(model.groups, groups_of(layout));
  if (layout.make_hint) layout.hint = layout.make_hint(model.groups.plane);
  model.tiling.ny = g.ny;
  model.tiling.nx = g.nx;
  model.tiling.log2_y = static_cast<unsigned>(in.get_raw(4));
  model.tiling.log2_x = static_cast<unsigned>(in.get_raw(4));
  const std::size_t tiles = model.tiling.tiles();
  model.levels.reserve(tiles * g.planes);
  for (std::size_t p = 0; p < g.planes; ++p) {
    ETALON_ASSIGN(const auto levels, get_levels(in, tiles, model.tiling.columns()));
    model.levels.insert(model.levels.end(), levels.begin(), levels.end());
  }
  UintModel counts, widths, phase;
  const bool phases = is_unsigned && model.predictor == Predictor::none;
  for (std::size_t group = 0; group < model.groups.label.size(); ++group) {
    const std::uint64_t bound = layout.bounds[model.groups.label[group]];
    const std::uint64_t count = in.get(counts) + 1;
    if (count > max_classes || model.segments.size() + count > max_tables)
      return bad("too many tables");
    std::uint64_t first = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (i != 0) first += in.get(widths) + 1;
      if (first >= max_classes) return bad("class out of range");
      Segment s{static_cast<std::uint8_t>(group), static_cast<std::uint8_t>(first), 0};
      if (phases && bound != 0) s.phase = in.get(phase);
      if (s.phase > 2 * bound) return bad("phase out of range");
      model.segments.push_back(s);
    }
  }
  TableCoder tables(true);
  RateCoder rates;
  for (Segment& segment : model.segments) {
    if (in.get_bit(rates.kind)) {
      ETALON_ASSIGN(segment.rate, rates.get(in, segment.first_class));
      model.tables.push_back(frequencies_of(*segment.rate, model.split));
    } else {
      ETALON_ASSIGN(const auto table, tables.get(in, token_count(model.split)));
      model.tables.push_back(table);
    }
  }
  if (in.exhausted()) return bad("side information: truncated");
  Frequencies silent{};
  silent[0] = probability_one;
  model.tables.push_back(silent);
  return {};
}

Scratch<std::uint8_t> class_planes(const CountsModel& model, const Grid& grid) {
  Scratch<std::uint8_t> classes(grid.count());
  const std::size_t tiles = model.tiling.tiles();
  for (std::size_t p = 0; p < grid.planes; ++p)
    classes_of(model.tiling, std::span(model.levels).subspan(p * tiles, tiles),
               classes.data() + p * grid.plane());
  return classes;
}

void raise_classes(const CountsModel& model, const CountsLayout& layout,
                   std::span<std::uint8_t> classes) {
  for (std::size_t i = 0; i < layout.squares.size(); ++i)
    raise_classes(layout.squares[i], model.spots[i], layout.grid, model.groups.plane, classes);
}

void classes_to_tables(const CountsModel& model, const CountsLayout& layout,
                       std::span<std::uint8_t> classes) {
  // One more class than there are: the encoder marks fills with it.
  std::vector<std::array<std::uint8_t, max_classes + 1>> table(model.groups.label.size());
  for (std::size_t s = 0; s < model.segments.size(); ++s) {
    const Segment& segment = model.segments[s];
    for (std::size_t c = segment.first_class; c < max_classes; ++c)
      table[segment.group][c] = static_cast<std::uint8_t>(s);
  }
  if (layout.hint.empty()) {
    struct Other {
      std::size_t i;
      std::uint8_t table;
    };
    std::vector<Other> others;
    for_each_in_regions(model.groups, layout.grid, [&](std::size_t i, std::size_t group) {
      others.push_back({i, table[group][classes[i]]});
    });
    std::vector<std::uint8_t> first;
    for (const Segment& segment : model.segments) first.push_back(segment.first_class);
    step_tables(classes.data(), classes.size(), table[0].data(), first.data());
    for (const Other& o : others) classes[o.i] = o.table;
  } else {
    for_each_grouped(model.groups, layout, [&](std::size_t i, std::size_t group) {
      classes[i] = table[group][classes[i]];
    });
  }
  const auto silent = static_cast<std::uint8_t>(model.segments.size());
  for_each_row(layout.fills, layout.grid.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
    std::memset(classes.data() + at, silent, length);
  });
}

std::uint32_t first_escaped(const Frequencies& frequencies, unsigned split) {
  std::size_t last = 254;
  while (last > 0 && frequencies[last] == 0) --last;
  // Tables hold at most all tokens of their split.
  const std::size_t first = std::min(last + 1, token_count(split) - 1);
  return value_of(static_cast<std::uint8_t>(first), 0, split);
}

}  // namespace etalon::codec
