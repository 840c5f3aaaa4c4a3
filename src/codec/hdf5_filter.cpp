#include "codec/hdf5_filter.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "base/crc32c.hpp"

namespace etalon {
namespace {

constexpr unsigned version = 1;
constexpr unsigned flag_reverse = 0x0100;  // H5Z_FLAG_REVERSE: decode

struct Free {
  void operator()(void* p) const { std::free(p); }
};
using Buffer = std::unique_ptr<void, Free>;

// malloc(0) may give null, which would read as a failure.
Buffer allocate(std::size_t bytes) { return Buffer(std::malloc(bytes == 0 ? 1 : bytes)); }

// What cd_values hold of a bound besides its kind.
std::vector<double> numbers_of(const Bound& bound) {
  switch (bound.kind) {
    case Bound::Kind::lossless:
      return {};
    case Bound::Kind::rel:
      return {bound.value, bound.low, bound.high};
    case Bound::Kind::sigma:
      return {bound.value, bound.gain, bound.noise};
    default:
      return {bound.value};
  }
}

Result<std::size_t> encode(const FilterSettings& settings, const void* from, std::size_t bytes,
                           Buffer& to) {
  const ArrayView elements{static_cast<const std::byte*>(from), settings.dtype, settings.chunk};
  if (elements.size_bytes() != bytes)
    return Error{Errc::usage, "cd_values: " + to_string(settings.chunk) + " are not the " +
                                  std::to_string(bytes) + " bytes of a chunk"};
  CompressOptions options;
  options.bound = settings.bound;
  options.level = settings.level;
  options.dither = settings.dither;
  if (settings.dither) options.seed = crc32c(elements.bytes());
  ETALON_ASSIGN(const std::vector<std::byte> chunk, encode_chunk(elements, options));
  to = allocate(chunk.size());
  if (!to) return Error{Errc::io, "no memory"};
  std::memcpy(to.get(), chunk.data(), chunk.size());
  return chunk.size();
}

Result<std::size_t> decode(const FilterSettings& settings, const void* from, std::size_t bytes,
                           Buffer& to) {
  const std::span chunk(static_cast<const std::byte*>(from), bytes);
  ETALON_ASSIGN(const StreamInfo info, inspect_chunk(chunk));
  // HDF5 takes the number of bytes on trust, so a chunk of another size must not get there.
  if (info.dtype != settings.dtype || info.shape.count() != settings.chunk.count())
    return Error{Errc::malformed, "chunk of " + to_string(info.shape) + " " +
                                      std::string(name_of(info.dtype)) + " in a dataset of " +
                                      to_string(settings.chunk) + " " +
                                      std::string(name_of(settings.dtype))};
  const std::size_t size = info.shape.count() * size_of(info.dtype);
  to = allocate(size);
  if (!to) return Error{Errc::io, "no memory"};
  ETALON_TRY(decode_chunk_into(chunk, {static_cast<std::byte*>(to.get()), info.dtype, info.shape}));
  return size;
}

// Errc::malformed where elements of this type and bound cannot be dithered in place.
Result<void> check_dither(DType dtype, const Bound& bound) {
  const auto bad = [](std::string_view reason) {
    return Error{Errc::malformed, "cd_values: dither " + std::string(reason)};
  };
  if (bound.kind == Bound::Kind::pwrel || bound.kind == Bound::Kind::sigma)
    return bad("goes with abs and rel bounds only");
  if (const DType wide = dithered_dtype(dtype); wide != dtype)
    return bad("may make elements negative: the dataset must be of " + std::string(name_of(wide)) +
               ", not " + std::string(name_of(dtype)));
  if (!is_float(dtype) && size_of(dtype) == 8) return bad("is not for integers of 64 bits");
  return {};
}

}  // namespace

std::vector<unsigned> to_cd_values(const FilterSettings& settings) {
  std::vector<unsigned> values{version, static_cast<unsigned>(settings.dtype),
                               static_cast<unsigned>(settings.chunk.rank())};
  for (std::size_t extent : settings.chunk.extents())
    values.push_back(static_cast<unsigned>(extent));
  values.push_back(static_cast<unsigned>(settings.bound.kind));
  for (double number : numbers_of(settings.bound)) {
    const auto bits = std::bit_cast<std::uint64_t>(number);
    values.push_back(static_cast<unsigned>(bits));
    values.push_back(static_cast<unsigned>(bits >> 32));
  }
  if (settings.level != default_level || settings.dither)
    values.push_back(static_cast<unsigned>(settings.level));
  if (settings.dither) values.push_back(1);
  return values;
}

Result<FilterSettings> parse_cd_values(std::span<const unsigned> values) {
  const auto bad = [](std::string_view reason) {
    return Error{Errc::malformed, "cd_values: " + std::string(reason)};
  };
  if (values.size() < 5) return bad("fewer than 5");
  if (values[0] != version) return bad("version " + std::to_string(values[0]));
  if (values[1] > 255 || !is_dtype(static_cast<std::uint8_t>(values[1])))
    return bad("dtype " + std::to_string(values[1]));
  FilterSettings settings;
  settings.dtype = static_cast<DType>(values[1]);
  const std::size_t rank = values[2];
  if (rank < 1 || rank > Shape::max_rank) return bad("rank " + std::to_string(rank));
  if (values.size() < 4 + rank) return bad("fewer than the rank needs");
  std::size_t extents[Shape::max_rank] = {};
  for (std::size_t i = 0; i < rank; ++i) {
    extents[i] = values[3 + i];
    if (extents[i] == 0) return bad("an extent of 0");
  }
  settings.chunk = Shape(std::span<const std::size_t>(extents, rank));
  // HDF5 itself keeps a chunk below 4 GiB.
  if (settings.chunk.count() > (std::size_t{1} << 32) / size_of(settings.dtype))
    return bad("a chunk over 4 GiB");
  const unsigned kind = values[3 + rank];
  if (kind > static_cast<unsigned>(Bound::Kind::sigma))
    return bad("bound kind " + std::to_string(kind) +
               ": there are 0 lossless, 1 abs, 2 rel, 3 pwrel, 4 sigma; targets (psnr, ratio) need "
               "the whole array, which a filter never sees");
  settings.bound.kind = static_cast<Bound::Kind>(kind);
  std::vector<double> numbers = numbers_of(settings.bound);
  const std::size_t level_at = 4 + rank + 2 * numbers.size();
  if (values.size() < level_at) return bad("no bound");
  if (values.size() > level_at) {
    const unsigned level = values[level_at];
    if (level < least_level || level > most_level) return bad("level " + std::to_string(level));
    settings.level = static_cast<int>(level);
  }
  if (values.size() > level_at + 1) {
    const unsigned dither = values[level_at + 1];
    if (dither > 1) return bad("dither " + std::to_string(dither));
    settings.dither = dither == 1;
  }
  if (settings.dither) ETALON_TRY(check_dither(settings.dtype, settings.bound));
  if (numbers.empty()) return settings;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const unsigned* at = values.data() + 4 + rank + 2 * i;
    numbers[i] = std::bit_cast<double>(at[0] | std::uint64_t{at[1]} << 32);
  }
  settings.bound.value = numbers[0];
  if (settings.bound.kind == Bound::Kind::rel)
    settings.bound = Bound::rel(numbers[0], numbers[1], numbers[2]);
  if (settings.bound.kind == Bound::Kind::sigma)
    settings.bound = Bound::sigma(numbers[0], numbers[1], numbers[2]);
  // What the text of a bound may not say, these may not either.
  if (const auto said = parse_bound(to_string(settings.bound)); !said.ok())
    return bad(said.error().message);
  return settings;
}

std::size_t run_hdf5_filter(unsigned flags, std::size_t cd_count, const unsigned* cd_values,
                            std::size_t bytes, std::size_t* buffer_size, void** buffer,
                            std::string* why) noexcept {
  try {
    Buffer to;
    const auto run = [&]() -> Result<std::size_t> {
      ETALON_ASSIGN(const auto settings, parse_cd_values(std::span(cd_values, cd_count)));
      return (flags & flag_reverse) != 0 ? decode(settings, *buffer, bytes, to)
                                         : encode(settings, *buffer, bytes, to);
    };
    const auto size = run();
    if (!size.ok()) {
      if (why != nullptr) *why = size.error().message;
      return 0;
    }
    std::free(*buffer);
    *buffer = to.release();
    *buffer_size = *size;
    return *size;
  } catch (...) {  // out of memory: none for a reason either
    return 0;
  }
}

}  // namespace etalon
