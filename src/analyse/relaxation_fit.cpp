// Baseline and contrast are linear once the rate is known: only that is searched for (variable
// projection; G. Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413).
#include <cmath>

#include "analyse/photon_correlation.hpp"

namespace etalon {
namespace {

class Relaxation {
 public:
  Relaxation(const std::vector<Correlation>& curve, double frame_time_s) : curve_(curve) {
    double pairs = 0;
    for (const Correlation& c : curve) pairs += static_cast<double>(c.pairs);
    for (const Correlation& c : curve) {
      t_.push_back(static_cast<double>(c.lag) * frame_time_s);
      weight_.push_back(static_cast<double>(c.pairs) / pairs);  // their sum is 1
    }
  }

  // The best one of this rate; its residual is the weighted mean square.
  RelaxationFit at(double rate) const {
    double x = 0, y = 0, xx = 0, xy = 0;
    for (std::size_t i = 0; i < t_.size(); ++i) {
      const double e = std::exp(-2 * rate * t_[i]), w = weight_[i];
      x += w * e;
      y += w * curve_[i].g2;
      xx += w * e * e;
      xy += w * e * curve_[i].g2;
    }
    RelaxationFit fit;
    fit.rate = rate;
    const double spread = xx - x * x;
    fit.contrast = spread > 0 ? (xy - x * y) / spread : 0;
    fit.baseline = y - fit.contrast * x;
    for (std::size_t i = 0; i < t_.size(); ++i) {
      const double off = curve_[i].g2 - fit.baseline - fit.contrast * std::exp(-2 * rate * t_[i]);
      fit.residual += weight_[i] * off * off;
    }
    return fit;
  }
  double shortest() const { return t_.front(); }
  double longest() const { return t_.back(); }

 private:
  const std::vector<Correlation>& curve_;
  std::vector<double> t_, weight_;
};

}  // namespace

Result<RelaxationFit> fit_relaxation(const std::vector<Correlation>& curve, double frame_time_s) {
  if (curve.size() < 5)
    return Error{Errc::check, "only " + std::to_string(curve.size()) + " lags; a fit needs 5"};
  const Relaxation of(curve, frame_time_s);
  // From what hardly decays within the longest lag to what has within the shortest.
  const double first = std::log(0.1 / of.longest()), last = std::log(5 / of.shortest());
  constexpr int steps = 200;
  const double step = (last - first) / steps;
  int best = 0;
  double least = HUGE_VAL;
  for (int i = 0; i <= steps; ++i)
    if (const double off = of.at(std::exp(first + i * step)).residual; off < least)
      least = off, best = i;
  if (best == 0 || best == steps)
    return Error{Errc::check, best == 0 ? "does not decay within the series"
                                        : "has decayed before the second frame"};
  double low = first + (best - 1) * step, high = first + (best + 1) * step;
  const double golden = (std::sqrt(5.0) - 1) / 2;
  for (int i = 0; i < 60; ++i) {
    const double a = high - golden * (high - low), b = low + golden * (high - low);
    (of.at(std::exp(a)).residual < of.at(std::exp(b)).residual ? high : low) =
        of.at(std::exp(a)).residual < of.at(std::exp(b)).residual ? b : a;
  }
  const double log_rate = (low + high) / 2, h = 0.01;
  RelaxationFit fit = of.at(std::exp(log_rate));
  const double curvature = (of.at(std::exp(log_rate + h)).residual - 2 * fit.residual +
                            of.at(std::exp(log_rate - h)).residual) /
                           (h * h);
  const auto n = static_cast<double>(curve.size());
  const double noise = fit.residual / (n - 3);
  fit.rate_sigma = curvature > 0 ? fit.rate * std::sqrt(2 * noise / curvature) : HUGE_VAL;
  fit.residual = std::sqrt(fit.residual);
  return fit;
}

}  // namespace etalon
