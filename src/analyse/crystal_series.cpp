#include "analyse/crystal_series.hpp"

#include <chrono>
#include <thread>

#include "base/thread_pool.hpp"

namespace etalon {

Result<StillResult> look_at_still(const Frame& frame, Finder& finder, const CrystalFinder& crystals,
                                  std::uint32_t min_peaks) {
  StillResult still;
  still.frame = frame.number;
  ETALON_ASSIGN(const auto peaks, finder.find(frame.image.view()));
  still.peaks = peaks.size();
  if (peaks.size() < min_peaks) return still;
  const auto start = std::chrono::steady_clock::now();
  still.crystals = crystals.look_at(frame.image.view(), peaks);
  still.indexing_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return still;
}

Result<CrystalFinder> CrystalFinder::create(const Geometry& geometry, const Mask& mask,
                                            const CrystalSettings& settings) {
  ETALON_ASSIGN(Indexer indexer, Indexer::create(geometry, settings.indexing));
  ETALON_ASSIGN(StillIntegrator integrator,
                StillIntegrator::create(indexer, mask, settings.integration));
  return CrystalFinder(settings, std::move(indexer), std::move(integrator));
}

StillCrystals CrystalFinder::look_at(const ArrayView& image, std::span<const Peak> peaks) const {
  StillCrystals still;
  still.lattices = indexer_.index(peaks);
  if (settings_.integrate)
    for (const CrystalLattice& lattice : still.lattices)
      still.observations.push_back(integrator_.integrate(image, lattice));
  return still;
}

Result<void> index_series(SeriesReader& series, const Geometry& geometry, const Mask& mask,
                          const CrystalSeries& how,
                          const std::function<Result<void>(StillResult)>& sink) {
  ETALON_ASSIGN(const CrystalFinder crystals, CrystalFinder::create(geometry, mask, how.crystals));
  ETALON_ASSIGN(const Finder finder, Finder::create(geometry, mask, how.finder));
  const std::size_t threads =
      how.threads > 0 ? how.threads : std::max(1U, std::thread::hardware_concurrency());
  const std::size_t batch = threads > 1 ? 4 * threads : 1;
  std::vector<Finder> finders(batch, finder);
  ThreadPool pool(threads > 1 ? threads - 1 : 1);
  const std::uint64_t frames = series.info().frames;
  const std::string name = series.files().front();
  for (std::uint64_t first = 0; first < frames; first += batch) {
    std::vector<Frame> images;
    for (std::uint64_t i = first; i < std::min<std::uint64_t>(first + batch, frames); ++i) {
      if (how.stop != nullptr && *how.stop)
        return Error{Errc::interrupted, name + ": interrupted after " + std::to_string(first) +
                                            " of " + std::to_string(frames) + " frames"};
      ETALON_ASSIGN(Frame frame, series.read(i));
      frame.number = series.source_number(i);
      images.push_back(std::move(frame));
    }
    std::vector<std::optional<Result<StillResult>>> done(images.size());
    const auto step = [&](std::size_t i) {
      done[i] = look_at_still(images[i], finders[i], crystals, how.min_peaks);
    };
    if (threads > 1)
      pool.for_each(images.size(), step);
    else
      step(0);
    for (std::size_t i = 0; i < done.size(); ++i) {
      if (!done[i]->ok())
        return std::move(*done[i]).error().in("frame " + std::to_string(images[i].number)).in(name);
      ETALON_TRY(sink(std::move(**done[i])));
    }
    if (how.progress) how.progress(first + images.size());
  }
  return {};
}

}  // namespace etalon
