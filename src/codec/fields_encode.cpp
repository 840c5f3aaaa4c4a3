#include "codec/fields.hpp"

#include <bit>
#include <cmath>
#include <limits>

#include "codec/field_coder.hpp"
#include "codec/field_fit.hpp"
#include "codec/field_labels.hpp"
#include "codec/field_loops.hpp"
#include "codec/field_model.hpp"
#include "codec/field_originals.hpp"
#include "codec/field_tokens.hpp"
#include "codec/field_walk.hpp"
#include "codec/planes.hpp"
#include "codec/tokens.hpp"

namespace etalon::codec {
namespace {

// The upper half of a product.
std::uint64_t high_product(std::uint64_t a, std::uint64_t b) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(a) * b >> 64);
}

template <typename T>
class Encoder {
 public:
  Encoder(std::span<const T> values, const Shape& shape, const CountsLayout& layout,
          const Tolerances& tolerances, double largest, const FieldEffort& effort)
      : layout_(layout),
        tolerances_(tolerances),
        effort_(effort),
        levels_(levels_of(shape)),
        tokens_(levels_, tolerances.size(), 8.0 * sizeof(T)),
        kinds_(levels_, layout),
        originals_(levels_, values.data()),
        classes_(levels_) {
    out_.allowance = largest * (std::numeric_limits<T>::epsilon() / 2);
    find_mean(values);
    if (effort.thorough) {
      all_numbers_.reserve(values.size());
      all_activities_.reserve(values.size());
    }
    out_.label_max_error.assign(tolerances.size(), 0);
    out_.label_bits.assign(tolerances.size(), 0);
    for (const double t : tolerances) {
      const T step = field_step<T>(t, out_.allowance);
      const bool coded = step > 0;
      steps_.push_back(step);
      inverses_.push_back(coded ? 1 / step : 0);
      limits_.push_back(coded ? limit(t) : T(-1));
    }
  }

  bool any_coded() const {
    return std::any_of(steps_.begin(), steps_.end(), [](T s) { return s > 0; });
  }

  FieldsStream encode() {
    std::size_t open = levels_.size() - 1;
    (void)for_each_class(levels_, [&](std::size_t level, unsigned cls) -> Result<void> {
      for (; open > level; --open) classes_.refine();
      return encode_class(level, cls);
    });
    finish();
    const Thorough also = effort_.thorough ? effort_.thorough(out_) : Thorough::no;
    if (also != Thorough::no)
      if (auto other = code_thoroughly(); also == Thorough::always || other.size() < out_.size())
        return other;
    return std::move(out_);
  }

 private:
  // Decoded values are compared in the elements' own type: what rounds to less is less.
  static T limit(double tolerance) {
    constexpr double margin = sizeof(T) == 4 ? 1 - 0x1p-22 : 1 - 0x1p-50;
    return static_cast<T>(tolerance * margin);
  }

  void find_mean(std::span<const T> values) {
    double sum = 0;
    std::size_t n = 0;
    const std::size_t stride = std::max<std::size_t>(1, values.size() / 65536) | 1;
    for (std::size_t i = 0; i < values.size(); i += stride)
      if (std::abs(values[i]) <= std::numeric_limits<T>::max()) {
        sum += static_cast<double>(values[i]) * 0x1p-20;
        ++n;
      }
    model_.mean = n == 0 ? 0 : static_cast<T>(sum / static_cast<double>(n) * 0x1p20);
  }

