#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>

#include "codec/active_region.hpp"
#include "etalon/regions.hpp"

namespace etalon {
namespace codec {
namespace {

// A row of the image and what its windows of one row hold. Elements that do not count have weight
// 0 and the value of one that does beside them, so that differences with them stay small.
struct Row {
  std::vector<double> value, weight;      // `half` more on both sides, of weight 0
  std::vector<double> count, mean, sum2;  // of a window: elements, mean, sum of squared deviations
};

template <typename T>
void load(std::span<const T> from, std::span<const std::uint8_t> good, double scale,
          std::size_t half, Row& row) {
  const std::size_t nx = from.size();
  row.value.assign(nx + 2 * half, 0);
  row.weight.assign(nx + 2 * half, 0);
  double last = 0;
  std::size_t first = nx;
  for (std::size_t x = 0; x < nx; ++x) {
    const auto v = static_cast<double>(from[x]);
    const bool counts = std::isfinite(v) && (good.empty() || good[x] != 0);
    if (counts) last = v * scale;
    if (counts && first == nx) first = x;
    row.value[half + x] = last;
    row.weight[half + x] = counts ? 1 : 0;
  }
  if (first != nx)
    std::fill_n(row.value.begin() + static_cast<std::ptrdiff_t>(half), first,
                row.value[half + first]);
}

// Deviations are taken from the element in the middle: equal elements have a deviation of exactly
// 0, and a large common offset costs no precision.
void sum_windows(std::size_t half, Row& row) {
  const std::size_t nx = row.value.size() - 2 * half;
  row.count.assign(nx, 0);
  row.mean.assign(nx, 0);
  row.sum2.assign(nx, 0);
  for (std::size_t k = 0; k <= 2 * half; ++k)
    for (std::size_t x = 0; x < nx; ++x) {
      const double weight = row.weight[x + k];
      const double off = weight * (row.value[x + k] - row.value[x + half]);
      row.count[x] += weight;
      row.mean[x] += off;
      row.sum2[x] += off * off;
    }
  for (std::size_t x = 0; x < nx; ++x) {
    const double n = std::max(row.count[x], 1.0), off = row.mean[x];
    row.sum2[x] = std::max(row.sum2[x] - off * off / n, 0.0);
    row.mean[x] = row.value[x + half] + off / n;
  }
}

// Half the difference of both neighbours, the difference with the one there is, or 0.
double slope(double before, double before_weight, double here, double after, double after_weight) {
  if (before_weight != 0 && after_weight != 0) return (after - before) / 2;
  if (after_weight != 0) return after - here;
  return before_weight != 0 ? here - before : 0;
}

class Scanner {
 public:
  Scanner(const ArrayView& image, std::span<const std::uint8_t> good, std::size_t window)
      : image_(image),
        good_(good),
        ny_(image.shape[0]),
        nx_(image.shape[1]),
        half_(window / 2),
        rows_(window) {}

  std::vector<double> run() {
    // Squares of larger elements would overflow.
    if (image_.dtype == DType::f64)
      for (double v : image_.as<double>())
        if (std::isfinite(v) && std::abs(v) > 1e150) scale_ = 0x1p-600;
    std::vector<double> activity(ny_ * nx_);
    for (std::size_t y = 0; y < std::min(half_, ny_); ++y) fetch(y);
    for (std::size_t y = 0; y < ny_; ++y) {
      if (y + half_ < ny_) fetch(y + half_);
      scan(y, std::span(activity).subspan(y * nx_, nx_));
    }
    return activity;
  }

 private:
  Row& row(std::size_t y) { return rows_[y % rows_.size()]; }

  void fetch(std::size_t y) {
    const auto good = good_.empty() ? good_ : good_.subspan(y * nx_, nx_);
    visit(image_.dtype, [&](auto zero) {
      load(image_.as<decltype(zero)>().subspan(y * nx_, nx_), good, scale_, half_, row(y));
    });
    sum_windows(half_, row(y));
  }

  void scan(std::size_t y, std::span<double> activity) {
    const std::size_t from = y - std::min(y, half_), to = std::min(ny_, y + half_ + 1);
    const Row& here = row(y);
    count_.assign(nx_, 0);
    off_.assign(nx_, 0);
    sum2_.assign(nx_, 0);
    for (std::size_t k = from; k < to; ++k) {
      const Row& r = row(k);
      for (std::size_t x = 0; x < nx_; ++x) {
        const double n = r.count[x], off = r.mean[x] - here.mean[x];
        count_[x] += n;
        off_[x] += n * off;
        sum2_[x] += r.sum2[x] + n * (off * off);
      }
    }
    const Row& above = row(y == 0 ? y : y - 1);
    const Row& below = row(y + 1 == ny_ ? y : y + 1);
    for (std::size_t x = 0; x < nx_; ++x) {
      const std::size_t i = x + half_;
      if (here.weight[i] == 0) {
        activity[x] = -1;
        continue;
      }
      const double sum2 = std::max(sum2_[x] - off_[x] * off_[x] / count_[x], 0.0);
      const double v = here.value[i];
      const double dx =
          slope(here.value[i - 1], here.weight[i - 1], v, here.value[i + 1], here.weight[i + 1]);
      const double dy = slope(above.value[i], y == 0 ? 0 : above.weight[i], v, below.value[i],
                              y + 1 == ny_ ? 0 : below.weight[i]);
      activity[x] = std::sqrt(sum2 / count_[x]) + std::sqrt(dx * dx + dy * dy);
    }
  }

