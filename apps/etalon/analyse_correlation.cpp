#include "analyse_correlation.hpp"

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "plot/plot.hpp"
#include "reduce_input.hpp"
#include "report_line.hpp"
#include "store/file.hpp"
#include "store/hdf5_write.hpp"

namespace etalon::cli {
namespace {

using Options = CorrelationCommand;

struct Ring {
  double q = 0;
  std::size_t pixels = 0;
  std::vector<Correlation> curve;
  Result<RelaxationFit> fit = Error{Errc::check, "not fitted"};
};

struct Found {
  std::string name;  // of the series
  double frame_time_s = 0;
  std::uint64_t frames = 0;
  std::vector<Ring> rings;
  const TwoTimeMatrix& matrix;
};

Found fit_all(const CorrelationSetup& setup, const MultiTau& curves, const TwoTimeMatrix& matrix) {
  Found found{setup.reader->info().name, setup.frame_time_s, curves.frames(), {}, matrix};
  const QRings& rings = setup.rings;
  for (std::size_t r = 0; r < rings.count(); ++r) {
    Ring ring{rings.q[r], rings.size(r), curves.curve(r)};
    ring.fit = fit_relaxation(ring.curve, found.frame_time_s);
    found.rings.push_back(std::move(ring));
  }
  return found;
}

Result<void> write_curves(const Options& options, const Found& found) {
  std::string text = "ring,q_per_angstrom,pixels,lag_s,pairs,g2\n";
  char row[160];
  for (std::size_t r = 0; r < found.rings.size(); ++r)
    for (const Correlation& c : found.rings[r].curve) {
      std::snprintf(row, sizeof row, "%zu,%.9g,%zu,%.9g,%llu,%.17g\n", r, found.rings[r].q,
                    found.rings[r].pixels, static_cast<double>(c.lag) * found.frame_time_s,
                    static_cast<unsigned long long>(c.pairs), c.g2);
      text += row;
    }
  ETALON_ASSIGN(OutputFile file, OutputFile::create(options.output, options.overwrite));
  ETALON_TRY(file.write(std::as_bytes(std::span(text))));
  return file.commit();
}

Result<void> write_two_time(const Options& options, const Found& found) {
  ETALON_TRY(check_ending(options.two_time, FileKind::hdf5, "HDF5"));
  ETALON_ASSIGN(OutputFile out, OutputFile::create_regular(options.two_time, options.overwrite));
  ETALON_ASSIGN(h5::Id file, h5::create_file(out.temporary_path()));
  std::vector<double> q, time_s;
  for (const Ring& ring : found.rings) q.push_back(ring.q);
  for (std::uint64_t i = 0; i < found.frames; ++i)
    time_s.push_back(static_cast<double>(i) * found.frame_time_s);
  const std::span<const double> q_span(q), time_span(time_s);
  const auto write = [&]() -> Result<void> {
    ETALON_TRY(h5::make_group(file, "/entry", "NXentry"));
    ETALON_TRY(h5::make_group(file, "/entry/two_time", "NXdata"));
    ETALON_TRY(
        h5::write_array(file, "/entry/two_time/q", view_of(q_span, {q.size()}), "1/angstrom"));
    ETALON_TRY(
        h5::write_array(file, "/entry/two_time/time", view_of(time_span, {time_s.size()}), "s"));
    ETALON_ASSIGN(const h5::Id data,
                  h5::make_dataset(file, "/entry/two_time/correlation", DType::f64,
                                   {q.size(), time_s.size(), time_s.size()}));
    for (std::size_t r = 0; r < q.size(); ++r) {
      ETALON_ASSIGN(const Array matrix, found.matrix(r));
      const ArrayView view = matrix.view();
      ETALON_TRY(h5::write_box(data, {view.data, view.dtype, {1, view.shape[0], view.shape[1]}},
                               {r, 0, 0}));
    }
    return {};
  };
  if (auto done = write(); !done.ok()) return std::move(done).error().in(options.two_time);
  ETALON_TRY(h5::close_file(std::move(file), options.two_time));
  return out.commit();
}

// All curves in one picture, and the first ring's two-time correlation.
Result<void> draw(const Options& options, const Found& found) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::create_directories(options.plot, failed);
  if (failed) return Error{Errc::io, options.plot + ": cannot be made: " + failed.message()};
  const std::string stem = (fs::path(options.plot) / fs::path(options.file).stem()).string();
  plot::LinePlot lines;
  lines.title = found.name + ", intensity correlation";
  lines.x = {"lag (s)", true, {}};
  lines.y = {"g₂", false, {}};
  std::vector<std::vector<double>> x(found.rings.size()), y(found.rings.size());
  for (std::size_t r = 0; r < found.rings.size(); ++r) {
    for (const Correlation& c : found.rings[r].curve) {
      x[r].push_back(static_cast<double>(c.lag) * found.frame_time_s);
      y[r].push_back(c.g2);
    }
    char name[64];
    std::snprintf(name, sizeof name, "q = %.3g Å⁻¹", found.rings[r].q);
    lines.series.push_back({name, x[r], y[r], {}, false});
  }
  ETALON_ASSIGN(const plot::Picture curves, plot::draw(lines));
  ETALON_TRY(plot::write_png(stem + ".g2.png", curves, options.overwrite));
  if (options.two_time.empty()) return {};
  ETALON_ASSIGN(const Array matrix, found.matrix(0));
  plot::ImagePlot image;
  char title[96];
  std::snprintf(title, sizeof title, ", two-time correlation, q = %.3g Å⁻¹", found.rings[0].q);
  image.title = found.name + title;
  image.values = matrix.as<double>();
  image.ny = image.nx = static_cast<std::size_t>(found.frames);
  ETALON_ASSIGN(const plot::Picture picture, plot::draw(image));
  return plot::write_png(stem + ".two_time.png", picture, options.overwrite);
}

nlohmann::json ring_json(const Ring& ring) {
  nlohmann::json j = {{"q_per_angstrom", ring.q}, {"pixels", ring.pixels}};
  if (ring.fit.ok())
    j["fit"] = {{"tau_s", 1 / ring.fit->rate},
                {"rate_per_s", ring.fit->rate},
                {"rate_sigma", std::isfinite(ring.fit->rate_sigma) ? ring.fit->rate_sigma : 0},
                {"contrast", ring.fit->contrast},
                {"baseline", ring.fit->baseline}};
  else
    j["no_fit"] = ring.fit.error().message;
  return j;
}

std::string text_of(const Options& options, const Found& found) {
  std::string text =
      options.file + ": " + std::to_string(found.frames) + " frames, " +
      std::to_string(found.rings.size()) + " rings\n" +
      "  q (1/A)    pixels    tau (s)    +-         D = 1/(tau q^2) (A^2/s)  contrast  baseline\n";
  for (const Ring& ring : found.rings) {
    char row[192];
    if (ring.fit.ok())
      std::snprintf(row, sizeof row, "  %-9.4g %8zu    %-9.4g  %-9.2g  %-24.4g %-9.4f %-.4f\n",
                    ring.q, ring.pixels, 1 / ring.fit->rate,
                    ring.fit->rate_sigma / (ring.fit->rate * ring.fit->rate),
                    ring.fit->rate / (ring.q * ring.q), ring.fit->contrast, ring.fit->baseline);
    else
      std::snprintf(row, sizeof row, "  %-9.4g %8zu    no fit: %s\n", ring.q, ring.pixels,
                    ring.fit.error().message.c_str());
    text += row;
  }
  return text;
}

Result<void> run(const Options& options) {
  reuse_memory();
  ETALON_TRY(check_correlation(options));
  ETALON_ASSIGN(const CorrelationSetup setup, set_up_correlation(options));
  MultiTau curves(setup.rings, options.channels, options.threads);
  std::optional<TwoTime> two_time;
  if (!options.two_time.empty()) two_time.emplace(setup.rings, setup.frames(), options.threads);
  Progress progress("correlate", setup.frames(), "frames");
  for (std::uint64_t i = 0; i < setup.frames(); ++i) {
    if (interrupted) return Error{Errc::interrupted, "analyse: interrupted"};
    ETALON_ASSIGN(const RingCounts counts, read_counts(options, setup, i));
    curves.add(counts.values, counts.largest);
    if (two_time) ETALON_TRY(two_time->add(counts.values, counts.largest));
    progress.update(i + 1);
  }
  return report_correlation(options, setup, curves,
                            [&](std::size_t ring) { return two_time->matrix(ring); });
}

}  // namespace

