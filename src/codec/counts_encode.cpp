#include <cmath>
#include <cstring>

#include "codec/class_histograms.hpp"
#include "codec/counts_loops.hpp"
#include "codec/counts_predictor.hpp"
#include "codec/counts_tables.hpp"
#include "codec/tile_sums.hpp"

namespace etalon::codec {
namespace {

// Everything about one chunk on its way in.
template <typename T>
class Encoder {
 public:
  Encoder(std::span<const T> values, const CountsLayout& layout, std::span<const std::uint8_t> good)
      : values_(values), layout_(layout), grid_(layout.grid), good_(good), n_(values.size()) {
    fill_.resize(layout.fills.empty() ? 0 : n_);
    for_each_row(layout.fills, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
      std::memset(fill_.data() + at, 1, length);
    });
    errors_.assign(layout.bounds.size(), 0);
    for (std::uint64_t b : layout.bounds) lossy_ = lossy_ || b != 0;
    model_.groups = groups_of(layout).value();
  }

  CountsStream encode(CountsReport& report) {
    model_.predictor = choose_predictor(values_, grid_, fill_, layout_.bounds[0]).kind;
    const bool direct = model_.predictor == Predictor::none;
    phases_ = direct && lossy_ && std::is_unsigned_v<T>;
    if (direct)
      plain_numbers();
    else
      predicted_numbers();
    map_levels();
    contexts_ = class_planes(model_, grid_);
    for_each_row(layout_.fills, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
      std::memset(contexts_.data() + at, static_cast<int>(max_classes), length);
    });
    for (const Squares& squares : layout_.squares)
      model_.spots.push_back(
          measure_spots(squares, grid_, model_.groups.plane, numbers_, contexts_.span()));
    raise_classes(model_, layout_, contexts_.span());
    if (direct && lossy_ && !phases_) centre_numbers();
    tokens_ = Scratch<std::uint8_t>(n_);
    if (phases_) {
      choose_phases();
      classes_to_tables(model_, layout_, contexts_.span());
      quantize();
      tokenize();
      tables_.assign(model_.segments.size() + 1, Histogram{});
      count_tokens(contexts_.span(), tokens_.span(), token_count(model_.split),
                   [&](std::size_t table) -> Histogram& { return tables_[table]; });
    } else {
      ClassHistograms<Histogram> classes(model_.groups.label.size());
      tokenize();
      if (layout_.hint.empty()) {
        count_tokens(contexts_.span(), tokens_.span(), token_count(model_.split),
                     [&](std::size_t c) -> Histogram& { return classes.at(0, c); });
        for_each_in_regions(model_.groups, grid_, [&](std::size_t i, std::size_t group) {
          --classes.at(0, contexts_[i])[tokens_[i]];
          ++classes.at(group, contexts_[i])[tokens_[i]];
        });
      } else {
        for_each_grouped(model_.groups, layout_, [&](std::size_t i, std::size_t group) {
          ++classes.at(group, contexts_[i])[tokens_[i]];
        });
      }
      choose_tables(classes);
      classes_to_tables(model_, layout_, contexts_.span());
    }
    for (std::size_t s = 0; s < model_.segments.size(); ++s) {
      const Table table = choose_table(tables_[s], model_.split);
      model_.tables.push_back(table.frequencies);
      model_.segments[s].rate = table.rate;
    }
    model_.tables.push_back(normalize(Histogram{}));

