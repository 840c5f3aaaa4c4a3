#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/utf8.hpp"
#include "commands.hpp"
#include "etalon/version.hpp"
#include "html.hpp"
#include "pipeline/veto.hpp"
#include "report_line.hpp"
#include "report_subject.hpp"
#include "series_plots.hpp"
#include "store/file.hpp"
#include "store/series_reader.hpp"
#include "store/series_summary.hpp"
#include "verify_science.hpp"

namespace etalon::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Rows = std::vector<std::vector<std::string>>;

struct Options {
  std::string run, output, ledger, original;
  bool no_original = false, overwrite = false;
};

template <typename... Values>
std::string format(const char* how, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, how, values...);
  return text;
}

std::string percent(double share) { return format("%.3g %%", 100 * share); }

void write_glance(const ReportSubject& s, HtmlPage& page) {
  const SeriesInfo& info = s.summary.info;
  const Geometry& g = info.geometry;
  Rows rows;
  rows.push_back({"file", s.file});
  rows.push_back({"SHA-256", s.hash.hex()});
  rows.push_back({"frames", format("%llu of %zu × %zu %s", ull(info.frames), g.ny, g.nx,
                                   std::string(name_of(info.dtype)).c_str())});
  if (!info.detector.empty()) rows.push_back({"detector", info.detector});
  if (g.wavelength_angstrom > 0)
    rows.push_back(
        {"beam", format("%.5g Å, detector at %.5g mm", g.wavelength_angstrom, 1e3 * g.distance_m)});
  if (!info.start_time.empty()) rows.push_back({"started", info.start_time});
  rows.push_back({"stored", human_bytes(static_cast<double>(s.summary.file_bytes))});
  const double ratio = etalon::ratio(static_cast<double>(s.summary.raw_bytes),
                                     static_cast<double>(s.summary.file_bytes));
  rows.push_back({"reduction of what was kept", format("%.2f ×", ratio)});
  const double kept = s.number("veto", "/kept"), vetoed = s.number("veto", "/vetoed");
  if (kept > 0 && vetoed > 0)
    rows.push_back({"reduction of everything", format("%.2f ×", ratio * (kept + vetoed) / kept)});
  page.facts(rows);
  if (s.is_known)
    page.verdict("good", "The ledger knows this file, byte by byte: " + s.ledger);
  else if (!s.ledger.empty())
    page.verdict("bad", "The ledger " + s.ledger +
                            " does not know these bytes: the file was not "
                            "made by a run that it recorded, or has been changed since.");
  else
    page.verdict("warn", "No ledger was found: nothing proves where this file came from.");
}

void write_frames(const ReportSubject& s, HtmlPage& page) {
  const Json* veto = s.record("veto");
  if (veto == nullptr) return;
  page.section("Frames: what was kept, what was not");
  const auto kept = s.number("veto", "/kept"), vetoed = s.number("veto", "/vetoed");
  double lost = 0;
  Rows rows = {{"", "frames", "share"}};
  const double stored = s.number("store", "/frames");
  const Json* store = s.record("store");
  const Json none = Json::object();
  const Json& causes = store != nullptr && (*store)["settings"].contains("lost")
                           ? (*store)["settings"]["lost"]
                           : none;
  if (causes.is_object())
    for (const auto& [cause, count] : causes.items())
      if (count.is_number()) lost += count.get<double>();
  const double all = kept + vetoed + lost;
  const auto row = [&](const std::string& name, double n) {
    rows.push_back({name, format("%.0f", n), percent(etalon::ratio(n, all))});
  };
  row("received", all);
  row("stored", stored);
  row("rejected by the veto", vetoed);
  row("lost", lost);
  if (causes.is_object())
    for (const auto& [cause, count] : causes.items())
      if (count.is_number()) row("   " + cause, count.get<double>());
  page.table(rows);
  if (stored + vetoed + lost == all && stored == static_cast<double>(s.summary.info.frames))
    page.verdict(lost > 0 ? "warn" : "good", "Received = stored + rejected + lost.");
  else
    page.verdict("bad", "Received, stored, rejected and lost frames do not add up.");

  AuditSummary audit;
  audit.rejected = s.count("veto", "/vetoed");
  audit.audited = s.count("veto", "/audit/audited");
  audit.hits = s.count("veto", "/audit/hits");
  if (audit.audited == 0) {
    if (vetoed > 0) page.verdict("warn", "No rejected frame was kept to judge the veto by.");
    return;
  }
  const Interval interval = audit.interval();
  page.paragraph(
      format("%llu rejected frames, drawn at random, were kept whole and judged by looser "
             "settings: %llu of them are hits. ",
             ull(audit.audited), ull(audit.hits)) +
      format("So %.3g %% of the rejected frames were rejected wrongly (95 %% interval, "
             "Clopper–Pearson: %.3g to %.3g %%).",
             100 * audit.rate(), 100 * interval.low, 100 * interval.high));
}