Result<void> check_correlation(const CorrelationCommand& options) {
  for (const std::string& output : {options.output, options.two_time})
    if (!output.empty()) ETALON_TRY(refuse_same_file(options.file, output));
  return {};
}

Result<CorrelationSetup> set_up_correlation(const CorrelationCommand& options) {
  OpenOptions open;
  open.dataset = options.dataset;
  CorrelationSetup setup;
  ETALON_ASSIGN(setup.reader, open_series(options.file, open));
  const SeriesInfo& info = setup.reader->info();
  setup.frame_time_s = options.frame_time_s > 0 ? options.frame_time_s : info.frame_time_s;
  if (!(setup.frame_time_s > 0))
    return Error{Errc::usage,
                 options.file + ": the time from frame to frame is not known: --frame-time"};
  auto rings = make_rings(info, options.q_min, options.q_max, options.rings);
  if (!rings.ok()) return std::move(rings).error().in(options.file);
  setup.rings = std::move(*rings);
  if (!options.two_time.empty() && info.frames > options.most_frames)
    return Error{Errc::usage, options.file + ": " + std::to_string(info.frames) +
                                  " frames are too many for all pairs (--most-frames " +
                                  std::to_string(options.most_frames) + ")"};
  return setup;
}

Result<RingCounts> read_counts(const CorrelationCommand& options, const CorrelationSetup& setup,
                               std::uint64_t i) {
  SeriesReader& reader = *setup.reader;
  // Frames that were left out would be taken for neighbours.
  if (reader.source_number(i) != reader.source_number(0) + i)
    return Error{Errc::malformed,
                 options.file + ": frame " + std::to_string(i) + " is number " +
                     std::to_string(reader.source_number(i)) +
                     " of its series: frames in between are missing, and correlation needs all"};
  ETALON_ASSIGN(const Frame frame, reader.read(i));
  auto counts = counts_of(setup.rings, frame.image.view());
  if (!counts.ok())
    return std::move(counts).error().in(options.file + ": frame " + std::to_string(i));
  return counts;
}

