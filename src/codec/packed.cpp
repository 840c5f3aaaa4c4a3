#include "codec/packed.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "codec/packed_blocks.hpp"
#include "codec/scratch.hpp"

namespace etalon::codec {
namespace {

// A block's code: two high bits say what its numbers are, six low ones their width.
enum class Form : std::uint8_t {
  numbers = 0,      // as they are
  offsets = 1,      // above a base, which stands before them
  differences = 2,  // from one to the next; the base is the first number
  other = 3,        // without numbers
};
constexpr std::uint8_t code_of(Form form, unsigned width) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(form) << 6 | width);
}
constexpr std::uint8_t same_code = code_of(Form::other, 0);  // all are the base given last
constexpr std::uint8_t raw_code = code_of(Form::other, 63);  // elements as they are

// The step is narrower than the bound by 2^-spare of it: room for what rounding adds to errors.
constexpr unsigned least_spare = 1, most_spare = 20;
constexpr double least_tolerance = 0x1p-100, most_tolerance = 0x1p100;

constexpr std::size_t warm_bytes = std::size_t{1} << 18;

std::size_t blocks_of(std::size_t count) { return (count + block_elements - 1) / block_elements; }

template <typename T>
Quantum<T> quantum_of(double tolerance, unsigned spare) {
  Quantum<T> quantum;
  if constexpr (std::is_floating_point_v<T>) {
    quantum.step = static_cast<T>(2 * tolerance * (1 - std::ldexp(1.0, -static_cast<int>(spare))));
    quantum.inverse = 1 / quantum.step;
    // Below the bound by so much that a difference that is more cannot round to it.
    quantum.tolerance = static_cast<T>(tolerance);
    if (static_cast<double>(quantum.tolerance) > tolerance)
      quantum.tolerance = std::nextafter(quantum.tolerance, T(0));
    quantum.tolerance = std::nextafter(quantum.tolerance, T(0));
  } else {
    constexpr double most = std::numeric_limits<std::make_signed_t<T>>::max();
    quantum.bound = static_cast<std::uint32_t>(std::min(tolerance, most));
  }
  return quantum;
}

// From the magnitudes that most blocks of a sample stay below.
template <typename T>
unsigned spare_of(std::span<const T> values, double tolerance) {
  constexpr std::size_t sampled = 64;
  const std::size_t blocks = blocks_of(values.size());
  std::array<double, sampled> most{};
  std::size_t n = 0;
  for (std::size_t s = 0; s < std::min(blocks, sampled); ++s) {
    const std::size_t begin = s * blocks / std::min(blocks, sampled) * block_elements;
    double largest = 0;
    for (const T x : values.subspan(begin, std::min(block_elements, values.size() - begin))) {
      const double magnitude = std::abs(static_cast<double>(x));
      if (magnitude < tolerance * most_number && magnitude > largest) largest = magnitude;
    }
    most[n++] = largest;
  }
  std::sort(most.begin(), most.begin() + static_cast<std::ptrdiff_t>(n));
  const double magnitude = n == 0 ? 0 : most[n * 9 / 10];
  constexpr double roundings = 2 * std::numeric_limits<T>::epsilon();
  const double part = roundings * magnitude / tolerance;
  if (!(part > 0)) return most_spare;
  const int spare = -(std::ilogb(part) + 1);
  return static_cast<unsigned>(
      std::clamp(spare, static_cast<int>(least_spare), static_cast<int>(most_spare)));
}

template <typename T>
constexpr bool are_numbers = std::is_integral_v<T> && sizeof(T) == sizeof(Word<T>);

template <typename W>
std::size_t body_bytes(std::uint8_t code, std::size_t raw_bytes) {
  if (code == raw_code) return raw_bytes;
  const auto form = static_cast<Form>(code >> 6);
  const std::size_t base = form == Form::offsets || form == Form::differences ? sizeof(W) : 0;
  return base + row_bytes * (code & 63);
}

template <typename W>
bool is_code(std::uint8_t code) {
  if (static_cast<Form>(code >> 6) == Form::other) return code == same_code || code == raw_code;
  return (code & 63u) <= 8 * sizeof(W);
}