    CountsStream stream;
    const bool any_escapes = write_extras(stream);
    SideEncoder side;
    put_model(side, model_, layout_, direct && std::is_unsigned_v<T>);
    stream.side = side.finish();
    Bytes& rest = any_escapes ? stream.escapes : stream.bits;
    stream.symbols = rans_encode(contexts_.span(), tokens_.span(), model_.tables, rest);
    const std::size_t carried = std::min(rest.size(), 2 * lanes_of(n_));
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(carried));
    report.label_max_error = errors_;
    report.label_bits.assign(layout_.bounds.size(), 0);
    for (std::size_t s = 0; s < model_.segments.size(); ++s)
      report.label_bits[label_of(s)] += table_bits(tables_[s], model_.tables[s], model_.split);
    return stream;
  }

 private:
  using Number = std::make_unsigned_t<T>;

  bool filled(std::size_t i) const { return !fill_.empty() && fill_[i] != 0; }
  std::uint8_t label_of(std::size_t segment) const {
    return model_.groups.label[model_.segments[segment].group];
  }

  void plain_numbers() {
    if constexpr (std::is_signed_v<T>) {
      fold(values_.data(), n_, own_numbers());
      numbers_ = own_numbers_.data();
    } else {
      numbers_ = values_.data();
    }
  }

  // Numbers to write: what is in numbers_ may lie elsewhere.
  Number* own_numbers() {
    if (own_numbers_.size() == 0) own_numbers_ = Scratch<Number>(n_);
    return own_numbers_.data();
  }

  void predicted_numbers() {
    Number* const numbers = own_numbers();
    numbers_ = numbers;
    if (!lossy_) return lossless_numbers(numbers);
    std::vector<T> decoded(n_);
    const std::size_t plane = grid_.plane();
    std::size_t in_plane = 0;
    for_each_predicted(
        model_.predictor, decoded.data(), grid_, [&](std::size_t i, std::int64_t prediction) {
          const std::size_t label = model_.groups.plane.empty() ? 0 : model_.groups.plane[in_plane];
          if (++in_plane == plane) in_plane = 0;
          const std::uint64_t bound = layout_.bounds[label];
          if (filled(i)) {
            numbers[i] = 0;
            decoded[i] = predicted_value<T>(prediction, 0, bound);
            return;
          }
          if (bound == 0) {
            numbers[i] = residual_of(values_[i], prediction);
            decoded[i] = values_[i];
            return;
          }
          numbers[i] = centred(std::int64_t{values_[i]} - prediction, bound);
          decoded[i] = predicted_value<T>(prediction, numbers[i], bound);
          note_error(label, i, decoded[i]);
        });
  }

  // Decoded elements are the elements, but where they are filled: what was foretold stands there.
  void lossless_numbers(Number* numbers) const {
    Scratch<T> known(fill_.empty() ? 0 : n_);
    const T* const decoded = fill_.empty() ? values_.data() : known.data();
    std::size_t i = 0;
    for (std::size_t p = 0; p < grid_.planes; ++p)
      for (std::size_t y = 0; y < grid_.ny; ++y, i += grid_.nx) {
        if (!fill_.empty()) {
          std::copy_n(values_.data() + i, grid_.nx, known.data() + i);
          if (std::memchr(fill_.data() + i, 1, grid_.nx) != nullptr) {
            for (std::size_t x = 0; x < grid_.nx; ++x) {
              T& element = known[i + x];
              const std::int64_t prediction = predict(model_.predictor, &element, y, x, p, grid_);
              const bool fill = fill_[i + x] != 0;
              numbers[i + x] = fill ? Number{0} : residual_of(element, prediction);
              if (fill) element = predicted_value<T>(prediction, 0, 0);
            }
            continue;
          }
        }
        residual_row(model_.predictor, decoded + i, y, p, grid_, 0, grid_.nx, numbers + i);
      }
  }

  void note_error(std::size_t label, std::size_t i, T decoded) {
    const std::int64_t e = std::int64_t{values_[i]} - std::int64_t{decoded};
    errors_[label] = std::max(errors_[label], static_cast<std::uint64_t>(e < 0 ? -e : e));
  }

  void map_levels() {
    model_.tiling = tiling_of(grid_.ny, grid_.nx);
    // Within bounds an element costs less, and so does what is not known of its rate.
    if (layout_.bounds[0] != 0) ++model_.tiling.log2_y, ++model_.tiling.log2_x;
    const Tiling& t = model_.tiling;
    TileSums<Number> tiles(grid_, t);
    std::vector<typename TileSums<Number>::Sum> sums(t.columns());
    std::vector<std::int16_t> levels(t.tiles());
    std::uint64_t all = 0, used = 0;
    // 1 where a pixel counts.
    Scratch<std::uint8_t> usable(good_.empty() && fill_.empty() ? 0 : grid_.plane());
    for (std::size_t p = 0; p < grid_.planes; ++p) {
      const Number* const plane = numbers_ + p * grid_.plane();
      if (usable.size() != 0 && (p == 0 || !fill_.empty()))
        find_usable(good_.empty() ? nullptr : good_.data(),
                    fill_.empty() ? nullptr : fill_.data() + p * grid_.plane(), grid_.plane(),
                    usable.data());
      for (std::size_t row = 0; row < t.rows(); ++row) {
        tiles.sum_row(plane, row, usable, sums);
        for (std::size_t c = 0; c < t.columns(); ++c) {
          auto& sum = sums[c];
          // A few bright pixels say little about the others.
          const std::uint64_t cap = sum.count == 0 ? 0 : 4 * (sum.total / sum.count) + 8;
          if (sum.largest > cap)
            sum = tiles.sum_one(plane, row, c, static_cast<Number>(cap), usable);
        }
        for (std::size_t c = 0; c < t.columns(); ++c) {
          levels[row * t.columns() + c] =
              sums[c].count == 0 ? no_level : std::int16_t{log_mean(sums[c].total, sums[c].count)};
          all += sums[c].total;
          used += sums[c].count;
        }
      }
      const auto filled_up = settle_levels(levels, t.columns(), layout_.bounds[0] > 1);
      model_.levels.insert(model_.levels.end(), filled_up.begin(), filled_up.end());
    }
    if (all > 16 * used) model_.split = wide_split;
  }

  static Number centred(std::int64_t v, std::uint64_t bound) {
    const auto b = static_cast<std::int64_t>(bound), step = 2 * b + 1;
    return static_cast<Number>(zigzag(v < 0 ? -((-v + b) / step) : (v + b) / step));
  }

  void centre_numbers() {
    Number* const numbers = own_numbers();  // signed: they are not the elements
    for_each_grouped(model_.groups, layout_, [&](std::size_t i, std::size_t group) {
      const std::size_t label = model_.groups.label[group];
      const std::uint64_t bound = layout_.bounds[label];
      if (bound == 0 || filled(i)) return;
      numbers[i] = centred(values_[i], bound);
      note_error(label, i, direct_value<T>(numbers[i], 2 * bound + 1, 0));
    });
  }

  void tokenize() {
    tokens_of(numbers_, contexts_.data(), n_, model_.split, tokens_.data());
    for_each_row(layout_.fills, grid_.nx, [&](std::size_t at, std::size_t length, std::uint8_t) {
      std::memset(tokens_.data() + at, 0, length);
    });
  }

  // What follows the tokens: raw bits of large ones, numbers of those that escape.
  // Returns whether any escape, which may leave no bytes: a few zeros take none.
  bool write_extras(CountsStream& stream) const {
    std::vector<std::uint32_t> first(model_.tables.size());
    const unsigned small = 1u << model_.split;
    std::array<unsigned, 256> kept;
    kept.fill(256);
    for (std::size_t s = 0; s < model_.segments.size(); ++s) {
      const Frequencies& f = model_.tables[s];
      first[s] = first_escaped(f, model_.split);
      if (f[escape_symbol] != 0) kept[s] = token_of(first[s], model_.split).symbol;
    }
    BitWriter bits;
    SideEncoder escapes;
    EscapeModels models;
    bool any_escapes = false;
    const auto one = [&](std::size_t i) {
      const std::uint8_t table = contexts_[i];
      if (tokens_[i] >= kept[table] && table < model_.segments.size()) {
        any_escapes = true;
        escapes.put(models.of(model_, table), numbers_[i] - first[table]);
      } else if (const unsigned n = raw_bits_of(tokens_[i], model_.split); n != 0) {
        bits.put(numbers_[i] & ((1u << n) - 1), n);
      }
    };
    // Tokens below the least with extras of all tables in a block, at most 128, have none.
    const std::size_t blocks = n_ / loop_block;
    Scratch<std::uint8_t> most(blocks), low(blocks), high(blocks);
    block_maxima(tokens_.data(), n_, most.data());
    block_minima(contexts_.data(), n_, low.data());
    block_maxima(contexts_.data(), n_, high.data());
    constexpr std::uint64_t each = 0x0101010101010101, top = 0x80 * each;
    for (std::size_t block = 0; block < blocks; ++block) {
      unsigned least = small;
      for (std::size_t table = low[block]; table <= high[block]; ++table)
        least = std::min(least, kept[table]);
      if (most[block] < least) continue;
      const std::size_t end = (block + 1) * loop_block;
      for (std::size_t i = block * loop_block; i < end; i += 8) {
        std::uint64_t t;
        std::memcpy(&t, tokens_.data() + i, 8);
        std::uint64_t found = ((t & 0x7F * each) + (0x80 - least) * each) | t;
        for (found &= top; found != 0; found &= found - 1)
          one(i + static_cast<std::size_t>(std::countr_zero(found)) / 8);
      }
    }
    for (std::size_t i = blocks * loop_block; i < n_; ++i) one(i);
    stream.bits = bits.finish();
    if (any_escapes) stream.escapes = escapes.finish();
    return any_escapes;
  }

  template <typename H>
  void add_segments(std::size_t group, const ClassHistograms<H>& classes, std::uint64_t step) {
    std::vector<ValueHistogram> h(max_classes, ValueHistogram{});
    for (std::size_t c = 0; c < max_classes; ++c)
      if (const H* one = classes.find(group, c)) std::copy(one->begin(), one->end(), h[c].begin());
    const auto chosen =
        choose_segments(static_cast<std::uint8_t>(group), max_tables / model_.groups.label.size(),
                        h, step, model_.split);
    model_.segments.insert(model_.segments.end(), chosen.begin(), chosen.end());
  }

  // Segments from what is coded anyway, and their histograms.
  void choose_tables(const ClassHistograms<Histogram>& classes) {
    for (std::size_t group = 0; group < model_.groups.label.size(); ++group)
      add_segments(group, classes, 1);
    tables_.assign(model_.segments.size() + 1, Histogram{});
    for (std::size_t s = 0; s < model_.segments.size(); ++s) {
      const Segment& segment = model_.segments[s];
      for (std::size_t c = segment.first_class; c < end_of(s); ++c)
        if (const Histogram* h = classes.find(segment.group, c))
          for (std::size_t t = 0; t < 256; ++t) tables_[s][t] += (*h)[t];
    }
  }

  // Segments and phases from the values themselves.
  void choose_phases() {
    ClassHistograms<ValueHistogram> classes(model_.groups.label.size());
    // Few values are large: those above `large` count as one.
    saturate(numbers_, n_, tokens_.data());
    count_tokens(contexts_.span(), tokens_.span(), 256,
                 [&](std::size_t c) -> ValueHistogram& { return classes.at(0, c); });
    for_each_in_regions(model_.groups, grid_, [&](std::size_t i, std::size_t group) {
      const std::uint8_t c = contexts_[i], value = tokens_[i];
      if (c == max_classes) return;  // a fill
      --classes.at(0, c)[value];
      const bool bounded = layout_.bounds[model_.groups.label[group]] != 0;
      ++classes.at(group, c)[bounded ? value : token_of(numbers_[i], model_.split).symbol];
    });
    for (std::size_t group = 0; group < model_.groups.label.size(); ++group) {
      const std::uint64_t bound = layout_.bounds[model_.groups.label[group]];
      if (bound == 0 && group == 0) values_to_tokens(classes);
      add_segments(group, classes, 2 * bound + 1);
    }
    note_errors(classes);
  }

  // The default's values as tokens, where it is lossless.
  void values_to_tokens(ClassHistograms<ValueHistogram>& classes) {
    for (std::size_t c = 0; c < max_classes; ++c) {
      if (classes.find(0, c) == nullptr) continue;
      ValueHistogram& h = classes.at(0, c);
      ValueHistogram tokens{};
      for (std::uint32_t v = 0; v <= large; ++v) tokens[token_of(v, model_.split).symbol] += h[v];
      h = tokens;
    }
  }

  // Of values up to `large`, from their histograms.
  void note_errors(const ClassHistograms<ValueHistogram>& classes) {
    for (std::size_t s = 0; s < model_.segments.size(); ++s) {
      const Segment& segment = model_.segments[s];
      const Bins bins = bins_of(s);
      if (bins.step == 1) continue;
      for (std::size_t c = segment.first_class; c < end_of(s); ++c)
        if (const ValueHistogram* h = classes.find(segment.group, c))
          for (std::uint32_t v = 0; v < large; ++v)
            if ((*h)[v] != 0) bins.note(v, errors_);
    }
  }

  struct Bins {
    std::uint64_t phase = 0, step = 1;
    std::int64_t offset = 0;
    std::size_t label = 0;

    std::uint64_t bin(std::uint64_t value) const { return (value + phase) / step; }
    void note(std::uint64_t value, std::vector<std::uint64_t>& errors) const {
      const std::int64_t e =
          static_cast<std::int64_t>(value) -
          std::int64_t{direct_value<T>(static_cast<std::uint32_t>(bin(value)), step, offset)};
      errors[label] = std::max(errors[label], static_cast<std::uint64_t>(e < 0 ? -e : e));
    }
  };
  Bins bins_of(std::size_t s) const {
    const std::uint64_t bound = layout_.bounds[label_of(s)], phase = model_.segments[s].phase;
    return {phase, 2 * bound + 1,
            static_cast<std::int64_t>(bound) - static_cast<std::int64_t>(phase), label_of(s)};
  }
  std::size_t end_of(std::size_t s) const {
    const bool last =
        s + 1 == model_.segments.size() || model_.segments[s + 1].group != model_.segments[s].group;
    return last ? max_classes : model_.segments[s + 1].first_class;
  }

  void quantize() {
    std::vector<Bins> bins;
    for (std::size_t s = 0; s < model_.segments.size(); ++s) bins.push_back(bins_of(s));
    bins.emplace_back();  // fills: all in bin 0
    bins.back().step = std::uint64_t{1} << 32;
    Scratch<std::uint8_t> small(bins.size() * large);  // bins of small values
    for (std::size_t s = 0; s < bins.size(); ++s)
      for (std::size_t v = 0; v < large; ++v)
        small[s * large + v] = static_cast<std::uint8_t>(bins[s].bin(v));
    const std::uint8_t* const contexts = contexts_.data();
    const std::uint8_t* const bin = small.data();
    const std::size_t fill_table = model_.segments.size();
    const Number* const from = numbers_;
    Number* const numbers = own_numbers();
    numbers_ = numbers;
    for (std::size_t i = 0; i < n_; ++i) {
      const Number n = numbers[i] = from[i];
      if (n < large) {
        numbers[i] = bin[contexts[i] * large + n];
      } else if (const Bins& b = bins[contexts[i]]; b.step != 1) {
        if (contexts[i] < fill_table) b.note(n, errors_);
        numbers[i] = static_cast<Number>(b.bin(n));
      }
    }
  }

  static constexpr Number large = 255;

  std::span<const T> values_;
  const CountsLayout& layout_;
  const Grid& grid_;
  std::span<const std::uint8_t> good_;
  std::size_t n_;
  std::vector<std::uint8_t> fill_;
  Scratch<std::uint8_t> contexts_;  // classes, then tables
  Scratch<std::uint8_t> tokens_;
  Scratch<Number> own_numbers_;
  // What is coded, or the elements where those are; under fills anything.
  const Number* numbers_ = nullptr;
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

template CountsStream encode_counts(std::span<const std::uint8_t>, const CountsLayout&,
                                    std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts(std::span<const std::uint16_t>, const CountsLayout&,
                                    std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts(std::span<const std::uint32_t>, const CountsLayout&,
                                    std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts(std::span<const std::int8_t>, const CountsLayout&,
                                    std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts(std::span<const std::int16_t>, const CountsLayout&,
                                    std::span<const std::uint8_t>, CountsReport&);
template CountsStream encode_counts(std::span<const std::int32_t>, const CountsLayout&,
                                    std::span<const std::uint8_t>, CountsReport&);

}  // namespace etalon::codec
