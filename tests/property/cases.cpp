#include "cases.hpp"

#include <algorithm>
#include <array>

#include "etalon/regions.hpp"

namespace etalon::property {
namespace {

const Bound bounds[] = {
    Bound::lossless(),         Bound::abs(0),         Bound::abs(1e-6),
    Bound::abs(0.4),           Bound::abs(1),         Bound::abs(3.7),
    Bound::abs(100),           Bound::abs(1e9),       Bound::rel(1e-4, 0, 1),
    Bound::rel(0.01, -5, 250), Bound::pwrel(1e-5),    Bound::pwrel(0.1),
    Bound::pwrel(0.9),         Bound::sigma(1),       Bound::sigma(0.3, 2.5, 4),
    Bound::sigma(3, 1, 0.5),   Bound::sigma(1, 0, 2), Bound::sigma(1e9, 1e300, 1e300)};
constexpr std::size_t bound_count = std::size(bounds), type_count = std::size(all_types);
constexpr auto pattern_count = static_cast<std::size_t>(Pattern::end);

bool dithers(const Bound& bound) {
  return bound.kind == Bound::Kind::abs || bound.kind == Bound::Kind::rel ||
         bound.kind == Bound::Kind::lossless;
}

// Of rank 1 to 6, with long and short axes.
Shape make_shape(std::size_t elements, std::mt19937_64& rng) {
  const std::size_t rank = 1 + rng() % 6;
  std::array<std::size_t, Shape::max_rank> extents{};
  std::size_t left = elements;
  for (std::size_t axis = rank; axis-- > 1;) {
    const std::size_t most = std::min<std::size_t>(left, axis + 2 >= rank ? 1500 : 6);
    extents[axis] = 1 + rng() % most;
    if (axis + 1 == rank) extents[axis] = std::max<std::size_t>(extents[axis], most / 3);
    left = std::max<std::size_t>(left / extents[axis], 1);
  }
  extents[0] = left;
  return Shape(std::span<const std::size_t>(extents.data(), rank));
}

std::vector<std::uint8_t> rectangles(std::size_t ny, std::size_t nx, std::mt19937_64& rng) {
  std::vector<std::uint8_t> map(ny * nx);
  for (std::size_t k = rng() % 12; k-- > 0;) {
    const std::size_t y = rng() % ny, x = rng() % nx;
    const std::size_t y1 = std::min(ny, y + 1 + rng() % 60), x1 = std::min(nx, x + 1 + rng() % 60);
    for (std::size_t j = y; j < y1; ++j) std::fill(&map[j * nx + x], &map[j * nx + x1], 1);
  }
  return map;
}

void add_regions(Case& one, std::mt19937_64& rng) {
  const Shape& shape = one.elements.shape();
  const std::size_t rank = shape.rank();
  const std::size_t ny = rank >= 2 ? shape[rank - 2] : 1, nx = shape[rank - 1];
  const auto any_bound = [&] {
    Bound bound = bounds[rng() % bound_count];
    while (one.options.dither && !dithers(bound)) bound = bounds[rng() % bound_count];
    return bound;
  };
  for (std::size_t k = 1 + rng() % 3; k-- > 0;) {
    Region region{"box", any_bound()};
    if (rng() % 3 == 0) {
      region.kind = "peaks";
      region.half = static_cast<std::uint32_t>(rng() % 6);
      for (std::size_t c = rng() % 60; c-- > 0;)
        region.centres.push_back(
            {static_cast<std::uint32_t>(rng() % ny), static_cast<std::uint32_t>(rng() % nx)});
    } else {
      region.where = rectangles(ny, nx, rng);
    }
    one.options.regions.push_back(std::move(region));
  }
  const auto spec =
      parse_region(rng() % 2 == 0 ? "active:quantile=0.9,window=3@abs:1"
                                  : "active:quantile=0.8,window=5,grow=1,over=array@abs:1");
  if (rng() % 4 == 0) {
    auto active = active_region(*spec, one.elements.view());
    if (active.ok()) {
      active->bound = any_bound();
      one.options.regions.push_back(std::move(*active));
    }
  }
}

// The first element that is not within its bound; and each region's largest error.
template <typename From, typename To>
std::string check(const Case& one, std::span<const From> before, std::span<const To> after,
                  const StreamInfo& info) {
  const Shape& shape = one.elements.shape();
  const std::size_t rank = shape.rank();
  const std::size_t ny = rank >= 2 ? shape[rank - 2] : 1, nx = shape[rank - 1];
  std::vector<std::uint8_t> label(shape.count());
  for (std::size_t r = 0; r < one.options.regions.size(); ++r) {
    const Region& region = one.options.regions[r];
    const auto members =
        region.where.size() == label.size() ? region.where : region.members(ny, nx);
    for (std::size_t i = 0; i < label.size(); ++i)
      if (members[i % members.size()] != 0) label[i] = static_cast<std::uint8_t>(r + 1);
  }
  std::vector<double> largest(one.options.regions.size() + 1);
  std::size_t pixel = 0;
  for (std::size_t i = 0; i < before.size();
       ++i, pixel = pixel + 1 == label.size() ? 0 : pixel + 1) {
    const std::size_t r = label[pixel];
    const Bound& bound = r == 0 ? one.options.bound : one.options.regions[r - 1].bound;
    const auto x = static_cast<double>(before[i]);
    const double allowed = bound.tolerance(x);
    double off = 0;
    bool fine;
    if constexpr (std::is_same_v<From, To>) {
      const bool same = std::memcmp(&before[i], &after[i], sizeof(From)) == 0;
      if (same) continue;
      off = distance(before[i], after[i]);
      fine = allowed != 0 && !special(before[i]) && off <= allowed;
    } else {
      off = static_cast<double>(
          std::abs(static_cast<std::int64_t>(before[i]) - static_cast<std::int64_t>(after[i])));
      fine = off <= allowed;
    }
    if (!fine)
      return "element " + std::to_string(i) + " of region " + std::to_string(r) + " (" +
             to_string(bound) + "): " + std::to_string(x) + " became " +
             std::to_string(static_cast<double>(after[i]));
    largest[r] = std::max(largest[r], bound.error(x, off));
  }
  for (std::size_t r = 0; r < largest.size(); ++r) {
    const RegionInfo& said = info.regions[r];
    if (largest[r] > said.max_error * (1 + 1e-12) || said.max_error > said.bound.value)
      return "region " + std::to_string(r) + " says a largest error of " +
             std::to_string(said.max_error) + ", it is " + std::to_string(largest[r]);
  }
  return {};
}

}  // namespace

std::string Case::text() const {
  std::string text = "case " + std::to_string(number) + ": " + std::string(etalon::name_of(dtype)) +
                     " " + to_string(elements.shape()) + ", pattern " +
                     std::to_string(static_cast<int>(pattern)) + ", " + to_string(options.bound);
  for (const Region& r : options.regions) text += ", " + r.kind + " " + to_string(r.bound);
  if (!options.mask.empty()) text += ", masked";
  if (options.dither) text += ", dithered";
  text += ", level " + std::to_string(options.level);
  return text;
}

std::uint64_t round_length() { return type_count * bound_count * pattern_count; }

Case make_case(std::uint64_t number, std::size_t elements) {
  std::mt19937_64 rng(number * 0x9E3779B97F4A7C15u + 1);
  // A round's cases in an order that mixes them: short runs see something of all.
  std::uint64_t place = number % round_length() * 1009 % round_length();
  Case one;
  one.number = number;
  one.dtype = all_types[place % type_count];
  place /= type_count;
  one.options.bound = bounds[place % bound_count];
  one.pattern = static_cast<Pattern>(place / bound_count);
  const Shape shape = make_shape(elements / 2 + rng() % elements, rng);
  one.elements =
      visit(one.dtype, [&](auto zero) { return make<decltype(zero)>(one.pattern, shape, rng); });
  const bool may_dither = is_float(one.dtype) || size_of(one.dtype) < 8;
  one.options.dither = may_dither && dithers(one.options.bound) && rng() % 4 == 0;
  one.options.seed = rng();
  // As i64 that is dithered, u32 has room for 31 bits.
  if (one.options.dither && one.dtype == DType::u32)
    for (std::uint32_t& v : one.elements.as<std::uint32_t>()) v &= 0x7FFFFFFFu;
  if (rng() % 3 == 0) add_regions(one, rng);
  if (rng() % 5 == 0) {
    const std::size_t rank = shape.rank();
    one.options.mask = rectangles(rank >= 2 ? shape[rank - 2] : 1, shape[rank - 1], rng);
  }
  if (rng() % 2 == 0) one.options.level = static_cast<int>(1 + rng() % most_level);
  return one;
}

Outcome run_case(const Case& one) {
  const ArrayView before = one.elements.view();
  Outcome out{{}, before.count(), before.size_bytes(), 0};
  const auto chunk = encode_chunk(before, one.options);
  if (!chunk.ok()) return out.failure = "encode: " + chunk.error().message, out;
  out.bytes = chunk->size();
  const auto info = inspect_chunk(*chunk);
  if (!info.ok()) return out.failure = "inspect: " + info.error().message, out;
  const auto after = decode_chunk(*chunk);
  if (!after.ok()) return out.failure = "decode: " + after.error().message, out;
  const DType wanted =
      one.options.dither && !is_float(one.dtype) ? dithered_dtype(one.dtype) : one.dtype;
  if (after->dtype() != wanted || !(after->shape() == before.shape) ||
      info->regions.size() != one.options.regions.size() + 1)
    return out.failure = "comes back in another form", out;
  out.failure = visit(one.dtype, [&](auto from) {
    return visit(wanted, [&](auto to) -> std::string {
      using From = decltype(from);
      using To = decltype(to);
      return check<From, To>(one, before.as<From>(), after->template as<To>(), *info);
    });
  });
  return out;
}

}  // namespace etalon::property
