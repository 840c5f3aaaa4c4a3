#include "simulate_truth.hpp"

namespace etalon::cli {
namespace {

const std::string place = "/entry/truth/";

template <typename T>
Result<void> column(NxmxWriter& writer, const std::string& name, const std::vector<T>& values,
                    std::string_view units, std::initializer_list<std::size_t> row = {}) {
  std::vector<std::size_t> extents{values.size()};
  for (std::size_t extent : row) {
    extents[0] /= extent;
    extents.push_back(extent);
  }
  return writer.attach(place + name, view_of(std::span(values), Shape(std::span(extents))),
                       std::string(units));
}

void push(std::vector<std::int16_t>& hkl, const Miller& index) {
  for (int i : index) hkl.push_back(static_cast<std::int16_t>(i));
}

// One of each set of equivalent reflections.
Result<void> write_structure_factors(const StillsSimulator& simulator, NxmxWriter& writer) {
  const Symmetry symmetry(simulator.parameters().cell);
  std::vector<std::int16_t> hkl;
  std::vector<float> intensity;
  std::vector<std::uint8_t> centric;
  for (const Reflection& r : simulator.reflections()) {
    if (symmetry.representative(r.index) != r.index) continue;
    push(hkl, r.index);
    intensity.push_back(r.intensity);
    centric.push_back(r.centric ? 1 : 0);
  }
  ETALON_TRY(column(writer, "structure_factors/hkl", hkl, "", {3}));
  ETALON_TRY(column(writer, "structure_factors/intensity", intensity, "photon"));
  return column(writer, "structure_factors/centric", centric, "");
}

}  // namespace

void StillsTruthTable::add(const StillTruth& truth) {
  hits_ += truth.is_hit ? 1 : 0;
  is_hit_.push_back(truth.is_hit ? 1 : 0);
  has_jet_.push_back(truth.has_jet ? 1 : 0);
  a_matrix_.insert(a_matrix_.end(), truth.a_matrix.begin(), truth.a_matrix.end());
  crystal_scale_.push_back(truth.crystal_scale);
  background_scale_.push_back(truth.background_scale);
  jet_scale_.push_back(truth.jet_scale);
  for (const PredictedSpot& spot : truth.spots) {
    push(hkl_, spot.index);
    x_.push_back(static_cast<float>(spot.x));
    y_.push_back(static_cast<float>(spot.y));
    partiality_.push_back(static_cast<float>(spot.partiality));
    photons_.push_back(static_cast<float>(spot.photons));
  }
  first_.push_back(x_.size());
}

Result<void> StillsTruthTable::write(const StillsSimulator& simulator, NxmxWriter& writer) const {
  const UnitCell& c = simulator.parameters().cell;
  const std::vector<std::uint64_t> seed{simulator.parameters().seed};
  const std::vector<double> edges{c.a, c.b, c.c}, angles{c.alpha, c.beta, c.gamma};
  ETALON_TRY(column(writer, "seed", seed, ""));
  ETALON_TRY(column(writer, "cell_lengths", edges, "angstrom"));
  ETALON_TRY(column(writer, "cell_angles", angles, "degree"));
  ETALON_TRY(column(writer, "is_hit", is_hit_, ""));
  ETALON_TRY(column(writer, "has_jet", has_jet_, ""));
  ETALON_TRY(column(writer, "a_matrix", a_matrix_, "1/angstrom", {3, 3}));
  ETALON_TRY(column(writer, "crystal_scale", crystal_scale_, ""));
  ETALON_TRY(column(writer, "background_scale", background_scale_, ""));
  ETALON_TRY(column(writer, "jet_scale", jet_scale_, ""));
  ETALON_TRY(column(writer, "reflections/first", first_, ""));
  ETALON_TRY(column(writer, "reflections/hkl", hkl_, "", {3}));
  ETALON_TRY(column(writer, "reflections/x", x_, "pixel"));
  ETALON_TRY(column(writer, "reflections/y", y_, "pixel"));
  ETALON_TRY(column(writer, "reflections/partiality", partiality_, ""));
  ETALON_TRY(column(writer, "reflections/photons", photons_, "photon"));
  return write_structure_factors(simulator, writer);
}

}  // namespace etalon::cli
