#include "analyse/crystal_truth.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "store/array_file.hpp"
#include "store/hdf5.hpp"

namespace etalon {
namespace {

const std::string place = "/entry/truth/";

// A dataset of one type and shape; 0 in `extents` stands for any number.
Result<Array> column(const h5::File& file, const std::string& name, DType dtype,
                     const std::vector<std::size_t>& extents) {
  ETALON_ASSIGN(const h5::Dataset data, file.dataset(place + name));
  const Shape& shape = data.shape();
  bool fits = data.dtype() == dtype && shape.rank() == extents.size();
  for (std::size_t i = 0; fits && i < extents.size(); ++i)
    fits = extents[i] == 0 || shape[i] == extents[i];
  if (!fits) {
    std::string wanted;
    for (const std::size_t n : extents)
      wanted += (wanted.empty() ? "" : ", ") + (n == 0 ? std::string("n") : std::to_string(n));
    return Error{Errc::malformed,
                 data.place() + ": is not " + std::string(name_of(dtype)) + " (" + wanted + ")"};
  }
  ETALON_TRY(data.check_size(shape.count() * size_of(dtype)));
  return data.read_all();
}

Result<UnitCell> read_cell(const h5::File& file) {
  ETALON_ASSIGN(const Array lengths, column(file, "cell_lengths", DType::f64, {3}));
  ETALON_ASSIGN(const Array angles, column(file, "cell_angles", DType::f64, {3}));
  const auto l = lengths.as<double>(), a = angles.as<double>();
  const UnitCell cell{l[0], l[1], l[2], a[0], a[1], a[2]};
  if (const auto checked = check(cell); !checked.ok())
    return Error{Errc::malformed,
                 file.path() + ": " + place + "cell_lengths: " + checked.error().message};
  return cell;
}

Result<CrystalTruth> read_truth(const std::string& path, const h5::File& file) {
  CrystalTruth truth;
  ETALON_ASSIGN(truth.cell, read_cell(file));
  ETALON_ASSIGN(const Array hits, column(file, "is_hit", DType::u8, {0}));
  const std::size_t frames = hits.count();
  ETALON_ASSIGN(const Array matrices, column(file, "a_matrix", DType::f64, {frames, 3, 3}));
  for (std::size_t i = 0; i < frames; ++i) {
    auto& own = truth.a_matrices.emplace_back();
    if (hits.as<std::uint8_t>()[i] == 0) continue;
    own.emplace();
    std::copy_n(matrices.as<double>().begin() + static_cast<std::ptrdiff_t>(9 * i), 9,
                own->begin());
    if (!(std::abs(determinant(*own)) > 0) || !std::isfinite(determinant(*own)))
      return Error{Errc::malformed, path + ": " + place + "a_matrix: frame " + std::to_string(i) +
                                        ": is no orientation, and is_hit says there is one"};
  }
  ETALON_ASSIGN(const Array hkl, column(file, "structure_factors/hkl", DType::i16, {0, 3}));
  ETALON_ASSIGN(const Array intensity,
                column(file, "structure_factors/intensity", DType::f32, {hkl.shape()[0]}));
  for (std::size_t i = 0; i < intensity.count(); ++i) {
    const auto h = hkl.as<std::int16_t>().subspan(3 * i, 3);
    truth.structure_factors.push_back(
        {{h[0], h[1], h[2]}, static_cast<double>(intensity.as<float>()[i])});
  }
  return truth;
}

}  // namespace

KnownIntensities CrystalTruth::known(const PointGroup& group) const {
  KnownIntensities out;
  for (const auto& [index, intensity] : structure_factors)
    if (std::isfinite(intensity)) out[group.representative(index)] = intensity;
  return out;
}

Result<void> CrystalTruth::fits(std::uint64_t frames, const std::string& name) const {
  if (frames == a_matrices.size()) return {};
  return Error{Errc::usage, name + ": has " + std::to_string(frames) + " frames, its truth is of " +
                                std::to_string(a_matrices.size())};
}

Result<CrystalTruth> read_crystal_truth(const std::string& path) {
  const auto none = [&](const std::string& why) {
    return Error{Errc::malformed, path + ": " + why + "/entry/truth, which a simulated series has"};
  };
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return Error{Errc::missing, path + ": there is no such file"};
  if (file_kind(path) != FileKind::hdf5) return none("is no HDF5 file with ");
  ETALON_ASSIGN(const h5::File file, h5::File::open(path));
  if (!file.exists(place + "a_matrix")) return none("holds no a_matrix in ");
  return read_truth(path, file);
}

}  // namespace etalon