  ClassPredictor fit(std::size_t level, unsigned cls, const Features& features,
                     TermRows<T>& terms) {
    const std::size_t rows = levels_[level].row_count(cls), n = levels_[level].row_length(cls);
    if (features.lengths.empty() || rows * n < 256) return {};
    PredictorFit<T> fit(features, model_.mean, static_cast<double>(base_step()), effort_.evenly);
    // Pieces of rows or a few rows of a plane, scattered so that no period of the field is met.
    const Level& l = levels_[level];
    constexpr std::size_t piece = PredictorFit<T>::most_run, scattered = 32;
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;  // 2^64 / the golden ratio
    const std::size_t plane = l.last() == 0 ? 1 : l.real(l.last() - 1, cls >> (l.last() - 1) & 1);
    const std::size_t together = l.planes ? std::clamp<std::size_t>(scattered / n, 1, plane) : 1;
    const std::size_t per_plane = (plane + together - 1) / together,
                      per_row = (n + piece - 1) / piece;
    const std::size_t pieces = rows / plane * per_plane * per_row;
    const std::size_t wanted =
        effort_.sample == field_sample
            ? std::clamp(rows * n / (l.rank > 3 ? 2 * field_share : field_share),
                         least_field_sample, field_sample)
            : effort_.sample;
    const std::size_t taken = std::min(pieces, wanted / (together * std::min(n, piece)) + 1);
    std::array<const T*, max_terms> moved{};
    for (std::size_t k = 0; k < taken; ++k) {
      const std::size_t which =
          taken == pieces ? k : static_cast<std::size_t>(high_product(k * golden, pieces));
      const std::size_t x = which % per_row * piece, group = which / per_row;
      const std::size_t in_plane = group % per_plane * together;
      const std::size_t first = group / per_plane * plane + in_plane;
      const std::size_t end = first + std::min(together, plane - in_plane);
      const T* values = originals_.rows(level, cls, first);
      for_each_run_of(l, cls, first, end, [&](const Index& index, std::size_t count) {
        const T* const* at = terms.at(index);
        for (std::size_t t = 0; t < features.terms.size(); ++t) moved[t] = at[t] + x;
        fit.add(moved.data(), values + x, std::min(piece, n - x), count, l.stride);
        values += count * n;
      });
    }
    return fit.solve(rows * n);
  }

  T base_step() const {
    for (const T s : steps_)
      if (s > 0) return s;
    return 1;
  }

  Result<void> encode_class(std::size_t level, unsigned cls) {
    const Features features = cls == 0 ? Features{} : features_of(levels_[level], cls);
    TermRows<T> terms(levels_[level], features, classes_.at());
    model_.predictors.push_back(fit(level, cls, features, terms));
    features_.push_back(features.lengths.size());
    const auto predictor = row_predictor<T>(model_.predictors.back(), features, model_.mean,
                                            static_cast<double>(base_step()));
    (void)for_each_stripe(levels_, level, cls, [&](const Stripe& s) -> Result<void> {
      encode_stripe(s, predictor, terms);
      return {};
    });
    if (!kinds_.any()) tokens_.settle(level, cls);
    return {};
  }

  void encode_stripe(const Stripe& s, const RowPredictor<T>& predictor, TermRows<T>& terms) {
    const std::size_t n = s.count(), room = n + row_slack;
    if (prediction_.size() < room) {
      prediction_.resize(room);
      decoded_.resize(room);
      numbers_.resize(room);
    }
    predict_(levels_[s.level], s, predictor, terms, prediction_.data(), tokens_.activity_row());
    values_ = originals_.rows(s.level, s.cls, s.first_row);
    if (kinds_.any()) {
      quantize_kinds(s, n);
      classes_.store(s, decoded_.data());
    } else {
      quantize(s, n);
    }
    if (effort_.thorough) keep(n);
    put_tokens(s, n);
  }

  // For another coder.
  void keep(std::size_t n) {
    all_numbers_.insert(all_numbers_.end(), numbers_.data(), numbers_.data() + n);
    const std::uint8_t* const activity = tokens_.activity_row();
    all_activities_.insert(all_activities_.end(), activity, activity + n);
    if (kinds_.any()) all_kinds_.insert(all_kinds_.end(), kind_row_.data(), kind_row_.data() + n);
  }

  void quantize(const Stripe& s, std::size_t n) {
    const Steps<T> steps{steps_[0], inverses_[0], limits_[0]};
    T worst = 0;
    if (classes_.makes_rows(s)) {
      classes_.make_rows(s, [&](T* decoded, std::size_t at) {
        worst = std::max(worst, quantize_row(values_ + at, prediction_.data() + at, s.row_length,
                                             steps, numbers_.data() + at, decoded));
      });
    } else {
      worst = quantize_row(values_, prediction_.data(), n, steps, numbers_.data(), decoded_.data());
      classes_.store(s, decoded_.data());
    }
    note_error(0, worst);
  }