  ArrayView image_;
  std::span<const std::uint8_t> good_;
  std::size_t ny_, nx_, half_;
  double scale_ = 1;
  std::vector<Row> rows_;
  std::vector<double> count_, off_, sum2_;
};

// The smallest activity of a member; infinite where nothing is active.
template <typename T>
double threshold(const std::vector<T>& activity, double quantile) {
  std::vector<T> counted;
  counted.reserve(activity.size());
  std::copy_if(activity.begin(), activity.end(), std::back_inserter(counted),
               [](T a) { return a >= 0; });
  if (counted.empty()) return HUGE_VAL;
  const std::size_t rank = std::min(
      counted.size() - 1, static_cast<std::size_t>(quantile * static_cast<double>(counted.size())));
  const auto at = counted.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(counted.begin(), at, counted.end());
  return static_cast<double>(*at);
}

// Squares of side 2 grow + 1 round every member, cut off at the edges: along one axis, whose `n`
// elements lie `stride` apart.
void dilate(std::span<std::uint8_t> line, std::size_t n, std::size_t stride, std::size_t grow,
            std::vector<std::uint8_t>& work) {
  work.assign(n, 0);
  std::size_t reach = 0;  // elements before it are covered by a member on the left
  for (std::size_t i = 0; i < n; ++i) {
    if (line[i * stride] != 0) {
      const std::size_t from = i - std::min(i, grow);
      for (std::size_t k = std::max(from, reach); k < i; ++k) work[k] = 1;
      reach = std::min(n, i + grow + 1);
    }
    work[i] = i < reach;
  }
  for (std::size_t i = 0; i < n; ++i) line[i * stride] = work[i];
}

}  // namespace

std::vector<double> activity_of(const ArrayView& image, std::span<const std::uint8_t> good,
                                std::size_t window) {
  return Scanner(image, good, window).run();
}

}  // namespace codec

Result<Region> active_region(const RegionSpec& spec, const ArrayView& elements,
                             std::span<const std::uint8_t> good) {
  const auto value = [&](std::string_view key, auto& number) {
    const std::string_view text = spec.get(key);
    if (!text.empty()) std::from_chars(text.data(), text.data() + text.size(), number);
  };
  double quantile = -1;
  std::size_t window = 5, grow = 0;
  value("quantile", quantile);
  value("window", window);
  value("grow", grow);
  const std::size_t rank = elements.shape.rank();
  const std::size_t ny = rank >= 2 ? elements.shape[rank - 2] : 1;
  const std::size_t nx = rank >= 1 ? elements.shape[rank - 1] : 1;
  const std::size_t plane = ny * nx;
  if (!(quantile >= 0 && quantile <= 1) || window % 2 == 0 || window < 3 || window > 63 ||
      grow > 1000)
    return Error{Errc::usage, "region active: quantile, window or grow is out of range"};
  if (!good.empty() && good.size() != plane)
    return Error{Errc::usage, "region active: a mask of " + std::to_string(good.size()) +
                                  " pixels for images of " + std::to_string(plane)};
  Region region{"active", spec.bound, std::vector<std::uint8_t>(elements.count())};
  if (elements.count() == 0) return region;
  const std::size_t size = plane * size_of(elements.dtype), images = elements.count() / plane;
  const auto activity_of_image = [&](std::size_t i) {
    return codec::activity_of({elements.data + i * size, elements.dtype, {ny, nx}}, good, window);
  };
  std::optional<double> common;
  if (spec.get("over") == "array") {
    std::vector<float> all;
    all.reserve(elements.count());
    for (std::size_t i = 0; i < images; ++i)
      for (const double a : activity_of_image(i)) all.push_back(static_cast<float>(a));
    common = codec::threshold(all, quantile);
  }
  std::vector<std::uint8_t> work;
  for (std::size_t i = 0; i < images; ++i) {
    const auto where = std::span(region.where).subspan(i * plane, plane);
    const std::vector<double> activity = activity_of_image(i);
    const double least = common ? *common : codec::threshold(activity, quantile);
    for (std::size_t p = 0; p < plane; ++p)
      where[p] = activity[p] > 0 &&
                 (common ? static_cast<float>(activity[p]) >= least : activity[p] >= least);
    if (grow == 0) continue;
    for (std::size_t y = 0; y < ny; ++y)
      codec::dilate(where.subspan(y * nx, nx), nx, 1, grow, work);
    for (std::size_t x = 0; x < nx; ++x) codec::dilate(where.subspan(x), ny, nx, grow, work);
  }
  return region;
}

}  // namespace etalon
