#include <algorithm>
#include <limits>

#include <optional>

#include "codec/field_coder.hpp"
#include "codec/field_labels.hpp"
#include "codec/field_loops.hpp"
#include "codec/field_model.hpp"
#include "codec/field_walk.hpp"
#include "codec/fields.hpp"
#include "codec/planes.hpp"
#include "codec/rans_reader.hpp"
#include "codec/tokens.hpp"

namespace etalon::codec {
namespace {

Error bad(const char* reason) { return {Errc::malformed, reason}; }

// Elements that keep their bits, in the order of the classes.
template <typename T>
class Exact {
 public:
  Result<void> open(ByteSpan coded, std::size_t most) {
    if (coded.empty()) return {};
    if (coded.size() < 4) return bad("exact elements: truncated");
    std::uint32_t count;
    std::memcpy(&count, coded.data(), 4);
    if (count == 0 || count > most) return bad("exact elements: more than there are elements");
    kept_.resize(count);
    return decode_planes(coded.subspan(4), sizeof(T), true, Grid{1, 1, count},
                         std::as_writable_bytes(std::span(kept_)));
  }
  // Zero once there are no more.
  T next() { return at_ < kept_.size() ? kept_[at_++] : (missing_ = true, T(0)); }
  Result<void> finish() const {
    if (missing_ || at_ != kept_.size())
      return bad("exact elements: not as many as symbols ask for");
    return {};
  }

 private:
  std::vector<T> kept_;
  std::size_t at_ = 0;
  bool missing_ = false;
};

template <typename T>
class Decoder {
 public:
  Decoder(const CountsSections& sections, const Shape& shape, std::size_t finest,
          CountsLayout& layout)
      : sections_(sections),
        layout_(layout),
        levels_(levels_of(shape)),
        finest_(std::min(finest, levels_.size() - 1)),
        bits_(sections.bits) {}

  Result<void> decode(ByteSpan exact, double allowance, const Tolerances& tolerances,
                      std::size_t fills, std::span<T> out) {
    for (const double t : tolerances) steps_.push_back(field_step<T>(t, allowance));
    base_step_ = 1;
    for (std::size_t label = steps_.size(); label-- > 0;)
      if (steps_[label] > 0) base_step_ = steps_[label];
    std::vector<std::size_t> features;
    (void)for_each_class(levels_, [&](std::size_t level, unsigned cls) -> Result<void> {
      features.push_back(cls == 0 ? 0 : features_of(levels_[level], cls).lengths.size());
      return {};
    });
    SideDecoder side(sections_.side);
    ETALON_TRY(get_field_model(side, model_, layout_, features, tolerances.size(), fills));
    std::optional<RansReader> reader;
    SideDecoder symbols(sections_.symbols);
    if (model_.thorough) {
      coder_.emplace(symbols);
    } else {
      map_ = table_map(model_);
      ETALON_ASSIGN(reader,
                    RansReader::create(sections_.symbols, symbol_count(levels_), model_.tables));
    }
    ETALON_TRY(exact_.open(exact, levels_[0].count()));
    const FieldKinds kinds(levels_, layout_);
    // Exact elements are put into place at the end: the lattice holds what stands in for them.
    ClassArrays<T> classes(levels_);
    std::size_t open = levels_.size() - 1, c = 0;
    ETALON_TRY(for_each_class(levels_, [&](std::size_t level, unsigned cls) -> Result<void> {
      if (level < finest_) return {};
      for (; open > level; --open) classes.refine();
      const Features own = cls == 0 ? Features{} : features_of(levels_[level], cls);
      TermRows<T> terms(levels_[level], own, classes.at());
      const auto predictor = row_predictor<T>(model_.predictors[c++], own, model_.mean,
                                              static_cast<double>(base_step_));
      if (coder_) coder_->open(levels_[level], level, cls);
      return for_each_stripe(levels_, level, cls, [&](const Stripe& s) {
        return decode_stripe(s, predictor, terms, kinds, classes, reader);
      });
    }));
    if (symbols.exhausted()) return bad("symbols: truncated");
    if (finest_ == 0) ETALON_TRY(finish(reader));
    classes.finish(out.data());
    for (const auto& [at, value] : replaced_) out[at] = value;
    return {};
  }

 private:
  // Everything is used up.
  Result<void> finish(const std::optional<RansReader>& reader) const {
    if (reader) ETALON_TRY(reader->finish());
    ETALON_TRY(exact_.finish());
    if (bits_.bytes_read() != sections_.bits.size() || !bits_.byte_ends_in_zeros())
      return bad("raw bits: not as many as the tokens ask for");
    return {};
  }

  Result<void> decode_stripe(const Stripe& s, const RowPredictor<T>& predictor, TermRows<T>& terms,
                             const FieldKinds& kinds, ClassArrays<T>& classes,
                             std::optional<RansReader>& reader) {
    const std::size_t n = s.count(), room = s.symbols() + row_slack;
    if (prediction_.size() < room) {
      prediction_.resize(room);
      decoded_.resize(room);
      numbers_.resize(room);
      activity_.resize(room);
      tokens_.resize(room);
      kind_row_.resize(room);
    }
    predict_(levels_[s.level], s, predictor, terms, prediction_.data(), activity_.data());
    if (kinds.any()) kinds.stripe(levels_[s.level], s, kind_row_.data());
    any_exact_ = kinds.any();
    if (coder_) {
      code_numbers(n, kinds.any());
    } else {
      ETALON_TRY(read_tokens(s, n, kinds.any(), *reader));
      get_numbers(n);
    }
    Steps<T> steps{steps_[0], 0, 0};
    if (kinds.any()) {
      own_steps_.resize(room);
      for (std::size_t i = 0; i < n; ++i)
        own_steps_[i] = kind_row_[i] == FieldKinds::fill ? T(0) : steps_[kind_row_[i]];
      steps.steps = own_steps_.data();
    }
    if (!any_exact_ && classes.makes_rows(s)) {
      classes.make_rows(s, [&](T* decoded, std::size_t at) {
        dequantize_row(numbers_.data() + at, prediction_.data() + at, s.row_length, steps, decoded);
      });
      return {};
    }
    dequantize_row(numbers_.data(), prediction_.data(), n, steps, decoded_.data());
    if (any_exact_) put_exact(s, kinds);
    classes.store(s, decoded_.data());
    return {};
  }