  // The same numbers by the coder that needs no tables.
  FieldsStream code_thoroughly() {
    SideEncoder symbols;
    FieldCoder<SideEncoder> coder(symbols);
    FieldsStream other = out_;
    other.bits.clear();
    std::fill(other.label_bits.begin(), other.label_bits.end(), 0.0);
    std::size_t i = 0;
    (void)for_each_class(levels_, [&](std::size_t level, unsigned cls) -> Result<void> {
      const Level& l = levels_[level];
      coder.open(l, level, cls);
      for (std::size_t end = i + l.row_count(cls) * l.row_length(cls); i < end; ++i) {
        const std::size_t kind = kinds_.any() ? all_kinds_[i] : 0u;
        if (kind == FieldKinds::fill || !(steps_[kind] > 0)) {
          coder.skip();
          continue;
        }
        coder.code(all_numbers_[i], all_activities_[i]);
        // About; what all take together is known at the end.
        other.label_bits[kind] += all_numbers_[i] == exact_number
                                      ? 8.0 * sizeof(T)
                                      : 0.1 + static_cast<double>(std::bit_width(all_numbers_[i]));
      }
      return {};
    });
    other.symbols = symbols.finish();
    double all = 0;
    for (const double bits : other.label_bits) all += bits;
    for (double& bits : other.label_bits)
      bits *= 8 * static_cast<double>(other.symbols.size()) / std::max(all, 1.0);
    model_.thorough = true;
    other.side = side();
    return other;
  }

  // `error` was rounded: the next larger number is above what it is of.
  void note_error(std::size_t label, T error) {
    if (error > 0) error = std::nextafter(error, std::numeric_limits<T>::infinity());
    double& worst = out_.label_max_error[label];
    worst = std::max(worst, std::min(static_cast<double>(error), tolerances_[label]));
  }