void write_precision(const ReportSubject& s, HtmlPage& page) {
  page.section("Precision: how much was lost, and where");
  std::uint64_t elements = 0, bytes = 0;
  for (const RegionInfo& r : s.stream.regions) elements += r.elements, bytes += r.bytes;
  Rows rows = {{"region", "bound", "share of pixels", "share of bytes", "largest error"}};
  bool all_held = true, lossless = true;
  for (const RegionInfo& r : s.stream.regions) {
    const auto part = [](std::uint64_t a, std::uint64_t b) {
      return percent(etalon::ratio(static_cast<double>(a), static_cast<double>(b)));
    };
    rows.push_back({r.kind == "default" ? "everything else" : r.kind, to_string(r.bound),
                    part(r.elements, elements), part(r.bytes, bytes), format("%g", r.max_error)});
    if (to_string(r.bound) == "lossless") all_held = all_held && r.max_error == 0;
    lossless = lossless && to_string(r.bound) == "lossless";
  }
  page.table(rows);
  if (!all_held)
    page.verdict("bad", "A lossless region has an error.");
  else
    page.verdict("good", lossless
                             ? "Every pixel is what was measured."
                             : "Every pixel is within its bound: each was checked while it was "
                               "encoded, and the largest errors are written with the data.");
}

// The finder that the run used, so that the judgement is about its peaks.
ScienceOptions science_options(const ReportSubject& s) {
  ScienceOptions options;
  const Json* find = s.record("find");
  if (find == nullptr || !(*find)["settings"].is_object()) return options;
  const Json& settings = (*find)["settings"];
  if (!settings.contains("method") || settings["method"] != "peakfinder8/1") return options;
  PeakParameters& p = options.finder.parameters;
  // What does not fit the parameter is left as it is by default.
  const auto take = [&](const char* name, auto& parameter) {
    using Parameter = std::remove_reference_t<decltype(parameter)>;
    if (!settings.contains(name) || !settings[name].is_number()) return;
    const double n = settings[name].template get<double>();
    using Limits = std::numeric_limits<Parameter>;
    if (n >= static_cast<double>(Limits::lowest()) && n <= static_cast<double>(Limits::max()))
      parameter = static_cast<Parameter>(n);
  };
  take("threshold", p.threshold);
  take("snr", p.snr);
  take("min_pixels", p.min_pixels);
  take("max_pixels", p.max_pixels);
  take("local_radius", p.local_radius);
  options.finder.min_peaks = s.min_peaks(options.finder.min_peaks);
  return options;
}

// --original, else the source that the ledger names, where it is still the same.
Result<std::string> original_of(const Options& options, const ReportSubject& s, std::string& why) {
  if (options.no_original) {
    why = "it was not to be looked at";
    return std::string();
  }
  if (!options.original.empty()) return options.original;
  const Json* source = s.record("source");
  if (source == nullptr) {
    why = "no record names it (--original)";
    return std::string();
  }
  for (const Json& input : (*source)["inputs"]) {
    if (input.value("role", "") != "file" || !input.contains("path")) continue;
    const std::string path = input["path"];
    auto hash = sha256_file(path);
    if (!hash.ok()) {
      why = hash.error().message;
      return std::string();
    }
    if (hash->hex() == input.value("hash", "")) return path;
    why = path + " has changed since";
    return std::string();
  }
  why = "its frames came from a stream and are kept nowhere";
  return std::string();
}

Result<void> draw_profiles(const ScienceReport& r, HtmlPage& page) {
  std::vector<double> x, raw, reduced;
  const auto mean = [](const RadialProfile& p, std::size_t i) {
    return p.sum[i] / static_cast<double>(p.pixels[i]);
  };
  const std::size_t n = std::min(r.raw_profile.pixels.size(), r.reduced_profile.pixels.size());
  for (std::size_t i = 0; i < n; ++i) {
    if (r.raw_profile.pixels[i] == 0 || r.reduced_profile.pixels[i] == 0) continue;
    x.push_back(static_cast<double>(i));
    raw.push_back(mean(r.raw_profile, i));
    reduced.push_back(mean(r.reduced_profile, i));
  }
  if (x.size() < 2) return {};
  plot::LinePlot lines;
  lines.title = "mean over circles round the beam";
  lines.x.label = "distance from the innermost good pixel (pixels)";
  lines.y.label = "counts a pixel";
  lines.series.push_back({"original", x, raw, {}, false});
  lines.series.push_back({"stored", x, reduced, {}, false});
  ETALON_ASSIGN(const plot::Picture picture, plot::draw(lines));
  page.picture(picture, "Radial means of the frames that were kept, before and after.");
  return {};
}

