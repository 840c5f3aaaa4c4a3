// Included once for every instruction set: no include guard. ETALON_LOOPS_NAMESPACE is where.

namespace etalon::codec {
namespace ETALON_LOOPS_NAMESPACE {
namespace {

template <typename T>
void range_of(const T* values, std::size_t n, T& low, T& high) {
  T l = values[0], h = l;
  for (std::size_t i = 0; i < n; ++i) {
    l = smaller(l, values[i]);
    h = larger(h, values[i]);
  }
  low = l;
  high = h;
}

template <typename T>
std::size_t count_of(const T* values, std::size_t n, T value) {
  using Count = std::conditional_t<sizeof(T) == 1, std::uint8_t, std::uint16_t>;
  std::size_t count = 0, i = 0;
  for (; i + loop_block <= n; i += loop_block) {
    Count sum = 0;
    for (std::size_t k = 0; k < loop_block; ++k)
      sum = static_cast<Count>(sum + (values[i + k] == value));
    count += sum;
  }
  for (; i < n; ++i) count += values[i] == value;
  return count;
}

template <typename T>
void mark(const T* values, const std::uint8_t* good, std::size_t n, T value, std::uint8_t label,
          std::uint8_t* labels) {
  if (good == nullptr)
    for (std::size_t i = 0; i < n; ++i) labels[i] = values[i] == value ? label : labels[i];
  else
    for (std::size_t i = 0; i < n; ++i)
      labels[i] = static_cast<int>(values[i] == value) & (good[i] == 0) ? label : labels[i];
}

template <typename T, typename F>
void residuals_from(const T* __restrict v, std::size_t n,
                    std::make_unsigned_t<T>* __restrict numbers, F&& prediction) {
  using Number = std::make_unsigned_t<T>;
  for (std::size_t i = 0; i < n; ++i) {
    const auto r = static_cast<std::make_signed_t<T>>(v[i] - prediction(v + i));
    numbers[i] =
        static_cast<Number>(static_cast<Number>(r) << 1) ^ static_cast<Number>(r < 0 ? -1 : 0);
  }
}

// As predict() of counts_model.hpp; Sum holds the sum of seven elements.
template <typename T>
void residuals_any(Predictor kind, const T* v, std::size_t n, std::size_t row, std::size_t plane,
                   std::make_unsigned_t<T>* numbers) {
  using Sum = std::conditional_t<sizeof(T) < 4, std::int32_t, std::int64_t>;
  constexpr Sum least = std::numeric_limits<T>::min(), most = std::numeric_limits<T>::max();
  const auto from = [&](auto&& prediction) { residuals_from(v, n, numbers, prediction); };
  switch (kind) {
    case Predictor::none:
      break;
    case Predictor::median:
      from([row](const T* at) {
        const Sum w = at[-1], up = *(at - row), corner = *(at - row - 1);
        return smaller(larger<Sum>(w + up - corner, smaller(w, up)), larger(w, up));
      });
      break;
    case Predictor::average:
      from([row](const T* at) {
        const T* const north = at - row;
        return (Sum{at[-1]} + Sum{north[-1]} + Sum{north[0]} + Sum{north[1]} + 2) >> 2;
      });
      break;
    case Predictor::lorenzo:
      from([row, plane](const T* at) {
        const T* const before = at - plane;
        const Sum here = Sum{at[-1]} + Sum{*(at - row)} - Sum{*(at - row - 1)};
        const Sum there = Sum{before[-1]} + Sum{*(before - row)} - Sum{*(before - row - 1)};
        return smaller(larger<Sum>(*before + here - there, least), most);
      });
      break;
    case Predictor::previous:
      from([plane](const T* at) { return Sum{*(at - plane)}; });
      break;
  }
}

template <typename Number>
void tokens_of(const Number* numbers, const std::uint8_t* contexts, std::size_t n, unsigned split,
               std::uint8_t* tokens) {
  const auto limit = static_cast<Number>(1u << split);
  std::size_t i = 0;
  for (; i + loop_block <= n; i += loop_block) {
    const Number* const at = numbers + i;
    std::uint8_t* const t = tokens + i;
    Number any = 0;
    for (std::size_t k = 0; k < loop_block; ++k) {
      any |= at[k];
      t[k] = static_cast<std::uint8_t>(at[k]);
    }
    if (any < limit) continue;  // most blocks
    if (any < (1u << 24)) {
      std::uint32_t wide[loop_block];
      for (std::size_t k = 0; k < loop_block; ++k) wide[k] = vector_token_of(at[k], split).symbol;
      for (std::size_t k = 0; k < loop_block; ++k) t[k] = static_cast<std::uint8_t>(wide[k]);
      continue;
    }
    for (std::size_t k = 0; k < loop_block; ++k)
      if (at[k] >= limit && contexts[i + k] != 255) t[k] = token_of(at[k], split).symbol;
  }
  for (; i < n; ++i) tokens[i] = token_of(numbers[i], split).symbol;
}

template <typename Number>
void saturate(const Number* numbers, std::size_t n, std::uint8_t* bytes) {
  for (std::size_t i = 0; i < n; ++i)
    bytes[i] = static_cast<std::uint8_t>(smaller<Number>(numbers[i], 255));
}

template <typename Number>
void add_row(const Number* __restrict numbers, const std::uint8_t* __restrict usable, std::size_t n,
             ColumnSum<Number>* __restrict sums, Number* __restrict largest,
             std::uint16_t* __restrict counts) {
  if (usable == nullptr) {
    for (std::size_t i = 0; i < n; ++i) {
      sums[i] += numbers[i];
      largest[i] = larger(largest[i], numbers[i]);
    }
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      const auto kept = static_cast<Number>(numbers[i] * usable[i]);  // a branch is not vectorized
      sums[i] += kept;
      largest[i] = larger(largest[i], kept);
      counts[i] = static_cast<std::uint16_t>(counts[i] + usable[i]);
    }
  }
}

// integer_dither of dither.hpp, counted from 0; `step` is below 2^15.
inline std::uint64_t from_zero(std::uint64_t seed, std::uint64_t i, std::uint64_t step) {
  std::uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return ((z >> 32) * step + ((z & 0xFFFFFFFFu) * step >> 32)) >> 32;
}
// floor(v / step) = v * over(step) >> 40 for v < 2^20 and step < 2^15, since 2^40 / step is rounded
// up by less than 1 and v < 2^40 / step.
inline std::uint64_t over(std::uint64_t step) {
  return ((std::uint64_t{1} << 40) + step - 1) / step;
}

template <typename T>
std::uint64_t dither_any(const Dithering& d, std::size_t first, const T* __restrict values,
                         const std::uint8_t* __restrict skip, std::size_t n,
                         std::int32_t* __restrict numbers, std::uint8_t* __restrict hints) {
  const std::uint64_t step = 2 * d.bound + 1, m = over(step), seed = d.seed, half = d.bound;
  const std::uint64_t hint_count = d.hints;
  constexpr std::size_t block = 256;
  std::uint64_t most = 0;
  std::uint32_t error[block];
  for (std::size_t at = 0; at < n; at += block) {
    const std::size_t length = smaller(block, n - at);
    for (std::size_t k = 0; k < length; ++k) {
      const std::uint64_t r = from_zero(seed, first + at + k, step);
      const std::uint64_t u = values[at + k] + r, q = u * m >> 40;
      numbers[at + k] = static_cast<std::int32_t>(q);
      hints[at + k] = static_cast<std::uint8_t>(r * hint_count * m >> 40);
      const auto e = static_cast<std::int32_t>(q * step + half - u);
      error[k] = static_cast<std::uint32_t>(e < 0 ? -e : e);
    }
    if (skip != nullptr)
      for (std::size_t k = 0; k < length; ++k) error[k] = skip[at + k] == 0 ? error[k] : 0;
    std::uint32_t largest = 0;
    for (std::size_t k = 0; k < length; ++k) largest = larger(largest, error[k]);
    most = larger<std::uint64_t>(most, largest);
  }
  return most;
}

void hint(const Dithering& d, std::size_t first, std::size_t n, std::uint8_t* __restrict hints) {
  const std::uint64_t step = 2 * d.bound + 1, m = over(step), seed = d.seed;
  const std::uint64_t hint_count = d.hints;
  for (std::size_t i = 0; i < n; ++i)
    hints[i] = static_cast<std::uint8_t>(from_zero(seed, first + i, step) * hint_count * m >> 40);
}

template <typename T>
void undither_any(const Dithering& d, std::size_t first, const std::int32_t* __restrict numbers,
                  std::size_t n, T* __restrict values) {
  const std::uint64_t step = 2 * d.bound + 1, seed = d.seed;
  const auto half = static_cast<std::int64_t>(d.bound);
  constexpr std::int64_t least = std::numeric_limits<T>::min(),
                         most = std::numeric_limits<T>::max();
  for (std::size_t i = 0; i < n; ++i) {
    const auto r = static_cast<std::int64_t>(from_zero(seed, first + i, step));
    const std::int64_t x = numbers[i] * static_cast<std::int64_t>(step) - r + half;
    values[i] = static_cast<T>(smaller(larger(x, least), most));
  }
}
std::uint64_t dither_u8(const Dithering& d, std::size_t first, const std::uint8_t* values,
                        const std::uint8_t* skip, std::size_t n, std::int32_t* numbers,
                        std::uint8_t* hints) {
  return dither_any(d, first, values, skip, n, numbers, hints);
}
std::uint64_t dither_u16(const Dithering& d, std::size_t first, const std::uint16_t* values,
                         const std::uint8_t* skip, std::size_t n, std::int32_t* numbers,
                         std::uint8_t* hints) {
  return dither_any(d, first, values, skip, n, numbers, hints);
}
void undither_16(const Dithering& d, std::size_t first, const std::int32_t* numbers, std::size_t n,
                 std::int16_t* values) {
  undither_any(d, first, numbers, n, values);
}
void undither_32(const Dithering& d, std::size_t first, const std::int32_t* numbers, std::size_t n,
                 std::int32_t* values) {
  undither_any(d, first, numbers, n, values);
}

void find_usable(const std::uint8_t* __restrict good, const std::uint8_t* __restrict fill,
                 std::size_t n, std::uint8_t* __restrict usable) {
  if (good == nullptr && fill == nullptr)
    for (std::size_t i = 0; i < n; ++i) usable[i] = 1;
  else if (good == nullptr)
    for (std::size_t i = 0; i < n; ++i) usable[i] = fill[i] == 0;
  else if (fill == nullptr)
    for (std::size_t i = 0; i < n; ++i) usable[i] = good[i] != 0;
  else
    for (std::size_t i = 0; i < n; ++i) usable[i] = (good[i] != 0) & (fill[i] == 0);
}

void block_maxima(const std::uint8_t* values, std::size_t n, std::uint8_t* maxima) {
  for (std::size_t i = 0; i + loop_block <= n; i += loop_block) {
    std::uint8_t most = 0;
    for (std::size_t k = 0; k < loop_block; ++k) most = larger(most, values[i + k]);
    *maxima++ = most;
  }
}

void block_minima(const std::uint8_t* values, std::size_t n, std::uint8_t* minima) {
  for (std::size_t i = 0; i + loop_block <= n; i += loop_block) {
    std::uint8_t least = 255;
    for (std::size_t k = 0; k < loop_block; ++k) least = smaller(least, values[i + k]);
    *minima++ = least;
  }
}

void pair_up(const std::uint8_t* __restrict contexts, const std::uint8_t* __restrict tokens,
             std::size_t n, std::uint16_t* __restrict pairs) {
  for (std::size_t i = 0; i < n; ++i)
    pairs[i] = static_cast<std::uint16_t>(contexts[i] << 8 | tokens[i]);
}

void range_below_255(const std::uint8_t* values, std::size_t n, std::uint8_t& low,
                     std::uint8_t& high) {
  std::uint8_t l = 255, h = 0;  // counted from 1, 255 being 0
  for (std::size_t i = 0; i < n; ++i) {
    l = smaller(l, values[i]);
    h = larger(h, static_cast<std::uint8_t>(values[i] + 1));
  }
  low = l;
  high = static_cast<std::uint8_t>(h == 0 ? 0 : h - 1);
}

void interpolate_row(const std::int64_t* line, std::size_t columns, unsigned log2_x, unsigned shift,
                     std::size_t nx, std::uint8_t* classes) {
  const auto tx = std::int64_t{1} << log2_x, half = std::int64_t{1} << (shift - 1);
  for (std::size_t c = 0; c <= columns; ++c) {
    // Elements between the centres of tiles c - 1 and c.
    const std::int64_t begin = (static_cast<std::int64_t>(c) - 1) * tx + tx / 2;
    const std::int64_t from = begin < 0 ? 0 : begin;
    const std::int64_t to = smaller(begin + tx, static_cast<std::int64_t>(nx));
    if (from >= to) continue;
    const std::int64_t slope = line[c + 1] - line[c];
    std::int64_t value = line[c] * 2 * tx + slope * (2 * (from - begin) + (tx > 1)) + half;
    std::uint8_t* const out = classes + from;
    if (slope == 0) {
      std::memset(out, static_cast<std::uint8_t>(value >> shift),
                  static_cast<std::size_t>(to - from));
    } else if (shift <= 22) {  // below 2^31
      const auto first = static_cast<std::int32_t>(value),
                 by = static_cast<std::int32_t>(2 * slope);
      constexpr std::int32_t usual = 32;
      if (to - from == usual) {
        for (std::int32_t x = 0; x < usual; ++x)
          out[x] = static_cast<std::uint8_t>((first + x * by) >> shift);
      } else {
        const auto count = static_cast<std::int32_t>(to - from);
        for (std::int32_t x = 0; x < count; ++x)
          out[x] = static_cast<std::uint8_t>((first + x * by) >> shift);
      }
    } else {
      for (std::int64_t x = 0; x < to - from; ++x, value += 2 * slope)
        out[x] = static_cast<std::uint8_t>(value >> shift);
    }
  }
}

void step_tables(std::uint8_t* __restrict classes, std::size_t n,
                 const std::uint8_t* __restrict table, const std::uint8_t* __restrict first) {
  constexpr std::size_t block = 256;
  constexpr unsigned most_steps = 12;
  std::size_t i = 0;
  for (; i + block <= n; i += block) {
    std::uint8_t* const c = classes + i;
    std::uint8_t low = 255, high = 0;
    for (std::size_t k = 0; k < block; ++k) {
      low = smaller(low, c[k]);
      high = larger(high, static_cast<std::uint8_t>(c[k] + 1));
    }
    if (high == 0) continue;  // 255 alone
    const std::uint8_t least = table[low], most = table[high - 1];
    if (least == most) {
      std::memset(c, least, block);
    } else if (static_cast<unsigned>(most - least) <= most_steps) {
      std::uint8_t sum[block];
      const std::uint8_t second = first[least + 1];
      for (std::size_t k = 0; k < block; ++k)
        sum[k] = static_cast<std::uint8_t>(least + (c[k] >= second));
      for (unsigned s = least + 2u; s <= most; ++s) {
        const std::uint8_t from = first[s];
        for (std::size_t k = 0; k < block; ++k)
          sum[k] = static_cast<std::uint8_t>(sum[k] + (c[k] >= from));
      }
      std::memcpy(c, sum, block);
    } else {
      for (std::size_t k = 0; k < block; ++k) c[k] = table[c[k]];
    }
  }
  for (; i < n; ++i) classes[i] = table[classes[i]];
}

template <typename T>
void fold(const T* __restrict values, std::size_t n, std::make_unsigned_t<T>* __restrict numbers) {
  using Number = std::make_unsigned_t<T>;
  for (std::size_t i = 0; i < n; ++i)
    numbers[i] = static_cast<Number>(static_cast<Number>(values[i]) << 1) ^
                 static_cast<Number>(values[i] < 0 ? -1 : 0);
}
void fold_8(const std::int8_t* v, std::size_t n, std::uint8_t* out) { fold(v, n, out); }
void fold_16(const std::int16_t* v, std::size_t n, std::uint16_t* out) { fold(v, n, out); }
void fold_32(const std::int32_t* v, std::size_t n, std::uint32_t* out) { fold(v, n, out); }

#define ETALON_LOOPS(T, name)                                                                     \
  void range_of_##name(const T* v, std::size_t n, T& low, T& high) { range_of(v, n, low, high); } \
  std::size_t count_of_##name(const T* v, std::size_t n, T value) {                               \
    return count_of(v, n, value);                                                                 \
  }                                                                                               \
  void mark_##name(const T* v, const std::uint8_t* good, std::size_t n, T value,                  \
                   std::uint8_t label, std::uint8_t* labels) {                                    \
    mark(v, good, n, value, label, labels);                                                       \
  }                                                                                               \
  void residuals_##name(Predictor kind, const T* v, std::size_t n, std::size_t row,               \
                        std::size_t plane, std::make_unsigned_t<T>* numbers) {                    \
    residuals_any(kind, v, n, row, plane, numbers);                                               \
  }
ETALON_FOR_INTEGERS(ETALON_LOOPS)
#undef ETALON_LOOPS

#define ETALON_LOOPS(T, name)                                                                    \
  void tokens_of_##name(const T* v, const std::uint8_t* contexts, std::size_t n, unsigned split, \
                        std::uint8_t* out) {                                                     \
    tokens_of(v, contexts, n, split, out);                                                       \
  }                                                                                              \
  void saturate_##name(const T* v, std::size_t n, std::uint8_t* out) { saturate(v, n, out); }    \
  void add_row_##name(const T* v, const std::uint8_t* usable, std::size_t n, ColumnSum<T>* sums, \
                      T* largest, std::uint16_t* counts) {                                       \
    add_row(v, usable, n, sums, largest, counts);                                                \
  }
ETALON_FOR_NUMBERS(ETALON_LOOPS)
#undef ETALON_LOOPS

}  // namespace
}  // namespace ETALON_LOOPS_NAMESPACE
}  // namespace etalon::codec
