// All stills of a series indexed and, where asked for, integrated.
#pragma once

#include <atomic>
#include <functional>

#include "analyse/crystal_truth.hpp"
#include "analyse/still_integration.hpp"
#include "base/bytes.hpp"
#include "kernels/finder/finder.hpp"
#include "store/series_reader.hpp"

namespace etalon {

struct CrystalSettings {
  IndexingSettings indexing;
  IntegrationSettings integration;
  bool integrate = true;
};

// What one still shows.
struct StillCrystals {
  std::vector<CrystalLattice> lattices;
  std::vector<std::vector<Observation>> observations;  // of each lattice; empty: not asked for
};

// Thread-safe.
class CrystalFinder {
 public:
  // Errc::usage as Indexer and StillIntegrator.
  static Result<CrystalFinder> create(const Geometry& geometry, const Mask& mask,
                                      const CrystalSettings& settings);
  const CrystalSettings& settings() const { return settings_; }
  // `image` is (y, x), of any element type; `peaks` those found in it.
  StillCrystals look_at(const ArrayView& image, std::span<const Peak> peaks) const;

 private:
  CrystalFinder(CrystalSettings settings, Indexer indexer, StillIntegrator integrator)
      : settings_(std::move(settings)),
        indexer_(std::move(indexer)),
        integrator_(std::move(integrator)) {}
  CrystalSettings settings_;
  Indexer indexer_;
  StillIntegrator integrator_;
};

struct CrystalSeries {
  FinderSettings finder;
  CrystalSettings crystals;
  std::uint32_t min_peaks = 15;                 // of a still that is indexed
  unsigned threads = 0;                         // 0: one per hardware thread
  std::function<void(std::uint64_t)> progress;  // frames done
  const std::atomic<bool>* stop = nullptr;      // ends with Errc::interrupted when true
};

struct StillResult {
  std::uint64_t frame = 0;  // its number in the series
  std::size_t peaks = 0;
  StillCrystals crystals;  // none in stills of fewer than min_peaks
  double indexing_ms = 0;  // of one thread
};

// A frame looked at. Errors name neither file nor frame.
Result<StillResult> look_at_still(const Frame& frame, Finder& finder, const CrystalFinder& crystals,
                                  std::uint32_t min_peaks);

// As bytes for another process. Errc::malformed for bytes that are no still's.
void pack(const StillResult& still, ByteWriter& out);
Result<StillResult> unpack_still(ByteReader& in);

// Frames to `sink` in their order. The result does not depend on the threads.
Result<void> index_series(SeriesReader& series, const Geometry& geometry, const Mask& mask,
                          const CrystalSeries& how,
                          const std::function<Result<void>(StillResult)>& sink);

}  // namespace etalon
