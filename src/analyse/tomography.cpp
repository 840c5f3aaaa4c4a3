#include "analyse/tomography.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/fft.hpp"
#include "kernels/interpolate/interpolate.hpp"

namespace etalon {
namespace {

constexpr double pi = std::numbers::pi;

// A median of few that leaves their order alone.
float median(std::vector<float> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

std::size_t fill_dead(std::span<float> lines, std::size_t columns) {
  std::size_t filled = 0;
  for (std::size_t row = 0; columns > 0 && row + columns <= lines.size(); row += columns) {
    float* const line = lines.data() + row;
    for (std::size_t x = 0; x < columns; ++x) {
      if (std::isfinite(line[x])) continue;
      std::size_t end = x;
      while (end < columns && !std::isfinite(line[end])) ++end;
      const float before = x > 0 ? line[x - 1] : end < columns ? line[end] : 0;
      const float after = end < columns ? line[end] : before;
      const auto gap = static_cast<float>(end - x + 1);
      for (std::size_t i = x; i < end; ++i)
        line[i] = before + (after - before) * static_cast<float>(i - x + 1) / gap;
      filled += end - x;
    }
  }
  return filled;
}

void to_absorption(std::span<float> shares, std::size_t columns, float least) {
  for (float& share : shares)
    if (std::isfinite(share)) share = -std::log(std::max(share, least));
  fill_dead(shares, columns);
}

void remove_rings(std::span<float> sinogram, std::size_t columns, std::size_t width) {
  const std::size_t angles = sinogram.size() / columns, half = width / 2;
  if (angles == 0) return;
  std::vector<double> sum(columns);
  for (std::size_t i = 0; i < angles * columns; ++i)
    sum[i % columns] += static_cast<double>(sinogram[i]);
  std::vector<float> mean(columns);
  for (std::size_t x = 0; x < columns; ++x)
    mean[x] = static_cast<float>(sum[x] / static_cast<double>(angles));
  std::vector<float> off(columns);
  for (std::size_t x = 0; x < columns; ++x) {
    const std::size_t from = x > half ? x - half : 0, to = std::min(columns, x + half + 1);
    off[x] = mean[x] - median({mean.begin() + static_cast<std::ptrdiff_t>(from),
                               mean.begin() + static_cast<std::ptrdiff_t>(to)});
  }
  std::vector<float> sizes(columns);
  std::transform(off.begin(), off.end(), sizes.begin(), [](float v) { return std::abs(v); });
  const float usual = 1.4826F * median(sizes);  // the standard deviation of most
  for (float& v : off)
    if (std::abs(v) <= 3 * usual) v = 0;
  for (std::size_t i = 0; i < angles * columns; ++i) sinogram[i] -= off[i % columns];
}

Result<RampFilter> parse_ramp_filter(std::string_view name) {
  if (name == "ramp") return RampFilter::ramp;
  if (name == "shepp-logan") return RampFilter::shepp_logan;
  if (name == "hann") return RampFilter::hann;
  return Error{Errc::usage,
               "filter '" + std::string(name) + "': there are ramp, shepp-logan and hann"};
}

struct BackProjection::Impl {
  std::vector<double> angles, weight, response;  // weight: of an angle; response: of the filter
  std::size_t columns;
  double centre;
  Fft fft;

  Impl(std::vector<double> a, std::size_t c, double at, std::size_t padded)
      : angles(std::move(a)), columns(c), centre(at), fft(padded) {}

  // The ramp |f| as the transform of its samples in space: its mean is then right, too.
  void make_response(RampFilter filter) {
    const std::size_t n = fft.size();
    std::vector<double> re(n), im(n), work(2 * n);
    re[0] = 0.25;
    for (std::size_t k = 1; k <= n / 2; k += 2)
      re[k] = re[n - k] = -1 / (pi * pi * static_cast<double>(k) * static_cast<double>(k));
    fft.transform(re.data(), im.data(), work.data(), 1, Direction::forward);
    response.resize(n);
    for (std::size_t j = 0; j < n; ++j) {
      const double f = std::abs(signed_frequency(j, n)) / static_cast<double>(n);  // up to 1/2
      double window = 1;
      if (filter == RampFilter::shepp_logan && f > 0) window = std::sin(pi * f) / (pi * f);
      if (filter == RampFilter::hann) window = 0.5 * (1 + std::cos(2 * pi * f));
      response[j] = re[j] * window / static_cast<double>(n);
    }
  }

  // Half the distance to the neighbours on either side, with half a turn being a whole.
  void make_weights() {
    const std::size_t n = angles.size();
    std::vector<std::pair<double, std::size_t>> order;
    for (std::size_t i = 0; i < n; ++i) {
      double a = std::fmod(angles[i], pi);
      order.emplace_back(a < 0 ? a + pi : a, i);
    }
    std::sort(order.begin(), order.end());
    weight.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double before = i > 0 ? order[i - 1].first : order[n - 1].first - pi;
      const double after = i + 1 < n ? order[i + 1].first : order[0].first + pi;
      weight[order[i].second] = (after - before) / 2;
    }
  }

  // What one thread needs for a slice.
  struct Work {
    explicit Work(const Impl& i)
        : re(i.fft.size()),
          im(i.fft.size()),
          scratch(2 * i.fft.size()),
          lines{2, SampledLine(i.columns)} {}
    std::vector<double> re, im, scratch;
    std::vector<SampledLine> lines;
  };

  // Two projections at a time, as real and imaginary part: the response is real and even.
  void filter(std::span<const float> sinogram, std::size_t angle, Work& work) const {
    auto& [re, im, scratch, lines] = work;
    const std::size_t n = fft.size();
    const bool pair = angle + 1 < angles.size();
    std::ranges::fill(re, 0);
    std::ranges::fill(im, 0);
    for (std::size_t x = 0; x < columns; ++x) {
      re[x] = static_cast<double>(sinogram[angle * columns + x]);
      if (pair) im[x] = static_cast<double>(sinogram[(angle + 1) * columns + x]);
    }
    fft.transform(re.data(), im.data(), scratch.data(), 1, Direction::forward);
    for (std::size_t j = 0; j < n; ++j) re[j] *= response[j], im[j] *= response[j];
    fft.transform(re.data(), im.data(), scratch.data(), 1, Direction::backward);
    for (std::size_t which = 0; which < (pair ? 2 : 1); ++which) {
      const std::vector<double>& from = which == 0 ? re : im;
      const std::span<float> to = lines[which].samples();
      for (std::size_t x = 0; x < columns; ++x)
        to[x] = static_cast<float>(from[x] * weight[angle + which]);
      lines[which].prepare();
    }
  }

  void project_back(const SampledLine& line, double angle, std::vector<float>& image) const {
    const double middle = static_cast<double>(columns - 1) / 2;
    const double last = static_cast<double>(columns - 1);
    const double c = std::cos(angle), s = std::sin(angle);
    for (std::size_t row = 0; row < columns; ++row) {
      const double y = middle - static_cast<double>(row);
      const double start = centre + y * s - middle * c;  // of x = -middle
      // Only where the line has both its neighbours.
      double from = 0, to = last;
      if (c > 1e-12) {
        from = std::max(from, -start / c);
        to = std::min(to, (last - start) / c);
      } else if (c < -1e-12) {
        from = std::max(from, (last - start) / c);
        to = std::min(to, -start / c);
      } else if (start < 0 || start > last) {
        continue;
      }
      from = std::ceil(from);
      to = std::floor(to);
      if (!(from <= to)) continue;
      const auto first = static_cast<std::size_t>(from);
      const std::span<float> out(image.data() + row * columns + first,
                                 static_cast<std::size_t>(to) - first + 1);
      line.add_to(out, start + from * c, c);
    }
  }
};

BackProjection::BackProjection() = default;
BackProjection::~BackProjection() = default;
BackProjection::BackProjection(BackProjection&&) noexcept = default;
BackProjection& BackProjection::operator=(BackProjection&&) noexcept = default;

Result<BackProjection> BackProjection::create(std::vector<double> angles_rad, std::size_t columns,
                                              double centre, RampFilter filter) {
  if (angles_rad.size() < 2) return Error{Errc::usage, "tomography: at least two angles"};
  if (columns < 4 || columns > (std::size_t{1} << 16))
    return Error{Errc::usage, "tomography: 4 to 65536 columns"};
  if (!std::all_of(angles_rad.begin(), angles_rad.end(), [](double a) { return std::isfinite(a); }))
    return Error{Errc::usage, "tomography: angles must be finite"};
  if (!(centre > 0 && centre < static_cast<double>(columns - 1)))
    return Error{Errc::usage, "tomography: the axis of rotation at column " +
                                  std::to_string(centre) + " is not inside the image"};
  std::size_t padded = 2;
  while (padded < 2 * columns) padded *= 2;
  BackProjection made;
  made.impl_ = std::make_unique<Impl>(std::move(angles_rad), columns, centre, padded);
  made.impl_->make_response(filter);
  made.impl_->make_weights();
  return made;
}

std::vector<float> BackProjection::slice(std::span<const float> sinogram) const {
  const Impl& i = *impl_;
  std::vector<float> image(i.columns * i.columns);
  Impl::Work work(i);
  for (std::size_t a = 0; a < i.angles.size(); a += 2) {
    i.filter(sinogram, a, work);
    for (std::size_t k = a; k < std::min(a + 2, i.angles.size()); ++k)
      i.project_back(work.lines[k - a], i.angles[k], image);
  }
  const double middle = static_cast<double>(i.columns - 1) / 2;
  const double radius = std::min(i.centre, static_cast<double>(i.columns - 1) - i.centre);
  for (std::size_t y = 0; y < i.columns; ++y)
    for (std::size_t x = 0; x < i.columns; ++x)
      if (std::hypot(static_cast<double>(x) - middle, static_cast<double>(y) - middle) > radius)
        image[y * i.columns + x] = 0;
  return image;
}

namespace {

constexpr std::size_t most_pairs = 64;

// Of a projection and the nearest one half a turn on, as far as there are such within half of what
// neighbouring angles are usually apart; evenly from all of them.
std::vector<std::pair<std::size_t, std::size_t>> half_turn_pairs(
    const std::vector<double>& angles) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < angles.size(); ++i) order.emplace_back(angles[i], i);
  std::sort(order.begin(), order.end());
  std::vector<double> steps;
  for (std::size_t i = 1; i < order.size(); ++i)
    if (const double step = order[i].first - order[i - 1].first; step > 0) steps.push_back(step);
  if (steps.empty()) return {};
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  const double most_off = 0.51 * *middle;
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (const auto& [angle, index] : order) {
    const auto after =
        std::lower_bound(order.begin(), order.end(), std::pair(angle + pi, std::size_t{0}));
    double off = std::numeric_limits<double>::infinity();
    std::size_t nearest = 0;
    for (auto at = after == order.begin() ? after : after - 1; at != order.end() && at <= after;
         ++at)
      if (const double d = std::abs(at->first - angle - pi); d < off) off = d, nearest = at->second;
    if (off <= most_off && nearest != index) pairs.emplace_back(index, nearest);
  }
  std::vector<std::pair<std::size_t, std::size_t>> some;
  const std::size_t count = std::min(pairs.size(), most_pairs);
  for (std::size_t i = 0; i < count; ++i) some.push_back(pairs[i * pairs.size() / count]);
  return some;
}

// The shift between a projection and the mirrored one half a turn on, by their least square
// difference; nothing without such a pair.
std::vector<double> centres_of_pairs(std::span<const float> sinogram,
                                     const std::vector<double>& angles, std::size_t columns) {
  std::vector<double> centres;
  for (const auto& [a, b] : half_turn_pairs(angles)) {
    const float *p = &sinogram[a * columns], *q = &sinogram[b * columns];
    // p(x) = q(2 c - x)
    double least = std::numeric_limits<double>::infinity();
    std::ptrdiff_t best = 0;
    const auto n = static_cast<std::ptrdiff_t>(columns);
    for (std::ptrdiff_t twice = n / 2; twice <= 3 * n / 2; ++twice) {
      double sum = 0;
      std::ptrdiff_t count = 0;
      for (std::ptrdiff_t x = std::max<std::ptrdiff_t>(0, twice - n + 1);
           x <= std::min(n - 1, twice); ++x, ++count) {
        const double d = static_cast<double>(p[x]) - static_cast<double>(q[twice - x]);
        sum += d * d;
      }
      if (count > n / 4 && sum / static_cast<double>(count) < least)
        least = sum / static_cast<double>(count), best = twice;
    }
    centres.push_back(static_cast<double>(best) / 2);
  }
  return centres;
}

}  // namespace

