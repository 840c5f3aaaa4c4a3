#include "cases.hpp"

#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/crc32c.hpp"

namespace etalon::golden {
namespace {

class Random {  // xorshift64*
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1DULL;
  }
  // About Poisson: how many of 64 thrown bits hit, for a mean of rate / 4.
  int counts(unsigned rate) {
    int n = 0;
    for (int i = 0; i < 16; ++i) n += next() % 64 < rate;
    return n;
  }

 private:
  std::uint64_t state_;
};

[[noreturn]] void give_up(const std::string& message) {
  std::fprintf(stderr, "golden: %s\n", message.c_str());
  std::abort();
}

// Photons that fall off from the middle, spots, a gap of `gap`, in any type.
template <typename T>
Array photons(const Shape& shape, T gap, Random& random) {
  Array array(DTypeOf<T>::value, shape);
  const std::size_t ny = shape[shape.rank() - 2], nx = shape[shape.rank() - 1];
  const auto out = array.as<T>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t y = i / nx % ny, x = i % nx;
    const std::size_t d =
        (y > ny / 2 ? y - ny / 2 : ny / 2 - y) + (x > nx / 2 ? x - nx / 2 : nx / 2 - x);
    int v = random.counts(static_cast<unsigned>(40 / (1 + d / 8)));
    if (random.next() % 997 == 0) v = static_cast<int>(random.next() % 120);
    out[i] = x >= nx / 3 && x < nx / 3 + 3 ? gap : static_cast<T>(v);
  }
  return array;
}

// A bowl with a little noise: what predictors are for.
template <typename T>
Array smooth(const Shape& shape, double scale, Random& random) {
  Array array(DTypeOf<T>::value, shape);
  const std::size_t ny = shape[shape.rank() - 2], nx = shape[shape.rank() - 1];
  const auto out = array.as<T>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto y = static_cast<double>(i / nx % ny), x = static_cast<double>(i % nx);
    const auto p = static_cast<double>(i / (ny * nx));
    const double v = (y - 20) * (y - 20) + 0.5 * (x - 30) * (x - 30) + 7 * p + 300;
    out[i] = static_cast<T>(v * scale + static_cast<double>(random.next() % 3) * scale);
  }
  return array;
}

Region box(std::size_t ny, std::size_t nx, const Bound& bound) {
  Region r{"box", bound, std::vector<std::uint8_t>(ny * nx)};
  for (std::size_t y = ny / 4; y < ny / 2; ++y)
    for (std::size_t x = nx / 5; x < nx / 2; ++x) r.where[y * nx + x] = 1;
  return r;
}

// What neighbours along all axes foretell.
template <typename T>
Array waves(const Shape& shape, Random& random) {
  Array array(DTypeOf<T>::value, shape);
  const auto out = array.as<T>();
  const auto nx = static_cast<int>(shape[2]), ny = static_cast<int>(shape[1]);
  const auto triangle = [](int v, int period) { return std::abs(v % period - period / 2); };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int at = static_cast<int>(i), x = at % nx, y = at / nx % ny, z = at / (nx * ny);
    const int v = triangle(3 * x + 5 * y + 7 * z, 101) * triangle(x + 2 * z, 37);
    out[i] = static_cast<T>(v * 9 + static_cast<int>(random.next() % 5));
  }
  return array;
}

// A tenth of all elements, in runs.
Region anywhere(const Shape& shape, const Bound& bound, Random& random) {
  Region r{"anywhere", bound, std::vector<std::uint8_t>(shape.count())};
  for (std::size_t k = 0; k < shape.count() / 100; ++k) {
    const std::size_t at = random.next() % (shape.count() - 10);
    for (std::size_t i = at; i < at + 10; ++i) r.where[i] = 1;
  }
  return r;
}

class Cases {
 public:
  void chunk(const std::string& name, const Array& array, const CompressOptions& options = {}) {
    add(name, encode_chunk(array.view(), options), true);
  }
  void container(const std::string& name, const Array& array, const CompressOptions& options = {}) {
    add(name, compress(array.view(), options), false);
  }
  std::vector<Good> take() { return std::move(cases_); }

 private:
  void add(const std::string& name, Result<Bytes> bytes, bool single) {
    if (!bytes.ok()) give_up(name + ": " + bytes.error().message);
    auto decoded = single ? decode_chunk(*bytes) : decompress(*bytes);
    if (!decoded.ok()) give_up(name + ": " + decoded.error().message);
    cases_.push_back({name, std::move(*bytes), std::move(*decoded)});
  }
  std::vector<Good> cases_;
};

