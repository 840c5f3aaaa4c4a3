#include "analyse_tomography.hpp"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <thread>

#include "analyse/tomography.hpp"
#include "base/text.hpp"
#include "frame/flat_field.hpp"
#include "pipeline/ordered.hpp"
#include "plot/plot.hpp"
#include "reduce_input.hpp"
#include "store/file.hpp"
#include "store/flat_field_file.hpp"
#include "store/hdf5_write.hpp"
#include "store/nxmx_units.hpp"

namespace etalon::cli {
namespace {

constexpr double most_degrees = 1e6;  // beyond, what is left of an angle is not exact

struct Options {
  std::string file, output, data = "/exchange/data", dark = "/exchange/data_dark",
                            flat = "/exchange/data_white", theta = "/exchange/theta",
                            filter = "shepp-logan", rows, plot;
  std::optional<double> centre;
  unsigned threads = 0;
  bool keep_rings = false, is_absorption = false, overwrite = false, json = false;
};

// Projections of the rows that are wanted, as sinograms: (row, angle, column).
struct Scan {
  std::vector<double> angles_rad;
  std::size_t first = 0, rows = 0, columns = 0;
  std::uint64_t filled = 0;  // absorptions that were not finite
  std::vector<std::vector<float>> sinograms;
};

Result<void> choose_rows(const std::string& text, std::size_t all, Scan& scan) {
  std::size_t end = all;
  if (!text.empty()) {
    const std::size_t colon = text.find(':');
    const auto number = [](std::string_view t, std::size_t& value) {
      if (t.empty()) return true;
      const auto [last, status] = std::from_chars(t.data(), t.data() + t.size(), value);
      return status == std::errc{} && last == t.data() + t.size();
    };
    const std::string_view view = text;
    if (colon == std::string::npos || !number(view.substr(0, colon), scan.first) ||
        !number(view.substr(colon + 1), end))
      return Error{Errc::usage, "--rows '" + text + "': expected 10:20, 10: or :20"};
  }
  if (scan.first >= end || end > all)
    return Error{Errc::usage, "--rows " + text + ": the projections have rows 0 to " +
                                  std::to_string(all) + " (the last not included)"};
  scan.rows = end - scan.first;
  return {};
}

// A dataset of the projections' file, or FILE:/dataset.
struct Place {
  std::string dataset;
  std::optional<h5::File> other;
  const h5::File& file(const h5::File& projections) const { return other ? *other : projections; }
};
Result<Place> place_of(const std::string& written) {
  const FramesIn in = frames_in(written);
  Place place{written, {}};
  if (in.dataset.empty()) return place;
  place.dataset = in.dataset;
  ETALON_ASSIGN(place.other, h5::File::open(in.file));
  return place;
}

// The mean of these frames' rows, as f32.
Result<std::vector<float>> mean_rows(const h5::File& file, const std::string& name,
                                     const Scan& scan, const Shape& like) {
  ETALON_ASSIGN(const Place place, place_of(name));
  ETALON_ASSIGN(const h5::Dataset frames, place.file(file).dataset(place.dataset));
  const Shape& shape = frames.shape();
  if (shape.rank() != 3 || shape[0] == 0 || shape[1] != like[1] || shape[2] != like[2])
    return Error{Errc::malformed, frames.place() + ": " + to_string(shape) +
                                      " does not fit projections of " + to_string(like)};
  const std::size_t start[] = {0, scan.first, 0}, count[] = {shape[0], scan.rows, scan.columns};
  ETALON_TRY(frames.check_size(shape[0] * scan.rows * scan.columns * size_of(frames.dtype())));
  Array box(frames.dtype(), {shape[0], scan.rows, scan.columns});
  ETALON_TRY(frames.read(start, count, box.mutable_view()));
  const std::size_t plane = scan.rows * scan.columns;
  std::vector<double> sum(plane);
  visit(box.dtype(), [&](auto zero) {
    const auto values = box.as<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); ++i)
      sum[i % plane] += static_cast<double>(values[i]);
  });
  std::vector<float> mean(plane);
  for (std::size_t i = 0; i < plane; ++i)
    mean[i] = static_cast<float>(sum[i] / static_cast<double>(shape[0]));
  return mean;
}

Result<std::vector<double>> angles_of(const h5::File& file, const std::string& name,
                                      std::size_t count) {
  ETALON_ASSIGN(const Place place, place_of(name));
  const h5::File& from = place.file(file);
  ETALON_TRY(from.dataset(place.dataset));
  const auto written = from.numbers(place.dataset, count);
  const auto malformed = [&](const std::string& reason) {
    return Error{Errc::malformed, from.path() + ": " + place.dataset + ": " + reason};
  };
  if (!written || written->size() != count)
    return malformed("no list of " + std::to_string(count) + " angles");
  const std::string unit = from.attribute(place.dataset, "units").value_or("");
  const auto degrees = convert(h5::Number{1, unit}, angle_units);
  if (!degrees) return malformed("the unit of its angles is neither degrees nor radians");
  std::vector<double> radians;
  for (const double a : *written) {
    if (!std::isfinite(a) || std::abs(a * *degrees) > most_degrees)
      return malformed("angle " + std::to_string(radians.size()) + " is no angle");
    radians.push_back(a * *degrees * std::numbers::pi / 180);
  }
  return radians;
}