  void quantize_kinds(const Stripe& s, std::size_t n) {
    kind_row_.resize(n);
    own_steps_.resize(n + row_slack);
    own_inverses_.resize(n + row_slack);
    own_limits_.resize(n + row_slack);
    kinds_.stripe(levels_[s.level], s, kind_row_.data());
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t label = kind_row_[i] == FieldKinds::fill ? 0 : kind_row_[i];
      own_steps_[i] = steps_[label];
      own_inverses_[i] = inverses_[label];
      own_limits_[i] = limits_[label];
    }
    quantize_row(values_, prediction_.data(), n,
                 Steps<T>{0, 0, 0, own_steps_.data(), own_inverses_.data(), own_limits_.data()},
                 numbers_.data(), decoded_.data());
    std::array<T, 256> worst{};
    for (std::size_t i = 0; i < n; ++i) {
      if (kind_row_[i] == FieldKinds::fill) {
        decoded_[i] = stand_in(std::numeric_limits<T>::infinity(), prediction_[i]);
        numbers_[i] = 0;  // neither raw bits nor a place among exact elements
      } else if (numbers_[i] != exact_number) {
        T& w = worst[kind_row_[i]];
        w = std::max(w, std::abs(decoded_[i] - values_[i]));
      }
    }
    for (std::size_t label = 0; label < steps_.size(); ++label) note_error(label, worst[label]);
  }

  void put_tokens(const Stripe& s, std::size_t n) {
    std::uint8_t* const tokens = tokens_.token_row();
    std::uint8_t* const activity = tokens_.activity_row();
    numbers_[n] = 0;  // for a pair to be whole
    for (std::size_t i = 0; i < n; i += token_block)
      put_block(i, std::min(token_block, n - i), tokens);
    if (kinds_.any()) {
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t kind = kind_row_[i];
        const bool fill = kind == FieldKinds::fill;
        if (tokens_.has_labels()) tokens_.label_row()[i] = fill ? 0 : kind;
        if (!fill && steps_[kind] > 0) continue;
        tokens[i] = 0;
        activity[i] = FieldTokens::silent;
      }
    }
    tokens_.close(s, !kinds_.any());
  }

  // The tokens of elements from i on.
  void put_block(std::size_t i, std::size_t n, std::uint8_t* tokens) {
    const std::uint32_t any = narrow(numbers_.data() + i, n, tokens + i);
    if (any < (1u << wide_split)) return;
    if (any >= (1u << 24)) {  // some keep their bits
      for (std::size_t k = i; k < i + n; ++k) tokens[k] = put_number(numbers_[k], values_[k]);
      return;
    }
    const std::size_t pairs = (n + 1) / 2;
    std::array<std::uint8_t, token_block> found;
    std::array<std::uint64_t, token_block / 2> raw;
    std::array<std::uint32_t, token_block / 2> lengths;
    tokenize(numbers_.data() + i, 2 * pairs, found.data(), raw.data(), lengths.data());
    std::memcpy(tokens + i, found.data(), n);
    bits_.put_all(raw.data(), lengths.data(), pairs);
  }

  std::uint8_t put_number(std::uint32_t number, T value) {
    if (number == exact_number) {
      kept_.push_back(value);
      return escape_symbol;
    }
    const Token t = token_of(number, wide_split);
    bits_.put(number & ((1u << t.bits) - 1), t.bits);
    return t.symbol;
  }

  Bytes side() const {
    SideEncoder side;
    put_field_model(side, model_, layout_, features_);
    return side.finish();
  }

  void finish() {
    out_.symbols = tokens_.finish(model_, out_.label_bits);
    out_.bits = bits_.finish();
    out_.side = side();
    if (kept_.empty()) return;
    const auto kept = static_cast<std::uint32_t>(kept_.size());
    out_.exact.resize(4);
    std::memcpy(out_.exact.data(), &kept, 4);
    const Bytes planes =
        encode_planes(std::as_bytes(std::span(kept_)), sizeof(T), true, Grid{1, 1, kept_.size()});
    out_.exact.insert(out_.exact.end(), planes.begin(), planes.end());
  }

  static constexpr std::size_t token_block = 512;

  const CountsLayout& layout_;
  const Tolerances& tolerances_;
  FieldEffort effort_;
  std::vector<Level> levels_;
  FieldTokens tokens_;
  FieldKinds kinds_;
  Originals<T> originals_;
  ClassArrays<T> classes_;
  std::vector<T> steps_, inverses_, limits_;  // of every label
  std::vector<std::size_t> features_;
  FieldModel model_;
  BitWriter bits_;
  std::vector<T> kept_;
  FieldsStream out_;
  // Of a stripe.
  StripePredictor<T> predict_;
  const T* values_ = nullptr;
  std::vector<T> prediction_, decoded_, own_steps_, own_inverses_, own_limits_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::uint8_t> kind_row_;
  // Of all, class by class, where another coder may want them.
  std::vector<std::uint32_t> all_numbers_;
  std::vector<std::uint8_t> all_activities_, all_kinds_;
};

}  // namespace

template <typename T>
T field_step(double tolerance, double allowance) {
  constexpr double margin = 1 - 0x1p-20;
  if (!(tolerance > 0)) return 0;
  const double step = 2 * (tolerance * margin - std::min(allowance, tolerance / 4));
  const T s = static_cast<T>(step);
  // Both the step and what it is divided into must be normal numbers.
  return std::isnormal(s) && std::isnormal(1 / s) ? s : T(0);
}
template float field_step(double, double);
template double field_step(double, double);

template <typename T>
std::optional<FieldsStream> encode_fields(std::span<const T> values, const Shape& shape,
                                          const CountsLayout& layout, const Tolerances& tolerances,
                                          double largest, const FieldEffort& effort) {
  Encoder<T> encoder(values, shape, layout, tolerances, largest, effort);
  if (!encoder.any_coded()) return std::nullopt;
  return encoder.encode();
}
template std::optional<FieldsStream> encode_fields(std::span<const float>, const Shape&,
                                                   const CountsLayout&, const Tolerances&, double,
                                                   const FieldEffort&);
template std::optional<FieldsStream> encode_fields(std::span<const double>, const Shape&,
                                                   const CountsLayout&, const Tolerances&, double,
                                                   const FieldEffort&);

}  // namespace etalon::codec