CompressOptions within(const Bound& bound) {
  CompressOptions o;
  o.bound = bound;
  return o;
}

template <typename F>
void with_specials(Array& array) {
  const auto out = array.as<F>();
  using L = std::numeric_limits<F>;
  const F specials[] = {L::quiet_NaN(), L::infinity(), -L::infinity(), F(-0.0), L::denorm_min()};
  for (std::size_t i = 0; i < std::size(specials) && 40 * i + 7 < out.size(); ++i)
    out[40 * i + 7] = specials[i];
  for (std::size_t i = 100; i < out.size() && i < 140; ++i) out[i] = L::quiet_NaN();
}

// Blocks of all forms: numbers, offsets, differences, constants, elements as they are.
void packed_cases(Cases& c, Random& random) {
  const auto fast = [](const Bound& bound) {
    CompressOptions o = within(bound);
    o.level = 1;
    return o;
  };
  c.chunk("u8_packed", photons<std::uint8_t>(Shape{2, 30, 20}, 255, random),
          fast(Bound::lossless()));
  c.chunk("u16_packed", photons<std::uint16_t>(Shape{40, 45}, 65535, random),
          fast(Bound::lossless()));
  c.chunk("i16_packed_abs", photons<std::int16_t>(Shape{40, 45}, -1, random), fast(Bound::abs(1)));
  Array walk = smooth<std::int32_t>(Shape{30, 40}, 9000, random);
  for (std::size_t i = 256; i < 600; ++i) walk.as<std::int32_t>()[i] = 1234;
  c.chunk("i32_packed_abs", walk, fast(Bound::abs(3)));
  Array noise(DType::u32, Shape{900});
  for (std::size_t i = 0; i < 900; ++i)
    noise.as<std::uint32_t>()[i] =
        static_cast<std::uint32_t>(i < 400 ? random.next() : 4000000000 + random.next() % 300);
  c.chunk("u32_packed", noise, fast(Bound::lossless()));
  Array f = smooth<float>(Shape{40, 60}, 0.125, random);
  with_specials<float>(f);
  c.chunk("f32_packed_abs", f, fast(Bound::abs(0.05)));
  c.chunk("f32_packed_lossless", smooth<float>(Shape{1, 700}, 0.5, random),
          fast(Bound::lossless()));
  Array d = smooth<double>(Shape{3, 20, 30}, 0.01, random);
  with_specials<double>(d);
  c.chunk("f64_packed_rel", d, fast(Bound::rel(0.001, -5, 250)));
}

