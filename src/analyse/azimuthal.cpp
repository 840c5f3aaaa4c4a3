#include "analyse/azimuthal.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "analyse/pixel_split.hpp"

namespace etalon {
namespace {

constexpr std::uint64_t most_entries = std::uint64_t{1} << 31;

struct UnitName {
  RadialUnit unit;
  std::string_view name, label;
};
constexpr UnitName unit_names[] = {{RadialUnit::q_per_angstrom, "q_A^-1", "q (Å⁻¹)"},
                                   {RadialUnit::q_per_nm, "q_nm^-1", "q (nm⁻¹)"},
                                   {RadialUnit::two_theta_deg, "2th_deg", "2θ (°)"},
                                   {RadialUnit::two_theta_rad, "2th_rad", "2θ (rad)"},
                                   {RadialUnit::r_mm, "r_mm", "r (mm)"}};
constexpr std::pair<Splitting, std::string_view> splitting_names[] = {
    {Splitting::no, "no"}, {Splitting::bounding_box, "bbox"}, {Splitting::full, "full"}};

Error usage(std::string reason) { return {Errc::usage, std::move(reason)}; }

Result<void> check(const Geometry& g, const Mask& mask, const AzimuthalOptions& o) {
  if (o.bins == 0 || o.bins > azimuthal::most_bins)
    return usage("bins are from 1 to " + std::to_string(azimuthal::most_bins));
  if (o.range && !(std::isfinite(o.range->first) && std::isfinite(o.range->second) &&
                   o.range->first < o.range->second))
    return usage("the range of the profile must rise");
  if (o.polarization && !(std::abs(*o.polarization) <= 1))
    return usage("the polarization factor is from -1 to 1");
  if (g.pixels() == 0 || (!g.places.empty() && g.places.size() != g.panels.size()))
    return usage("no pixels, or panels without a place");
  for (const Panel& p : g.panels)
    if (p.y0 >= p.y1 || p.x0 >= p.x1 || p.y1 > g.ny || p.x1 > g.nx)
      return usage("a panel lies outside the image");
  const auto fits = [&](std::size_t n) { return n == 0 || n == g.pixels(); };
  if (!fits(mask.size())) return usage("the mask has other extents than the images");
  if (!fits(o.flat.size())) return usage("the flat field has other extents than the images");
  if (!fits(o.dark.size())) return usage("the dark image has other extents than the images");
  return {};
}

// Whole rows, at most band_pixels of them or one: a function of the extents alone.
std::size_t rows_of_band(std::size_t nx) {
  return std::max<std::size_t>(1, azimuthal::band_pixels / nx);
}

std::vector<bool> counting_pixels(const RadialField& field, const Mask& mask,
                                  const std::vector<float>& flat, const std::vector<float>& dark) {
  std::vector<bool> counts(field.ny() * field.nx());
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts[i] = field.covers(i) && (mask.empty() || mask[i] != 0) &&
                std::isfinite(field.centre(i)) && field.normalization(i) > 0 &&
                (flat.empty() || (flat[i] > 0 && std::isfinite(flat[i]))) &&
                (dark.empty() || std::isfinite(dark[i]));
  return counts;
}

// The bins, and about how many entries the matrix will have.
Result<Binning> binning_of(const RadialField& field, const std::vector<bool>& counts,
                           const AzimuthalOptions& options, ThreadPool& pool) {
  struct Row {
    double low = HUGE_VAL, high = -HUGE_VAL, widths = 0;
    std::uint64_t pixels = 0;
  };
  std::vector<Row> rows(field.ny());
  pool.for_each(rows.size(), [&](std::size_t y) {
    for (std::size_t i = y * field.nx(); i < (y + 1) * field.nx(); ++i) {
      if (!counts[i]) continue;
      const Extent extent = extent_of(field, i, options.splitting);
      rows[y].low = std::min(rows[y].low, std::max(0.0, extent.low));
      rows[y].high = std::max(rows[y].high, extent.high);
      const auto [low, high] = options.range.value_or(std::pair(extent.low, extent.high));
      const double inside = std::min(extent.high, high) - std::max(extent.low, low);
      if (inside < 0) continue;
      rows[y].widths += inside;
      ++rows[y].pixels;
    }
  });
  Row all;
  for (const Row& row : rows) {
    all.low = std::min(all.low, row.low);
    all.high = std::max(all.high, row.high);
    all.widths += row.widths;
    all.pixels += row.pixels;
  }
  if (all.pixels == 0)
    return usage(options.range ? "no good pixel is in the range of the profile" : "no good pixels");
  double low = all.low, high = all.high;
  if (options.range) std::tie(low, high) = *options.range;
  high *= 1 + 0x1p-23;  // the outermost corner is inside, as in pyFAI
  if (!(high > low)) high = low + 1;
  const Binning binning{low, (high - low) / static_cast<double>(options.bins), options.bins};
  if (static_cast<double>(all.pixels) + all.widths / binning.width >
      static_cast<double>(most_entries))
    return usage("bins so fine that the matrix has more than 2^31 entries");
  return binning;
}

double over(double a, double b) { return b > 0 ? a / b : NAN; }

void divide(Profile& p) {
  const std::size_t bins = p.signal.size();
  p.intensity.resize(bins);
  p.sigma.resize(p.variance.size());
  for (std::size_t b = 0; b < bins; ++b) {
    const double normalization = p.pixels[b] > 0 ? p.normalization[b] : 0;
    p.intensity[b] = over(p.signal[b], normalization);
    if (!p.variance.empty()) p.sigma[b] = over(std::sqrt(p.variance[b]), normalization);
  }
}

}  // namespace

Result<RadialUnit> parse_radial_unit(std::string_view name) {
  for (const UnitName& known : unit_names)
    if (name == known.name) return known.unit;
  return usage("unit '" + std::string(name) +
               "': expected one of q_A^-1, q_nm^-1, 2th_deg, 2th_rad, r_mm");
}

std::string_view name_of(RadialUnit unit) {
  return unit_names[static_cast<std::size_t>(unit)].name;
}
std::string_view label_of(RadialUnit unit) {
  return unit_names[static_cast<std::size_t>(unit)].label;
}

Result<Splitting> parse_splitting(std::string_view name) {
  for (const auto& [splitting, known] : splitting_names)
    if (name == known) return splitting;
  return usage("splitting '" + std::string(name) + "': expected one of no, bbox, full");
}

std::string_view name_of(Splitting splitting) {
  return splitting_names[static_cast<std::size_t>(splitting)].second;
}

void Profile::add(const Profile& other) {
  const auto sum = [](std::vector<double>& to, const std::vector<double>& from) {
    for (std::size_t b = 0; b < to.size(); ++b) to[b] += from[b];
  };
  sum(signal, other.signal);
  sum(normalization, other.normalization);
  sum(variance, other.variance);
  sum(pixels, other.pixels);
  divide(*this);
}

Result<AzimuthalIntegrator> AzimuthalIntegrator::create(const Geometry& geometry, const Mask& mask,
                                                        const AzimuthalOptions& options,
                                                        ThreadPool& pool) {
  ETALON_TRY(check(geometry, mask, options));
  ETALON_ASSIGN(
      const RadialField field,
      RadialField::create(geometry, options.unit, options.polarization, options.solid_angle, pool));
  const auto counts = counting_pixels(field, mask, options.flat, options.dark);
  ETALON_ASSIGN(const Binning binning, binning_of(field, counts, options, pool));

  AzimuthalIntegrator out;
  out.options_ = options;
  out.ny_ = geometry.ny;
  out.nx_ = geometry.nx;
  for (std::size_t b = 0; b < options.bins; ++b)
    out.centres_.push_back(binning.low + (static_cast<double>(b) + 0.5) * binning.width);
  out.normalization_.resize(geometry.pixels());
  for (std::size_t i = 0; i < out.normalization_.size(); ++i)
    if (counts[i])
      out.normalization_[i] = static_cast<float>(
          field.normalization(i) * (options.flat.empty() ? 1.0 : double{options.flat[i]}));

  const std::size_t rows = rows_of_band(geometry.nx);
  out.bands_.resize((geometry.ny + rows - 1) / rows);
  pool.for_each(out.bands_.size(), [&](std::size_t b) {
    PixelSplitter splitter(field, binning, options.splitting);
    azimuthal::BandBuilder builder(b * rows * geometry.nx);
    for (std::size_t i = b * rows * geometry.nx;
         i < std::min((b + 1) * rows, geometry.ny) * geometry.nx; ++i) {
      if (counts[i]) {
        const auto& shares = splitter.split(i);
        builder.add(splitter.first(), shares);
      } else {
        builder.add(0, {});
      }
    }
    out.bands_[b] = builder.finish();
  });
  out.sum_normalization();
  for (const azimuthal::Band& band : out.bands_)
    out.entries_ += static_cast<std::uint64_t>(
        std::ranges::count_if(band.weights, [](std::uint16_t w) { return w != 0; }));
  if (std::ranges::all_of(out.weight_, [](std::uint64_t w) { return w == 0; }))
    return usage("no good pixel is in the range of the profile");
  return out;
}

// What would be lost if every pixel were.
void AzimuthalIntegrator::sum_normalization() {
  weight_.assign(options_.bins, 0);
  normalization_sum_.assign(options_.bins, 0);
  dark_sum_.assign(options_.bins, 0);
  for (const azimuthal::Band& band : bands_)
    for (std::size_t s = 0; s + 1 < band.begin.size(); ++s)
      for (std::size_t row = band.begin[s]; row < band.begin[s + 1]; ++row)
        for (std::size_t j = 0; j < azimuthal::slice_pixels; ++j) {
          const std::uint32_t w = band.weights[row * azimuthal::slice_pixels + j];
          if (w == 0) continue;
          const std::size_t in_band = s * azimuthal::slice_pixels + j;
          const std::size_t bin = band.first_bin[in_band] + (row - band.begin[s]);
          weight_[bin] += w;
          normalization_sum_[bin] += w * double{normalization_[band.first + in_band]};
          if (!options_.dark.empty())
            dark_sum_[bin] += w * double{options_.dark[band.first + in_band]};
        }
}

Result<Profile> AzimuthalIntegrator::integrate(const ArrayView& image, ThreadPool* pool) const {
  if (!(image.shape == Shape{ny_, nx_}))
    return usage("an image of " + to_string(image.shape) + " where the geometry has " +
                 to_string(Shape{ny_, nx_}));
  std::vector<azimuthal::BandSums> sums(bands_.size());
  const auto integrate_band = [&](std::size_t b) {
    thread_local azimuthal::Scratch scratch;
    azimuthal::integrate(bands_[b], options_.bins, image, options_.valid,
                         {normalization_, options_.dark}, options_.sigma, scratch, sums[b]);
  };
  if (pool != nullptr)
    pool->for_each(bands_.size(), integrate_band);
  else
    for (std::size_t b = 0; b < bands_.size(); ++b) integrate_band(b);
  return profile_of(sums);
}

// Band after band, so that it does not matter who integrated which.
Profile AzimuthalIntegrator::profile_of(const std::vector<azimuthal::BandSums>& bands) const {
  const std::size_t bins = options_.bins;
  std::vector<std::uint64_t> weight = weight_;
  std::vector<double> dark = dark_sum_;
  Profile p;
  p.signal.assign(bins, 0);
  p.variance.assign(options_.sigma ? bins : 0, 0);
  p.normalization = normalization_sum_;
  for (const azimuthal::BandSums& band : bands) {
    for (std::size_t b = 0; b < bins; ++b) p.signal[b] += band.signal[b];
    for (std::size_t b = 0; b < p.variance.size(); ++b) p.variance[b] += band.variance[b];
    if (!band.any_lost) continue;
    for (std::size_t b = 0; b < bins; ++b) {
      weight[b] -= band.lost_weight[b];
      p.normalization[b] -= band.lost_normalization[b];
      dark[b] -= band.lost_dark[b];
    }
  }
  constexpr double unit = 1.0 / azimuthal::whole_pixel;
  p.pixels.resize(bins);
  for (std::size_t b = 0; b < bins; ++b) {
    p.signal[b] = (p.signal[b] - (weight[b] ? dark[b] : 0)) * unit;
    p.normalization[b] = weight[b] ? p.normalization[b] * unit : 0;
    p.pixels[b] = static_cast<double>(weight[b]) * unit;
  }
  for (double& v : p.variance) v *= unit * unit;
  divide(p);
  return p;
}

}  // namespace etalon
