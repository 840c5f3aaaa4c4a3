#include "crystal_report.hpp"

#include <algorithm>
#include <cmath>

#include "analyse/running_mean.hpp"
#include "report_line.hpp"

namespace etalon::cli {
namespace {

// The value below which a share of them lies; NaN of none.
double quantile(std::vector<double> values, double share) {
  if (values.empty()) return NAN;
  const auto at = values.begin() + std::lround(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

struct Summary {
  std::vector<double> shares, rms_px, excitation, off_deg;
  RunningMean scale, dx, dy;
  std::uint64_t right = 0;

  explicit Summary(const CrystalTally& tally) {
    for (const FoundCrystal& c : tally.crystals) {
      shares.push_back(static_cast<double>(c.lattice.peaks.size()) / static_cast<double>(c.peaks));
      rms_px.push_back(c.lattice.rms_px);
      excitation.push_back(c.lattice.excitation_rms);
      scale.add(c.lattice.scale);
      dx.add(c.lattice.beam_dx);
      dy.add(c.lattice.beam_dy);
      if (!c.off_deg) continue;
      off_deg.push_back(*c.off_deg);
      right += *c.off_deg <= right_deg;
    }
  }
};

double percent(double part, double whole) { return whole > 0 ? 100 * part / whole : 0; }

template <typename... Numbers>
std::string text_of(const char* format, Numbers... numbers) {
  std::string text(static_cast<std::size_t>(std::snprintf(nullptr, 0, format, numbers...)), '\0');
  std::snprintf(text.data(), text.size() + 1, format, numbers...);
  return text;
}

// "-" where there is no number.
std::string cell_of(const char* format, double value, int width) {
  return text_of("%*s", width, std::isnan(value) ? "-" : text_of(format, value).c_str());
}

std::string statistics_row(const std::string& name, const MergeStatistics& s, bool truth) {
  std::string row =
      text_of("%-14s %8llu %9llu", name.c_str(), ull(s.reflections), ull(s.observations)) +
      cell_of("%.1f", 100 * s.completeness, 8) + cell_of("%.4g", s.mean_intensity, 10) +
      cell_of("%.2f", s.signal_to_noise, 8) + cell_of("%.4f", s.cc_half, 9) +
      cell_of("%.4f", s.cc_star, 9) + cell_of("%.4f", s.r_split, 9);
  if (truth) row += cell_of("%.4f", s.truth_cc, 9);
  return row + "\n";
}

std::string statistics_head(const char* name, bool truth) {
  return text_of("%-14s %8s %9s%8s%10s%8s%9s%9s%9s", name, "refl.", "observ.", "compl.%", "mean I",
                 "I/sigma", "CC1/2", "CC*", "R_split") +
         (truth ? text_of("%9s", "CC(F^2)") : "") + "\n";
}

nlohmann::json statistics_json(const MergeStatistics& s) {
  return {{"d_low", number_or_null(s.d_low)},
          {"d_high", number_or_null(s.d_high)},
          {"reflections", s.reflections},
          {"observations", s.observations},
          {"completeness", number_or_null(s.completeness)},
          {"mean_intensity", number_or_null(s.mean_intensity)},
          {"signal_to_noise", number_or_null(s.signal_to_noise)},
          {"cc_half", number_or_null(s.cc_half)},
          {"cc_star", number_or_null(s.cc_star)},
          {"r_split", number_or_null(s.r_split)},
          {"structure_factor_cc", number_or_null(s.truth_cc)}};
}

}  // namespace

nlohmann::json number_or_null(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

std::string index_text(const CrystalTally& tally) {
  const Summary s(tally);
  std::string text =
      line("stills", "%llu, %llu hits", ull(tally.frames), ull(tally.hits)) +
      line("indexed", "%llu (%.2f %% of the hits), %llu crystals", ull(tally.indexed),
           percent(double(tally.indexed), double(tally.hits)), ull(tally.crystals.size()));
  if (!tally.crystals.empty()) {
    text += line("peaks", "%.1f %% of a still's in the median, at least %.1f %%",
                 100 * quantile(s.shares, 0.5), 100 * quantile(s.shares, 0)) +
            line("places", "%.2f pixels rms off in the median", quantile(s.rms_px, 0.5)) +
            line("excitation", "%.2e 1/angstrom rms in the median", quantile(s.excitation, 0.5)) +
            line("cell", "reciprocal scale %.5f, from crystal to crystal %.5f", s.scale.mean(),
                 s.scale.sigma()) +
            line("beam", "%+.2f, %+.2f pixels off (added to places), from crystal to crystal %.2f",
                 s.dx.mean(), s.dy.mean(), std::max(s.dx.sigma(), s.dy.sigma()));
  }
  if (tally.truth) {
    text += line("truth", "%llu of %llu hits with a crystal indexed within %g degree (%.2f %%)",
                 ull(s.right), ull(tally.true_crystals), right_deg,
                 percent(double(s.right), double(tally.true_crystals)));
    if (!s.off_deg.empty())
      text += line("orientation", "%.4f degrees off in the median, 95 %% within %.4f, worst %.4f",
                   quantile(s.off_deg, 0.5), quantile(s.off_deg, 0.95), quantile(s.off_deg, 1));
  }
  if (!tally.milliseconds.empty())
    text += line("time", "%.2f ms a hit in the median, 95 %% within %.2f, one thread",
                 quantile(tally.milliseconds, 0.5), quantile(tally.milliseconds, 0.95));
  return text;
}

nlohmann::json index_json(const CrystalTally& tally) {
  const Summary s(tally);
  nlohmann::json out = {{"files", tally.files},
                        {"frames", tally.frames},
                        {"hits", tally.hits},
                        {"indexed", tally.indexed},
                        {"crystals", tally.crystals.size()},
                        {"share_of_peaks_median", number_or_null(quantile(s.shares, 0.5))},
                        {"rms_px_median", number_or_null(quantile(s.rms_px, 0.5))},
                        {"excitation_rms_median", number_or_null(quantile(s.excitation, 0.5))},
                        {"scale_mean", s.scale.mean()},
                        {"beam_shift_px", {s.dx.mean(), s.dy.mean()}},
                        {"ms_median", number_or_null(quantile(tally.milliseconds, 0.5))},
                        {"truth", nullptr}};
  if (tally.truth)
    out["truth"] = {{"crystals", tally.true_crystals},
                    {"right", s.right},
                    {"misorientation_deg",
                     {{"median", number_or_null(quantile(s.off_deg, 0.5))},
                      {"p95", number_or_null(quantile(s.off_deg, 0.95))},
                      {"worst", number_or_null(quantile(s.off_deg, 1))}}}};
  return out;
}

std::string crystals_csv(const CrystalTally& tally) {
  std::string text =
      "file,frame,peaks,indexed,rms_px,excitation_rms,scale,beam_dx,beam_dy,chance,"
      "asx,bsx,csx,asy,bsy,csy,asz,bsz,csz,misorientation_deg\n";
  for (const FoundCrystal& c : tally.crystals) {
    const CrystalLattice& l = c.lattice;
    text += text_of("%zu,%llu,%zu,%zu,%.4f,%.4e,%.6f,%.3f,%.3f,%.3e", c.file, ull(c.frame), c.peaks,
                    l.peaks.size(), l.rms_px, l.excitation_rms, l.scale, l.beam_dx, l.beam_dy,
                    l.chance);
    for (const double a : l.a_matrix) text += text_of(",%.9g", a);
    text += c.off_deg ? text_of(",%.5f\n", *c.off_deg) : ",\n";
  }
  return text;
}

nlohmann::json crystals_json(const CrystalTally& tally) {
  nlohmann::json list = nlohmann::json::array();
  for (const FoundCrystal& c : tally.crystals) {
    const CrystalLattice& l = c.lattice;
    nlohmann::json spots = nlohmann::json::array();
    for (const IndexedPeak& p : l.peaks)
      spots.push_back(
          {{"peak", p.peak}, {"hkl", p.index}, {"off_px", p.off_px}, {"excitation", p.excitation}});
    list.push_back(
        {{"file", tally.files[c.file]},
         {"frame", c.frame},
         {"peaks", c.peaks},
         {"a_matrix", l.a_matrix},
         {"scale", l.scale},
         {"beam_shift_px", {l.beam_dx, l.beam_dy}},
         {"chance", l.chance},
         {"rms_px", l.rms_px},
         {"excitation_rms", l.excitation_rms},
         {"misorientation_deg", c.off_deg ? nlohmann::json(*c.off_deg) : nlohmann::json()},
         {"indexed", spots}});
  }
  return list;
}

std::string merge_text(const Merged& merged, bool truth) {
  std::string text = line("crystals", "%llu merged, %llu left out for their scale",
                          ull(merged.crystals - merged.left_out), ull(merged.left_out)) +
                     "\n" + statistics_head("resolution A", truth);
  for (const MergeStatistics& s : merged.shells)
    text += statistics_row(text_of("%.2f - %.2f", s.d_low, s.d_high), s, truth);
  text += statistics_row("all", merged.all, truth) + "\n" +
          statistics_head(truth ? "by true F^2" : "by merged I", truth);
  for (std::size_t i = 0; i < merged.strengths.size(); ++i) {
    const double n = static_cast<double>(merged.strengths.size());
    text += statistics_row(text_of("%.0f - %.0f %%", 100 * double(i) / n, 100 * double(i + 1) / n),
                           merged.strengths[i], truth);
  }
  return text;
}

nlohmann::json merge_json(const Merged& merged) {
  nlohmann::json shells = nlohmann::json::array(), strengths = nlohmann::json::array();
  for (const MergeStatistics& s : merged.shells) shells.push_back(statistics_json(s));
  for (const MergeStatistics& s : merged.strengths) strengths.push_back(statistics_json(s));
  return {{"crystals", merged.crystals},
          {"left_out", merged.left_out},
          {"observations", merged.observations},
          {"all", statistics_json(merged.all)},
          {"shells", shells},
          {"strengths", strengths}};
}

std::string reflections_csv(const Merged& merged, const KnownIntensities* known) {
  std::string text = "h,k,l,d_angstrom,intensity,sigma,observations,half1,half2";
  text += known != nullptr ? ",known\n" : "\n";
  for (const MergedReflection& r : merged.reflections) {
    text +=
        text_of("%d,%d,%d,%.4f,%.6g,%s,%u,%.6g,%.6g", r.index[0], r.index[1], r.index[2], 1 / r.q,
                r.intensity, std::isnan(r.sigma) ? "" : text_of("%.6g", r.sigma).c_str(),
                r.observations, r.half[0], r.half[1]);
    if (known != nullptr) {
      const auto found = known->find(r.index);
      text += found == known->end() ? "," : text_of(",%.6g", found->second);
    }
    text += "\n";
  }
  return text;
}

}  // namespace etalon::cli