std::vector<Good> cases(std::uint64_t seed) {
  Random random(seed);
  Cases c;
  const Shape image{50, 60};
  c.chunk("u8_lossless", photons<std::uint8_t>(image, 255, random));
  c.chunk("u16_lossless", photons<std::uint16_t>(Shape{100, 90}, 65535, random));
  c.chunk("u32_lossless", photons<std::uint32_t>(image, 0xFFFFFFFFu, random));
  c.chunk("i8_lossless", photons<std::int8_t>(image, -1, random));
  c.chunk("i16_lossless", photons<std::int16_t>(image, -2, random));
  c.chunk("i32_lossless", photons<std::int32_t>(image, -1, random));
  c.chunk("i64_offset", photons<std::int64_t>(image, -1, random));
  c.chunk("u64_offset", photons<std::uint64_t>(image, 0, random));
  CompressOptions o = within(Bound::abs(1));
  o.regions = {box(50, 60, Bound::lossless()), box(50, 60, Bound::abs(3))};
  o.regions[1].where.assign(3000, 0);
  for (std::size_t i = 0; i < 200; ++i) o.regions[1].where[random.next() % 3000] = 1;
  c.chunk("u16_abs1_regions", photons<std::uint16_t>(image, 65535, random), o);
  o = within(Bound::abs(2));
  Array spotted = photons<std::uint16_t>(Shape{110, 90}, 65535, random);
  Region spots{"peaks", Bound::lossless()};
  spots.half = 4;
  for (std::uint32_t k = 0; k < 12; ++k) {
    const auto y = static_cast<std::uint32_t>(random.next() % 110);
    const auto x = static_cast<std::uint32_t>(random.next() % 90);
    spots.centres.push_back({y, x});
    spotted.as<std::uint16_t>()[y * 90 + x] = static_cast<std::uint16_t>(20 << k);
  }
  o.regions = {spots, box(110, 90, Bound::abs(1))};
  c.chunk("u16_abs2_squares", spotted, o);
  o.dither = true;
  o.seed = 7;
  c.chunk("u16_dithered", spotted, o);
  c.chunk("i16_dithered", photons<std::int16_t>(image, -1, random), [] {
    CompressOptions d = within(Bound::abs(5));
    d.dither = true;
    return d;
  }());
  o = within(Bound::sigma(1, 2, 1.5));
  o.regions = {box(110, 90, Bound::pwrel(0.02)), box(110, 45, Bound::abs(1))};
  o.regions[1].where.resize(9900);
  c.chunk("u16_sigma_regions", spotted, o);
  c.chunk("i32_pwrel", smooth<std::int32_t>(image, -900, random), within(Bound::pwrel(0.001)));
  c.chunk("i16_abs2", photons<std::int16_t>(image, -1, random), within(Bound::abs(2)));
  c.chunk("u64_median", smooth<std::uint64_t>(image, 1, random));
  c.chunk("u64_median_abs2", smooth<std::uint64_t>(image, 1, random), within(Bound::abs(2)));
  c.chunk("i32_planes_of_images", smooth<std::int32_t>(Shape{3, 70, 60}, 900, random));
  c.chunk("i64_planes_abs", smooth<std::int64_t>(Shape{3, 70, 60}, 900, random),
          within(Bound::abs(400)));
  Array f = smooth<float>(image, 0.125, random);
  with_specials<float>(f);
  c.chunk("f32_lossless", f);
  c.chunk("f32_abs", f, within(Bound::abs(0.01)));
  o = within(Bound::abs(0.5));
  o.regions = {box(50, 60, Bound::lossless()), box(50, 60, Bound::abs(0.02))};
  c.chunk("f32_abs_regions", f, o);
  c.chunk("f32_rel", f, within(Bound::rel(0.001, -1000, 1000)));
  c.chunk("f32_pwrel", f, within(Bound::pwrel(0.001)));
  o = within(Bound::sigma(0.5, 3, 2));
  o.regions = {box(50, 60, Bound::sigma(1, 0, 4))};
  for (std::size_t i = 0; i < 900; ++i) f.as<float>()[i] = -f.as<float>()[i];
  c.chunk("f32_sigma", f, o);
  o = within(Bound::abs(0.5));
  o.dither = true;
  c.chunk("f32_dithered", f, o);
  Array d = smooth<double>(Shape{2, 40, 45}, 1.0 / 1024, random);
  with_specials<double>(d);
  c.chunk("f64_lossless", d);
  c.chunk("f64_abs", d, within(Bound::abs(1e-4)));
  c.chunk("f64_pwrel", d, within(Bound::pwrel(1e-5)));
  // Fields: with tables and with the adaptive coder, specials, regions, all ranks.
  Array field = smooth<float>(Shape{9, 31, 43}, 0.125, random);
  for (float& v : field.as<float>()) v += static_cast<float>(random.next() % 4096) * 1e-4f;
  o = within(Bound::abs(0.002));
  o.level = 2;  // tables, however dear
  c.chunk("f32_field", field, o);
  with_specials<float>(field);
  o = within(Bound::abs(0.1));
  o.regions = {box(31, 43, Bound::abs(2)), box(31, 43, Bound::lossless())};
  o.regions[1].where.assign(31 * 43, 0);
  for (std::size_t i = 0; i < 90; ++i) o.regions[1].where[random.next() % (31 * 43)] = 1;
  o.level = 6;
  c.chunk("f32_field_regions", field, o);
  o.level = 2;
  c.chunk("f32_field_regions_tables", field, o);
  const auto thoroughly = [](const Bound& bound) {
    CompressOptions options = within(bound);
    options.level = 6;
    return options;
  };
  c.chunk("f64_field_rank6", smooth<double>(Shape{3, 2, 4, 1, 5, 6}, 0.01, random),
          thoroughly(Bound::abs(0.002)));
  c.chunk("f32_field_line", smooth<float>(Shape{1, 1500}, 0.5, random),
          thoroughly(Bound::abs(0.3)));
  Array again(DType::f64, Shape{20, 12, 8});
  for (std::size_t i = 0; i < again.count(); ++i)
    again.as<double>()[i] = i < 96 ? static_cast<double>(random.next() % 1000) * 0.37
                                   : again.as<double>()[i - 96] * (1 + 0x1p-40);
  c.chunk("f64_field_repeats", again, thoroughly(Bound::abs(0.05)));
  // Integers as fields; regions over whole chunks.
  const Shape volume{9, 31, 43};
  c.chunk("u16_field", waves<std::uint16_t>(volume, random), thoroughly(Bound::lossless()));
  c.chunk("i16_field_abs", waves<std::int16_t>(volume, random), thoroughly(Bound::abs(2)));
  o = thoroughly(Bound::abs(5));
  o.regions = {box(31, 43, Bound::abs(1)), anywhere(volume, Bound::lossless(), random)};
  c.chunk("i32_field_regions", waves<std::int32_t>(volume, random), o);
  o = within(Bound::abs(1));
  o.regions = {anywhere(volume, Bound::lossless(), random)};
  c.chunk("u16_whole_map", photons<std::uint16_t>(volume, 65535, random), o);
  o = thoroughly(Bound::abs(0.1));
  o.regions = {anywhere(volume, Bound::abs(0.002), random)};
  c.chunk("f32_field_whole_map", field, o);
  // Small planes apart, foretold from the one before.
  Array slow(DType::f64, Shape{60, 12, 8});
  for (std::size_t i = 0; i < slow.count(); ++i)
    slow.as<double>()[i] = i < 96 ? static_cast<double>(random.next() % 1000)
                                  : slow.as<double>()[i - 96] + (random.next() % 400 == 0 ? 9 : 0);
  o = within(Bound::abs(0.4));
  o.level = 9;
  c.chunk("f64_planes_apart", slow, o);
  Array noise(DType::u32, Shape{300});
  for (auto& v : noise.as<std::uint32_t>()) v = static_cast<std::uint32_t>(random.next());
  c.chunk("u32_stored", noise);
  Array repeats(DType::f64, Shape{2000});
  for (std::size_t i = 0; i < 2000; ++i)
    repeats.as<std::uint64_t>()[i] =
        i < 250 ? random.next() >> 12 : repeats.as<std::uint64_t>()[i - 250];
  c.chunk("f64_zstd", repeats);
  c.chunk("u16_empty", Array(DType::u16, Shape{0, 4}));
  c.chunk("f32_scalar", Array(DType::f32, Shape{}));
  c.chunk("u8_zeros_padded", Array(DType::u8, Shape{1500, 1500}));
  o = {};
  o.chunk = Shape{2, 20, 25};
  c.container("container_u16", photons<std::uint16_t>(Shape{3, 30, 40}, 65535, random), o);
  c.container("container_empty", Array(DType::i32, Shape{0, 3}));
  // Few bright elements with tables of their own; the least number that can escape does, and the
  // escapes take no bytes: those in the symbols' cargo are zeros.
  Array few(DType::u32, Shape{64, 64});
  Region bright{"bright", Bound::abs(0.5), std::vector<std::uint8_t>(64 * 64)};
  for (std::size_t i = 0; i < 40; ++i) {
    const std::size_t at = 700 + (i / 8) * 64 + i % 8;
    few.as<std::uint32_t>()[at] = static_cast<std::uint32_t>(i == 0 ? 192 : 160 + i * 11 % 32);
    bright.where[at] = 1;
  }
  o = {};
  o.regions = {bright};
  c.chunk("u32_empty_escapes", few, o);
  packed_cases(c, random);
  return c.take();
}

