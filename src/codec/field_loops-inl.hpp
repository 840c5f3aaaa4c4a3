// The fields engine's plain loops, for the compiler to make vectors of. Included once for the
// reference and once for every instruction set, in ETALON_LOOPS_NAMESPACE.
namespace etalon::codec::ETALON_LOOPS_NAMESPACE {

template <typename V>
void split(const V* __restrict from, std::size_t n, V* __restrict even, V* __restrict odd) {
  for (std::size_t i = 0; i < n / 2; ++i) {
    even[i] = from[2 * i];
    odd[i] = from[2 * i + 1];
  }
  if (n % 2 != 0) even[n / 2] = from[n - 1];
}
template <typename V>
void interleave(const V* even, const V* odd, std::size_t n, V* out) {
  for (std::size_t i = 0; i < n; ++i) {
    out[2 * i] = even[i];
    out[2 * i + 1] = odd[i];
  }
}
void split_f32(const float* from, std::size_t n, float* even, float* odd) {
  split(from, n, even, odd);
}
void split_f64(const double* from, std::size_t n, double* even, double* odd) {
  split(from, n, even, odd);
}
void interleave_f32(const float* even, const float* odd, std::size_t n, float* out) {
  interleave(even, odd, n, out);
}
void interleave_f64(const double* even, const double* odd, std::size_t n, double* out) {
  interleave(even, odd, n, out);
}

// Patterns of floats without their signs are in the order of their magnitudes, and the largest of
// integers is what compilers make vectors of.
template <typename V>
struct Patterns {
  using Bits = std::conditional_t<sizeof(V) == 4, std::int32_t, std::int64_t>;
  static constexpr Bits magnitude = std::numeric_limits<Bits>::max();
  static constexpr Bits infinity = std::bit_cast<Bits>(std::numeric_limits<V>::infinity());
  static constexpr Bits least_normal = std::bit_cast<Bits>(std::numeric_limits<V>::min());
};

template <typename V>
Magnitudes<V> magnitudes_any(const V* values, std::size_t n) {
  using P = Patterns<V>;
  using Bits = typename P::Bits;
  // Without comparisons, of which compilers make jumps. -0 is the least pattern.
  Bits most = 0, least = 0, any = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto bits = std::bit_cast<Bits>(values[i]), a = bits & P::magnitude;
    const Bits infinite = (P::infinity - 1 - a) >> (8 * sizeof(Bits) - 1);
    most = larger<Bits>(most, a & ~infinite);
    least = smaller<Bits>(least, bits);
    any |= infinite;
  }
  return {std::bit_cast<V>(most), any != 0 || least == ~P::magnitude};
}
Magnitudes<float> magnitudes_f32(const float* values, std::size_t n) {
  return magnitudes_any(values, n);
}
Magnitudes<double> magnitudes_f64(const double* values, std::size_t n) {
  return magnitudes_any(values, n);
}

template <typename V>
double to_grid(const V* __restrict values, std::size_t n, double step, double tolerance,
               std::int32_t* __restrict numbers, std::uint8_t* __restrict strange) {
  using P = Patterns<V>;
  constexpr std::size_t block = 256;
  constexpr double widest = 0x1p30;
  std::int64_t worst = 0;
  double q[block];
  std::int64_t error[block];
  for (std::size_t at = 0; at < n; at += block) {
    const V* const v = values + at;
    const std::size_t m = smaller(block, n - at);
    for (std::size_t i = 0; i < m; ++i) {
      const auto bits = std::bit_cast<typename P::Bits>(v[i]);
      const bool ordinary = ((bits & P::magnitude) >= P::least_normal) | (bits == 0);
      const double nearest = std::rint(static_cast<double>(v[i]) / step);
      q[i] = (ordinary & (std::abs(nearest) < widest)) ? nearest : widest;
    }
    for (std::size_t i = 0; i < m; ++i) {
      const bool held = q[i] != widest;
      const auto decoded = static_cast<double>(static_cast<V>(q[i] * step));
      const double distance = std::abs(decoded - static_cast<double>(v[i]));
      error[i] = (held & (distance <= tolerance)) ? std::bit_cast<std::int64_t>(distance) : -1;
    }
    for (std::size_t i = 0; i < m; ++i)
      numbers[at + i] = static_cast<std::int32_t>(q[i] == widest ? 0.0 : q[i]);
    for (std::size_t i = 0; i < m; ++i) {
      worst = larger(worst, error[i]);
      strange[at + i] = static_cast<std::uint8_t>(error[i] < 0);
    }
  }
  return std::bit_cast<double>(worst);
}
double to_grid_f32(const float* values, std::size_t n, double step, double tolerance,
                   std::int32_t* numbers, std::uint8_t* strange) {
  return to_grid(values, n, step, tolerance, numbers, strange);
}
double to_grid_f64(const double* values, std::size_t n, double step, double tolerance,
                   std::int32_t* numbers, std::uint8_t* strange) {
  return to_grid(values, n, step, tolerance, numbers, strange);
}

template <typename V>
void from_grid(const std::int32_t* numbers, std::size_t n, double step, V* values) {
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<V>(numbers[i] * step);
}
void from_grid_f32(const std::int32_t* numbers, std::size_t n, double step, float* values) {
  from_grid(numbers, n, step, values);
}
void from_grid_f64(const std::int32_t* numbers, std::size_t n, double step, double* values) {
  from_grid(numbers, n, step, values);
}

