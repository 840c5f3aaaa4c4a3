#include "codec/counts_model.hpp"

namespace etalon::codec {

template <typename T>
Result<void> decode_counts(ByteSpan side, ByteSpan symbols, ByteSpan bits, std::size_t labels,
                           std::size_t fills, CountsLayout& layout, std::span<T> out) {
  SideDecoder in(side);
  CountsModel model;
  ETALON_TRY(get_model(in, model, layout, labels, fills, std::is_unsigned_v<T>));
  Scratch<std::uint8_t> contexts = class_planes(model, layout.grid);
  classes_to_tables(model, layout, label_plane(layout), contexts.span());
  Scratch<std::uint8_t> tokens(out.size());
  ETALON_TRY(rans_decode(symbols, contexts.span(), model.tables, tokens.span()));

  BitReader raw(bits);
  const unsigned split = model.split;
  const auto number = [&](std::uint8_t token) {
    const unsigned count = raw_bits_of(token, split);
    return value_of(token, count == 0 ? 0 : raw.get(count), split);
  };
  struct Rule {
    std::uint64_t bound = 0, step = 1;
    std::int64_t offset = 0;
  };
  std::vector<Rule> rules(model.tables.size());
  bool exact = true;
  for (std::size_t s = 0; s < model.segments.size(); ++s) {
    const std::uint64_t bound = layout.bounds[model.segments[s].label];
    rules[s] = {bound, 2 * bound + 1, 0};
    if (std::is_unsigned_v<T> && model.predictor == Predictor::none)
      rules[s].offset =
          static_cast<std::int64_t>(bound) - static_cast<std::int64_t>(model.segments[s].phase);
    exact = exact && bound == 0;
  }
  if (model.predictor != Predictor::none) {
    for_each_predicted(
        model.predictor, out.data(), layout.grid, [&](std::size_t i, std::int64_t prediction) {
          out[i] = predicted_value<T>(prediction, number(tokens[i]), rules[contexts[i]].bound);
        });
  } else if (exact) {
    // 32 at a time, since few need raw bits.
    std::size_t i = 0;
    const std::uint8_t limit = static_cast<std::uint8_t>(1u << split);
    for (; i + 32 <= out.size(); i += 32) {
      std::uint8_t any = 0;
      for (std::size_t k = 0; k < 32; ++k) any |= static_cast<std::uint8_t>(tokens[i + k] >= limit);
      if (any) {
        for (std::size_t k = 0; k < 32; ++k)
          out[i + k] = direct_value<T>(number(tokens[i + k]), 1, 0);
      } else if constexpr (std::is_signed_v<T>) {
        for (std::size_t k = 0; k < 32; ++k)
          out[i + k] = static_cast<T>((tokens[i + k] >> 1) ^ -(tokens[i + k] & 1));
      } else {
        for (std::size_t k = 0; k < 32; ++k) out[i + k] = tokens[i + k];
      }
    }
    for (; i < out.size(); ++i) out[i] = direct_value<T>(number(tokens[i]), 1, 0);
  } else {
    for (std::size_t i = 0; i < out.size(); ++i) {
      const Rule& rule = rules[contexts[i]];
      out[i] = direct_value<T>(number(tokens[i]), rule.step, rule.offset);
    }
  }
  if (!raw.ended()) return Error{Errc::malformed, "raw bits: not as many as the tokens ask for"};
  return {};
}

template Result<void> decode_counts<std::uint8_t>(ByteSpan, ByteSpan, ByteSpan, std::size_t,
                                                  std::size_t, CountsLayout&,
                                                  std::span<std::uint8_t>);
template Result<void> decode_counts<std::uint16_t>(ByteSpan, ByteSpan, ByteSpan, std::size_t,
                                                   std::size_t, CountsLayout&,
                                                   std::span<std::uint16_t>);
template Result<void> decode_counts<std::uint32_t>(ByteSpan, ByteSpan, ByteSpan, std::size_t,
                                                   std::size_t, CountsLayout&,
                                                   std::span<std::uint32_t>);
template Result<void> decode_counts<std::int8_t>(ByteSpan, ByteSpan, ByteSpan, std::size_t,
                                                 std::size_t, CountsLayout&,
                                                 std::span<std::int8_t>);
template Result<void> decode_counts<std::int16_t>(ByteSpan, ByteSpan, ByteSpan, std::size_t,
                                                  std::size_t, CountsLayout&,
                                                  std::span<std::int16_t>);
template Result<void> decode_counts<std::int32_t>(ByteSpan, ByteSpan, ByteSpan, std::size_t,
                                                  std::size_t, CountsLayout&,
                                                  std::span<std::int32_t>);

}  // namespace etalon::codec
