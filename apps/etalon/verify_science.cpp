#include "verify_science.hpp"

#include <cmath>
#include <cstdio>

#include "analyse/science_series.hpp"
#include "crystal_report.hpp"
#include "keep.hpp"
#include "store/container_series.hpp"

namespace etalon::cli {
namespace {

template <typename... Numbers>
std::string line(const char* format, Numbers... numbers) {
  char text[240];
  std::snprintf(text, sizeof text, format, numbers...);
  return text;
}

unsigned long long number(std::uint64_t n) { return n; }

std::string finder_text(const FinderSettings& finder) {
  const std::string name(semantics_of(finder.method));
  const auto wide = [](float value) { return static_cast<double>(value); };
  if (finder.method == FindMethod::peakfinder8)
    return name + line(", threshold %g, SNR %g", wide(finder.parameters.threshold),
                       wide(finder.parameters.snr));
  const DispersionParameters& p = finder.dispersion;
  return name + line(", threshold %g, sigmas %g and %g", wide(p.threshold),
                     wide(p.sigma_background), wide(p.sigma_strong));
}

std::string frame_list(const char* what, const std::vector<std::uint64_t>& frames) {
  if (frames.empty()) return "";
  std::string text = std::string("  ") + what + ": frame" + (frames.size() > 1 ? "s " : " ");
  constexpr std::size_t most = 12;
  for (std::size_t i = 0; i < std::min(frames.size(), most); ++i)
    text += (i > 0 ? ", " : "") + std::to_string(frames[i]);
  if (frames.size() > most) text += " and " + std::to_string(frames.size() - most) + " more";
  return text + "\n";
}

std::string strong_text(const ScienceReport::Strong& strong) {
  if (strong.differences.n() < 2) return "strong spots    not judged: too few\n";
  const RunningMean& d = strong.differences;
  return line(
      "strong spots    bias %+.4f +- %.4f sigma (%+.3f %%), scatter %.4f sigma;"
      " %llu of %llu judged\n",
      d.mean(), sigmas_of_99_percent * d.error(), 100 * strong.relative_bias(), d.sigma(),
      number(d.n()), number(strong.places));
}

std::string weak_text(const ScienceReport::Weak& weak) {
  if (!weak.given) return "weak spots      not judged: --predicted names no places\n";
  const std::string spots =
      line("%llu of %llu judged\n", number(weak.raw.n()), number(weak.places));
  if (std::isnan(weak.bias()))
    return line(
               "weak spots      not judged: their mean of %.3g in the raw frames is no more than"
               " chance; ",
               weak.raw.mean()) +
           spots;
  return line("weak spots      bias %+.3f %% +- %.3f %% of their mean of %.4g; ", 100 * weak.bias(),
              100 * weak.half_width(), weak.raw.mean()) +
         spots;
}

std::string crystals_text(const CrystalScience& c) {
  if (!c.given) return "";
  std::string text = line(
      "indexed    %llu stills in raw, %llu in the reduction, %llu in both alike (%.3f %% kept)"
      ", %llu turned\n",
      number(c.raw), number(c.reduced), number(c.kept),
      c.raw > 0 ? 100.0 * static_cast<double>(c.kept) / static_cast<double>(c.raw) : 0.0,
      number(c.turned));
  if (!c.shifts_deg.empty())
    text += line("  turned by %.4f degrees in the median, 95 %% within %.4f\n", c.shift_deg(0.5),
                 c.shift_deg(0.95));
  const auto row = [&](const char* name, const MergeStatistics& s) {
    return line("  %-8s CC1/2 %.4f, CC* %.4f, R_split %.4f", name, s.cc_half, s.cc_star,
                s.r_split) +
           (c.known ? line(", CC with F^2 %.4f", s.truth_cc) : std::string()) +
           line("; %llu reflections\n", number(s.reflections));
  };
  return text + row("raw", c.raw_merged.all) + row("reduced", c.reduced_merged.all) +
         line("  merged intensities of both: CC %.5f\n", c.merged_cc);
}

nlohmann::json crystals_json(const CrystalScience& c) {
  if (!c.given) return nullptr;
  return {
      {"raw", c.raw},
      {"reduced", c.reduced},
      {"kept", c.kept},
      {"turned", c.turned},
      {"shift_deg",
       {{"median", judged_number(c.shift_deg(0.5))}, {"p95", judged_number(c.shift_deg(0.95))}}},
      {"raw_merged", merge_json(c.raw_merged)},
      {"reduced_merged", merge_json(c.reduced_merged)}};
}

nlohmann::json keep_json(const Science& science) {
  const std::vector<Broken> failed = broken(*science.keep, science.report.metrics());
  nlohmann::json list = nlohmann::json::array();
  for (const Broken& b : failed) list.push_back(b.text());
  return {{"condition", to_string(*science.keep)}, {"holds", failed.empty()}, {"broken", list}};
}

}  // namespace

void add_science_options(Command& command, ScienceOptions& options, bool& science) {
  Option* const flag = command.add_flag(
      "--science", science,
      "Also judge the science: peaks and hits, intensities of strong and weak spots,\n"
      "radial profile, raw against reduced");
  std::vector<Option*> own = add_finder_options(command, options.finder);
  own.push_back(command
                    .add_option("--predicted", options.predicted,
                                "Places of weak spots: CSV with the columns frame, x and y; or a\n"
                                "simulated series")
                    ->type_name("FILE")
                    ->default_str(""));
  own.push_back(command
                    .add_option("--keep", options.keep,
                                std::string("What must hold, such as "
                                            "\"peaks>=0.999,weak_bias<=0.02\"; of\n") +
                                    keep_names)
                    ->type_name("CONDITION")
                    ->default_str(""));
  for (Option* option : own) {
    if (option->check_name("--mask"))
      option->description(
          "Pixels to leave out, of active regions as compress left them out, and by --science\n"
          "besides the file's own mask: a (y, x) array, or a dataset of the original, that is not\n"
          "zero there");
    else
      option->needs(flag)->group("Science");
  }
  for (Option* option : add_crystal_science_options(command, options.crystals)) option->needs(flag);
  flag->group("Science");
}

Result<Science> judge_science(const ArrayInput& raw, const ArrayInput& reduced,
                              const ScienceOptions& options) {
  Science science;
  ETALON_ASSIGN(const FinderSettings finder, finder_settings("verify", options.finder));
  if (!options.keep.empty()) {
    ETALON_ASSIGN(science.keep, parse_keep(options.keep, options.judged()));
  }
  ETALON_ASSIGN(auto crystals, crystal_science("verify", options.crystals, options.finder.gain));
  std::optional<PlaceTable> places;
  if (!options.predicted.empty()) {
    ETALON_ASSIGN(places, PlaceTable::read(options.predicted));
  }
  ETALON_ASSIGN(OpenOptions raw_how, open_options(raw));
  raw_how.any_mask = !options.finder.mask.empty();
  ETALON_ASSIGN(const auto before, open_series(raw.path, raw_how));
  OpenOptions reduced_how;
  reduced_how.any_mask = true;  // the original's is looked at
  if (!is_container_file(reduced.path)) {
    ETALON_ASSIGN(reduced_how, open_options(reduced));
    reduced_how.any_mask = true;
  }
  ETALON_ASSIGN(const auto after, open_series(reduced.path, reduced_how));
  ETALON_ASSIGN(const FinderView seen,
                finder_view("verify", raw.path, before->info(), options.finder));
  Progress progress("judging", before->info().frames, "frames");
  SeriesJudgement how;
  how.settings = {finder, options.finder.min_peaks, options.finder.gain, std::move(crystals)};
  how.predicted = places ? &*places : nullptr;
  how.threads = 0;
  how.progress = [&](std::uint64_t done) { progress.update(done); };
  how.stop = &interrupted;
  ETALON_ASSIGN(science.report, judge_series(*before, *after, seen.geometry, seen.mask, how));
  return science;
}

std::string science_text(const Science& science) {
  const ScienceReport& r = science.report;
  std::string text =
      line("science    %llu of %llu frames; %s; same within %g pixels\n", number(r.compared),
           number(r.frames), finder_text(r.settings.finder).c_str(), match_px);
  const char* row = "%-10s %10llu %10llu %10llu %10llu %10llu%s\n";
  const auto share = [](std::uint64_t kept, std::uint64_t raw) {
    return raw == 0 ? std::string()
                    : line("  %.3f %% kept",
                           100.0 * static_cast<double>(kept) / static_cast<double>(raw));
  };
  text +=
      line("%-10s %10s %10s %10s %10s %10s\n", "", "raw", "reduced", "kept", "lost", "invented");
  text += line(row, "peaks", number(r.raw_peaks), number(r.reduced_peaks), number(r.peaks_kept),
               number(r.peaks_lost()), number(r.peaks_invented()),
               share(r.peaks_kept, r.raw_peaks).c_str());
  const std::uint64_t raw_hits = r.hits_kept.size() + r.hits_lost.size();
  text += line(row, "hits", number(raw_hits), number(r.hits_kept.size() + r.hits_invented.size()),
               number(r.hits_kept.size()), number(r.hits_lost.size()),
               number(r.hits_invented.size()), share(r.hits_kept.size(), raw_hits).c_str());
  text += frame_list("lost", r.hits_lost);
  if (r.hits_left_out > 0)
    text +=
        line("  %llu of the lost hits were left out of the reduction\n", number(r.hits_left_out));
  text += frame_list("invented", r.hits_invented);
  text += strong_text(r.strong) + weak_text(r.weak);
  const double chi2 = r.radial_chi2();
  text += std::isnan(chi2) ? std::string("radial profile  not judged: no pixels\n")
                           : line("radial profile  chi2 %.4g a bin, of %llu bins\n", chi2,
                                  number(r.radial_bins()));
  text += crystals_text(r.crystals);
  if (science.keep)
    for (const Comparison& comparison : science.keep->comparisons) {
      const Condition one{{comparison}};
      const auto failed = broken(one, r.metrics());
      text += "keep       " +
              (failed.empty() ? to_string(one) + ": holds" : failed[0].text() + "  BROKEN") + "\n";
    }
  return text;
}

nlohmann::json judged_number(double value) {
  return std::isnan(value) ? nlohmann::json() : nlohmann::json(value);
}

nlohmann::json science_json(const Science& science) {
  const ScienceReport& r = science.report;
  const RunningMean& strong = r.strong.differences;
  nlohmann::json metrics = nlohmann::json::object();
  for (const auto& [name, value] : r.metrics()) metrics[name] = judged_number(value);
  nlohmann::json out = {
      {"frames",
       {{"raw", r.frames}, {"compared", r.compared}, {"left_out", r.frames - r.compared}}},
      {"finder", semantics_of(r.settings.finder.method)},
      {"match_px", match_px},
      {"peaks",
       {{"raw", r.raw_peaks},
        {"reduced", r.reduced_peaks},
        {"kept", r.peaks_kept},
        {"lost", r.peaks_lost()},
        {"invented", r.peaks_invented()}}},
      {"hits",
       {{"min_peaks", r.settings.min_peaks},
        {"kept", r.hits_kept},
        {"lost", r.hits_lost},
        {"invented", r.hits_invented},
        {"left_out", r.hits_left_out}}},
      {"strong",
       {{"spots", r.strong.places},
        {"judged", strong.n()},
        {"bias_sigma", judged_number(strong.n() < 2 ? NAN : strong.mean())},
        {"bias_half_width_99_sigma",
         judged_number(strong.n() < 2 ? NAN : sigmas_of_99_percent * strong.error())},
        {"scatter_sigma", judged_number(strong.n() < 2 ? NAN : strong.sigma())},
        {"relative_bias", judged_number(r.strong.relative_bias())}}},
      {"crystals", crystals_json(r.crystals)},
      {"radial", {{"bins", r.radial_bins()}, {"chi2", judged_number(r.radial_chi2())}}},
      {"metrics", metrics}};
  if (r.weak.given)
    out["weak"] = {{"spots", r.weak.places},
                   {"judged", r.weak.raw.n()},
                   {"raw_mean", r.weak.raw.mean()},
                   {"bias", judged_number(r.weak.bias())},
                   {"half_width_99", judged_number(r.weak.half_width())}};
  else
    out["weak"] = nullptr;
  if (science.keep) out["keep"] = keep_json(science);
  return out;
}

Result<void> hold_science(const Science& science, const std::string& reduced) {
  if (!science.keep) return {};
  std::string text;
  for (const Broken& b : broken(*science.keep, science.report.metrics()))
    text += (text.empty() ? "" : "; ") + b.text();
  if (text.empty()) return {};
  return Error{Errc::check, reduced + ": does not keep the science: " + text};
}

}  // namespace etalon::cli