void patch_chunk_checksum(Bytes& bytes) {
  const std::uint32_t sum = crc32c(ByteSpan(bytes).subspan(12));
  std::memcpy(bytes.data() + 8, &sum, 4);
}

Bytes chunk_of(const std::vector<std::uint8_t>& sections) {
  ByteWriter out;
  out.append(bytes_of(std::string_view("Etc\x10")));
  out.put(static_cast<std::uint32_t>(sections.size()));
  out.put(std::uint32_t{0});
  out.append(std::as_bytes(std::span(sections)));
  Bytes bytes = out.take();
  patch_chunk_checksum(bytes);
  return bytes;
}

}  // namespace

std::vector<Good> good_cases() { return cases(20); }
std::vector<Good> fresh_cases(std::uint64_t seed) { return cases(seed); }

std::vector<Bad> bad_cases() {
  std::vector<Bad> bad;
  const auto good = good_cases();
  const auto named = [&](const std::string& name) {
    for (const Good& g : good)
      if (g.name == name) return g.bytes;
    give_up("no case " + name);
  };
  const auto byte = [](Bytes b, std::size_t at, int value) {
    b[at] = static_cast<std::byte>(value);
    return b;
  };
  const auto cut = [](Bytes b, std::size_t n) {
    b.resize(b.size() - n);
    return b;
  };
  const Bytes chunk = named("u8_lossless"), container = named("container_u16");
  bad.push_back({"chunk_magic", byte(chunk, 0, 'X'), "not an Etalon"});
  bad.push_back({"chunk_version", byte(chunk, 3, 0x01), "format version 0.1"});
  bad.push_back({"chunk_truncated", cut(chunk, 5), "declares"});
  bad.push_back({"chunk_short", Bytes(chunk.begin(), chunk.begin() + 7), "truncated"});
  bad.push_back({"chunk_flipped", byte(chunk, chunk.size() / 2, 0x5A), "checksum"});
  // head: tag, size, dtype, rank, extents..., engine, regions ...
  bad.push_back({"head_dtype", chunk_of({1, 4, 11, 0, 0, 1}), "unknown element type"});
  bad.push_back({"head_rank", chunk_of({1, 2, 1, 7}), "more than 6 axes"});
  bad.push_back({"head_engine", chunk_of({1, 5, 1, 1, 3, 15, 1}), "unknown engine"});
  bad.push_back({"head_no_regions", chunk_of({1, 6, 1, 1, 3, 0, 0, 0}), "1 to 16 regions"});
  bad.push_back({"head_whole_map", chunk_of({1, 8, 1, 1, 3, 0, 0x81, 0, 3, 0}), "without regions"});
  bad.push_back({"head_planes_apart", chunk_of({1, 8, 1, 1, 3, 0, 0x41, 0, 3, 0}), "apart anyway"});
  bad.push_back({"chunk_version_newer", byte(chunk, 3, 0x1F), "format version 1.15"});
  bad.push_back({"head_too_large", chunk_of({1, 9, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, 1}),
                 "larger than a chunk"});
  bad.push_back({"head_implausible", chunk_of({1, 7, 1, 1, 0x80, 0x80, 0x80, 0x10, 0}),
                 "more elements than its bytes can hold"});
  bad.push_back({"head_few_elements", chunk_of({1, 8, 1, 1, 3, 0, 1, 0, 2, 0}), "fewer elements"});
  bad.push_back({"head_bound", chunk_of({1, 6, 1, 1, 3, 0, 1, 9}), "unknown bound"});
  bad.push_back({"head_error_above_bound",
                 chunk_of({1, 14, 1, 1, 3, 0, 1, 1, 2, 0xF0, 0x3F, 1, 0x40, 3, 0, 0}),
                 "exceeds its bound"});
  bad.push_back({"head_number_too_long",
                 chunk_of({1, 12, 1, 1, 3, 0, 1, 1, 3, 0, 0xF0, 0x3F, 0, 3}),
                 "longer than need be"});
  bad.push_back(
      {"head_dither_source", chunk_of({1, 10, 7, 1, 1, 7, 1, 0, 1, 0, 0, 3}), "no such source"});
  bad.push_back({"sections_order", chunk_of({6, 1, 0, 1, 1, 0}), "no head"});
  bad.push_back({"section_too_long", chunk_of({1, 100, 1}), "section passes the end"});
  bad.push_back(
      {"section_unknown", chunk_of({1, 9, 1, 1, 1, 0, 1, 0, 1, 0, 0, 9, 1, 0}), "unknown section"});
  bad.push_back({"stored_short", chunk_of({1, 9, 1, 1, 3, 0, 1, 0, 3, 0, 0, 6, 1, 0}),
                 "not as many as declared"});
  bad.push_back(
      {"counts_of_floats", chunk_of({1, 9, 9, 1, 1, 3, 1, 0, 1, 0, 0}), "engine does not go"});
  bad.push_back({"counts_no_side", chunk_of({1, 9, 1, 1, 1, 3, 1, 0, 1, 0, 0}), ""});
  Bytes symbols = chunk;
  symbols[symbols.size() - 40] ^= std::byte{1};
  patch_chunk_checksum(symbols);
  bad.push_back({"symbols_flipped", symbols, ""});
  bad.push_back({"container_magic", byte(container, 2, 'x'), "not an Etalon"});
  bad.push_back({"container_version", byte(container, 7, 9), "format version 1.9"});
  bad.push_back({"container_major", byte(container, 6, 0), "format version 0.0"});
  bad.push_back({"container_header", byte(container, 24, 9), "checksum"});
  bad.push_back({"container_no_footer", cut(container, 30), "no footer"});
  bad.push_back({"container_index", byte(container, container.size() - 30, 1), "checksum"});
  bad.push_back({"container_footer", byte(container, container.size() - 16, 1), "checksum"});
  bad.push_back({"container_chunk", byte(container, 120, 0x77), ""});
  bad.push_back({"empty", {}, ""});
  return bad;
}

}  // namespace etalon::golden
