#include "codec/counts_model.hpp"

namespace etalon::codec {

namespace {

// The numbers behind tokens: asked for in order.
class Numbers {
 public:
  Numbers(const CountsModel& model, const CountsSections& sections)
      : model_(model), raw_(sections.bits), escapes_(sections.escapes) {
    for (std::size_t s = 0; s < model.segments.size(); ++s)
      first_.push_back(first_escaped(model.tables[s], model.split));
    has_escapes_ = !sections.escapes.empty();
  }

  std::uint32_t operator()(std::uint8_t token, std::uint8_t table) {
    const unsigned split = model_.split;
    if (token < (1u << split)) return token;
    if (token == escape_symbol) {
      const std::uint64_t n = first_[table] + escapes_.get(models_.of(model_, table));
      bad_ = bad_ || n > 0xFFFFFFFFu || escapes_.exhausted();
      any_ = true;
      return static_cast<std::uint32_t>(n);
    }
    return value_of(token, raw_.get(raw_bits_of(token, split)), split);
  }
  Result<void> finish() const {
    if (!raw_.ended())
      return Error{Errc::malformed, "raw bits: not as many as the tokens ask for"};
    if (bad_ || any_ != has_escapes_)
      return Error{Errc::malformed, "escapes: not those that the tokens ask for"};
    return {};
  }

 private:
  const CountsModel& model_;
  BitReader raw_;
  SideDecoder escapes_;
  EscapeModels models_;
  std::vector<std::uint32_t> first_;
  bool any_ = false, bad_ = false, has_escapes_ = false;
};

}  // namespace

template <typename T>
Result<void> decode_counts(const CountsSections& sections, std::size_t labels, std::size_t fills,
                           CountsLayout& layout, std::span<T> out) {
  SideDecoder in(sections.side);
  CountsModel model;
  ETALON_TRY(get_model(in, model, layout, labels, fills, std::is_unsigned_v<T>));
  Scratch<std::uint8_t> contexts = class_planes(model, layout.grid);
  raise_classes(model, layout, contexts.span());
  classes_to_tables(model, layout, contexts.span());
  Scratch<std::uint8_t> tokens(out.size());
  ETALON_TRY(rans_decode(sections.symbols, contexts.span(), model.tables, tokens.span()));

  Numbers number(model, sections);
  struct Rule {
    std::uint64_t bound = 0, step = 1;
    std::int64_t offset = 0;
  };
  std::vector<Rule> rules(model.tables.size());
  bool exact = true;
  for (std::size_t s = 0; s < model.segments.size(); ++s) {
    const std::uint64_t bound = layout.bounds[model.groups.label[model.segments[s].group]];
    rules[s] = {bound, 2 * bound + 1, 0};
    if (std::is_unsigned_v<T> && model.predictor == Predictor::none)
      rules[s].offset =
          static_cast<std::int64_t>(bound) - static_cast<std::int64_t>(model.segments[s].phase);
    exact = exact && bound == 0;
  }
  if (model.predictor != Predictor::none) {
    for_each_predicted(model.predictor, out.data(), layout.grid,
                       [&](std::size_t i, std::int64_t prediction) {
                         const std::uint8_t table = contexts[i];
                         out[i] = predicted_value<T>(prediction, number(tokens[i], table),
                                                     rules[table].bound);
                       });
  } else if (exact) {
    // 32 at a time, since few are large.
    std::size_t i = 0;
    const auto limit = static_cast<std::uint8_t>(1u << model.split);
    for (; i + 32 <= out.size(); i += 32) {
      std::uint8_t any = 0;
      for (std::size_t k = 0; k < 32; ++k) any |= static_cast<std::uint8_t>(tokens[i + k] >= limit);
      if (any) {
        for (std::size_t k = 0; k < 32; ++k)
          out[i + k] = direct_value<T>(number(tokens[i + k], contexts[i + k]), 1, 0);
      } else if constexpr (std::is_signed_v<T>) {
        for (std::size_t k = 0; k < 32; ++k)
          out[i + k] = static_cast<T>((tokens[i + k] >> 1) ^ -(tokens[i + k] & 1));
      } else {
        for (std::size_t k = 0; k < 32; ++k) out[i + k] = tokens[i + k];
      }
    }
    for (; i < out.size(); ++i) out[i] = direct_value<T>(number(tokens[i], contexts[i]), 1, 0);
  } else {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Rule& rule = rules[contexts[i]];
      out[i] = direct_value<T>(number(tokens[i], contexts[i]), rule.step, rule.offset);
    }
  }
  return number.finish();
}

template Result<void> decode_counts(const CountsSections&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<std::uint8_t>);
template Result<void> decode_counts(const CountsSections&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<std::uint16_t>);
template Result<void> decode_counts(const CountsSections&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<std::uint32_t>);
template Result<void> decode_counts(const CountsSections&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<std::int8_t>);
template Result<void> decode_counts(const CountsSections&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<std::int16_t>);
template Result<void> decode_counts(const CountsSections&, std::size_t, std::size_t, CountsLayout&,
                                    std::span<std::int32_t>);

}  // namespace etalon::codec
