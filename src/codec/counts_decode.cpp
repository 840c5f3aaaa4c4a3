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

// Calls group(first, n, whether all are their own numbers) for 32 tokens at a time.
template <typename F>
void for_each_group(std::span<const std::uint8_t> tokens, unsigned split, F&& group) {
  constexpr std::size_t size = 32;
  const auto limit = static_cast<std::uint8_t>(1u << split);
  for (std::size_t i = 0; i < tokens.size(); i += size) {
    const std::size_t n = std::min(size, tokens.size() - i);
    std::uint8_t any = 0;
    for (std::size_t k = i; k < i + n; ++k) any |= static_cast<std::uint8_t>(tokens[k] >= limit);
    group(i, n, any == 0);
  }
}

// Zigzagged numbers, wrapped at the type's width.
template <typename T>
void differences(std::span<const std::uint8_t> tokens, std::span<const std::uint8_t> contexts,
                 unsigned split, Numbers& number, std::span<T> out) {
  for_each_group(tokens, split, [&](std::size_t i, std::size_t n, bool small) {
    for (std::size_t k = i; small && k < i + n; ++k)
      out[k] = static_cast<T>((tokens[k] >> 1) ^ -(tokens[k] & 1));
    for (std::size_t k = i; !small && k < i + n; ++k)
      out[k] = static_cast<T>(unzigzag(number(tokens[k], contexts[k])));
  });
}

// Adds what is foretold to the differences of a row, as predict() says, wrapping. Every element
// waits for the one before: what it waits for is kept short.
template <typename T>
void restore_row(Predictor kind, T* row, std::size_t y, std::size_t p, const Grid& grid) {
  using Sum = std::conditional_t<sizeof(T) < 4, std::int32_t, std::int64_t>;
  constexpr Sum least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
  const std::size_t nx = grid.nx;
  const auto add = [](T difference, Sum prediction) {
    return static_cast<T>(static_cast<std::make_unsigned_t<T>>(prediction) +
                          static_cast<std::make_unsigned_t<T>>(difference));
  };
  const auto one = [&](std::size_t x) {
    row[x] = add(row[x], static_cast<Sum>(predict(kind, row + x, y, x, p, grid)));
  };
  if (kind == Predictor::lorenzo && p == 0) kind = Predictor::median;
  if (kind == Predictor::previous && p != 0) {
    const T* const before = row - grid.plane();
    for (std::size_t x = 0; x < nx; ++x) row[x] = add(row[x], before[x]);
    return;
  }
  if (kind == Predictor::previous || y == 0 || nx < 3) {
    for (std::size_t x = 0; x < nx; ++x) one(x);
    return;
  }
  one(0);
  const T* const up = row - nx;
  Sum w = row[0];
  if (kind == Predictor::median) {
    for (std::size_t x = 1; x < nx; ++x) {
      const Sum n = up[x], nw = up[x - 1];
      const Sum foretold = smaller(larger(w + n - nw, smaller(w, n)), larger(w, n));
      w = row[x] = add(row[x], foretold);
    }
  } else if (kind == Predictor::average) {
    for (std::size_t x = 1; x + 1 < nx; ++x) {
      const Sum others = Sum{up[x - 1]} + Sum{up[x]} + Sum{up[x + 1]} + 2;
      w = row[x] = add(row[x], (w + others) >> 2);
    }
    one(nx - 1);
  } else {
    const T* const before = row - grid.plane();
    const T* const before_up = before - nx;
    for (std::size_t x = 1; x < nx; ++x) {
      const Sum others = Sum{up[x]} - Sum{up[x - 1]} + Sum{before[x]} - Sum{before[x - 1]} -
                         Sum{before_up[x]} + Sum{before_up[x - 1]};
      w = row[x] = add(row[x], smaller(larger(w + others, least), most));
    }
  }
}

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
  if (model.predictor != Predictor::none && exact) {
    differences(tokens.span(), contexts.span(), model.split, number, out);
    for (std::size_t p = 0, i = 0; p < layout.grid.planes; ++p)
      for (std::size_t y = 0; y < layout.grid.ny; ++y, i += layout.grid.nx)
        restore_row(model.predictor, out.data() + i, y, p, layout.grid);
  } else if (model.predictor != Predictor::none) {
    for_each_predicted(
        model.predictor, out.data(), layout.grid, [&](std::size_t i, std::int64_t prediction) {
          const std::uint8_t table = contexts[i];
          out[i] = predicted_value<T>(prediction, number(tokens[i], table), rules[table].bound);
        });
  } else if (exact) {
    if constexpr (std::is_signed_v<T>) {
      differences(tokens.span(), contexts.span(), model.split, number, out);
    } else {
      // 32 at a time, since few are large.
      for_each_group(tokens.span(), model.split, [&](std::size_t i, std::size_t n, bool small) {
        for (std::size_t k = i; small && k < i + n; ++k) out[k] = tokens[k];
        for (std::size_t k = i; !small && k < i + n; ++k)
          out[k] = direct_value<T>(number(tokens[k], contexts[k]), 1, 0);
      });
    }
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
