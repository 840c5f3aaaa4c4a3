#include <cstring>

#include "codec/counts_model.hpp"

namespace etalon::codec {

namespace {

// What follows the symbols; the cargo of the states is the beginning of one of them.
struct RestBytes {
  Bytes bits, escapes;
  bool all_bits = false;  // whether every byte of `bits` must be asked for
};

Result<RestBytes> rest_of(const CountsSections& sections, Bytes cargo, bool any_escapes) {
  if (!any_escapes && !sections.escapes.empty())
    return Error{Errc::malformed, "escapes: none are asked for"};
  RestBytes rest;
  (any_escapes ? rest.escapes : rest.bits) = std::move(cargo);
  rest.bits.insert(rest.bits.end(), sections.bits.begin(), sections.bits.end());
  rest.escapes.insert(rest.escapes.end(), sections.escapes.begin(), sections.escapes.end());
  rest.all_bits = !sections.bits.empty();
  return rest;
}

// The numbers behind tokens: asked for in order.
class Numbers {
 public:
  Numbers(const CountsModel& model, const RestBytes& rest)
      : model_(model), raw_(rest.bits), escapes_(rest.escapes), rest_(rest) {
    for (std::size_t s = 0; s < model.segments.size(); ++s)
      first_.push_back(first_escaped(model.tables[s], model.split));
  }

  std::uint32_t operator()(std::uint8_t token, std::uint8_t table) {
    const unsigned split = model_.split;
    if (token < (1u << split)) return token;
    if (token == escape_symbol) {
      const std::uint64_t n = first_[table] + escapes_.get(models_.of(model_, table));
      bad_ = bad_ || n > 0xFFFFFFFFu || escapes_.exhausted();
      return static_cast<std::uint32_t>(n);
    }
    return value_of(token, raw_.get(raw_bits_of(token, split)), split);
  }
  Result<void> finish() const {
    if (raw_.bytes_read() > rest_.bits.size() || !raw_.only_zeros_left() ||
        (rest_.all_bits && raw_.bytes_read() != rest_.bits.size()))
      return Error{Errc::malformed, "raw bits: not as many as the tokens ask for"};
    if (bad_) return Error{Errc::malformed, "escapes: not those that the tokens ask for"};
    return {};
  }

 private:
  const CountsModel& model_;
  BitReader raw_;
  SideDecoder escapes_;
  EscapeModels models_;
  std::vector<std::uint32_t> first_;
  const RestBytes& rest_;
  bool bad_ = false;
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
  ETALON_ASSIGN(auto cargo,
                rans_decode(sections.symbols, contexts.span(), model.tables, tokens.span()));
  const bool any_escapes = std::memchr(tokens.data(), escape_symbol, out.size()) != nullptr;
  ETALON_ASSIGN(const auto rest, rest_of(sections, std::move(cargo), any_escapes));
  Numbers number(model, rest);
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
    for_each_predicted(
        model.predictor, out.data(), layout.grid, [&](std::size_t i, std::int64_t prediction) {
          const std::uint8_t table = contexts[i];
          out[i] = predicted_value<T>(prediction, number(tokens[i], table), rules[table].bound);
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
    constexpr std::size_t block = 32;
    const std::size_t small = std::size_t{1} << model.split;
    const auto limit = static_cast<std::uint8_t>(small);
    std::vector<T> value(rules.size() * small);  // of small numbers
    for (std::size_t s = 0; s < rules.size(); ++s)
      for (std::uint32_t u = 0; u < small; ++u)
        value[s * small + u] = direct_value<T>(u, rules[s].step, rules[s].offset);
    const auto slow = [&](std::size_t i) {
      const Rule& rule = rules[contexts[i]];
      out[i] = direct_value<T>(number(tokens[i], contexts[i]), rule.step, rule.offset);
    };
    std::size_t i = 0;
    for (; i + block <= out.size(); i += block) {
      std::uint8_t most = 0;
      for (std::size_t k = 0; k < block; ++k) most = larger(most, tokens[i + k]);
      if (most < limit)
        for (std::size_t k = i; k < i + block; ++k)
          out[k] = value[(std::size_t{contexts[k]} << model.split) + tokens[k]];
      else
        for (std::size_t k = i; k < i + block; ++k) slow(k);
    }
    for (; i < out.size(); ++i) slow(i);
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
