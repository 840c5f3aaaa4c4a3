#include <cmath>
#include <cstring>

#include "codec/counts_predictor.hpp"
#include "codec/counts_tables.hpp"

namespace etalon::codec {
namespace {

// Everything about one chunk on its way in.
template <typename T>
class Encoder {
 public:
  Encoder(std::span<const T> values, const CountsLayout& layout, std::span<const std::uint8_t> good)
      : values_(values), layout_(layout), grid_(layout.grid), good_(good), n_(values.size()) {
    labels_ = label_plane(layout);
    fill_.resize(layout.fills.empty() ? 0 : n_);
    for_each_row(layout.fills, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
      std::memset(fill_.data() + at, 1, length);
    });
    errors_.assign(layout.bounds.size(), 0);
    for (std::uint64_t b : layout.bounds) lossy_ = lossy_ || b != 0;
  }

  CountsStream encode(CountsReport& report) {
    model_.predictor = choose_predictor(values_, grid_, fill_, layout_.bounds[0]);
    const bool direct = model_.predictor == Predictor::none;
    phases_ = direct && lossy_ && std::is_unsigned_v<T>;
    if (direct)
      plain_numbers();
    else
      predicted_numbers();
    map_levels();
    if (direct && lossy_ && !phases_) centre_numbers();
    Scratch<std::uint8_t> contexts = class_planes(model_, grid_);
    for_each_row(layout_.fills, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
      std::memset(contexts.data() + at, static_cast<int>(max_classes), length);
    });
    tokens_ = Scratch<std::uint8_t>(n_);
    CountsStream stream;
    if (phases_) {
      choose_phases(contexts.span());
      classes_to_tables(model_, layout_, labels_, contexts.span());
      quantize(contexts.span());
      tables_.assign(model_.segments.size() + 1, Histogram{});
      count(contexts.span(), {}, tables_, stream);
    } else {
      std::vector<Histogram> classes(layout_.bounds.size() * stride, Histogram{});
      count(contexts.span(), labels_, classes, stream);
      choose_tables(classes);
      classes_to_tables(model_, layout_, labels_, contexts.span());
    }
    report.label_bits.assign(layout_.bounds.size(), 0);
    for (std::size_t s = 0; s <= model_.segments.size(); ++s) {
      model_.tables.push_back(normalize(tables_[s]));
      if (s == model_.segments.size()) break;
      double bits = cost_bits(tables_[s], model_.tables.back());
      for (std::size_t t = 0; t < 256; ++t)
        if (tables_[s][t] != 0)
          bits += tables_[s][t] * raw_bits_of(static_cast<std::uint8_t>(t), model_.split);
      report.label_bits[model_.segments[s].label] += bits;
    }
    SideEncoder side;
    put_model(side, model_, layout_, direct && std::is_unsigned_v<T>);
    stream.side = side.finish();
    stream.symbols = rans_encode(contexts.span(), tokens_.span(), model_.tables);
    report.label_max_error = errors_;
    return stream;
  }

 private:
  static constexpr std::size_t stride = max_classes + 1;  // classes of a label, and fills

  bool filled(std::size_t i) const { return !fill_.empty() && fill_[i] != 0; }

  // body(i, label) for all elements.
  template <typename F>
  void for_each_labelled(F&& body) const {
    const std::size_t plane = grid_.plane();
    for (std::size_t p = 0, i = 0; p < grid_.planes; ++p)
      for (std::size_t k = 0; k < plane; ++k, ++i)
        body(i, labels_.empty() ? std::size_t{0} : std::size_t{labels_[k]});
  }

