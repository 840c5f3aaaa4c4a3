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
    if (direct)
      plain_numbers();
    else
      predicted_numbers();
    map_levels();
    std::vector<std::uint8_t> contexts = class_planes(model_, grid_);
    segments(contexts);
    classes_to_tables(model_, layout_, labels_, contexts);
    if (direct && lossy_) quantize(contexts);

    CountsStream stream;
    std::vector<std::uint8_t> tokens(n_);
    code(contexts, tokens, stream, report);
    SideEncoder side;
    put_model(side, model_, layout_, direct && std::is_unsigned_v<T>);
    stream.side = side.finish();
    stream.symbols = rans_encode(contexts, tokens, model_.tables);
    report.label_max_error = errors_;
    return stream;
  }

 private:
  std::size_t label_of(std::size_t i) const {
    return labels_.empty() ? 0 : labels_[i % grid_.plane()];
  }
  bool filled(std::size_t i) const { return !fill_.empty() && fill_[i] != 0; }

  void plain_numbers() {
    numbers_.resize(n_);
    for (std::size_t i = 0; i < n_; ++i) {
      if constexpr (std::is_signed_v<T>)
        numbers_[i] = static_cast<std::uint32_t>(zigzag(values_[i]));
      else
        numbers_[i] = values_[i];
    }
  }

  void predicted_numbers() {
    numbers_.resize(n_);
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
          const auto b = static_cast<std::int64_t>(bound), step = 2 * b + 1;
          numbers_[i] =
              static_cast<std::uint32_t>(zigzag(r < 0 ? -((-r + b) / step) : (r + b) / step));
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
    std::vector<std::uint64_t> sums(t.columns());
    std::vector<std::uint32_t> counts(t.columns());
    std::vector<std::int16_t> levels(t.tiles());
    std::uint64_t all = 0, used = 0;
    for (std::size_t p = 0; p < grid_.planes; ++p) {
      for (std::size_t row = 0; row < t.rows(); ++row) {
        std::fill(sums.begin(), sums.end(), 0);
        std::fill(counts.begin(), counts.end(), 0);
        const std::size_t end = std::min(grid_.ny, (row + 1) << t.log2_y);
        for (std::size_t y = row << t.log2_y; y < end; ++y) sum_row(p, y, sums, counts);
        for (std::size_t c = 0; c < t.columns(); ++c) {
          levels[row * t.columns() + c] =
              counts[c] == 0 ? no_level : std::int16_t{log_mean(sums[c], counts[c])};
          all += sums[c];
          used += counts[c];
        }
      }
      const auto filled_up = fill_gaps(levels, t.columns());
      model_.levels.insert(model_.levels.end(), filled_up.begin(), filled_up.end());
    }
    if (all > 16 * used) model_.split = wide_split;
  }

  void sum_row(std::size_t p, std::size_t y, std::vector<std::uint64_t>& sums,
               std::vector<std::uint32_t>& counts) {
    const std::size_t in_plane = y * grid_.nx, row = p * grid_.plane() + in_plane;
    const bool all = fill_.empty() && good_.empty();
    for (std::size_t c = 0; c < sums.size(); ++c) {
      const std::size_t from = c << model_.tiling.log2_x;
      const std::size_t to = std::min(grid_.nx, (c + 1) << model_.tiling.log2_x);
      std::uint64_t sum = 0;
      std::uint32_t count = 0;
      if (all) {
        for (std::size_t x = from; x < to; ++x) sum += numbers_[row + x];
        count = static_cast<std::uint32_t>(to - from);
      } else {
        for (std::size_t x = from; x < to; ++x) {
          const bool use = !filled(row + x) && (good_.empty() || good_[in_plane + x] != 0);
          sum += use ? numbers_[row + x] : 0;
          count += use;
        }
      }
      sums[c] += sum;
      counts[c] += count;
    }
  }

  // Histograms per label and class, and from them segments with their phases.
  void segments(std::span<const std::uint8_t> classes) {
    const std::size_t labels = layout_.bounds.size();
    const bool phases = model_.predictor == Predictor::none && std::is_unsigned_v<T>;
    std::vector<std::vector<ValueHistogram>> histograms(
        labels, std::vector<ValueHistogram>(max_classes, ValueHistogram{}));
    for (std::size_t i = 0; i < n_; ++i) {
      if (filled(i)) continue;
      const std::size_t label = label_of(i);
      ValueHistogram& h = histograms[label][classes[i]];
      if (layout_.bounds[label] != 0 && phases)
        ++h[std::min(numbers_[i], 256u)];
      else
        ++h[token_of(coarse(i, label), model_.split).symbol];
    }
    for (std::size_t label = 0; label < labels; ++label) {
      const std::uint64_t bound = layout_.bounds[label];
      const auto chosen = choose_segments(static_cast<std::uint8_t>(label), histograms[label],
                                          phases ? 2 * bound + 1 : 1);
      model_.segments.insert(model_.segments.end(), chosen.begin(), chosen.end());
    }
  }

  // The number that will be coded, where it does not depend on a phase.
  std::uint32_t coarse(std::size_t i, std::size_t label) const {
    const std::uint64_t bound = layout_.bounds[label];
    if (bound == 0 || model_.predictor != Predictor::none || std::is_unsigned_v<T>)
      return numbers_[i];
    return centred(values_[i], bound);
  }
  static std::uint32_t centred(std::int64_t v, std::uint64_t bound) {
    const auto b = static_cast<std::int64_t>(bound), step = 2 * b + 1;
    return static_cast<std::uint32_t>(zigzag(v < 0 ? -((-v + b) / step) : (v + b) / step));
  }

  void quantize(std::span<const std::uint8_t> contexts) {
    for (std::size_t i = 0; i < n_; ++i) {
      if (filled(i)) continue;
      const Segment& s = model_.segments[contexts[i]];
      const std::uint64_t bound = layout_.bounds[s.label], step = 2 * bound + 1;
      if (bound == 0) continue;
      if constexpr (std::is_signed_v<T>) {
        numbers_[i] = centred(values_[i], bound);
        note_error(s.label, i, direct_value<T>(numbers_[i], step, 0));
      } else {
        numbers_[i] = static_cast<std::uint32_t>((values_[i] + s.phase) / step);
        note_error(
            s.label, i,
            direct_value<T>(numbers_[i], step,
                            static_cast<std::int64_t>(bound) - static_cast<std::int64_t>(s.phase)));
      }
    }
  }

  void code(std::span<const std::uint8_t> contexts, std::span<std::uint8_t> tokens,
            CountsStream& stream, CountsReport& report) {
    std::vector<Histogram> histograms(model_.segments.size() + 1, Histogram{});
    report.label_bits.assign(layout_.bounds.size(), 0);
    BitWriter bits;
    for (std::size_t i = 0; i < n_; ++i) {
      if (filled(i)) continue;
      const Token t = token_of(numbers_[i], model_.split);
      tokens[i] = t.symbol;
      ++histograms[contexts[i]][t.symbol];
      if (t.bits == 0) continue;
      bits.put(numbers_[i] & ((1u << t.bits) - 1), t.bits);
      report.label_bits[model_.segments[contexts[i]].label] += t.bits;
    }
    stream.bits = bits.finish();
    for (std::size_t s = 0; s < histograms.size(); ++s) {
      model_.tables.push_back(normalize(histograms[s]));
      if (s < model_.segments.size())
        report.label_bits[model_.segments[s].label] +=
            cost_bits(histograms[s], model_.tables.back());
    }
  }

  std::span<const T> values_;
  const CountsLayout& layout_;
  const Grid& grid_;
  std::span<const std::uint8_t> good_;
  std::size_t n_;
  std::vector<std::uint8_t> labels_, fill_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::uint64_t> errors_;
  bool lossy_ = false;
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