// Where all is dead, there is nothing to fill in from.
Result<void> holds_something(const h5::Dataset& data, std::size_t angle, const Array& projection) {
  const auto values = projection.as<float>();
  if (std::any_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); }))
    return {};
  return Error{Errc::malformed,
               data.place() + ": projection " + std::to_string(angle) + ": no value is finite"};
}

Result<Scan> read_scan(const Options& options) {
  ETALON_ASSIGN(const h5::File file, h5::File::open(options.file));
  ETALON_ASSIGN(const h5::Dataset data, file.dataset(options.data));
  const Shape& shape = data.shape();
  if (shape.rank() != 3)
    return Error{Errc::malformed,
                 data.place() + ": " + to_string(shape) + " is not (angles, rows, columns)"};
  if (shape[0] < 2 || shape[1] < 1 || shape[2] < 4 || shape[2] > (std::size_t{1} << 16))
    return Error{Errc::malformed,
                 data.place() + ": " + to_string(shape) +
                     ": slices take two angles or more, a row or more, 4 to 65536 columns"};
  Scan scan;
  scan.columns = shape[2];
  ETALON_TRY(choose_rows(options.rows, shape[1], scan));
  ETALON_ASSIGN(scan.angles_rad, angles_of(file, options.theta, shape[0]));
  const std::size_t plane = scan.rows * scan.columns;
  ETALON_TRY(data.check_size(shape[0] * plane * sizeof(float)));
  std::optional<FlatField> field;
  if (!options.is_absorption) {
    ETALON_ASSIGN(const auto dark, mean_rows(file, options.dark, scan, shape));
    ETALON_ASSIGN(const auto flat, mean_rows(file, options.flat, scan, shape));
    auto made = FlatField::create(dark, flat);
    if (!made.ok()) return std::move(made).error().in(options.file);
    field = std::move(*made);
  }
  scan.sinograms.assign(scan.rows, std::vector<float>(shape[0] * scan.columns));
  Progress progress("read", shape[0], "projections");
  Array raw(data.dtype(), {1, scan.rows, scan.columns}),
      share(DType::f32, {scan.rows, scan.columns});
  for (std::size_t a = 0; a < shape[0]; ++a) {
    if (interrupted) return Error{Errc::interrupted, "analyse: interrupted"};
    const std::size_t start[] = {a, scan.first, 0}, count[] = {1, scan.rows, scan.columns};
    ETALON_TRY(data.read(start, count, raw.mutable_view()));
    const ArrayView image{raw.view().data, raw.dtype(), {scan.rows, scan.columns}};
    if (field) {
      ETALON_TRY(field->apply(image, share.mutable_view()));
      ETALON_TRY(holds_something(data, a, share));
      to_absorption(share.as<float>(), scan.columns);
    } else {
      visit(image.dtype, [&](auto zero) {
        const auto from = image.as<decltype(zero)>();
        std::transform(from.begin(), from.end(), share.as<float>().begin(),
                       [](auto v) { return static_cast<float>(v); });
      });
      ETALON_TRY(holds_something(data, a, share));
      scan.filled += fill_dead(share.as<float>(), scan.columns);
    }
    for (std::size_t row = 0; row < scan.rows; ++row)
      std::copy_n(share.as<float>().begin() + static_cast<std::ptrdiff_t>(row * scan.columns),
                  scan.columns,
                  scan.sinograms[row].begin() + static_cast<std::ptrdiff_t>(a * scan.columns));
    progress.update(a + 1);
  }
  return scan;
}

Result<void> draw(const Options& options, const std::vector<float>& slice, std::size_t columns) {
  namespace fs = std::filesystem;
  std::error_code failed;
  fs::create_directories(options.plot, failed);
  if (failed) return Error{Errc::io, options.plot + ": cannot be made: " + failed.message()};
  const std::vector<double> values(slice.begin(), slice.end());
  plot::ImagePlot image;
  image.title = fs::path(options.file).stem().string() + ", first slice";
  image.value_label = "absorption a pixel";
  image.values = values;
  image.ny = image.nx = columns;
  ETALON_ASSIGN(const plot::Picture picture, plot::draw(image));
  const std::string stem = (fs::path(options.plot) / fs::path(options.file).stem()).string();
  return plot::write_png(stem + ".slice.png", picture, options.overwrite);
}