Result<void> write_science(const Options& options, const ReportSubject& s, HtmlPage& page) {
  page.section("Science: what the reduction did to it");
  std::string why;
  ETALON_ASSIGN(const std::string original, original_of(options, s, why));
  if (original.empty()) {
    page.verdict("warn", "Not judged against the original: " + why + ".");
    return {};
  }
  ETALON_ASSIGN(const Science science,
                judge_science({original, "", "", ""}, {s.file, "", "", ""}, science_options(s)));
  const ScienceReport& r = science.report;
  Rows rows = {{"", "original", "stored", "the same", "lost", "invented"}};
  const auto count = [](std::uint64_t n) { return format("%llu", ull(n)); };
  rows.push_back({"peaks", count(r.raw_peaks), count(r.reduced_peaks), count(r.peaks_kept),
                  count(r.peaks_lost()), count(r.peaks_invented())});
  rows.push_back({"hits", count(r.hits_kept.size() + r.hits_lost.size()),
                  count(r.hits_kept.size() + r.hits_invented.size()), count(r.hits_kept.size()),
                  count(r.hits_lost.size()), count(r.hits_invented.size())});
  page.table(rows);
  if (r.strong.differences.n() >= 2)
    page.paragraph(
        format("Strong spots' intensities: bias %+.4f ± %.4f σ (%+.3f %%), scatter %.4f σ, "
               "over %llu spots.",
               r.strong.differences.mean(), sigmas_of_99_percent * r.strong.differences.error(),
               100 * r.strong.relative_bias(), r.strong.differences.sigma(),
               ull(r.strong.differences.n())));
  if (const double chi2 = r.radial_chi2(); !std::isnan(chi2))
    page.paragraph(
        format("Radial profile: χ² of %.4g a bin over %llu bins, against counting noise.", chi2,
               ull(r.radial_bins())));
  const double kept =
      etalon::ratio(static_cast<double>(r.peaks_kept), static_cast<double>(r.raw_peaks));
  if (r.raw_peaks > 0)
    page.verdict(
        kept >= 0.999  ? "good"
        : kept >= 0.99 ? "warn"
                       : "bad",
        format("%.3f %% of the original's peaks are found in what is stored.", 100 * kept));
  page.paragraph("Against " + original + ".");
  return draw_profiles(r, page);
}

Result<void> write_pictures(const ReportSubject& s, HtmlPage& page) {
  page.section("What was measured");
  if (s.summary.info.frames == 0) {
    page.paragraph("Nothing to draw: no frames are stored.");
    return {};
  }
  PlotRequest request;
  request.min_peaks = s.min_peaks(request.min_peaks);
  ETALON_ASSIGN(const Pictures pictures, draw_series(s.file, request));
  for (const auto& [name, picture] : pictures.drawn)
    page.picture(picture,
                 name == "frame"    ? "The frame with the most peaks, as stored; circles are peaks."
                 : name == "hits"   ? "Share of hits over time; rejected frames count as none."
                 : name == "powder" ? "Mean of the stored frames."
                                    : "The same over circles round the beam.");
  for (const std::string& why : pictures.missing) page.paragraph("Not drawn: " + why);
  return {};
}

void write_lineage(const ReportSubject& s, HtmlPage& page) {
  if (s.records.empty()) return;
  page.section("Where it came from");
  Rows rows = {{"step", "record", "when", "program"}};
  for (const auto* list : {&s.records, &s.after})
    for (const Json& r : *list)
      rows.push_back({r.value("kind", ""), r.value("id", "").substr(0, 16),
                      r["events"].empty() ? "" : r["events"].back().value("time", ""),
                      r.value("program", "")});
  page.table(rows);
  for (const auto* list : {&s.records, &s.after})
    for (const Json& r : *list)
      page.detail(r.value("kind", "") + ": settings",
                  r["settings"].dump(2, ' ', false, Json::error_handler_t::replace));
  page.paragraph("To check it: etalon ledger verify --ledger " + s.ledger);
}

Result<void> run(const Options& options) {
  ETALON_ASSIGN(OutputFile out, OutputFile::create(options.output, options.overwrite));
  ETALON_ASSIGN(const ReportSubject subject, find_subject(options.run, options.ledger));
  ETALON_TRY(refuse_same_file(subject.file, options.output));
  HtmlPage page(subject.summary.info.name + ": fidelity report");
  write_glance(subject, page);
  write_frames(subject, page);
  write_precision(subject, page);
  ETALON_TRY(write_science(options, subject, page));
  ETALON_TRY(write_pictures(subject, page));
  write_lineage(subject, page);
  page.paragraph("Made by etalon " + std::string(version) + ".");
  const std::string text = page.text();
  ETALON_TRY(out.write(std::as_bytes(std::span(text))));
  ETALON_TRY(out.commit());
  if (options.output != "-") note(options.output + ": report on " + subject.file);
  return {};
}

}  // namespace

void add_report(Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = add_command(
      cli, "report",
      "One page about a run: what was kept, what was lost, with which bound, what it did to the "
      "science",
      options, run);
  command->add_option("RUN", options->run, "A run's folder, or the series that it stored")
      ->required();
  command->add_option("-o,--output", options->output, "HTML file; it needs no other file")
      ->required();
  command->add_option("--ledger", options->ledger,
                      "The ledger (default: $ETALON_LEDGER, else ledger.db beside the series)");
  command->add_option("--original", options->original,
                      "The series before the reduction (default: the source that the ledger names, "
                      "where it is still there and the same)");
  command->add_flag("--no-original", options->no_original, "Do not judge against the original");
  command->add_flag("-f,--force", options->overwrite, "Overwrite the output");
}

}  // namespace etalon::cli