std::uint32_t narrow(const std::uint32_t* numbers, std::size_t n, std::uint8_t* tokens) {
  std::uint32_t any = 0;
  for (std::size_t i = 0; i < n; ++i) {
    any |= numbers[i];
    tokens[i] = static_cast<std::uint8_t>(numbers[i]);
  }
  return any;
}

void tokenize(const std::uint32_t* __restrict numbers, std::size_t n,
              std::uint8_t* __restrict tokens, std::uint64_t* __restrict raw,
              std::uint32_t* __restrict lengths) {
  constexpr std::size_t block = 128;
  std::uint32_t low[block], bits[block];
  for (std::size_t at = 0; at < n; at += block) {
    const std::uint32_t* const v = numbers + at;
    const std::size_t m = smaller(block, n - at);
    for (std::size_t i = 0; i < m; ++i) {
      const VectorToken token = vector_token_of(v[i], wide_split);
      low[i] = token.symbol;
      bits[i] = token.bits;
    }
    for (std::size_t i = 0; i < m; ++i) tokens[at + i] = static_cast<std::uint8_t>(low[i]);
    for (std::size_t i = 0; i < m; ++i) low[i] = v[i] & ((1u << bits[i]) - 1);
    for (std::size_t k = 0; k < m / 2; ++k) {
      raw[at / 2 + k] = low[2 * k] | std::uint64_t{low[2 * k + 1]} << bits[2 * k];
      lengths[at / 2 + k] = bits[2 * k] + bits[2 * k + 1];
    }
  }
}

bool widen(const std::uint8_t* tokens, std::size_t n, std::uint32_t* numbers) {
  std::uint8_t any = 0;
  for (std::size_t i = 0; i < n; ++i) {
    any = static_cast<std::uint8_t>(any | tokens[i]);
    numbers[i] = tokens[i];
  }
  return any < (1u << wide_split);
}

template <typename V>
void sum_terms(const V* const* terms, std::size_t count, std::size_t n, double* __restrict out) {
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<double>(terms[0][i]) + static_cast<double>(terms[1][i]);
  for (std::size_t t = 2; t + 1 < count; t += 2) {
    const V* const a = terms[t];
    const V* const b = terms[t + 1];
    for (std::size_t i = 0; i < n; ++i)
      out[i] = out[i] + static_cast<double>(a[i]) + static_cast<double>(b[i]);
  }
}
void sum_terms_f32(const float* const* terms, std::size_t count, std::size_t n, double* out) {
  sum_terms(terms, count, n, out);
}
void sum_terms_f64(const double* const* terms, std::size_t count, std::size_t n, double* out) {
  sum_terms(terms, count, n, out);
}

FitBlock weigh(double (*v)[fit_room], std::size_t m, const std::uint8_t* lengths, std::size_t n,
               const FitWeights& with) {
  constexpr double most = 1e150, no_weight = 0;
  double base[fit_block] = {}, spread[fit_block] = {}, weight[fit_block];
  for (std::size_t j = 0; j < m; ++j) {
    const double inverse = 1.0 / lengths[j];
    for (std::size_t i = 0; i < fit_block; ++i) v[j][i] *= inverse;
  }
  for (std::size_t j = 0; j < with.nearest; ++j)
    for (std::size_t i = 0; i < fit_block; ++i) base[i] += v[j][i];
  const double inverse_nearest = 1.0 / static_cast<double>(with.nearest);
  for (std::size_t i = 0; i < fit_block; ++i) {
    base[i] *= inverse_nearest;
    v[0][i] = base[i] - with.mean;
    v[m][i] -= with.mean;
  }
  for (std::size_t j = 1; j < m; ++j)
    for (std::size_t i = 0; i < fit_block; ++i) {
      v[j][i] -= base[i];
      spread[i] += std::abs(v[j][i]);
    }
  const double share = with.evenly ? 0 : 1.0 / static_cast<double>(m), least = 4 * with.step;
  for (std::size_t i = 0; i < fit_block; ++i) {
    const double sum = spread[i] + std::abs(v[0][i]) + std::abs(v[m][i]);
    // Neighbours that differ by less than a few steps agree as well as can be told.
    const double w = 1 / (spread[i] * share + least);
    weight[i] = sum * w <= most ? w : no_weight;
  }
  for (std::size_t i = n; i < fit_block; ++i) weight[i] = 0;
  for (std::size_t j = 0; j <= m; ++j)
    for (std::size_t i = 0; i < fit_block; ++i)
      v[j][i] = weight[i] != no_weight ? v[j][i] * weight[i] : 0;
  FitBlock taken;
  double part[8] = {};
  for (std::size_t i = 0; i < fit_block; i += 8)
    for (std::size_t w = 0; w < 8; ++w) {
      const double steps = weight[i + w] * with.step;  // at most 1/4, however small the step
      part[w] += steps * steps;
    }
  for (const double p : part) taken.steps += p;
  for (const double w : weight) taken.used += w != no_weight ? 1 : 0;
  return taken;
}

// Sums in eight parts, added in order: the same whatever the vectors' length.
void products(const double (*v)[fit_room], std::size_t m, double (*sums)[fit_most]) {
  for (std::size_t a = 0; a < m; ++a)
    for (std::size_t b = a; b < m; ++b) {
      double part[8] = {};
      for (std::size_t i = 0; i < fit_block; i += 8)
        for (std::size_t w = 0; w < 8; ++w) part[w] += v[a][i + w] * v[b][i + w];
      double sum = 0;
      for (double p : part) sum += p;
      sums[a][b] += sum;
    }
}

}  // namespace etalon::codec::ETALON_LOOPS_NAMESPACE
