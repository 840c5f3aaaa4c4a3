#include "analyse/azimuthal_series.hpp"

#include <cmath>
#include <mutex>

namespace etalon {
namespace {

// Readers of one series for whoever needs one.
class Readers {
 public:
  Readers(std::string path, OpenOptions open) : path_(std::move(path)), open_(std::move(open)) {}

  Result<std::unique_ptr<SeriesReader>> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        auto reader = std::move(free_.back());
        free_.pop_back();
        return reader;
      }
    }
    return open_series(path_, open_);
  }
  void give_back(std::unique_ptr<SeriesReader> reader) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(reader));
  }

 private:
  const std::string path_;
  const OpenOptions open_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<SeriesReader>> free_;
};

// A series at work.
class Series {
 public:
  Series(const std::string& path, const AzimuthalIntegrator& integrator,
         const AnalysisOptions& options, ThreadPool& pool)
      : path_(path),
        integrator_(integrator),
        options_(options),
        pool_(pool),
        readers_(path, options.open) {}

  Result<void> add_to(ProfileSeries& series) {
    ETALON_ASSIGN(auto reader, readers_.take());
    const std::uint64_t frames = reader->info().frames;
    readers_.give_back(std::move(reader));
    const std::uint64_t blocks = (frames + ProfileBlock::frames - 1) / ProfileBlock::frames;
    // So many blocks at a time that their profiles do not fill the memory.
    const std::uint64_t at_once = 4 * pool_.size();
    for (std::uint64_t first = 0; first < blocks; first += at_once) {
      const std::size_t n = std::min(at_once, blocks - first);
      std::vector<std::optional<Result<ProfileBlock>>> done(n);
      if (frames == 1)
        done[0] = block_of(0, 1, &pool_);
      else
        pool_.for_each(n, [&](std::size_t i) {
          const std::uint64_t begin = (first + i) * ProfileBlock::frames;
          done[i] = block_of(begin, std::min(begin + ProfileBlock::frames, frames), nullptr);
        });
      for (auto& block : done) {
        if (!block->ok()) return std::move(*block).error();
        series.append(**block);
      }
    }
    return {};
  }

 private:
  Result<ProfileBlock> block_of(std::uint64_t begin, std::uint64_t end, ThreadPool* pool) {
    ETALON_ASSIGN(auto reader, readers_.take());
    ProfileBlock block;
    for (std::uint64_t i = begin; i < end; ++i) {
      if (options_.stop && options_.stop->load())
        return Error{Errc::interrupted, path_ + ": interrupted"};
      ETALON_ASSIGN(const Frame frame, reader->read(i));
      auto profile = integrator_.integrate(frame.image.view(), pool);
      if (!profile.ok()) return std::move(profile).error().in(path_);
      block.add(reader->source_number(i), *profile);
      const std::uint64_t so_far = ++done_;
      if (options_.progress) options_.progress(so_far);
    }
    readers_.give_back(std::move(reader));
    return block;
  }

  const std::string& path_;
  const AzimuthalIntegrator& integrator_;
  const AnalysisOptions& options_;
  ThreadPool& pool_;
  Readers readers_;
  std::atomic<std::uint64_t> done_ = 0;
};

}  // namespace

azimuthal::ValidRange measured_values(DType type) {
  return visit(type, [](auto zero) -> azimuthal::ValidRange {
    using T = decltype(zero);
    if constexpr (std::is_floating_point_v<T>)
      return {};
    else
      // Of 64 bits the largest value is none of double precision: the next lower one that is.
      return {0, sizeof(T) == 8
                     ? std::nextafter(static_cast<double>(std::numeric_limits<T>::max()), 0.0)
                     : static_cast<double>(std::numeric_limits<T>::max()) - 1};
  });
}

void ProfileSeries::append(const ProfileBlock& block) {
  if (numbers.empty())
    all = block.sum;
  else
    all.add(block.sum);
  numbers.insert(numbers.end(), block.numbers.begin(), block.numbers.end());
  intensity.insert(intensity.end(), block.intensity.begin(), block.intensity.end());
  sigma.insert(sigma.end(), block.sigma.begin(), block.sigma.end());
}

Result<void> add_profiles(const std::string& path, const AzimuthalIntegrator& integrator,
                          const AnalysisOptions& options, ProfileSeries& series) {
  ThreadPool pool(options.threads);
  series.centres = integrator.centres();
  return Series(path, integrator, options, pool).add_to(series);
}

}  // namespace etalon
