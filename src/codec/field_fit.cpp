#include "codec/field_fit.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "codec/field_walk.hpp"

namespace etalon::codec {

template <typename V>
PredictorFit<V>::PredictorFit(const Features& features, double mean, double step, bool evenly)
    : features_(features), mean_(mean), step_(step), evenly_(evenly) {}

template <typename V>
void PredictorFit<V>::add(const V* const* terms, const V* values, std::size_t n, std::size_t rows,
                          std::size_t stride) {
  const std::size_t m = features_.lengths.size(), length = (rows - 1) * stride + n;
  for (std::size_t j = 0; j < m; terms += features_.lengths[j++])
    sum_terms(terms, features_.lengths[j], length, run_[j]);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t i = 0; i < n;) {
      const std::size_t part = std::min(fit_block - filled_, n - i);
      for (std::size_t j = 0; j < m; ++j)
        copy_short(run_[j] + r * stride + i, part, block_[j] + filled_);
      double* const own = block_[m] + filled_;
      for (std::size_t k = 0; k < part; ++k) own[k] = static_cast<double>(values[r * n + i + k]);
      i += part;
      filled_ += part;
      if (filled_ == fit_block) close_block();
    }
}

template <typename V>
void PredictorFit<V>::close_block() {
  const std::size_t m = features_.lengths.size();
  const FitWeights weights{mean_, step_, features_.nearest, evenly_};
  const FitBlock taken =
      weigh(block_, m, features_.lengths.data(), std::exchange(filled_, 0), weights);
  count_ += taken.used;
  floor_ += taken.steps / 12;
  products(block_, m + 1, sums_);
}

template <typename V>
double PredictorFit<V>::squared_error(const ClassPredictor& p) const {
  const std::size_t m = features_.lengths.size();
  std::array<double, most> w{};
  w[0] = static_cast<double>(p.slope) / weight_one;
  for (std::size_t j = 1; j < m; ++j) {
    w[j] = static_cast<double>(p.weights[j]) / weight_one;
    if (!p.told)
      w[j] = j >= features_.nearest && j < 2 * features_.nearest
                 ? -0.125 / static_cast<double>(features_.nearest)
                 : 0;
  }
  w[m] = -1;
  double sum = 0;
  for (std::size_t a = 0; a <= m; ++a)
    for (std::size_t b = a; b <= m; ++b) sum += (a == b ? 1 : 2) * w[a] * w[b] * sums_[a][b];
  return std::max(sum, 0.0);
}

namespace {

// Solves the symmetric system by Cholesky's method; false where it is singular.
bool solve_symmetric(std::vector<std::vector<double>> g, std::vector<double>& b) {
  const std::size_t n = b.size();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = g[i][j];
      for (std::size_t k = 0; k < j; ++k) sum -= g[i][k] * g[j][k];
      if (i == j) {
        if (!(sum > 0)) return false;
        g[i][i] = std::sqrt(sum);
      } else {
        g[i][j] = sum / g[j][j];
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= g[i][k] * b[k];
    b[i] /= g[i][i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= g[k][i] * b[k];
    b[i] /= g[i][i];
  }
  return true;
}

}  // namespace

template <typename V>
ClassPredictor PredictorFit<V>::solve(std::size_t elements) {
  if (filled_ != 0) close_block();
  const std::size_t m = features_.lengths.size();
  const ClassPredictor untold;
  if (m == 0 || count_ < 8 * m) return untold;
  const auto fit = [&](bool sloped) -> ClassPredictor {
    ClassPredictor p;
    const std::size_t first = sloped ? 0 : 1, n = m - first;
    if (n == 0) return p;
    std::vector<std::vector<double>> g(n, std::vector<double>(n));
    std::vector<double> b(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) g[i][j] = sums_[first + j][first + i];
      g[i][i] += 1e-7 * g[i][i] + 1e-3;
      b[i] = sums_[first + i][m];
      if (!sloped) b[i] -= sums_[0][first + i];
    }
    if (!solve_symmetric(std::move(g), b)) return p;
    for (std::size_t i = 0; i < n; ++i) {
      const double w = std::nearbyint(b[i] * weight_one);
      if (!(std::abs(w) <= static_cast<double>(most_weight))) return ClassPredictor{};
      (first + i == 0 ? p.slope : p.weights[first + i]) = static_cast<std::int64_t>(w);
    }
    p.told = true;
    return p;
  };
  ClassPredictor best = fit(false);
  if (const ClassPredictor sloped = fit(true);
      sloped.told && squared_error(sloped) < 0.98 * squared_error(best))
    best = sloped;
  if (!best.told) return untold;
  // Bits for errors far above the step; below it errors cost little either way.
  const double gain = 0.5 * static_cast<double>(elements) *
                      std::log2((squared_error(untold) + floor_) / (squared_error(best) + floor_));
  return gain > 14.0 * static_cast<double>(m) ? best : untold;
}

template class PredictorFit<float>;
template class PredictorFit<double>;

}  // namespace etalon::codec