  void plain_numbers() {
    numbers_ = Scratch<std::uint32_t>(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      if constexpr (std::is_signed_v<T>)
        numbers_[i] = static_cast<std::uint32_t>(zigzag(values_[i]));
      else
        numbers_[i] = values_[i];
    }
    for_each_row(layout_.fills, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
      std::memset(numbers_.data() + at, 0, length * sizeof numbers_[0]);
    });
  }

  void predicted_numbers() {
    numbers_ = Scratch<std::uint32_t>(n_);
    std::vector<T> decoded(n_);
    const std::size_t plane = grid_.plane();
    std::size_t in_plane = 0;
    for_each_predicted(
        model_.predictor, decoded.data(), grid_, [&](std::size_t i, std::int64_t prediction) {
          const std::size_t label = labels_.empty() ? 0 : labels_[in_plane];
          if (++in_plane == plane) in_plane = 0;
          const std::uint64_t bound = layout_.bounds[label];
          if (filled(i)) {
            numbers_[i] = 0;
            decoded[i] = predicted_value<T>(prediction, 0, bound);
            return;
          }
          const std::int64_t r = std::int64_t{values_[i]} - prediction;
          if (bound == 0) {
            numbers_[i] = static_cast<std::uint32_t>(
                zigzag(static_cast<std::make_signed_t<T>>(static_cast<std::uint64_t>(r))));
            decoded[i] = values_[i];
            return;
          }
          numbers_[i] = centred(r, bound);
          decoded[i] = predicted_value<T>(prediction, numbers_[i], bound);
          note_error(label, i, decoded[i]);
        });
  }

  void note_error(std::size_t label, std::size_t i, T decoded) {
    const std::int64_t e = std::int64_t{values_[i]} - std::int64_t{decoded};
    errors_[label] = std::max(errors_[label], static_cast<std::uint64_t>(e < 0 ? -e : e));
  }

  void map_levels() {
    model_.tiling = tiling_of(grid_.ny, grid_.nx);
    const Tiling& t = model_.tiling;
    std::vector<Sum> sums(t.columns());
    std::vector<std::int16_t> levels(t.tiles());
    std::uint64_t all = 0, used = 0;
    for (std::size_t p = 0; p < grid_.planes; ++p) {
      for (std::size_t row = 0; row < t.rows(); ++row) {
        for (std::size_t c = 0; c < t.columns(); ++c) {
          Sum& sum = sums[c] = sum_tile(p, row, c, 0xFFFFFFFF);
          // A few bright pixels say little about the others.
          const std::uint64_t cap = sum.count == 0 ? 0 : 4 * (sum.total / sum.count) + 8;
          if (sum.largest > cap) sum = sum_tile(p, row, c, static_cast<std::uint32_t>(cap));
        }
        for (std::size_t c = 0; c < t.columns(); ++c) {
          levels[row * t.columns() + c] =
              sums[c].count == 0 ? no_level : std::int16_t{log_mean(sums[c].total, sums[c].count)};
          all += sums[c].total;
          used += sums[c].count;
        }
      }
      const auto filled_up = settle_levels(levels, t.columns(), lossy_);
      model_.levels.insert(model_.levels.end(), filled_up.begin(), filled_up.end());
    }
    if (all > 16 * used) model_.split = wide_split;
  }

  struct Sum {
    std::uint64_t total = 0;
    std::uint32_t count = 0, largest = 0;
  };
  // Numbers above `cap` count as it. Fills hold 0 and are not counted; pixels that are not good are
  // left out of both.
  Sum sum_tile(std::size_t p, std::size_t tile_row, std::size_t column, std::uint32_t cap) const {
    const Tiling& t = model_.tiling;
    const std::size_t from = column << t.log2_x, to = std::min(grid_.nx, (column + 1) << t.log2_x);
    const std::size_t end = std::min(grid_.ny, (tile_row + 1) << t.log2_y);
    Sum sum;
    for (std::size_t y = tile_row << t.log2_y; y < end; ++y) {
      const std::size_t in_plane = y * grid_.nx, row = p * grid_.plane() + in_plane;
      const std::uint32_t* n = numbers_.data() + row;
      if (good_.empty()) {
        for (std::size_t x = from; x < to; ++x) {
          sum.total += std::min(n[x], cap);
          sum.largest = std::max(sum.largest, n[x]);
        }
        sum.count += static_cast<std::uint32_t>(to - from);
        if (!fill_.empty())
          for (std::size_t x = from; x < to; ++x) sum.count -= fill_[row + x];
      } else {
        for (std::size_t x = from; x < to; ++x) {
          if (good_[in_plane + x] == 0 || filled(row + x)) continue;
          sum.total += std::min(n[x], cap);
          sum.largest = std::max(sum.largest, n[x]);
          ++sum.count;
        }
      }
    }
    return sum;
  }

  static std::uint32_t centred(std::int64_t v, std::uint64_t bound) {
    const auto b = static_cast<std::int64_t>(bound), step = 2 * b + 1;
    return static_cast<std::uint32_t>(zigzag(v < 0 ? -((-v + b) / step) : (v + b) / step));
  }

  void centre_numbers() {
    for_each_labelled([&](std::size_t i, std::size_t label) {
      const std::uint64_t bound = layout_.bounds[label];
      if (bound == 0 || filled(i)) return;
      numbers_[i] = centred(values_[i], bound);
      note_error(label, i, direct_value<T>(numbers_[i], 2 * bound + 1, 0));
    });
  }

  // Tokens, their raw bits, and how often each occurs in contexts[i] (of the label, where given).
  void count(std::span<const std::uint8_t> contexts, std::span<const std::uint8_t> labels,
             std::vector<Histogram>& histograms, CountsStream& stream) {
    const unsigned split = model_.split;
    const std::uint32_t small = 1u << split;
    BitWriter bits;
    const auto one = [&](std::size_t i, Histogram& h) {
      const std::uint32_t n = numbers_[i];
      if (n < small) {
        tokens_[i] = static_cast<std::uint8_t>(n);
        ++h[n];
        return;
      }
      const Token t = token_of(n, split);
      tokens_[i] = t.symbol;
      ++h[t.symbol];
      bits.put(n & ((1u << t.bits) - 1), t.bits);
    };
    if (labels.empty())
      for (std::size_t i = 0; i < n_; ++i) one(i, histograms[contexts[i]]);
    else
      for_each_labelled([&](std::size_t i, std::size_t label) {
        one(i, histograms[label * stride + contexts[i]]);
      });
    stream.bits = bits.finish();
  }

  void add_segments(std::size_t label, const std::vector<ValueHistogram>& h, std::uint64_t step) {
    const auto chosen = choose_segments(static_cast<std::uint8_t>(label), h, step);
    model_.segments.insert(model_.segments.end(), chosen.begin(), chosen.end());
  }

  // Segments from what is coded anyway, and their histograms.
  void choose_tables(const std::vector<Histogram>& classes) {
    for (std::size_t label = 0; label < layout_.bounds.size(); ++label) {
      std::vector<ValueHistogram> h(max_classes, ValueHistogram{});
      for (std::size_t c = 0; c < max_classes; ++c)
        std::copy(classes[label * stride + c].begin(), classes[label * stride + c].end(),
                  h[c].begin());
      add_segments(label, h, 1);
    }
    tables_.assign(model_.segments.size() + 1, Histogram{});
    for (std::size_t s = 0; s < model_.segments.size(); ++s) {
      const Segment& segment = model_.segments[s];
      const bool last =
          s + 1 == model_.segments.size() || model_.segments[s + 1].label != segment.label;
      const std::size_t end = last ? max_classes : model_.segments[s + 1].first_class;
      for (std::size_t c = segment.first_class; c < end; ++c)
        for (std::size_t t = 0; t < 256; ++t)
          tables_[s][t] += classes[segment.label * stride + c][t];
    }
  }

  // Segments and phases from the values themselves.
  void choose_phases(std::span<const std::uint8_t> classes) {
    std::vector<ValueHistogram> h(layout_.bounds.size() * stride, ValueHistogram{});
    for_each_labelled([&](std::size_t i, std::size_t label) {
      const std::uint32_t n = numbers_[i];
      const std::uint32_t bin =
          layout_.bounds[label] != 0 ? std::min(n, 256u) : token_of(n, model_.split).symbol;
      ++h[label * stride + classes[i]][bin];
    });
    for (std::size_t label = 0; label < layout_.bounds.size(); ++label) {
      const auto first = h.begin() + static_cast<std::ptrdiff_t>(label * stride);
      add_segments(label, {first, first + max_classes}, 2 * layout_.bounds[label] + 1);
    }
  }

  void quantize(std::span<const std::uint8_t> contexts) {
    struct Rule {
      std::uint64_t phase, step;
      std::int64_t offset;
      std::size_t label;
    };
    std::vector<Rule> rules;
    for (const Segment& s : model_.segments) {
      const std::uint64_t bound = layout_.bounds[s.label];
      rules.push_back({s.phase, 2 * bound + 1,
                       static_cast<std::int64_t>(bound) - static_cast<std::int64_t>(s.phase),
                       s.label});
    }
    rules.push_back({0, 1, 0, 0});  // fills
    for (std::size_t i = 0; i < n_; ++i) {
      const Rule& r = rules[contexts[i]];
      if (r.step == 1) continue;
      numbers_[i] = static_cast<std::uint32_t>((numbers_[i] + r.phase) / r.step);
      note_error(r.label, i, direct_value<T>(numbers_[i], r.step, r.offset));
    }
  }

  std::span<const T> values_;
  const CountsLayout& layout_;
  const Grid& grid_;
  std::span<const std::uint8_t> good_;
  std::size_t n_;
  std::vector<std::uint8_t> labels_, fill_;
  Scratch<std::uint8_t> tokens_;
  Scratch<std::uint32_t> numbers_;
  std::vector<std::uint64_t> errors_;
  std::vector<Histogram> tables_;  // of the segments, and of fills
  bool lossy_ = false, phases_ = false;
  CountsModel model_;
};

}  // namespace

template <typename T>
CountsStream encode_counts(std::span<const T> values, const CountsLayout& layout,
                           std::span<const std::uint8_t> good, CountsReport& report) {
  return Encoder<T>(values, layout, good).encode(report);
}

template CountsStream encode_counts<std::uint8_t>(std::span<const std::uint8_t>,
                                                  const CountsLayout&,
                                                  std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts<std::uint16_t>(std::span<const std::uint16_t>,
                                                   const CountsLayout&,
                                                   std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts<std::uint32_t>(std::span<const std::uint32_t>,
                                                   const CountsLayout&,
                                                   std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts<std::int8_t>(std::span<const std::int8_t>, const CountsLayout&,
                                                 std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts<std::int16_t>(std::span<const std::int16_t>,
                                                  const CountsLayout&,
                                                  std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts<std::int32_t>(std::span<const std::int32_t>,
                                                  const CountsLayout&,
                                                  std::span<const std::uint8_t>, CountsReport&);

}  // namespace etalon::codec
