#include "store/gain_constants_file.hpp"

#include <cmath>

#include "frame/dark_sums.hpp"
#include "store/file.hpp"
#include "store/hdf5_write.hpp"
#include "store/nxmx_reader.hpp"

namespace etalon {
namespace {

constexpr const char* gains[] = {"g0", "g1", "g2"};
constexpr std::size_t most_pixels = std::size_t{1} << 28;

Error other_shape(const h5::Dataset& dataset, const std::string& expected) {
  return {Errc::malformed, dataset.place() + ": " + to_string(dataset.shape()) + " " +
                               std::string(name_of(dataset.dtype())) + ": expected " + expected};
}

// The first plane that is read says the extents.
Result<void> take_extents(const h5::Dataset& dataset, std::size_t ny, std::size_t nx,
                          GainConstants& out) {
  if (ny == 0 || nx == 0 || ny > most_pixels / nx) return other_shape(dataset, "1 to 2^28 pixels");
  if (out.pixels() == 0) {
    out.ny = ny;
    out.nx = nx;
    out.bad.assign(ny * nx, 0);
  }
  if (ny != out.ny || nx != out.nx) return other_shape(dataset, to_string(Shape{out.ny, out.nx}));
  return {};
}

Result<std::vector<float>> read_plane(const h5::File& file, const std::string& name,
                                      GainConstants& out) {
  ETALON_ASSIGN(const h5::Dataset dataset, file.dataset(name));
  if (dataset.shape().rank() != 2) return other_shape(dataset, "two axes");
  ETALON_TRY(take_extents(dataset, dataset.shape()[0], dataset.shape()[1], out));
  ETALON_TRY(dataset.check_size(out.pixels() * size_of(dataset.dtype())));
  ETALON_ASSIGN(const Array plane, dataset.read_all());
  std::vector<float> values(out.pixels());
  visit(plane.dtype(), [&](auto zero) {
    const auto from = plane.as<decltype(zero)>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(from[i]);
  });
  return values;
}

Result<void> read_own(const h5::File& file, GainConstantsFile& out) {
  for (std::size_t g = 0; g < 3; ++g) {
    ETALON_ASSIGN(out.constants.gain_adu_per_kev[g],
                  read_plane(file, std::string("/gain/") + gains[g], out.constants));
    ETALON_ASSIGN(out.constants.pedestal_adu[g],
                  read_plane(file, std::string("/pedestal/") + gains[g], out.constants));
  }
  if (file.exists("/mask")) {
    ETALON_ASSIGN(const std::vector<float> mask, read_plane(file, "/mask", out.constants));
    for (std::size_t i = 0; i < mask.size(); ++i) out.constants.bad[i] = mask[i] != 0;
  }
  if (const auto energy = file.number("/energy_kev")) out.energy_kev = energy->value;
  return {};
}

Result<void> read_calib(const h5::File& file, GainConstantsFile& out) {
  ETALON_ASSIGN(const h5::Dataset dataset, file.dataset("/calib/gain_adu_per_keV"));
  const Shape& shape = dataset.shape();
  if (shape.rank() != 3 || shape[0] != 3 || dataset.dtype() != DType::f32)
    return other_shape(dataset, "3 planes of f32");
  ETALON_TRY(take_extents(dataset, shape[1], shape[2], out.constants));
  ETALON_TRY(dataset.check_size(3 * out.constants.pixels() * sizeof(float)));
  ETALON_ASSIGN(const Array all, dataset.read_all());
  for (std::size_t g = 0; g < 3; ++g) {
    const auto plane = all.view()[g].as<float>();
    out.constants.gain_adu_per_kev[g].assign(plane.begin(), plane.end());
  }
  out.constants.pedestal_adu[0].assign(out.constants.pixels(), NAN);  // until dark frames say it
  for (std::size_t g = 1; g < 3; ++g) {
    ETALON_ASSIGN(out.constants.pedestal_adu[g],
                  read_plane(file, std::string("/calib/pedestal_") + gains[g], out.constants));
  }
  if (const auto energy = file.number("/photon_energy_keV")) out.energy_kev = energy->value;
  return {};
}

Result<void> add_dark(const h5::Dataset& dataset, GainConstants& constants, DarkSums& sums) {
  const Shape& shape = dataset.shape();
  if (shape.rank() != 3 || dataset.dtype() != DType::u16)
    return other_shape(dataset, "frames of u16");
  ETALON_TRY(take_extents(dataset, shape[1], shape[2], constants));
  ETALON_TRY(dataset.check_size(constants.pixels() * sizeof(std::uint16_t)));
  Array frame(DType::u16, {1, shape[1], shape[2]});
  for (std::size_t n = 0; n < shape[0]; ++n) {
    const std::size_t start[] = {n, 0, 0}, count[] = {1, shape[1], shape[2]};
    ETALON_TRY(dataset.read(start, count, frame.mutable_view()));
    sums.add(frame.as<std::uint16_t>());
  }
  return {};
}

// False when the file has no dark frames in the places that are named for them.
Result<bool> add_named_darks(const h5::File& file, GainConstants& constants, DarkSums& sums) {
  bool any = false;
  for (const char* gain : gains) {
    const std::string name = std::string("/dark/") + gain;
    if (!file.exists(name)) continue;
    any = true;
    ETALON_ASSIGN(const h5::Dataset dataset, file.dataset(name));
    ETALON_TRY(add_dark(dataset, constants, sums));
  }
  return any;
}

}  // namespace

Result<GainConstantsFile> read_gain_constants(const std::string& path, const std::string& dark) {
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  GainConstantsFile out;
  const bool calib = file.exists("/calib/gain_adu_per_keV") && !file.exists("/gain/g0");
  ETALON_TRY(calib ? read_calib(file, out) : read_own(file, out));
  DarkSums sums(out.constants.ny, out.constants.nx);
  if (!dark.empty()) {
    ETALON_ASSIGN(const h5::File dark_file, h5::File::open(dark));
    ETALON_ASSIGN(const bool named, add_named_darks(dark_file, out.constants, sums));
    if (!named) {
      ETALON_ASSIGN(const std::string name, find_images(dark_file, "", false));
      ETALON_ASSIGN(const h5::Dataset dataset, dark_file.dataset(name));
      ETALON_TRY(add_dark(dataset, out.constants, sums));
    }
    out.dark_applied = true;
  } else if (calib) {
    ETALON_ASSIGN(out.dark_applied, add_named_darks(file, out.constants, sums));
    if (!out.dark_applied)
      return Error{Errc::missing, path +
                                      ": no pedestals of G0: neither /pedestal/g0 nor dark "
                                      "frames in /dark/g0; --dark names a file of them"};
  }
  sums.apply(out.constants);
  return out;
}

Result<void> write_gain_constants(const std::string& path, const GainConstants& constants,
                                  std::optional<double> energy_kev, bool overwrite) {
  ETALON_ASSIGN(OutputFile output, OutputFile::create_regular(path, overwrite));
  ETALON_ASSIGN(h5::Id file, h5::create_file(output.temporary_path()));
  const Shape shape{constants.ny, constants.nx};
  const auto write = [&](const std::string& name, const ArrayView& plane) -> Result<void> {
    ETALON_TRY(h5::write_packed(file, name, plane));
    return {};
  };
  for (std::size_t g = 0; g < 3; ++g) {
    const std::span<const float> gain(constants.gain_adu_per_kev[g]);
    const std::span<const float> pedestal(constants.pedestal_adu[g]);
    ETALON_TRY(write(std::string("/gain/") + gains[g], view_of(gain, shape)));
    ETALON_TRY(write(std::string("/pedestal/") + gains[g], view_of(pedestal, shape)));
  }
  ETALON_TRY(write("/mask", view_of(std::span<const std::uint8_t>(constants.bad), shape)));
  if (energy_kev) ETALON_TRY(h5::write_number(file, "/energy_kev", *energy_kev, "keV"));
  ETALON_TRY(h5::close_file(std::move(file), path));
  return output.commit();
}

}  // namespace etalon
