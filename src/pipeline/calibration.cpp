#include "pipeline/calibration.hpp"

#include <algorithm>
#include <cmath>

#include "store/series_reader.hpp"

namespace etalon {
namespace {

template <typename T>
bool invalid(T value) {
  if constexpr (std::is_floating_point_v<T>)
    return std::isnan(value);
  else if constexpr (std::is_signed_v<T>)
    return value < 0;
  else
    return value == std::numeric_limits<T>::max();
}

}  // namespace

Result<PixelFile> read_pixel_file(const Recipe& recipe, std::string_view written,
                                  const Geometry& g) {
  ETALON_ASSIGN(const std::string path, recipe_path(recipe, written));
  ETALON_ASSIGN(const Array file, read_array(path));
  if (!(file.shape() == Shape{g.ny, g.nx}))
    return Error{Errc::usage, path + ": the mask is " + to_string(file.shape()) +
                                  ", the images are " + to_string(Shape{g.ny, g.nx})};
  PixelFile out{std::vector<std::uint8_t>(g.pixels()), {}};
  visit(file.dtype(), [&](auto zero) {
    const auto values = file.as<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); ++i) out.set[i] = values[i] != 0;
  });
  ETALON_ASSIGN(out.file, sha256_file(path));
  return out;
}

Result<Calibration> calibrate(const Recipe& recipe, const SeriesInfo& info, const Frame& first) {
  const Geometry& g = info.geometry;
  Calibration c;
  c.mask.assign(g.pixels(), 1);
  auto exclude = [&](std::size_t pixel, std::uint64_t& counter) {
    ++counter;
    c.mask[pixel] = 0;
  };
  if (recipe.calibrate.pixel_mask) {
    const Mask own = info.mask();
    for (std::size_t i = 0; i < own.size(); ++i)
      if (own[i] == 0) exclude(i, c.masked.source);
  }
  if (!recipe.calibrate.mask.empty()) {
    ETALON_ASSIGN(const PixelFile bad, read_pixel_file(recipe, recipe.calibrate.mask, g));
    for (std::size_t i = 0; i < bad.set.size(); ++i)
      if (bad.set[i] != 0) exclude(i, c.masked.file);
    c.mask_file = bad.file;
  }
  if (!recipe.calibrate.geometry.empty()) {
    ETALON_ASSIGN(const std::string path, recipe_path(recipe, recipe.calibrate.geometry));
    ETALON_ASSIGN(c.geometry_file, sha256_file(path));
  }
  if (recipe.calibrate.mask_invalid && recipe.calibrate.detector == "none")
    visit(first.image.dtype(), [&](auto zero) {
      const auto values = first.image.as<decltype(zero)>();
      for (std::size_t i = 0; i < values.size() && i < c.mask.size(); ++i)
        if (invalid(values[i])) exclude(i, c.masked.invalid);
    });
  c.masked.all = static_cast<std::uint64_t>(std::count(c.mask.begin(), c.mask.end(), 0));
  c.hash = sha256(std::as_bytes(std::span(c.mask)));
  return c;
}

}  // namespace etalon
