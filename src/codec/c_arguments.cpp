#include "codec/c_arguments.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>

namespace etalon::c_api {
namespace {

// A caller that was compiled with fewer fields leaves the others 0.
Result<etalon_options> read_options(const etalon_options* given) {
  etalon_options options{};
  if (given == nullptr) return options;
  if (given->size < sizeof(std::size_t) || given->size > 4096)
    return usage("options.size is not sizeof(etalon_options)");
  std::memcpy(&options, given, std::min(given->size, sizeof options));
  return options;
}

Result<void> add_labels(const etalon_options& given, std::vector<Region>& regions) {
  if (given.labels == nullptr) return {};
  if (given.label_bounds_count != 0) ETALON_TRY(present(given.label_bounds, "label_bounds"));
  for (std::size_t k = 0; k < given.label_bounds_count; ++k) {
    ETALON_TRY(present(given.label_bounds[k], "a label's bound"));
    Region region;
    region.kind = "mask";
    ETALON_ASSIGN(region.bound, parse_bound(given.label_bounds[k]));
    region.where.resize(given.labels_count);
    for (std::size_t i = 0; i < given.labels_count; ++i) region.where[i] = given.labels[i] == k + 1;
    regions.push_back(std::move(region));
  }
  for (std::size_t i = 0; i < given.labels_count; ++i)
    if (given.labels[i] > given.label_bounds_count)
      return usage("label " + std::to_string(given.labels[i]) + " has no bound");
  return {};
}

Result<void> add_peaks(const etalon_options& given, std::vector<Region>& regions) {
  if (given.peaks_count != 0) ETALON_TRY(present(given.peaks, "peaks"));
  for (std::size_t k = 0; k < given.peaks_count; ++k) {
    const etalon_peaks& peaks = given.peaks[k];
    ETALON_TRY(present(peaks.bound, "the bound of peaks"));
    if (peaks.count != 0) ETALON_TRY(present(peaks.centres, "centres"));
    Region region;
    region.kind = "peaks";
    ETALON_ASSIGN(region.bound, parse_bound(peaks.bound));
    region.half = peaks.half;
    for (std::size_t i = 0; i < peaks.count; ++i)
      region.centres.push_back({peaks.centres[2 * i], peaks.centres[2 * i + 1]});
    regions.push_back(std::move(region));
  }
  return {};
}

}  // namespace

Result<ByteSpan> bytes_at(const void* data, std::size_t size) {
  if (data == nullptr && size != 0) return usage("bytes are NULL");
  return ByteSpan(static_cast<const std::byte*>(data), size);
}

Result<DType> dtype_of(int number) {
  if (number < 0 || number > 255 || !is_dtype(static_cast<std::uint8_t>(number)))
    return usage("no element type " + std::to_string(number));
  return static_cast<DType>(number);
}

Result<Shape> shape_of(int rank, const std::size_t* extents, DType dtype) {
  if (rank < 0 || rank > ETALON_MAX_RANK) return usage("rank " + std::to_string(rank));
  if (rank != 0) ETALON_TRY(present(extents, "extents"));
  const Shape shape(std::span(extents, static_cast<std::size_t>(rank)));
  if (shape.count() > PTRDIFF_MAX / size_of(dtype))
    return usage("shape " + to_string(shape) + " is larger than memory");
  return shape;
}

Result<void> check_memory(const void* data, DType dtype, const Shape& shape) {
  if (data == nullptr && shape.count() != 0) return usage("elements are NULL");
  if (reinterpret_cast<std::uintptr_t>(data) % size_of(dtype) != 0)
    return usage("elements are not aligned for " + std::string(name_of(dtype)));
  return {};
}

Result<ArrayView> view_from(const etalon_view* given) {
  ETALON_TRY(present(given, "array"));
  ArrayView view;
  ETALON_ASSIGN(view.dtype, dtype_of(given->dtype));
  ETALON_ASSIGN(view.shape, shape_of(given->rank, given->extents, view.dtype));
  ETALON_TRY(check_memory(given->data, view.dtype, view.shape));
  view.data = static_cast<const std::byte*>(given->data);
  return view;
}

Result<CompressOptions> options_from(const etalon_options* from, const ArrayView* whole) {
  ETALON_ASSIGN(const etalon_options given, read_options(from));
  CompressOptions options;
  ETALON_TRY(add_labels(given, options.regions));
  ETALON_TRY(add_peaks(given, options.regions));
  if (given.mask != nullptr) options.mask.assign(given.mask, given.mask + given.mask_count);
  if (given.chunk_rank != 0) {
    ETALON_ASSIGN(options.chunk, shape_of(given.chunk_rank, given.chunk, DType::u8));
  }
  options.threads = threads_of(given.threads);
  options.dither = given.dither != 0;
  options.seed = given.seed;
  if (given.level != 0) options.level = given.level;
  const std::string_view bound = given.bound == nullptr ? "lossless" : given.bound;
  if (whole != nullptr && names_target(bound)) {
    ETALON_ASSIGN(const Target target, parse_target(bound));
    ETALON_ASSIGN(options.bound, find_bound(*whole, options, target));
  } else {
    ETALON_ASSIGN(options.bound, parse_bound(bound));
  }
  return options;
}

unsigned threads_of(unsigned given) {
  return given == 0 ? std::max(1u, std::thread::hardware_concurrency()) : given;
}

}  // namespace etalon::c_api
