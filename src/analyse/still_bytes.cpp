#include <cmath>

#include "analyse/crystal_series.hpp"

// frame, peaks (u64), indexing_ms (f64), the number of lattices (u64). Of each: A, scale, beam_dx,
// beam_dy, chance, rms_px, excitation_rms (f64), the number of its peaks (u64) and of each its
// number (u64), h, k, l (i32), off_px, excitation (f64). The number (u64) of lattices with
// intensities, all or none; of each the number (u64) of its observations, and of each h, k, l
// (i32), intensity, sigma, q (f32).
namespace etalon {
namespace {

constexpr std::size_t lattice_bytes = 15 * sizeof(double) + sizeof(std::uint64_t);
constexpr std::size_t peak_bytes =
    sizeof(std::uint64_t) + 3 * sizeof(std::int32_t) + 2 * sizeof(double);
constexpr std::size_t observation_bytes = 3 * sizeof(std::int32_t) + 3 * sizeof(float);

// A count of things of at least this size each.
Result<std::uint64_t> get_count(ByteReader& in, std::size_t size, const char* what) {
  ETALON_ASSIGN(const auto count, in.get<std::uint64_t>());
  if (count > in.left() / size)
    return Error{Errc::malformed, "still: " + std::to_string(count) + " " + what + " in " +
                                      std::to_string(in.left()) + " bytes"};
  return count;
}

Result<CrystalLattice> get_lattice(ByteReader& in, std::size_t peaks) {
  CrystalLattice out;
  for (double& a : out.a_matrix) {
    ETALON_ASSIGN(a, in.get<double>());
  }
  for (double* const value :
       {&out.scale, &out.beam_dx, &out.beam_dy, &out.chance, &out.rms_px, &out.excitation_rms}) {
    ETALON_ASSIGN(*value, in.get<double>());
  }
  ETALON_ASSIGN(const auto count, get_count(in, peak_bytes, "indexed peaks"));
  for (std::uint64_t i = 0; i < count; ++i) {
    IndexedPeak& peak = out.peaks.emplace_back();
    ETALON_ASSIGN(const auto number, in.get<std::uint64_t>());
    if (number >= peaks)
      return Error{Errc::malformed, "still: peak " + std::to_string(number) + " of " +
                                        std::to_string(peaks) + " peaks"};
    peak.peak = number;
    for (int& index : peak.index) {
      ETALON_ASSIGN(index, in.get<std::int32_t>());
    }
    ETALON_ASSIGN(peak.off_px, in.get<double>());
    ETALON_ASSIGN(peak.excitation, in.get<double>());
  }
  return out;
}

Result<std::vector<Observation>> get_observations(ByteReader& in) {
  ETALON_ASSIGN(const auto count, get_count(in, observation_bytes, "observations"));
  std::vector<Observation> out(count);
  for (Observation& observation : out) {
    for (int& index : observation.unique) {
      ETALON_ASSIGN(index, in.get<std::int32_t>());
    }
    for (float* const value : {&observation.intensity, &observation.sigma, &observation.q}) {
      ETALON_ASSIGN(*value, in.get<float>());
      if (!std::isfinite(*value))
        return Error{Errc::malformed, "still: an intensity that is no number"};
    }
  }
  return out;
}

}  // namespace

void pack(const StillResult& still, ByteWriter& out) {
  out.put(still.frame);
  out.put(std::uint64_t{still.peaks});
  out.put(still.indexing_ms);
  out.put(std::uint64_t{still.crystals.lattices.size()});
  for (const CrystalLattice& lattice : still.crystals.lattices) {
    for (const double a : lattice.a_matrix) out.put(a);
    for (const double value : {lattice.scale, lattice.beam_dx, lattice.beam_dy, lattice.chance,
                               lattice.rms_px, lattice.excitation_rms})
      out.put(value);
    out.put(std::uint64_t{lattice.peaks.size()});
    for (const IndexedPeak& peak : lattice.peaks) {
      out.put(std::uint64_t{peak.peak});
      for (const std::int32_t index : peak.index) out.put(index);
      out.put(peak.off_px);
      out.put(peak.excitation);
    }
  }
  out.put(std::uint64_t{still.crystals.observations.size()});
  for (const auto& observations : still.crystals.observations) {
    out.put(std::uint64_t{observations.size()});
    for (const Observation& observation : observations) {
      for (const std::int32_t index : observation.unique) out.put(index);
      for (const float value : {observation.intensity, observation.sigma, observation.q})
        out.put(value);
    }
  }
}

Result<StillResult> unpack_still(ByteReader& in) {
  StillResult out;
  ETALON_ASSIGN(out.frame, in.get<std::uint64_t>());
  ETALON_ASSIGN(out.peaks, in.get<std::uint64_t>());
  ETALON_ASSIGN(out.indexing_ms, in.get<double>());
  ETALON_ASSIGN(const auto lattices, get_count(in, lattice_bytes, "lattices"));
  for (std::uint64_t i = 0; i < lattices; ++i) {
    ETALON_ASSIGN(CrystalLattice lattice, get_lattice(in, out.peaks));
    out.crystals.lattices.push_back(std::move(lattice));
  }
  ETALON_ASSIGN(const auto integrated, get_count(in, sizeof(std::uint64_t), "lists"));
  if (integrated != 0 && integrated != lattices)
    return Error{Errc::malformed, "still: intensities of " + std::to_string(integrated) + " of " +
                                      std::to_string(lattices) + " lattices"};
  for (std::uint64_t i = 0; i < integrated; ++i) {
    ETALON_ASSIGN(auto observations, get_observations(in));
    out.crystals.observations.push_back(std::move(observations));
  }
  return out;
}

}  // namespace etalon
