// The fields engine's plain loops, for the compiler to make vectors of. Included once for the
// reference and once for every instruction set, in ETALON_LOOPS_NAMESPACE.
namespace etalon::codec::ETALON_LOOPS_NAMESPACE {

template <typename V>
void every_second(const V* from, std::size_t n, V* out) {
  for (std::size_t i = 0; i < n; ++i) out[i] = from[2 * i];
}
template <typename V>
void interleave(const V* even, const V* odd, std::size_t n, V* out) {
  for (std::size_t i = 0; i < n; ++i) {
    out[2 * i] = even[i];
    out[2 * i + 1] = odd[i];
  }
}
void every_second_f32(const float* from, std::size_t n, float* out) { every_second(from, n, out); }
void every_second_f64(const double* from, std::size_t n, double* out) {
  every_second(from, n, out);
}
void interleave_f32(const float* even, const float* odd, std::size_t n, float* out) {
  interleave(even, odd, n, out);
}
void interleave_f64(const double* even, const double* odd, std::size_t n, double* out) {
  interleave(even, odd, n, out);
}

bool narrow(const std::uint32_t* numbers, std::size_t n, std::uint8_t* tokens) {
  std::uint32_t any = 0;
  for (std::size_t i = 0; i < n; ++i) {
    any |= numbers[i];
    tokens[i] = static_cast<std::uint8_t>(numbers[i]);
  }
  return any < (1u << wide_split);
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
void sum_terms(const V* const* terms, std::size_t count, std::size_t n, double* out) {
  const V* const first = terms[0];
  const V* const second = terms[1];
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<double>(first[i]) + static_cast<double>(second[i]);
  for (std::size_t t = 2; t < count; ++t) {
    const V* const term = terms[t];
    for (std::size_t i = 0; i < n; ++i) out[i] += static_cast<double>(term[i]);
  }
}
void sum_terms_f32(const float* const* terms, std::size_t count, std::size_t n, double* out) {
  sum_terms(terms, count, n, out);
}
void sum_terms_f64(const double* const* terms, std::size_t count, std::size_t n, double* out) {
  sum_terms(terms, count, n, out);
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