Result<double> find_centre(std::span<const float> sinogram, const std::vector<double>& angles_rad,
                           std::size_t columns) {
  const double middle = static_cast<double>(columns - 1) / 2;
  ETALON_TRY(BackProjection::create(angles_rad, columns, middle, RampFilter::hann));
  double about = middle, reach = static_cast<double>(columns) / 16;
  if (auto centres = centres_of_pairs(sinogram, angles_rad, columns); !centres.empty()) {
    std::sort(centres.begin(), centres.end());
    about = centres[centres.size() / 2];
    reach = 4;
  }
  // A slice half as large does for it, in one of the projections' own steps to the end.
  const auto negative = [&](double centre) {
    auto projection = BackProjection::create(angles_rad, columns, centre, RampFilter::hann);
    if (!projection.ok()) return std::numeric_limits<double>::infinity();
    double sum = 0;
    for (const float v : projection->slice(sinogram)) sum -= std::min(v, 0.0F);
    return sum;
  };
  for (double step = reach / 4; step > 0.05; step /= 4) {
    double best = about, least = negative(about);
    for (int i = -4; i <= 4; ++i) {
      if (i == 0) continue;
      const double centre = about + i * step, sum = negative(centre);
      if (sum < least) least = sum, best = centre;
    }
    about = best;
  }
  return about;
}

}  // namespace etalon
