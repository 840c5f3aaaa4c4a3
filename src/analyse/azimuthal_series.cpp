#include "analyse/azimuthal_series.hpp"

#include <cmath>
#include <mutex>

namespace etalon {
namespace {

// Frames whose sums are added up one after another: a number that does not depend on the threads,
// so that no rounding does.
constexpr std::uint64_t block_frames = 8;

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

struct Block {
  std::vector<Profile> profiles;
  std::vector<std::uint64_t> numbers;
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
    const std::uint64_t blocks = (frames + block_frames - 1) / block_frames;
    // So many blocks at a time that their profiles do not fill the memory.
    const std::uint64_t at_once = 4 * pool_.size();
    for (std::uint64_t first = 0; first < blocks; first += at_once) {
      const std::size_t n = std::min(at_once, blocks - first);
      std::vector<std::optional<Result<Block>>> done(n);
      if (frames == 1)
        done[0] = block_of(0, 1, &pool_);
      else
        pool_.for_each(n, [&](std::size_t i) {
          const std::uint64_t begin = (first + i) * block_frames;
          done[i] = block_of(begin, std::min(begin + block_frames, frames), nullptr);
        });
      for (auto& block : done) {
        if (!block->ok()) return std::move(*block).error();
        append(std::move(**block), series);
      }
    }
    return {};
  }

 private:
  Result<Block> block_of(std::uint64_t begin, std::uint64_t end, ThreadPool* pool) {
    ETALON_ASSIGN(auto reader, readers_.take());
    Block block;
    for (std::uint64_t i = begin; i < end; ++i) {
      if (options_.stop && options_.stop->load())
        return Error{Errc::interrupted, path_ + ": interrupted"};
      ETALON_ASSIGN(const Frame frame, reader->read(i));
      auto profile = integrator_.integrate(frame.image.view(), pool);
      if (!profile.ok()) return std::move(profile).error().in(path_);
      block.profiles.push_back(std::move(*profile));
      block.numbers.push_back(reader->source_number(i));
      const std::uint64_t so_far = ++done_;
      if (options_.progress) options_.progress(so_far);
    }
    readers_.give_back(std::move(reader));
    return block;
  }

  void append(Block block, ProfileSeries& series) {
    Profile sum = block.profiles.front();
    for (std::size_t i = 0; i < block.profiles.size(); ++i) {
      const Profile& p = block.profiles[i];
      if (i > 0) sum.add(p);
      series.intensity.insert(series.intensity.end(), p.intensity.begin(), p.intensity.end());
      series.sigma.insert(series.sigma.end(), p.sigma.begin(), p.sigma.end());
    }
    if (series.numbers.empty())
      series.all = std::move(sum);
    else
      series.all.add(sum);
    series.numbers.insert(series.numbers.end(), block.numbers.begin(), block.numbers.end());
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

Result<void> add_profiles(const std::string& path, const AzimuthalIntegrator& integrator,
                          const AnalysisOptions& options, ProfileSeries& series) {
  ThreadPool pool(options.threads);
  series.centres = integrator.centres();
  return Series(path, integrator, options, pool).add_to(series);
}

}  // namespace etalon
