#include <cstdio>

#include "analyse/azimuthal_series.hpp"
#include "store/array_file.hpp"
#include "store/file.hpp"
#include "store/hdf5_write.hpp"

namespace etalon {
namespace {

enum class Form { csv, xy, xye, hdf5 };

Result<Form> form_of(const std::string& path) {
  if (path == "-" || path.ends_with(".csv")) return Form::csv;
  if (path.ends_with(".xy")) return Form::xy;
  if (path.ends_with(".xye")) return Form::xye;
  if (ending_kind(path) == FileKind::hdf5) return Form::hdf5;
  return Error{Errc::usage, path + ": profiles are written as .csv, .xy, .xye or .h5"};
}

std::string text_of_profile(const ProfileSeries& series, const AzimuthalOptions& options,
                            Form form) {
  const bool sigma = !series.all.sigma.empty() && form != Form::xy;
  const char separator = form == Form::csv ? ',' : ' ';
  std::string out = form == Form::csv ? "" : "# ";
  out += std::string(name_of(options.unit)) + separator + "intensity";
  if (sigma) out += std::string(1, separator) + "sigma";
  out += '\n';
  const auto add = [&out](char before, double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.9g", value);
    if (before) out += before;
    out += text;
  };
  for (std::size_t b = 0; b < series.centres.size(); ++b) {
    add('\0', series.centres[b]);
    add(separator, series.all.intensity[b]);
    if (sigma) add(separator, series.all.sigma[b]);
    out += '\n';
  }
  return out;
}

std::string_view units_of(RadialUnit unit) {
  switch (unit) {
    case RadialUnit::q_per_angstrom:
      return "1/angstrom";
    case RadialUnit::q_per_nm:
      return "1/nm";
    case RadialUnit::two_theta_deg:
      return "degree";
    case RadialUnit::two_theta_rad:
      return "radian";
    case RadialUnit::r_mm:
      break;
  }
  return "mm";
}

std::string axis_of(RadialUnit unit) {
  return unit == RadialUnit::r_mm                                             ? "r"
         : unit == RadialUnit::q_per_angstrom || unit == RadialUnit::q_per_nm ? "q"
                                                                              : "two_theta";
}

// All frames together, with the settings.
Result<void> write_together(hid_t file, const ProfileSeries& series,
                            const AzimuthalOptions& options) {
  const std::string group = "/entry/azimuthal", axis = axis_of(options.unit);
  const Shape bins{series.centres.size()};
  ETALON_ASSIGN(const h5::Id data, h5::make_group(file, group, "NXdata"));
  ETALON_TRY(h5::set_attribute(data, "signal", "intensity"));
  ETALON_TRY(h5::set_attribute(data, "axes", axis));
  ETALON_TRY(h5::set_attribute(data, "splitting", name_of(options.splitting)));
  ETALON_TRY(
      h5::set_attribute(data, "solid_angle", options.solid_angle ? "corrected" : "as it is"));
  if (options.polarization)
    ETALON_TRY(h5::set_attribute(data, "polarization_factor",
                                 std::span<const double>(&*options.polarization, 1)));
  const auto write = [&](const std::string& name, const std::vector<double>& values,
                         std::string_view units = {}) -> Result<void> {
    if (values.empty()) return {};
    ETALON_TRY(h5::write_array(file, group + "/" + name, view_of(std::span(values), bins), units));
    return {};
  };
  ETALON_TRY(write(axis, series.centres, units_of(options.unit)));
  ETALON_TRY(write("intensity", series.all.intensity));
  ETALON_TRY(write("intensity_errors", series.all.sigma));
  ETALON_TRY(write("signal", series.all.signal));
  ETALON_TRY(write("normalization", series.all.normalization));
  return write("pixels", series.all.pixels);
}

Result<void> write_frames(hid_t file, const ProfileSeries& series,
                          const AzimuthalOptions& options) {
  const std::string group = "/entry/frames", axis = axis_of(options.unit);
  const Shape shape{series.frames(), series.centres.size()};
  ETALON_ASSIGN(const h5::Id data, h5::make_group(file, group, "NXdata"));
  ETALON_TRY(h5::set_attribute(data, "signal", "intensity"));
  ETALON_ASSIGN(
      const h5::Id intensity,
      h5::write_array(file, group + "/intensity", view_of(std::span(series.intensity), shape)));
  ETALON_TRY(h5::set_attribute(intensity, "axes", "frame:" + axis));
  if (!series.sigma.empty())
    ETALON_TRY(h5::write_array(file, group + "/intensity_errors",
                               view_of(std::span(series.sigma), shape)));
  ETALON_TRY(h5::write_array(file, group + "/frame",
                             view_of(std::span(series.numbers), Shape{series.frames()})));
  return h5::link(file, "/entry/azimuthal/" + axis, group + "/" + axis);
}

Result<void> write_hdf5(const std::string& path, const ProfileSeries& series,
                        const AzimuthalOptions& options, bool overwrite) {
  ETALON_ASSIGN(OutputFile output, OutputFile::create_regular(path, overwrite));
  ETALON_ASSIGN(h5::Id file, h5::create_file(output.temporary_path()));
  const auto write = [&]() -> Result<void> {
    ETALON_ASSIGN(const h5::Id entry, h5::make_group(file, "/entry", "NXentry"));
    ETALON_TRY(h5::set_attribute(entry, "default", "azimuthal"));
    ETALON_TRY(write_together(file, series, options));
    return write_frames(file, series, options);
  };
  if (auto written = write(); !written.ok()) return std::move(written).error().in(path);
  ETALON_TRY(h5::close_file(std::move(file), path));
  return output.commit();
}

}  // namespace

Result<void> check_profile_name(const std::string& path) {
  ETALON_TRY(form_of(path));
  return {};
}

Result<void> write_profiles(const std::string& path, const ProfileSeries& series,
                            const AzimuthalOptions& options, bool overwrite) {
  ETALON_ASSIGN(const Form form, form_of(path));
  if (form == Form::hdf5) return write_hdf5(path, series, options, overwrite);
  ETALON_ASSIGN(OutputFile output, OutputFile::create(path, overwrite));
  ETALON_TRY(output.write(bytes_of(text_of_profile(series, options, form))));
  return output.commit();
}

}  // namespace etalon
