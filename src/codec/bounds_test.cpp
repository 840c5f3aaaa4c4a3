// What each kind of bound means, the dither, and the targets.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "codec/dither.hpp"
#include "codec/ladder.hpp"
#include "etalon/codec.hpp"
#include "etalon/regions.hpp"

namespace etalon {
namespace {

TEST(Bounds, ParseAndPrint) {
  for (const char* text :
       {"lossless", "abs:0.1", "rel:0.001", "rel:0.001,range=-2..1e+09", "pwrel:0.5", "sigma:1",
        "sigma:2,gain=3", "sigma:2,noise=0.5", "sigma:2,gain=3,noise=0.5"}) {
    const auto b = parse_bound(text);
    ASSERT_TRUE(b.ok()) << b.error().message;
    EXPECT_EQ(to_string(*b), text);
  }
  EXPECT_EQ(*parse_bound("sigma:1,noise=2,gain=4"), Bound::sigma(1, 4, 2));
  for (const char* text :
       {"", "abs", "abs:", "abs:x", "abs:-1", "abs:nan", "abs:inf", "abs:1 ", "Lossless",
        "lossless:1", "pwrel:1", "rel:1,range=3..2", "rel:1,range=3", "abs:1,gain=2",
        "sigma:1,gain=-1", "sigma:1,", "sigma:1,noise", "ratio:10"}) {
    const auto b = parse_bound(text);
    ASSERT_FALSE(b.ok()) << text;
    EXPECT_EQ(b.error().code, Errc::usage);
    EXPECT_NE(b.error().message.find(std::string("'") + text), std::string::npos);
  }
}

TEST(Bounds, Tolerances) {
  EXPECT_EQ(Bound::abs(2).tolerance(-7), 2);
  EXPECT_EQ(Bound::rel(0.1, -10, 30).tolerance(1e9), 4);
  EXPECT_EQ(Bound::pwrel(0.25).tolerance(-8), 2);
  EXPECT_EQ(Bound::sigma(2, 4, 3).tolerance(4), 10);
  EXPECT_EQ(Bound::sigma(2, 4, 3).tolerance(-4), 6);
  EXPECT_EQ(Bound::sigma(2, 4, 3).error(4, 5), 1);
  EXPECT_EQ(Bound::rel(0.1, -10, 30).error(0, 4), 0.1);
}

// Every number of 16 bits, and some of 32.
TEST(Ladder, BinsLieWithinTheirBoundAndInOrder) {
  for (const Bound& bound : {Bound::pwrel(1e-9), Bound::pwrel(1e-4), Bound::pwrel(0.01),
                             Bound::pwrel(0.99), Bound::sigma(1), Bound::sigma(0.01, 1, 1),
                             Bound::sigma(5, 3, 10), Bound::sigma(4, 0, 2), Bound::sigma(0)}) {
    SCOPED_TRACE(to_string(bound));
    codec::Ladder ladder(bound);
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    const auto check = [&](std::int64_t x) {
      const std::int64_t index = ladder.index(x), middle = ladder.middle(index);
      ASSERT_GE(index, last);
      ASSERT_LE(std::abs(index), std::abs(x));
      ASSERT_LE(static_cast<double>(std::abs(middle - x)), bound.tolerance(static_cast<double>(x)))
          << x << " in " << index << " becomes " << middle;
      last = index;
    };
    for (std::int64_t x = -70000; x <= 70000; ++x) check(x);
    for (std::int64_t x = 70001; x < (std::int64_t{1} << 32); x += 1 + x / 50) check(x);
    check((std::int64_t{1} << 32) - 1);
  }
}

template <typename T>
Array photons(std::size_t n, double mean, std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::poisson_distribution<int> counts(mean);
  Array array(DTypeOf<T>::value, Shape{n / 100, 100});
  for (T& v : array.as<T>()) v = static_cast<T>(counts(rng));
  return array;
}

template <typename T>
void expect_dithered(const Array& a, CompressOptions options) {
  options.dither = true;
  options.seed = 5;
  const auto chunk = encode_chunk(a.view(), options);
  ASSERT_TRUE(chunk.ok()) << chunk.error().message;
  const auto info = inspect_chunk(*chunk);
  EXPECT_EQ(info->source, a.dtype());
  EXPECT_EQ(info->dtype, dithered_dtype(a.dtype()));
  EXPECT_EQ(info->raw_bytes, a.view().size_bytes());
  const auto back = decode_chunk(*chunk);
  ASSERT_TRUE(back.ok()) << back.error().message;
  ASSERT_EQ(back->dtype(), dithered_dtype(a.dtype()));
  const auto label = options.regions.empty() ? std::vector<std::uint8_t>(a.count())
                                             : options.regions[0].members(a.count() / 100, 100);
  visit(back->dtype(), [&](auto zero) {
    const auto x = a.as<T>();
    const auto y = back->as<decltype(zero)>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Bound& bound = label[i] != 0 ? options.regions[0].bound : options.bound;
      const double e = std::abs(static_cast<double>(y[i]) - static_cast<double>(x[i]));
      ASSERT_LE(e, bound.tolerance(0)) << i;
    }
  });
}

TEST(Dither, KeepsTheBoundOfEveryType) {
  CompressOptions options;
  options.bound = Bound::abs(2);
  expect_dithered<std::uint8_t>(photons<std::uint8_t>(9000, 3, 1), options);
  expect_dithered<std::uint16_t>(photons<std::uint16_t>(9000, 3, 2), options);
  expect_dithered<std::int16_t>(photons<std::int16_t>(9000, 30, 3), options);
  expect_dithered<std::int32_t>(photons<std::int32_t>(9000, 3000, 4), options);
  expect_dithered<std::uint32_t>(photons<std::uint32_t>(9000, 3, 5), options);
  expect_dithered<float>(photons<float>(9000, 3, 6), options);
  expect_dithered<double>(photons<double>(9000, 3, 7), options);
  Region box{"box", Bound::lossless(), std::vector<std::uint8_t>(9000)};
  std::fill_n(box.where.begin(), 900, std::uint8_t{1});
  options.regions = {box};
  for (double bound : {0.0, 0.5, 1.0, 7.0, 40.0, 1e6, 4e9}) {
    options.bound = Bound::abs(bound);
    expect_dithered<std::uint16_t>(photons<std::uint16_t>(9000, 3, 8), options);
    expect_dithered<std::int16_t>(photons<std::int16_t>(9000, 3, 8), options);
    if (bound < 1e6) expect_dithered<float>(photons<float>(9000, 3, 9), options);
  }
}

TEST(Dither, ExtremesAndFillsComeBack) {
  Array a(DType::u16, Shape{90, 100});
  for (std::size_t i = 0; i < 9000; ++i)
    a.as<std::uint16_t>()[i] = static_cast<std::uint16_t>(i % 100 < 20 ? 65535 : i % 3);
  CompressOptions options;
  options.bound = Bound::abs(3);
  expect_dithered<std::uint16_t>(a, options);
  options.dither = true;
  const auto back = decode_chunk(*encode_chunk(a.view(), options));
  EXPECT_EQ(back->as<std::int32_t>()[5], 65535) << "a fill is exact";
  Array wide(DType::u32, Shape{2, 100});
  wide.as<std::uint32_t>()[7] = 0xFFFFFFF0u;
  wide.as<std::uint32_t>()[8] = 0xFFFFFFF3u;
  options.bound = Bound::lossless();
  EXPECT_EQ(encode_chunk(wide.view(), options).error().code, Errc::usage);
  Array sixty_four(DType::i64, Shape{2, 100});
  EXPECT_EQ(encode_chunk(sixty_four.view(), options).error().code, Errc::usage);
  options.bound = Bound::sigma(1);
  EXPECT_EQ(encode_chunk(a.view(), options).error().code, Errc::usage);
}

// Plain rounding takes what is weaker than the bound away; dithered sums keep it.
TEST(Dither, SumsKeepWhatIsWeakerThanTheBound) {
  constexpr std::size_t n = 400000;
  const Array a = photons<std::uint16_t>(n, 0.7, 20);
  CompressOptions options;
  options.bound = Bound::abs(3);
  double truth = 0, plain = 0, dithered = 0;
  for (std::uint16_t v : a.as<std::uint16_t>()) truth += v;
  const auto rounded = decode_chunk(*encode_chunk(a.view(), options));
  for (std::uint16_t v : rounded->as<std::uint16_t>()) plain += v;
  options.dither = true;
  const auto kept = decode_chunk(*encode_chunk(a.view(), options));
  for (std::int32_t v : kept->as<std::int32_t>()) dithered += v;
  // Errors are uniform on -3..3: a standard deviation of 2 each.
  EXPECT_NEAR(dithered, truth, 4 * 2 * std::sqrt(static_cast<double>(n)));
  EXPECT_GT(std::abs(plain - truth), 0.5 * truth);
}

TEST(Dither, IsUniform) {
  for (std::uint64_t bound : {1u, 3u, 100u}) {
    std::vector<int> seen(2 * bound + 1);
    constexpr int draws = 100000;
    for (std::uint64_t i = 0; i < draws; ++i)
      ++seen.at(static_cast<std::size_t>(codec::integer_dither(codec::dither_bits(9, i), bound) +
                                         static_cast<int>(bound)));
    const double wanted = draws / static_cast<double>(seen.size());
    double chi2 = 0;
    for (int s : seen) chi2 += (s - wanted) * (s - wanted) / wanted;
    const double freedom = static_cast<double>(seen.size() - 1);
    EXPECT_LT(chi2, freedom + 5 * std::sqrt(2 * freedom));
  }
}

TEST(Squares, AreTheBoxesRoundTheirCentres) {
  std::mt19937_64 rng(3);
  Array a = photons<std::uint16_t>(30000, 1, 30);
  CompressOptions squares;
  squares.bound = Bound::abs(2);
  Region spots{"peaks", Bound::lossless()};
  spots.half = 4;
  for (int k = 0; k < 25; ++k) {
    const auto y = static_cast<std::uint32_t>(rng() % 300),
               x = static_cast<std::uint32_t>(rng() % 100);
    spots.centres.push_back({y, x});
    a.as<std::uint16_t>()[y * 100 + x] = static_cast<std::uint16_t>(20 + rng() % 3000);
  }
  squares.regions = {spots};
  Region later{"box", Bound::abs(1), std::vector<std::uint8_t>(30000)};
  std::fill_n(later.where.begin(), 5000, std::uint8_t{1});
  squares.regions.push_back(later);
  CompressOptions maps = squares;
  maps.regions[0] = {"peaks", Bound::lossless(), spots.members(300, 100)};
  const auto first = encode_chunk(a.view(), squares), second = encode_chunk(a.view(), maps);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_LT(first->size(), second->size());
  const auto one = inspect_chunk(*first), two = inspect_chunk(*second);
  for (std::size_t r = 0; r < 3; ++r) EXPECT_EQ(one->regions[r].elements, two->regions[r].elements);
  const Array x = *decode_chunk(*first);
  const auto inside = spots.members(300, 100);
  for (std::size_t i = 0; i < 30000; ++i) {
    const int limit = later.where[i] != 0 ? 1 : inside[i] != 0 ? 0 : 2;
    ASSERT_LE(std::abs(x.as<std::uint16_t>()[i] - a.as<std::uint16_t>()[i]), limit) << i;
  }
}

TEST(Targets, AreMet) {
  const Array counts = photons<std::uint16_t>(60000, 40, 40);
  Array smooth(DType::f32, Shape{200, 200});
  for (std::size_t i = 0; i < 40000; ++i)
    smooth.as<float>()[i] = static_cast<float>(std::sin(static_cast<double>(i % 200) / 30) * 9);
  for (const Array* a : {&counts, static_cast<const Array*>(&smooth)}) {
    for (double x : {4.0, 12.0}) {
      CompressOptions options;
      const auto bound = find_bound(a->view(), options, {Target::Kind::ratio, x});
      ASSERT_TRUE(bound.ok()) << bound.error().message;
      options.bound = *bound;
      EXPECT_LE(static_cast<double>(compress(a->view(), options)->size()) * x,
                static_cast<double>(a->view().size_bytes()));
    }
    for (double d : {20.0, 50.0}) {
      CompressOptions options;
      const auto bound = find_bound(a->view(), options, {Target::Kind::psnr, d});
      ASSERT_TRUE(bound.ok()) << bound.error().message;
      options.bound = *bound;
      const Array back = *decompress(*compress(a->view(), options));
      double low = 1e300, high = -1e300, sum = 0;
      visit(a->dtype(), [&](auto zero) {
        for (std::size_t i = 0; i < a->count(); ++i) {
          const auto v = static_cast<double>(a->as<decltype(zero)>()[i]);
          const double e = static_cast<double>(back.as<decltype(zero)>()[i]) - v;
          low = std::min(low, v);
          high = std::max(high, v);
          sum += e * e;
        }
      });
      const double rmse = std::sqrt(sum / static_cast<double>(a->count()));
      EXPECT_GE(20 * std::log10((high - low) / rmse), d);
    }
  }
  CompressOptions options;
  EXPECT_EQ(find_bound(counts.view(), options, {Target::Kind::ratio, 1e9}).error().code,
            Errc::check);
  EXPECT_FALSE(parse_target("psnr").ok());
  EXPECT_FALSE(parse_target("ratio:0").ok());
  EXPECT_TRUE(parse_target("psnr:60").ok());
}

TEST(Ranges, AreTheWholeArrays) {
  Array a = photons<float>(9000, 5, 50);
  a.as<float>()[0] = std::numeric_limits<float>::infinity();
  a.as<float>()[1] = -100;
  a.as<float>()[2] = 300;
  CompressOptions options;
  options.bound = Bound{Bound::Kind::rel, 0.01};
  options.chunk = Shape{10, 100};
  EXPECT_EQ(encode_chunk(a.view(), options).error().code, Errc::usage);
  const auto bytes = compress(a.view(), options);
  ASSERT_TRUE(bytes.ok()) << bytes.error().message;
  EXPECT_EQ(inspect(*bytes)->bound, Bound::rel(0.01, -100, 300));
  const Array back = *decompress(*bytes);
  for (std::size_t i = 1; i < 9000; ++i)
    ASSERT_LE(std::abs(back.as<float>()[i] - a.as<float>()[i]), 4.0F);
  for (float& v : a.as<float>()) v = 7;
  EXPECT_EQ(inspect(*compress(a.view(), options))->bound, Bound::lossless());
}

}  // namespace
}  // namespace etalon
