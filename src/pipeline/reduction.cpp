#include "pipeline/reduction.hpp"

#include <cmath>
#include <cstring>

#include "pipeline/calibration.hpp"

namespace etalon {
namespace {

template <typename T>
double difference(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::bit_cast<std::array<std::byte, sizeof(T)>>(a) ==
        std::bit_cast<std::array<std::byte, sizeof(T)>>(b))
      return 0;
    const double d = std::abs(static_cast<double>(a) - static_cast<double>(b));
    return std::isnan(d) ? HUGE_VAL : d;
  }
  return static_cast<double>(a > b ? static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b)
                                   : static_cast<std::uint64_t>(b) - static_cast<std::uint64_t>(a));
}

}  // namespace

Result<Reduction> Reduction::create(const Recipe& recipe, const Geometry& geometry, Mask mask) {
  Reduction r;
  r.geometry_ = geometry;
  r.mask_ = std::move(mask);
  r.bound_ = recipe.reduce.bound;
  for (const RegionRule& rule : recipe.reduce.regions) {
    Part part;
    if (rule.spec.kind == "peaks") {
      part.peaks = true;
      part.half = rule.half;
      part.region.bound = rule.spec.bound;
    } else if (rule.spec.kind == "mask") {
      ETALON_ASSIGN(PixelFile pixels, read_pixel_file(recipe, rule.spec.get("file"), geometry));
      part.region = {"mask", rule.spec.bound, std::move(pixels.set)};
      r.files_.push_back({"region", pixels.file, ""});
    } else if (rule.spec.kind == "active") {
      part.active = rule.spec;
      // The parameters are right or wrong for every frame.
      ETALON_ASSIGN(part.region, active_region(rule.spec, {nullptr, DType::u8, {0, 0}}));
    } else if (rule.spec.kind == "box") {
      ETALON_ASSIGN(part.region, box_region(rule.spec, geometry.ny, geometry.nx));
    } else {
      ETALON_ASSIGN(part.region, annulus_region(rule.spec, geometry.ny, geometry.nx));
    }
    r.parts_.push_back(std::move(part));
  }
  return r;
}

Result<void> Reduction::set_options(const Frame& frame, const std::vector<Peak>& peaks,
                                    CompressOptions& options) const {
  options.bound = bound_;
  options.regions.clear();
  if (options.mask.size() != mask_.size()) options.mask = mask_;  // it never changes
  for (const Part& part : parts_) {
    if (part.active) {
      ETALON_ASSIGN(Region region, active_region(*part.active, frame.image.view(), mask_));
      options.regions.push_back(std::move(region));
      continue;
    }
    options.regions.push_back(
        part.peaks ? peaks_region(peaks, part.half, geometry_.ny, geometry_.nx, part.region.bound)
                   : part.region);
  }
  return {};
}

Result<Bytes> Reduction::encode(const Frame& frame, const std::vector<Peak>& peaks,
                                Scratch& scratch) const {
  const ArrayView image = frame.image.view();
  ETALON_TRY(set_options(frame, peaks, scratch));
  return encode_chunk({image.data, image.dtype, Shape{1, geometry_.ny, geometry_.nx}}, scratch);
}

Result<Bytes> Reduction::encode_whole(const Frame& frame, Scratch& scratch) const {
  const ArrayView image = frame.image.view();
  if (scratch.mask.size() != mask_.size()) scratch.mask = mask_;
  scratch.regions.clear();
  scratch.bound = Bound::lossless();
  return encode_chunk({image.data, image.dtype, Shape{1, geometry_.ny, geometry_.nx}}, scratch);
}

Result<FrameSum> Reduction::check(const Frame& frame, const std::vector<Peak>& peaks,
                                  ByteSpan chunk) const {
  ETALON_ASSIGN(const Array decoded, decode_chunk(chunk));
  const std::string where = "frame " + std::to_string(frame.number);
  if (decoded.dtype() != frame.image.dtype() || decoded.count() != frame.image.count())
    return Error{Errc::check, where + ": comes back in another shape or type"};
  const ByteSpan back = decoded.view().bytes(), pixels = frame.image.view().bytes();
  if (std::memcmp(back.data(), pixels.data(), pixels.size()) == 0) return frame_sum(back);
  CompressOptions used;
  ETALON_TRY(set_options(frame, peaks, used));
  std::vector<std::uint8_t> label(geometry_.pixels(), 0);
  for (std::size_t r = 0; r < used.regions.size(); ++r) {
    const auto inside = used.regions[r].members(geometry_.ny, geometry_.nx);
    for (std::size_t i = 0; i < inside.size(); ++i)
      if (inside[i] != 0) label[i] = static_cast<std::uint8_t>(r + 1);
  }
  std::optional<std::size_t> wrong;
  visit(decoded.dtype(), [&](auto zero) {
    const auto a = frame.image.as<decltype(zero)>(), b = decoded.as<decltype(zero)>();
    for (std::size_t i = 0; i < a.size() && !wrong; ++i) {
      const Bound& bound = label[i] == 0 ? bound_ : used.regions[label[i] - 1u].bound;
      const double off = difference(a[i], b[i]);
      if (off != 0 && !(off <= bound.tolerance(static_cast<double>(a[i])))) wrong = i;
    }
  });
  if (wrong)
    return Error{Errc::check, where + ": pixel y " + std::to_string(*wrong / geometry_.nx) + " x " +
                                  std::to_string(*wrong % geometry_.nx) +
                                  " comes back farther off than its bound"};
  return frame_sum(decoded.view().bytes());
}

}  // namespace etalon
