#include "codec/field_rows.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "codec/field_coder.hpp"
#include "etalon/backend.hpp"
#include "kernels/dispatch.hpp"

namespace etalon::codec {
namespace {

template <typename V>
struct Case {
  RowPredictor<V> predictor;
  std::vector<std::vector<V>> rows;
  std::vector<V> values;
  Steps<V> steps;
  std::vector<V> own_steps, own_inverses, own_limits;
};

template <typename V>
Case<V> make_case(std::size_t n, unsigned kind, std::mt19937_64& rng) {
  Case<V> c;
  std::normal_distribution<double> normal;
  RowPredictor<V>& r = c.predictor;
  r.features = 1 + rng() % max_features;
  r.nearest = 1 + rng() % std::min<std::size_t>(r.features, 3);
  // Every second one has the numbers of terms that some class has, which have loops of their own.
  Features of_class;
  if (rng() % 2) {
    const std::size_t rank = 1 + rng() % max_axes;
    Index extent{};
    for (std::size_t axis = 0; axis < rank; ++axis) extent[axis] = 2 + rng() % 8;
    of_class =
        features_of(Level(rank, extent), 1 + static_cast<unsigned>(rng() % ((1u << rank) - 1)));
    r.features = of_class.lengths.size();
    r.nearest = of_class.nearest;
  }
  r.inverse_nearest = static_cast<V>(1.0 / static_cast<double>(r.nearest));
  r.mean = static_cast<V>(normal(rng));
  r.slope = rng() % 2 ? V(1) : static_cast<V>(normal(rng));
  r.spread = 3;
  std::size_t terms = 0;
  for (std::size_t j = 0; j < r.features; ++j) {
    r.lengths[j] =
        of_class.lengths.empty() ? static_cast<std::uint8_t>(1u << rng() % 3) : of_class.lengths[j];
    r.inverse_lengths[j] = V(1) / static_cast<V>(r.lengths[j]);
    r.weights[j] = static_cast<V>(normal(rng));
    terms += r.lengths[j];
  }
  if (!of_class.lengths.empty()) r.loop = best_loop(r.features, r.nearest, r.lengths);
  const auto number = [&]() -> V {
    using L = std::numeric_limits<V>;
    if (kind == 1) {
      const V odd[] = {L::quiet_NaN(),  L::infinity(), -L::infinity(), V(-0.0), V(0),
                       L::denorm_min(), L::max(),      L::lowest(),    L::min()};
      if (rng() % 4 == 0) return odd[rng() % std::size(odd)];
    }
    return static_cast<V>(normal(rng) * (kind == 2 ? 1e6 : 1));
  };
  for (std::size_t t = 0; t < terms; ++t) {
    c.rows.emplace_back(n + row_slack);
    for (V& v : c.rows.back())
      v = kind == 1 && rng() % 2 ? std::numeric_limits<V>::max() : number();
    if (kind != 1)
      for (V& v : c.rows.back()) v = static_cast<V>(normal(rng));
  }
  c.values.resize(n + row_slack);
  for (V& v : c.values) v = number();
  const V step = V(0.25);
  c.steps = {step, 1 / step, V(0.125)};
  if (rng() % 2) {
    for (std::size_t i = 0; i < n + row_slack; ++i) {
      const V own =
          i % 5 == 0 ? V(0) : static_cast<V>(std::ldexp(1.0, static_cast<int>(i % 7) - 3));
      c.own_steps.push_back(own);
      c.own_inverses.push_back(own > 0 ? 1 / own : V(0));
      c.own_limits.push_back(own > 0 ? own / 2 : V(-1));
    }
    c.steps.steps = c.own_steps.data();
    c.steps.inverses = c.own_inverses.data();
    c.steps.tolerances = c.own_limits.data();
  }
  return c;
}

// Where both are NaN the bits may differ.
template <typename V>
bool same(V a, V b) {
  return (std::isnan(a) && std::isnan(b)) || std::memcmp(&a, &b, sizeof a) == 0;
}

template <typename V>
void expect_equal_backends() {
  std::mt19937_64 rng(5);
  for (const auto& backend : backends()) {
    ASSERT_TRUE(set_backend(backend).ok());
    SCOPED_TRACE(backend);
    for (unsigned round = 0; round < 300; ++round) {
      const std::size_t n = 1 + rng() % 150;
      const Case<V> c = make_case<V>(n, round % 3, rng);
      std::vector<const V*> terms;
      for (const auto& row : c.rows) terms.push_back(row.data());
      std::vector<V> p(n + row_slack), q(n + row_slack), d(n + row_slack), e(n + row_slack);
      std::vector<std::uint8_t> a(n + row_slack), b(n + row_slack);
      std::vector<std::uint32_t> u(n + row_slack), w(n + row_slack);
      predict_row(c.predictor, terms.data(), {n}, p.data(), a.data());
      EXPECT_EQ(backend_that_ran(), backend);
      predict_row_ref(c.predictor, terms.data(), n, q.data(), b.data());
      // The same in rows with something between them.
      const std::size_t row = 1 + rng() % std::min<std::size_t>(n, 20), stride = row + rng() % 5;
      const std::size_t rows = (n + stride - row) / stride;
      std::vector<V> apart(n + row_slack);
      std::vector<std::uint8_t> activity(n + row_slack);
      predict_row(c.predictor, terms.data(), {(rows - 1) * stride + row, row, stride}, apart.data(),
                  activity.data());
      for (std::size_t i = 0; i < rows * stride && i < n; ++i) {
        if (i % stride >= row) continue;
        ASSERT_TRUE(same(apart[i], q[i])) << i << ": " << apart[i] << " " << q[i];
        ASSERT_EQ(activity[i], b[i]) << i;
      }
      const V worst = quantize_row(c.values.data(), q.data(), n, c.steps, u.data(), d.data());
      EXPECT_EQ(backend_that_ran(), backend);
      const V wanted = quantize_row_ref(c.values.data(), q.data(), n, c.steps, w.data(), e.data());
      EXPECT_TRUE(same(worst, wanted)) << worst << " " << wanted;
      std::vector<std::uint8_t> table(activities), bytes(a), wanted_bytes(a);
      for (std::uint8_t& t : table) t = static_cast<std::uint8_t>(rng());
      bytes.resize((n + 31) / 32 * 32);
      wanted_bytes.resize(bytes.size());
      for (std::uint8_t& at : bytes) at %= activities;
      for (std::uint8_t& at : wanted_bytes) at %= activities;
      look_up(table.data(), bytes.data(), bytes.size());
      EXPECT_EQ(backend_that_ran(), backend);
      look_up_ref(table.data(), wanted_bytes.data(), bytes.size());
      EXPECT_EQ(bytes, wanted_bytes);
      std::vector<V> back(n + row_slack), back_ref(n + row_slack);
      dequantize_row(w.data(), q.data(), n, c.steps, back.data());
      EXPECT_EQ(backend_that_ran(), backend);
      dequantize_row_ref(w.data(), q.data(), n, c.steps, back_ref.data());
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_TRUE(same(p[i], q[i])) << i << ": " << p[i] << " " << q[i];
        ASSERT_EQ(a[i], b[i]) << i;
        ASSERT_EQ(u[i], w[i]) << i;
        ASSERT_TRUE(same(d[i], e[i])) << i << ": " << d[i] << " " << e[i];
        ASSERT_TRUE(same(back[i], back_ref[i])) << i;
        if (w[i] != exact_number) {
          ASSERT_TRUE(same(back[i], e[i]))
              << i << ": " << back[i] << " " << e[i] << " from " << q[i] << " of " << c.values[i];
          const V limit = c.steps.steps ? c.own_limits[i] : c.steps.tolerance;
          ASSERT_LE(std::abs(back[i] - c.values[i]), limit);
        } else {
          ASSERT_TRUE(std::isfinite(e[i])) << i;
        }
      }
    }
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

TEST(FieldRows, BackendsAreEqualInSinglePrecision) { expect_equal_backends<float>(); }
TEST(FieldRows, BackendsAreEqualInDoublePrecision) { expect_equal_backends<double>(); }

TEST(FieldCoder, CurvesAreEachOthersInverse) {
  for (int x = -2047; x <= 2047; ++x) {
    EXPECT_GE(squash(x), 1u);
    EXPECT_LE(squash(x), 4095u);
    EXPECT_GE(squash(x), squash(x - 1));
  }
  for (std::uint32_t p = 2; p < 4095; ++p) {
    EXPECT_GE(squash(stretch(p)), p);
    EXPECT_LT(squash(stretch(p) - 1), p);
  }
  EXPECT_EQ(squash(0), 2048u);
}

TEST(FieldCoder, NumbersComeBack) {
  std::mt19937_64 rng(3);
  const Level level(3, Index{7, 9, 40});
  std::vector<std::uint32_t> numbers(3 * 5 * 20);
  std::vector<std::uint8_t> activity(numbers.size());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto bits = rng() % 24;
    numbers[i] = static_cast<std::uint32_t>(rng() & ((1u << bits) - 1));
    if (rng() % 50 == 0) numbers[i] = exact_number;
    if (rng() % 3 == 0 && i >= 100) numbers[i] = numbers[i - 100];
    activity[i] = static_cast<std::uint8_t>(rng() % activities);
  }
  SideEncoder out;
  FieldCoder<SideEncoder> encoder(out);
  encoder.open(level, 0, 1);  // odd along the first axis: 3 x 5 x 20
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (i % 11 == 5)
      encoder.skip();
    else
      encoder.code(numbers[i], activity[i]);
  const Bytes bytes = out.finish();
  SideDecoder in(bytes);
  FieldCoder<SideDecoder> decoder(in);
  decoder.open(level, 0, 1);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (i % 11 == 5)
      decoder.skip();
    else
      ASSERT_EQ(decoder.code(0, activity[i]), numbers[i]) << i;
  EXPECT_FALSE(in.exhausted());
}

}  // namespace
}  // namespace etalon::codec