// Slices go into the file one by one, in their order.
Result<void> write_slices(const Options& options, const Scan& scan, double centre,
                          const BackProjection& projection) {
  ETALON_ASSIGN(OutputFile out, OutputFile::create_regular(options.output, options.overwrite));
  ETALON_ASSIGN(h5::Id file, h5::create_file(out.temporary_path()));
  ETALON_TRY(h5::make_group(file, "/entry", "NXentry"));
  ETALON_TRY(h5::make_group(file, "/entry/tomography", "NXdata"));
  ETALON_TRY(h5::write_number(file, "/entry/tomography/rotation_axis", centre, "pixel"));
  ETALON_ASSIGN(const h5::Id data, h5::make_dataset(file, "/entry/tomography/data", DType::f32,
                                                    {scan.rows, scan.columns, scan.columns}));
  const unsigned threads =
      options.threads == 0 ? std::max(1u, std::thread::hardware_concurrency()) : options.threads;
  std::size_t next = 0, written = 0;
  Progress progress("slices", scan.rows, "slices");
  ETALON_TRY((run_ordered<std::size_t, std::vector<float>>(
      threads, std::size_t{2} * threads,
      [&]() -> std::optional<std::size_t> {
        return next == scan.rows || interrupted ? std::nullopt : std::optional(next++);
      },
      [&](unsigned, std::size_t row) { return projection.slice(scan.sinograms[row]); },
      [&](std::vector<float> slice) -> Result<void> {
        if (interrupted) return Error{Errc::interrupted, "analyse: interrupted"};
        if (written == 0 && !options.plot.empty()) ETALON_TRY(draw(options, slice, scan.columns));
        const std::span<const float> values(slice);
        auto put =
            h5::write_box(data, view_of(values, {1, scan.columns, scan.columns}), {written, 0, 0});
        if (!put.ok()) return std::move(put).error().in(options.output);
        progress.update(++written);
        return {};
      })));
  if (interrupted) return Error{Errc::interrupted, "analyse: interrupted"};
  ETALON_TRY(h5::close_file(std::move(file), options.output));
  return out.commit();
}

Result<void> run(const Options& options) {
  ETALON_TRY(check_ending(options.output, FileKind::hdf5, "HDF5"));
  ETALON_TRY(refuse_same_file(options.file, options.output));
  ETALON_ASSIGN(const RampFilter filter, parse_ramp_filter(options.filter));
  ETALON_ASSIGN(Scan scan, read_scan(options));
  if (scan.filled > 0)
    note(options.file + ": " + options.data + ": " + counted(scan.filled, "absorption") +
         " not finite: filled in from the columns beside");
  if (!options.keep_rings)
    for (auto& sinogram : scan.sinograms) remove_rings(sinogram, scan.columns);
  double centre = options.centre.value_or(0);
  if (!options.centre) {
    auto found = find_centre(scan.sinograms[scan.rows / 2], scan.angles_rad, scan.columns);
    if (!found.ok()) return std::move(found).error().in(options.file);
    centre = *found;
  }
  auto projection = BackProjection::create(scan.angles_rad, scan.columns, centre, filter);
  if (!projection.ok()) return std::move(projection).error().in(options.file);
  ETALON_TRY(write_slices(options, scan, centre, *projection));
  if (options.json) {
    const nlohmann::json report = {{"schema", "etalon.analyse/1"},
                                   {"kind", "tomography"},
                                   {"file", options.file},
                                   {"output", options.output},
                                   {"angles", scan.angles_rad.size()},
                                   {"shape", {scan.rows, scan.columns, scan.columns}},
                                   {"rotation_axis", centre}};
    return print(report.dump(2) + "\n");
  }
  char text[160];
  std::snprintf(text, sizeof text,
                ": %zu slices of %zu x %zu from %zu angles, axis at column %.2f\n", scan.rows,
                scan.columns, scan.columns, scan.angles_rad.size(), centre);
  return print(options.output + text);
}

}  // namespace

void add_analyse_tomography(Command& analyse, Cli& cli) {
  auto options = std::make_shared<Options>();
  Command* command = analyse.add_subcommand(
      "tomography", "Slices from projections over half a turn (filtered back-projection)");
  command->callback([&cli, options] { cli.chosen = [options] { return run(*options); }; });
  command->add_option("FILE", options->file, "HDF5 with projections, as Data Exchange has them")
      ->required();
  command->add_option("-o,--output", options->output, "HDF5 file of the slices")->required();
  command->add_option("--data", options->data, "Projections (angles, rows, columns)")
      ->capture_default_str();
  command->add_option("--dark", options->dark, "Frames without beam: a dataset, or FILE:/dataset")
      ->capture_default_str();
  command->add_option("--flat", options->flat, "Frames of the open beam: the same")
      ->capture_default_str();
  command->add_option("--theta", options->theta, "Angles in degrees: the same")
      ->capture_default_str();
  command->add_flag("--absorption", options->is_absorption,
                    "The projections are absorptions already: no dark, flat, logarithm");
  command->add_option("--centre", options->centre,
                      "Column of the axis of rotation, pixel centres at integers; default: found");
  command->add_flag("--keep-rings", options->keep_rings, "Do not take off what makes rings");
  command->add_option("--filter", options->filter, "ramp, shepp-logan or hann")
      ->capture_default_str();
  command->add_option("--rows", options->rows, "Which rows, as 10:20; default: all");
  command->add_option("--plot", options->plot, "Draw the first slice into this folder, as PNG");
  command->add_option("-T,--threads", options->threads, "Threads; 0: one per processor")
      ->range(0, 1024);
  command->add_flag("-f,--force", options->overwrite, "Overwrite outputs");
  command->add_flag("--json", options->json, "Print JSON");
}

}  // namespace etalon::cli
