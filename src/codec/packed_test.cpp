// The packed engine: every backend makes the reference's numbers and bytes, bounds hold, and
// hostile bytes are refused.
#include "codec/packed.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "codec/chunk_format.hpp"
#include "codec/packed_blocks.hpp"
#include "codec/patterns_test.hpp"
#include "etalon/backend.hpp"
#include "etalon/codec.hpp"
#include "kernels/dispatch.hpp"

namespace etalon {
namespace {

using namespace codec;

class Packed : public testing::TestWithParam<DType> {
 protected:
  ~Packed() override { EXPECT_TRUE(set_backend("auto").ok()); }
};
INSTANTIATE_TEST_SUITE_P(Types, Packed,
                         testing::Values(DType::u8, DType::u16, DType::u32, DType::i8, DType::i16,
                                         DType::i32, DType::f32, DType::f64),
                         [](const auto& i) { return std::string(name_of(i.param)); });

// Calls f with an element of a type that is packed.
template <typename F>
void visit_packed(DType dtype, F&& f) {
  visit(dtype, [&](auto zero) {
    if constexpr (std::is_floating_point_v<decltype(zero)> || sizeof(zero) <= 4) f(zero);
  });
}

template <typename T>
std::vector<Quantum<T>> quanta() {
  std::vector<Quantum<T>> all;
  if constexpr (std::is_floating_point_v<T>) {
    for (const double step : {1e-3, 0.75, 7.0, 1e6})
      all.push_back(
          {static_cast<T>(step), 1 / static_cast<T>(step), static_cast<T>(step * 0.51), 0});
  } else {
    const auto most = static_cast<std::uint32_t>(std::numeric_limits<std::make_signed_t<T>>::max());
    for (const std::uint32_t bound : {1u, 2u, 5u, 100u, 127u, most / 3, most - 1, most})
      if (bound <= most) all.push_back({0, 0, 0, bound});
  }
  return all;
}

TEST_P(Packed, LoopsOfEveryBackendAreTheReference) {
  visit_packed(GetParam(), [&](auto zero) {
    using T = decltype(zero);
    using W = Word<T>;
    using U = std::make_unsigned_t<W>;
    const BlockLoops<T> ref = block_loops_ref<T>();
    for (const std::string& name : backends()) {
      SCOPED_TRACE(name);
      ASSERT_TRUE(set_backend(name).ok());
      std::mt19937_64 rng(3);
      const BlockLoops<T> loops = block_loops<T>();
      ASSERT_EQ(backend_that_ran(), name);
      std::vector<W> numbers(block_elements), wanted(block_elements);
      std::vector<U> words(block_elements), wanted_words(block_elements);
      std::vector<T> back(block_elements), wanted_back(block_elements);
      for (int p = 0; p < static_cast<int>(Pattern::end); ++p) {
        const Array a = make<T>(static_cast<Pattern>(p), Shape{4 * block_elements}, rng);
        for (std::size_t at = 0; at < a.count(); at += block_elements) {
          const T* x = a.as<T>().data() + at;
          for (const Quantum<T>& quantum : quanta<T>()) {
            T worst = 0, wanted_worst = 0;
            ASSERT_EQ(loops.number(x, quantum, numbers.data(), &worst),
                      ref.number(x, quantum, wanted.data(), &wanted_worst));
            ASSERT_EQ(numbers, wanted) << p << " bound " << quantum.bound;
            ASSERT_EQ(worst, wanted_worst);
            loops.value(numbers.data(), quantum, back.data());
            ref.value(numbers.data(), quantum, wanted_back.data());
            ASSERT_EQ(std::memcmp(back.data(), wanted_back.data(), back.size() * sizeof(T)), 0);
          }
          // Any numbers at all, as hostile bytes may have them.
          std::memcpy(numbers.data(), x, std::min(sizeof(T), sizeof(W)) * block_elements);
          for (const Quantum<T>& quantum : quanta<T>()) {
            loops.value(numbers.data(), quantum, back.data());
            ref.value(numbers.data(), quantum, wanted_back.data());
            ASSERT_EQ(std::memcmp(back.data(), wanted_back.data(), back.size() * sizeof(T)), 0);
          }
          const Survey<W> s = loops.survey(numbers.data(), words.data());
          const Survey<W> r = ref.survey(numbers.data(), wanted_words.data());
          ASSERT_EQ(words, wanted_words);
          ASSERT_TRUE(s.least == r.least && s.most == r.most && s.differences == r.differences);
          loops.integrate(words.data(), static_cast<U>(numbers[0]), wanted.data());
          ASSERT_EQ(wanted, numbers);
          ref.integrate(words.data(), static_cast<U>(numbers[0]), wanted.data());
          ASSERT_EQ(wanted, numbers);
        }
      }
      for (unsigned width = 0; width <= 8 * sizeof(U); ++width) {
        const U base = static_cast<U>(rng());
        const U mask =
            width == 0 ? U(0) : static_cast<U>(static_cast<U>(~U(0)) >> (8 * sizeof(U) - width));
        for (U& w : words) w = static_cast<U>(base + (static_cast<U>(rng()) & mask));
        std::vector<std::byte> bytes(row_bytes * width + 1, std::byte{7}), same = bytes;
        loops.pack(words.data(), base, width, bytes.data());
        ref.pack(words.data(), base, width, same.data());
        ASSERT_EQ(bytes, same) << width;
        loops.unpack(bytes.data(), base, width, wanted_words.data());
        ASSERT_EQ(wanted_words, words) << width;
        ref.unpack(bytes.data(), base, width, wanted_words.data());
        ASSERT_EQ(wanted_words, words) << width;
      }
    }
  });
}

const Bound packed_bounds[] = {Bound::lossless(), Bound::abs(0),    Bound::abs(1e-30),
                               Bound::abs(1e-6),  Bound::abs(0.4),  Bound::abs(1),
                               Bound::abs(3.7),   Bound::abs(200),  Bound::abs(40000),
                               Bound::abs(3e9),   Bound::abs(1e29), Bound::rel(0.01, -5, 250)};

TEST_P(Packed, BoundsHoldAndBytesAreOfNoBackend) {
  std::mt19937_64 rng(4);
  for (const std::size_t count : {1u, 3u, 255u, 256u, 257u, 1000u, 5000u})
    for (int p = 0; p < static_cast<int>(Pattern::end); ++p)
      visit_packed(GetParam(), [&](auto zero) {
        using T = decltype(zero);
        const Array a = make<T>(static_cast<Pattern>(p), Shape{count}, rng);
        for (const Bound& bound : packed_bounds) {
          SCOPED_TRACE(std::to_string(count) + " pattern " + std::to_string(p) + " " +
                       to_string(bound));
          CompressOptions options;
          options.bound = bound;
          options.level = 1;
          Bytes first;
          for (const std::string& name : backends()) {
            ASSERT_TRUE(set_backend(name).ok());
            const auto chunk = encode_chunk(a.view(), options);
            ASSERT_TRUE(chunk.ok()) << chunk.error().message;
            if (first.empty()) first = *chunk;
            ASSERT_EQ(*chunk, first) << name;
            const auto back = decode_chunk(*chunk);
            ASSERT_TRUE(back.ok()) << back.error().message;
            const double said = inspect_chunk(*chunk)->regions[0].max_error;
            const double tolerance = bound.tolerance(0);
            ASSERT_LE(said, bound.value);
            for (std::size_t i = 0; i < count; ++i) {
              const T x = a.as<T>()[i], y = back->template as<T>()[i];
              if (std::memcmp(&x, &y, sizeof x) == 0) continue;
              ASSERT_FALSE(special(x)) << i;
              ASSERT_LE(distance(x, y), tolerance) << i << " " << name;
              ASSERT_LE(bound.error(0, distance(x, y)), said * (1 + 1e-12)) << i << " " << name;
            }
          }
        }
      });
}

TEST(PackedEngine, TakesWhatItShould) {
  std::mt19937_64 rng(5);
  const auto engine = [](const Array& a, const Bound& bound) {
    CompressOptions options;
    options.bound = bound;
    options.level = 1;
    const Bytes chunk = *encode_chunk(a.view(), options);
    return parse_chunk(chunk)->head.engine;
  };
  const Shape shape{64, 100};
  EXPECT_EQ(engine(make<std::uint16_t>(Pattern::counts, shape, rng), Bound::lossless()),
            Engine::packed);
  EXPECT_EQ(engine(make<std::uint8_t>(Pattern::counts, shape, rng), Bound::abs(1)), Engine::packed);
  EXPECT_EQ(engine(make<float>(Pattern::walk, shape, rng), Bound::abs(0.1)), Engine::packed);
  EXPECT_EQ(engine(make<double>(Pattern::walk, shape, rng), Bound::rel(1e-3, 0, 100)),
            Engine::packed);
  EXPECT_EQ(engine(make<float>(Pattern::random, shape, rng), Bound::abs(0.1)), Engine::stored);
  EXPECT_EQ(engine(make<std::int64_t>(Pattern::ramp, shape, rng), Bound::lossless()), Engine::zstd);
  EXPECT_EQ(engine(make<std::uint16_t>(Pattern::counts, shape, rng), Bound::sigma(1)),
            Engine::binned);
}

TEST(PackedEngine, ConstantBlocksTakeAByte) {
  for (const std::uint16_t value : {std::uint16_t{0}, std::uint16_t{65535}}) {
    const std::vector<std::uint16_t> x(256 * 1000, value);
    const auto stream = encode_packed<std::uint16_t>(x, 0);
    EXPECT_LE(stream.data.size(), 1002U);
  }
}

TEST(PackedEngine, HostileBytesAreRefusedOrDecode) {
  std::mt19937_64 rng(6);
  const Array a = make<float>(Pattern::walk, Shape{1000}, rng);
  const Bytes good = encode_packed<float>(a.as<float>(), 0.01).data;
  std::vector<float> out(1000);
  for (std::size_t n = 0; n < good.size(); ++n) {
    const auto done = decode_packed<float>(ByteSpan(good).first(n), 0.01, out);
    ASSERT_FALSE(done.ok()) << n;
    ASSERT_EQ(done.error().code, Errc::malformed);
  }
  for (unsigned code = 0; code < 256; ++code)
    for (std::size_t at = 0; at < 5; ++at) {
      Bytes bad = good;
      bad[at] = static_cast<std::byte>(code);
      const auto done = decode_packed<float>(Bytes(bad), 0.01, out);
      if (!done.ok()) {
        ASSERT_EQ(done.error().code, Errc::malformed);
      }
    }
  Bytes longer = good;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(decode_packed<float>(longer, 0.01, out).ok());
  EXPECT_FALSE(decode_packed<float>(good, 1e300, out).ok());
  std::vector<double> wide(1000);
  EXPECT_FALSE(decode_packed<double>(good, 0, wide).ok()) << "f64 has no way without a tolerance";
}

TEST(Levels, AreFromOneToNine) {
  std::mt19937_64 rng(7);
  const Array a = make<float>(Pattern::walk, Shape{60, 70}, rng);
  std::size_t sizes[10] = {};
  for (int level = -1; level <= 11; ++level) {
    CompressOptions options;
    options.bound = Bound::abs(0.5);
    options.level = level;
    const auto chunk = encode_chunk(a.view(), options);
    ASSERT_EQ(chunk.ok(), level >= 1 && level <= 9) << level;
    if (chunk.ok())
      sizes[level] = chunk->size();
    else
      EXPECT_EQ(chunk.error().code, Errc::usage);
  }
  EXPECT_LE(sizes[9], sizes[5]);
  EXPECT_LT(sizes[5], sizes[1]);
}

}  // namespace
}  // namespace etalon