Result<void> report_correlation(const CorrelationCommand& options, const CorrelationSetup& setup,
                                const MultiTau& curves, const TwoTimeMatrix& matrix,
                                const JobReport& job) {
  const Found found = fit_all(setup, curves, matrix);
  if (!options.output.empty()) ETALON_TRY(write_curves(options, found));
  if (!options.two_time.empty()) ETALON_TRY(write_two_time(options, found));
  if (!options.plot.empty()) ETALON_TRY(draw(options, found));
  if (!options.json) return print(text_of(options, found) + job.text);
  nlohmann::json rings = nlohmann::json::array();
  for (const Ring& ring : found.rings) rings.push_back(ring_json(ring));
  nlohmann::json report = {{"schema", "etalon.analyse/1"},
                           {"kind", "correlation"},
                           {"file", options.file},
                           {"frames", found.frames},
                           {"frame_time_s", found.frame_time_s},
                           {"rings", rings}};
  job.add_to(report);
  return print(report.dump(2) + "\n");
}

Command* declare_correlation(Command& analyse, CorrelationCommand& options) {
  Command* command = analyse.add_subcommand(
      "correlation",
      "Photon correlation (XPCS): g2 over lag by scattering vector, its relaxation, two-time maps");
  command->add_option("FILE", options.file, "Series: all frames, equally far apart in time")
      ->required();
  command->add_option("--q-min", options.q_min, "Inner edge of the rings, 1/angstrom")
      ->capture_default_str();
  command->add_option("--q-max", options.q_max, "Outer edge; 0: as far as the image reaches")
      ->capture_default_str();
  command->add_option("--rings", options.rings, "Rings of equal width in q")->capture_default_str();
  command->add_option("--channels", options.channels, "Lags at each time resolution (even)")
      ->capture_default_str()
      ->range(4, 1024);
  command->add_option("--frame-time", options.frame_time_s,
                      "Seconds from frame to frame, where the file does not say");
  command->add_option("-o,--output", options.output, "CSV file of the curves");
  command->add_option("--two-time", options.two_time,
                      "HDF5 file of the correlation of all pairs of frames");
  command->add_option("--most-frames", options.most_frames, "Frames that --two-time may keep")
      ->capture_default_str();
  command->add_option("--plot", options.plot, "Draw into this folder, as PNG");
  command->add_option("--dataset", options.dataset, "Image dataset, where a file has several");
  command->add_flag("-f,--force", options.overwrite, "Overwrite outputs");
  command->add_flag("--json", options.json, "Print JSON");
  command->footer(
      "g2(k) = <I(t) I(t+k)> / (<I(t)> <I(t+k)>), means over a ring's pixels and all pairs of "
      "frames;\n"
      "multiple-tau, exact sums. The fit is baseline + contrast exp(-2 t / tau).");
  return command;
}

void add_analyse_correlation(Command& analyse, Cli& cli) {
  auto options = std::make_shared<CorrelationCommand>();
  Command* command = declare_correlation(analyse, *options);
  command->callback([&cli, options] { cli.chosen = [options] { return run(*options); }; });
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
}

}  // namespace etalon::cli
