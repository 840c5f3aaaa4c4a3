// The plain loops beside what defines them, on every backend.
#include "codec/field_loops.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "codec/counts_loops.hpp"
#include "codec/counts_model.hpp"
#include "codec/scaled.hpp"
#include "codec/tokens.hpp"
#include "etalon/backend.hpp"

namespace etalon::codec {
namespace {

template <typename F>
void on_every_backend(F&& test) {
  for (const auto& backend : backends()) {
    ASSERT_TRUE(set_backend(backend).ok());
    SCOPED_TRACE(backend);
    test();
  }
  ASSERT_TRUE(set_backend("auto").ok());
}

template <typename V>
std::vector<V> numbers_and_odd_ones(std::size_t n, double spread, std::mt19937_64& rng) {
  using L = std::numeric_limits<V>;
  const V odd[] = {L::quiet_NaN(), L::infinity(),   -L::infinity(),     V(-0.0),
                   V(0),           L::denorm_min(), -L::denorm_min(),   L::max(),
                   L::lowest(),    L::min(),        V(3.5) * V(0x1p30), V(-0x1p31)};
  std::normal_distribution<double> normal;
  std::vector<V> v(n);
  for (V& x : v)
    x = rng() % 8 == 0 ? odd[rng() % std::size(odd)] : static_cast<V>(normal(rng) * spread);
  return v;
}

template <typename V>
void expect_magnitudes() {
  std::mt19937_64 rng(3);
  on_every_backend([&] {
    for (unsigned round = 0; round < 200; ++round) {
      auto v = numbers_and_odd_ones<V>(1 + rng() % 100, 10, rng);
      if (round % 2 == 0)
        for (V& x : v)
          if (!std::isfinite(x) || (x == 0 && std::signbit(x))) x = V(1);
      V largest = 0;
      bool special = false;
      for (const V x : v) {
        if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
        special = special || !std::isfinite(x) || (x == 0 && std::signbit(x));
      }
      const auto found = magnitudes(v.data(), v.size());
      EXPECT_EQ(found.largest, largest);
      EXPECT_EQ(found.any_special, special);
    }
  });
}

TEST(Loops, MagnitudesAreTheLargestFiniteOne) {
  expect_magnitudes<float>();
  expect_magnitudes<double>();
}

// As Scale says, which is the definition.
template <typename V>
void expect_grid() {
  std::mt19937_64 rng(5);
  on_every_backend([&] {
    for (unsigned round = 0; round < 200; ++round) {
      const std::size_t n = 1 + rng() % 600;
      const double tolerance = std::ldexp(1.0 + 1e-3 * static_cast<double>(rng() % 1000),
                                          static_cast<int>(rng() % 20) - 16);
      const double step = 2 * tolerance * (1 - 0x1p-20);
      const auto v = numbers_and_odd_ones<V>(n, round % 3 == 0 ? 1e6 : 1, rng);
      std::vector<std::int32_t> numbers(n);
      std::vector<std::uint8_t> strange(n);
      const double worst = to_grid(v.data(), n, step, tolerance, numbers.data(), strange.data());
      std::vector<V> back(n);
      from_grid(numbers.data(), n, step, back.data());
      const Scale scale = Scale::of<V>(Bound::abs(tolerance), step);
      double wanted_worst = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const bool ordinary = std::isnormal(v[i]) || (v[i] == 0 && !std::signbit(v[i]));
        const auto q = ordinary ? scale.number(v[i], 0) : std::nullopt;
        ASSERT_EQ(numbers[i], q.value_or(0)) << v[i] << " / " << step;
        ASSERT_EQ(back[i], scale.template value<V>(numbers[i], 0));
        const double error = std::abs(static_cast<double>(back[i]) - static_cast<double>(v[i]));
        ASSERT_EQ(strange[i] != 0, !q || !(error <= tolerance)) << v[i] << " / " << step;
        if (strange[i] == 0) wanted_worst = std::max(wanted_worst, error);
      }
      EXPECT_EQ(worst, wanted_worst);
    }
  });
}

TEST(Loops, GridNumbersAreThoseOfTheScale) {
  expect_grid<float>();
  expect_grid<double>();
}

template <typename V>
void expect_split() {
  std::mt19937_64 rng(9);
  on_every_backend([&] {
    for (std::size_t n = 1; n < 200; ++n) {
      const auto v = numbers_and_odd_ones<V>(n, 10, rng);
      const std::size_t odds = n / 2, evens = n - odds;
      std::vector<V> even(evens + 1, V(7)), odd(odds + 1, V(7));
      split(v.data(), n, even.data(), odd.data());
      for (std::size_t i = 0; i < n; ++i)
        ASSERT_EQ(std::memcmp(i % 2 != 0 ? &odd[i / 2] : &even[i / 2], &v[i], sizeof(V)), 0) << i;
      EXPECT_EQ(even.back(), V(7));
      EXPECT_EQ(odd.back(), V(7));
    }
  });
}

TEST(Loops, RowsAreSplitByParity) {
  expect_split<float>();
  expect_split<double>();
}

TEST(Loops, FitWeighsByHowWellNeighboursAgree) {
  std::mt19937_64 rng(11);
  on_every_backend([&] {
    for (unsigned round = 0; round < 100; ++round) {
      const std::size_t m = 2 + rng() % 11, n = 1 + rng() % fit_block;
      // The last steps are so small that squares of weights have no number.
      const FitWeights with{0.5, std::ldexp(1.0, -static_cast<int>(round * 7)), 1 + rng() % m,
                            round % 5 == 0};
      std::vector<std::uint8_t> lengths(m);
      for (std::uint8_t& l : lengths) l = static_cast<std::uint8_t>(2u << rng() % 3);
      double v[fit_most][fit_room], sums[fit_most][fit_room];
      for (std::size_t j = 0; j <= m; ++j) {
        const auto row = numbers_and_odd_ones<double>(fit_room, with.step * 3, rng);
        for (std::size_t i = 0; i < fit_room; ++i) {
          v[j][i] = i % 3 != 0 ? with.step * static_cast<double>(lengths[j % m]) : row[i];
          if (std::abs(v[j][i]) > 1e300) v[j][i] = std::numeric_limits<double>::quiet_NaN();
        }
      }
      std::memcpy(sums, v, sizeof v);
      const FitBlock taken = weigh(v, m, lengths.data(), n, with);
      std::size_t used = 0;
      double steps = 0;
      for (std::size_t i = 0; i < fit_block; ++i) {
        std::vector<double> feature(m);
        for (std::size_t j = 0; j < m; ++j) feature[j] = sums[j][i] / lengths[j];
        double base = 0, spread = 0;
        for (std::size_t j = 0; j < with.nearest; ++j)
          base += feature[j] / static_cast<double>(with.nearest);
        for (std::size_t j = 1; j < m; ++j) spread += std::abs(feature[j] - base);
        const double apart = with.evenly ? 0 : spread / static_cast<double>(m);
        const double weight = 1 / (apart + 4 * with.step);
        const double all = spread + std::abs(base - with.mean) + std::abs(sums[m][i] - with.mean);
        const bool tells = i < n && all * weight <= 1e150;
        const auto expect = [&](double got, double wanted) {
          if (tells)
            ASSERT_NEAR(got, wanted, 1e-9 * (1 + std::abs(wanted) + all * weight)) << i;
          else
            ASSERT_EQ(got, 0) << i;
        };
        expect(v[0][i], (base - with.mean) * weight);
        for (std::size_t j = 1; j < m; ++j) expect(v[j][i], (feature[j] - base) * weight);
        expect(v[m][i], (sums[m][i] - with.mean) * weight);
        used += tells ? 1 : 0;
        steps += tells ? weight * with.step * weight * with.step : 0;
      }
      EXPECT_EQ(taken.used, used);
      EXPECT_NEAR(taken.steps, steps, 1e-9 * (1 + steps));
    }
  });
}

TEST(Loops, TokensAreThoseOfEachNumber) {
  std::mt19937_64 rng(7);
  on_every_backend([&] {
    for (unsigned round = 0; round < 200; ++round) {
      const std::size_t n = 2 * (1 + rng() % 300);
      const unsigned most = 1 + static_cast<unsigned>(rng() % 24);
      std::vector<std::uint32_t> numbers(n), back(n);
      for (auto& u : numbers)
        u = static_cast<std::uint32_t>(rng()) & ((1u << (1 + rng() % most)) - 1);
      numbers[0] = (1u << 24) - 1;
      std::vector<std::uint8_t> tokens(n);
      std::vector<std::uint64_t> raw(n / 2);
      std::vector<std::uint32_t> lengths(n / 2);
      tokenize(numbers.data(), n, tokens.data(), raw.data(), lengths.data());
      BitWriter one_by_one, together;
      for (std::size_t i = 0; i < n; ++i) {
        const Token t = token_of(numbers[i], wide_split);
        ASSERT_EQ(tokens[i], t.symbol) << numbers[i];
        one_by_one.put(numbers[i] & ((1u << t.bits) - 1), t.bits);
      }
      together.put_all(raw.data(), lengths.data(), n / 2);
      const Bytes bits = one_by_one.finish();
      EXPECT_EQ(bits, together.finish());
      // A reader that has all of them, and one that has them up to the last.
      const TokenTable<wide_split> table;
      for (const std::size_t more : {std::size_t{0}, 4 * n + 8}) {
        Bytes padded = bits;
        padded.resize(bits.size() + more);
        BitReader in(padded);
        in.get_all(table, tokens.data(), n, back.data());
        EXPECT_EQ(back, numbers);
        EXPECT_EQ(in.bytes_read(), bits.size());
      }
    }
  });
}

template <typename T>
void expect_residuals() {
  using Number = std::make_unsigned_t<T>;
  std::mt19937_64 rng(9);
  on_every_backend([&] {
    for (unsigned round = 0; round < 60; ++round) {
      const Grid grid{3, 4, 3 + rng() % 70};
      std::vector<T> v(grid.count());
      const bool wide = rng() % 2;
      for (T& x : v) x = static_cast<T>(wide ? rng() : rng() % 50);
      for (const auto kind :
           {Predictor::median, Predictor::average, Predictor::lorenzo, Predictor::previous}) {
        const std::size_t y = 2, p = 2, n = grid.nx - 2;
        const T* const row = v.data() + p * grid.plane() + y * grid.nx;
        std::vector<Number> numbers(n);
        residuals(kind, row + 1, n, grid.nx, grid.plane(), numbers.data());
        for (std::size_t i = 0; i < n; ++i) {
          const std::int64_t prediction = predict(kind, row + 1 + i, y, 1 + i, p, grid);
          ASSERT_EQ(predicted_value<T>(prediction, numbers[i], 0), row[1 + i])
              << static_cast<int>(kind) << " " << i;
        }
      }
    }
  });
}

TEST(Loops, ResidualsOfRowsAreThoseOfElements) {
  expect_residuals<std::uint8_t>();
  expect_residuals<std::uint16_t>();
  expect_residuals<std::uint32_t>();
  expect_residuals<std::int8_t>();
  expect_residuals<std::int16_t>();
  expect_residuals<std::int32_t>();
}

}  // namespace
}  // namespace etalon::codec