  Result<void> read_tokens(const Stripe& s, std::size_t n, bool any_kinds, RansReader& reader) {
    const auto silent = static_cast<std::uint8_t>(model_.tables.size() - 1);
    if (!any_kinds) {
      look_up(map_[group_of(0, s.level, s.cls)].data(), activity_.data(), s.symbols());
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        const std::uint8_t kind = kind_row_[i];
        const bool coded = kind != FieldKinds::fill && steps_[kind] > 0;
        activity_[i] = coded ? map_[group_of(kind, s.level, s.cls)][activity_[i]] : silent;
      }
    }
    std::fill_n(activity_.begin() + static_cast<std::ptrdiff_t>(n), s.symbols() - n, silent);
    return reader.read(std::span(activity_).first(s.symbols()), tokens_.data());
  }

  void code_numbers(std::size_t n, bool any_kinds) {
    for (std::size_t i = 0; i < n; ++i) {
      const bool coded =
          !any_kinds || (kind_row_[i] != FieldKinds::fill && steps_[kind_row_[i]] > 0);
      numbers_[i] = 0;
      if (!coded) {
        coder_->skip();
        continue;
      }
      numbers_[i] = coder_->code(0, activity_[i]);
      any_exact_ = any_exact_ || numbers_[i] == exact_number;
    }
  }

  void get_numbers(std::size_t n) {
    static const TokenTable<wide_split> table;
    constexpr std::size_t block = 512;
    for (std::size_t i = 0; i < n; i += block) {
      const std::size_t end = std::min(n, i + block);
      if (widen(tokens_.data() + i, end - i, numbers_.data() + i)) continue;
      bits_.get_all(table, tokens_.data() + i, end - i, numbers_.data() + i);
      if (std::memchr(tokens_.data() + i, escape_symbol, end - i) == nullptr) continue;
      any_exact_ = true;
      for (std::size_t k = i; k < end; ++k)
        if (tokens_[k] == escape_symbol) numbers_[k] = exact_number;
    }
  }

  void put_exact(const Stripe& s, const FieldKinds& kinds) {
    std::size_t i = 0;
    for_each_row_of(levels_[s.level], s.cls, s.first_row, s.end_row, [&](const Index& index) {
      for (std::size_t x = 0; x < s.row_length; ++x, ++i) {
        const bool fill = kinds.any() && kind_row_[i] == FieldKinds::fill;
        const bool kept = !fill && kinds.any() && !(steps_[kind_row_[i]] > 0);
        if (fill) {
          decoded_[i] = stand_in(std::numeric_limits<T>::infinity(), prediction_[i]);
        } else if (kept || numbers_[i] == exact_number) {
          const T value = exact_.next();
          decoded_[i] = stand_in(value, prediction_[i]);
          replaced_.push_back({place(s, index, x), value});
        }
      }
    });
  }

  // In the order of what is put out.
  std::size_t place(const Stripe& s, const Index& index, std::size_t x) const {
    const Level& finest = levels_[finest_];
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < finest.rank; ++axis) {
      const std::size_t i = axis == finest.last() ? x : index[axis];
      at = at * finest.extent[axis] + ((2 * i + (s.cls >> axis & 1)) << (s.level - finest_));
    }
    return at;
  }

  const CountsSections& sections_;
  CountsLayout& layout_;
  std::vector<Level> levels_;
  std::size_t finest_;  // level that is put out
  FieldModel model_;
  std::vector<std::array<std::uint8_t, activities>> map_;
  std::vector<T> steps_;
  T base_step_ = 1;
  BitReader bits_;
  std::optional<FieldCoder<SideDecoder>> coder_;
  Exact<T> exact_;
  bool any_exact_ = false;
  struct Replaced {
    std::size_t at;
    T value;
  };
  std::vector<Replaced> replaced_;
  // Of a stripe.
  StripePredictor<T> predict_;
  std::vector<T> prediction_, decoded_, own_steps_;
  std::vector<std::uint32_t> numbers_;
  std::vector<std::uint8_t> activity_, tokens_, kind_row_;
};

}  // namespace

template <typename T>
Result<void> decode_fields(const CountsSections& sections, ByteSpan exact, const Shape& shape,
                           double allowance, const Tolerances& tolerances, std::size_t fills,
                           std::size_t finest, CountsLayout& layout, std::span<T> out) {
  return Decoder<T>(sections, shape, finest, layout)
      .decode(exact, allowance, tolerances, fills, out);
}
template Result<void> decode_fields(const CountsSections&, ByteSpan, const Shape&, double,
                                    const Tolerances&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<float>);
template Result<void> decode_fields(const CountsSections&, ByteSpan, const Shape&, double,
                                    const Tolerances&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<double>);

}  // namespace etalon::codec