template <typename T>
PackedStream encode(std::span<const T> values, double tolerance) {
  using W = Word<T>;
  using U = std::make_unsigned_t<W>;
  const BlockLoops<T> loops = block_loops<T>();
  const std::size_t count = values.size(), blocks = blocks_of(count);
  constexpr bool has_spare = std::is_floating_point_v<T>;
  unsigned spare = 0;
  if constexpr (has_spare) spare = spare_of(values, tolerance);
  const Quantum<T> quantum = quantum_of<T>(tolerance, spare);

  PackedStream stream;
  stream.data.resize(has_spare + blocks);
  if constexpr (has_spare) stream.data[0] = static_cast<std::byte>(spare);
  // Bodies are made in memory that is warm, and go from there as soon as some are: what is fresh is
  // only as much as they are. No block takes more than its elements.
  const std::size_t piece_blocks = std::min(blocks, warm_bytes / sizeof(T) / block_elements);
  Scratch<std::byte> room(piece_blocks * block_elements * sizeof(T));
  std::byte* out = room.data();
  alignas(64) W numbers[block_elements];
  alignas(64) U differences[block_elements];
  T last[block_elements];
  T worst = 0;
  W base_before = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    if (b != 0 && b % piece_blocks == 0) {
      // The first piece says what the others are likely to take.
      if (b == piece_blocks)
        stream.data.reserve(stream.data.size() + (blocks / piece_blocks + 1) *
                                                     static_cast<std::size_t>(out - room.data()) /
                                                     8 * 9);
      stream.data.insert(stream.data.end(), room.data(), out);
      out = room.data();
    }
    const T* x = values.data() + b * block_elements;
    const std::size_t n = std::min(block_elements, count - b * block_elements);
    const std::size_t raw_bytes = n * sizeof(T);
    const T* elements = x;
    if (n < block_elements) {
      std::copy_n(x, n, last);
      std::fill(last + n, last + block_elements, x[n - 1]);
      elements = last;
    }
    const W* q = numbers;
    bool held = true;
    if (are_numbers<T> && quantum.bound == 0)
      q = reinterpret_cast<const W*>(elements);
    else
      held = loops.number(elements, quantum, numbers, &worst);
    std::uint8_t chosen = raw_code;
    W base = 0;
    if (held) {
      const Survey<W> s = loops.survey(q, differences);
      if (s.least == s.most && s.least == base_before && s.least != 0) {
        chosen = same_code;
      } else {
        std::size_t least = raw_bytes;
        const auto consider = [&](Form form, U all, W its_base) {
          const std::uint8_t c = code_of(form, static_cast<unsigned>(std::bit_width(all)));
          if (const std::size_t bytes = body_bytes<W>(c, raw_bytes); bytes < least) {
            least = bytes;
            chosen = c;
            base = its_base;
          }
        };
        if (s.least >= 0) consider(Form::numbers, static_cast<U>(s.most), 0);
        consider(Form::offsets, static_cast<U>(static_cast<U>(s.most) - static_cast<U>(s.least)),
                 s.least);
        consider(Form::differences, s.differences, q[0]);
      }
    }
    stream.data[has_spare + b] = static_cast<std::byte>(chosen);
    if (chosen == same_code) continue;
    if (chosen == raw_code) {
      std::memcpy(out, x, raw_bytes);
      out += raw_bytes;
      continue;
    }
    const auto form = static_cast<Form>(chosen >> 6);
    if (form != Form::numbers) {
      std::memcpy(out, &base, sizeof base);
      out += sizeof base;
      base_before = base;
    }
    const unsigned width = chosen & 63;
    if (form == Form::differences)
      loops.pack(differences, 0, width, out);
    else
      loops.pack(reinterpret_cast<const U*>(q), static_cast<U>(base), width, out);
    out += row_bytes * width;
  }
  stream.data.insert(stream.data.end(), room.data(), out);
  // What is measured in the elements' own type may have been rounded down.
  if constexpr (std::is_floating_point_v<T>)
    if (worst != 0) worst = std::nextafter(worst, std::numeric_limits<T>::max());
  stream.max_error = static_cast<double>(worst);
  return stream;
}

