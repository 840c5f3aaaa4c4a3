#include "codec/planes.hpp"

#include <cstring>

#include "codec/rans.hpp"

namespace etalon::codec {
namespace {

// Axes along which differences are taken: none, x, x and y, x and y and planes.
inline constexpr unsigned axis_choices = 4;

template <typename W>
constexpr W top_bit = static_cast<W>(W{1} << (8 * sizeof(W) - 1));

// Floats' bit patterns in the order of their values.
template <typename W>
W ordered(W bits) {
  return (bits & top_bit<W>) ? static_cast<W>(~bits) : static_cast<W>(bits | top_bit<W>);
}
template <typename W>
W unordered(W bits) {
  return (bits & top_bit<W>) ? static_cast<W>(bits & ~top_bit<W>) : static_cast<W>(~bits);
}
template <typename W>
W fold(W d) {  // zigzag modulo the width
  return static_cast<W>((d << 1) ^ ((d & top_bit<W>) ? static_cast<W>(~W{0}) : W{0}));
}
template <typename W>
W unfold(W d) {
  return static_cast<W>((d >> 1) ^ ((d & 1) ? static_cast<W>(~W{0}) : W{0}));
}

// How far back one step along each axis is, and where the axis begins.
struct Axis {
  std::size_t stride, extent;
};
std::array<Axis, 3> axes_of(const Grid& g) {
  return {Axis{1, g.nx}, Axis{g.nx, g.ny}, Axis{g.plane(), g.planes}};
}

template <typename W>
void difference(std::vector<W>& w, const Axis& a) {
  for (std::size_t block = 0; block < w.size(); block += a.stride * a.extent)
    for (std::size_t i = block + a.stride * a.extent; i-- > block + a.stride;)
      w[i] = static_cast<W>(w[i] - w[i - a.stride]);
}
template <typename W>
void sum(std::vector<W>& w, const Axis& a) {
  for (std::size_t block = 0; block < w.size(); block += a.stride * a.extent)
    for (std::size_t i = block + a.stride; i < block + a.stride * a.extent; ++i)
      w[i] = static_cast<W>(w[i] + w[i - a.stride]);
}

template <typename W>
std::vector<Histogram> histograms_of(const std::vector<W>& words, std::size_t stride) {
  std::vector<Histogram> h(sizeof(W), Histogram{});
  for (std::size_t i = 0; i < words.size(); i += stride)
    for (std::size_t k = 0; k < sizeof(W); ++k)
      ++h[k][static_cast<std::uint8_t>(words[i] >> (8 * k))];
  return h;
}

// The words themselves, or the differences that take less.
template <typename W>
struct Choice {
  unsigned axes = 0;  // along which differences are taken
  std::vector<W> words;
  double bits = 0;  // that they take, about
};
// What they take is judged by about so many of them.
template <typename W>
Choice<W> choose(ByteSpan bytes, bool floats, const Grid& grid, std::size_t looked_at) {
  Choice<W> best;
  std::vector<W> words(grid.count());
  if (!words.empty()) std::memcpy(words.data(), bytes.data(), bytes.size());
  const std::size_t stride = words.size() <= looked_at ? 1 : words.size() / looked_at | 1;
  const auto bits_of = [&](const std::vector<W>& w) {
    double bits = 0;
    for (const Histogram& plane : histograms_of(w, stride)) bits += entropy_bits(plane);
    return bits * static_cast<double>(stride);
  };
  best.bits = bits_of(words);
  std::vector<W> differences = words;
  if (floats)
    for (W& w : differences) w = ordered(w);
  const auto axes = axes_of(grid);
  std::vector<W> folded(words.size());
  for (unsigned c = 1; c < axis_choices; ++c) {
    if (axes[c - 1].extent == 1) continue;
    difference(differences, axes[c - 1]);
    for (std::size_t i = 0; i < words.size(); ++i) folded[i] = fold(differences[i]);
    const double bits = bits_of(folded);
    if (bits >= best.bits) continue;
    best = {c, folded, bits};
  }
  if (best.axes == 0) best.words = std::move(words);
  return best;
}

template <typename W>
Bytes encode(ByteSpan bytes, bool floats, const Grid& grid) {
  const Choice<W> chosen = choose<W>(bytes, floats, grid, std::size_t{1} << 16);
  const std::vector<W>& best = chosen.words;
  std::vector<Frequencies> tables;
  for (const Histogram& h : histograms_of(best, 1)) tables.push_back(normalize(h));
  SideEncoder side;
  side.put_raw(chosen.axes, 2);
  TableCoder coder(false);
  for (const Frequencies& t : tables) coder.put(side, t);
  ByteWriter out;
  const Bytes side_bytes = side.finish();
  out.put_varint(side_bytes.size());
  out.append(side_bytes);
  std::vector<std::uint8_t> symbols(best.size()), contexts(best.size(), 0);
  for (std::size_t k = 0; k < sizeof(W); ++k) {
    for (std::size_t i = 0; i < best.size(); ++i)
      symbols[i] = static_cast<std::uint8_t>(best[i] >> (8 * k));
    const Bytes coded = rans_encode(contexts, symbols, std::span(&tables[k], 1));
    out.put_varint(coded.size());
    out.append(coded);
  }
  return out.take();
}

template <typename W>
Result<void> decode(ByteSpan coded, bool floats, const Grid& grid, std::span<std::byte> out) {
  ByteReader in(coded);
  ETALON_ASSIGN(const auto side_size, in.get_varint());
  ETALON_ASSIGN(const auto side_bytes, in.take(side_size));
  SideDecoder side(side_bytes);
  const auto choice = static_cast<unsigned>(side.get_raw(2));
  TableCoder coder(false);
  std::array<Frequencies, sizeof(W)> tables;
  for (Frequencies& t : tables) {
    ETALON_ASSIGN(t, coder.get(side, 256));
  }
  std::vector<W> words(grid.count());
  std::vector<std::uint8_t> symbols(words.size()), contexts(words.size(), 0);
  for (std::size_t k = 0; k < sizeof(W); ++k) {
    ETALON_ASSIGN(const auto size, in.get_varint());
    ETALON_ASSIGN(const auto plane, in.take(size));
    ETALON_ASSIGN(const auto cargo,
                  rans_decode(plane, contexts, std::span(&tables[k], 1), symbols));
    for (std::byte b : cargo)
      if (b != std::byte{0}) return Error{Errc::malformed, "symbols: wrong final state"};
    for (std::size_t i = 0; i < words.size(); ++i)
      words[i] = static_cast<W>(words[i] | static_cast<W>(W{symbols[i]} << (8 * k)));
  }
  if (!in.done()) return Error{Errc::malformed, "byte planes: bytes left over"};
  if (choice != 0) {
    for (W& w : words) w = unfold(w);
    const auto axes = axes_of(grid);
    for (unsigned c = choice; c >= 1; --c) sum(words, axes[c - 1]);
    if (floats)
      for (W& w : words) w = unordered(w);
  }
  if (!words.empty()) std::memcpy(out.data(), words.data(), out.size());
  return {};
}

}  // namespace

double planes_bits(ByteSpan bytes, std::size_t width, bool floats, const Grid& grid) {
  constexpr std::size_t looked_at = std::size_t{1} << 14;
  switch (width) {
    case 1:
      return choose<std::uint8_t>(bytes, floats, grid, looked_at).bits;
    case 2:
      return choose<std::uint16_t>(bytes, floats, grid, looked_at).bits;
    case 4:
      return choose<std::uint32_t>(bytes, floats, grid, looked_at).bits;
    default:
      return choose<std::uint64_t>(bytes, floats, grid, looked_at).bits;
  }
}

Bytes encode_planes(ByteSpan bytes, std::size_t width, bool floats, const Grid& grid) {
  switch (width) {
    case 1:
      return encode<std::uint8_t>(bytes, floats, grid);
    case 2:
      return encode<std::uint16_t>(bytes, floats, grid);
    case 4:
      return encode<std::uint32_t>(bytes, floats, grid);
    default:
      return encode<std::uint64_t>(bytes, floats, grid);
  }
}

Result<void> decode_planes(ByteSpan coded, std::size_t width, bool floats, const Grid& grid,
                           std::span<std::byte> out) {
  switch (width) {
    case 1:
      return decode<std::uint8_t>(coded, floats, grid, out);
    case 2:
      return decode<std::uint16_t>(coded, floats, grid, out);
    case 4:
      return decode<std::uint32_t>(coded, floats, grid, out);
    default:
      return decode<std::uint64_t>(coded, floats, grid, out);
  }
}

}  // namespace etalon::codec