template <typename T>
Result<void> decode(ByteSpan data, double tolerance, std::span<T> values) {
  using W = Word<T>;
  using U = std::make_unsigned_t<W>;
  const auto bad = [](const std::string& reason) {
    return Error{Errc::malformed, "packed: " + reason};
  };
  const std::size_t count = values.size(), blocks = blocks_of(count);
  unsigned spare = 0;
  if constexpr (std::is_floating_point_v<T>) {
    if (data.empty()) return bad("truncated");
    spare = static_cast<unsigned>(data[0]);
    if (spare < least_spare || spare > most_spare) return bad("spare is not from 1 to 20");
    data = data.subspan(1);
  }
  if (data.size() < blocks) return bad("truncated");
  const ByteSpan codes = data.first(blocks);
  ByteSpan body = data.subspan(blocks);
  const Quantum<T> quantum = quantum_of<T>(tolerance, spare);
  const BlockLoops<T> loops = block_loops<T>();
  const bool direct = are_numbers<T> && quantum.bound == 0;
  alignas(64) W numbers[block_elements];
  alignas(64) U words[block_elements];
  T last[block_elements];
  W base_before = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    T* x = values.data() + b * block_elements;
    const std::size_t n = std::min(block_elements, count - b * block_elements);
    const auto code = static_cast<std::uint8_t>(codes[b]);
    if (!is_code<W>(code))
      return bad("block " + std::to_string(b) + ": no code " + std::to_string(code));
    const std::size_t bytes = body_bytes<W>(code, n * sizeof(T));
    if (bytes > body.size()) return bad("block " + std::to_string(b) + " passes the end");
    const std::byte* in = body.data();
    body = body.subspan(bytes);
    if (code == raw_code) {
      std::memcpy(x, in, bytes);
      continue;
    }
    const auto form = static_cast<Form>(code >> 6);
    W base = form == Form::other ? base_before : W(0);
    if (form == Form::offsets || form == Form::differences) {
      std::memcpy(&base, in, sizeof base);
      in += sizeof base;
      base_before = base;
    }
    T* elements = n == block_elements ? x : last;
    W* q = direct ? reinterpret_cast<W*>(elements) : numbers;
    if (form == Form::differences) {
      loops.unpack(in, 0, code & 63u, words);
      loops.integrate(words, static_cast<U>(base), q);
    } else {
      loops.unpack(in, static_cast<U>(base), form == Form::other ? 0 : code & 63u,
                   reinterpret_cast<U*>(q));
    }
    if (!direct) loops.value(numbers, quantum, elements);
    if (elements != x) std::copy_n(last, n, x);
  }
  if (!body.empty()) return bad("bytes left over");
  return {};
}

}  // namespace

bool packs(DType dtype, double tolerance) {
  if (!is_float(dtype)) return size_of(dtype) <= 4;
  if (tolerance == 0) return dtype == DType::f32;
  return tolerance >= least_tolerance && tolerance <= most_tolerance;
}

template <typename T>
PackedStream encode_packed(std::span<const T> values, double tolerance) {
  if constexpr (std::is_same_v<T, float>) {
    // Bit patterns.
    if (tolerance == 0)
      return encode(std::span(reinterpret_cast<const std::uint32_t*>(values.data()), values.size()),
                    0);
  }
  if constexpr (std::is_integral_v<T> && sizeof(T) == 8)
    return {};
  else
    return encode(values, tolerance);
}

template <typename T>
Result<void> decode_packed(ByteSpan data, double tolerance, std::span<T> out) {
  if (!packs(DTypeOf<T>::value, tolerance))
    return Error{Errc::malformed, "packed: does not go with the bound"};
  if constexpr (std::is_same_v<T, float>) {
    if (tolerance == 0)
      return decode(data, 0, std::span(reinterpret_cast<std::uint32_t*>(out.data()), out.size()));
  }
  if constexpr (std::is_integral_v<T> && sizeof(T) == 8)
    return {};
  else
    return decode(data, tolerance, out);
}

#define ETALON_INSTANTIATE(T)                                      \
  template PackedStream encode_packed(std::span<const T>, double); \
  template Result<void> decode_packed(ByteSpan, double, std::span<T>)
ETALON_INSTANTIATE(std::uint8_t);
ETALON_INSTANTIATE(std::uint16_t);
ETALON_INSTANTIATE(std::uint32_t);
ETALON_INSTANTIATE(std::uint64_t);
ETALON_INSTANTIATE(std::int8_t);
ETALON_INSTANTIATE(std::int16_t);
ETALON_INSTANTIATE(std::int32_t);
ETALON_INSTANTIATE(std::int64_t);
ETALON_INSTANTIATE(float);
ETALON_INSTANTIATE(double);
#undef ETALON_INSTANTIATE

}  // namespace etalon::codec
