#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "commands.hpp"
#include "find_learn.hpp"
#include "find_report.hpp"
#include "reduce_input.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {
namespace {

// One thread reads frames, several find their peaks. Peaks come out in the order of the frames.
class Search {
 public:
  Search(const Finder& finder, unsigned threads) : room_(2 * threads) {
    for (unsigned i = 0; i < threads; ++i)
      threads_.emplace_back([this, own = finder]() mutable { work(own); });
  }
  ~Search() { finish(); }

  void put(Frame frame) {  // waits while the finders are behind
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return waiting_.size() < room_; });
    waiting_.emplace_back(results_.size(), std::move(frame));
    results_.emplace_back();
    wake_.notify_one();
  }
  void finish() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  std::optional<Result<Found>> next() {  // none: not found yet, or none left
    const std::lock_guard lock(mutex_);
    if (taken_ == results_.size() || !results_[taken_]) return std::nullopt;
    auto result = std::move(results_[taken_]);
    results_[taken_++].reset();
    return result;
  }

 private:
  void work(Finder& finder) {
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      const auto [slot, frame] = std::move(waiting_.front());
      waiting_.pop_front();
      done_.notify_one();
      lock.unlock();
      auto peaks = finder.find(frame.image.view());
      lock.lock();
      if (peaks.ok())
        results_[slot] = Found{frame.number, std::move(peaks).value()};
      else
        results_[slot] = std::move(peaks).error().in("frame " + std::to_string(frame.number));
    }
  }

  const std::size_t room_;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<std::pair<std::size_t, Frame>> waiting_;
  std::deque<std::optional<Result<Found>>> results_;
  std::size_t taken_ = 0;
  bool closed_ = false;
  std::vector<std::thread> threads_;
};

Result<void> drain(Search& search, FindReport& report, const std::string& file) {
  while (auto found = search.next()) {
    if (!found->ok()) return std::move(*found).error().in(file);
    ETALON_TRY(report.add(found->value()));
  }
  return {};
}

Result<void> run(const FindOptions& options) {
  ETALON_ASSIGN(FinderSettings settings, finder_settings("find", options.finder));
  ETALON_ASSIGN(OpenOptions open,
                open_options({options.file, options.dataset, options.dtype, options.shape}));
  open.any_mask = !options.finder.mask.empty();
  ETALON_ASSIGN(const auto reader, open_series(options.file, open));
  const SeriesInfo& info = reader->info();
  ETALON_ASSIGN(const FinderView seen, finder_view("find", options.file, info, options.finder));
  const Geometry& geometry = seen.geometry;
  if (options.learn) {
    ETALON_TRY(learn_settings(*reader, seen, options.finder, settings));
  }
  ETALON_ASSIGN(const Finder finder, Finder::create(geometry, seen.mask, settings));

  const auto start = std::chrono::steady_clock::now();
  FindReport report(options, settings, geometry);
  ETALON_TRY(report.begin());
  Progress progress("finding", info.frames, "frames");
  const unsigned here = std::max(1U, std::thread::hardware_concurrency());
  Search search(finder, options.threads > 0 ? options.threads : here);
  for (std::uint64_t index = 0; index < info.frames; ++index) {
    if (interrupted.load())
      return Error{Errc::interrupted, options.file + ": interrupted after " +
                                          std::to_string(index) + " of " +
                                          std::to_string(info.frames) + " frames"};
    ETALON_ASSIGN(Frame frame, reader->read(index));
    search.put(std::move(frame));
    ETALON_TRY(drain(search, report, options.file));
    progress.update(index + 1);
  }
  search.finish();
  ETALON_TRY(drain(search, report, options.file));
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  return report.end(taken.count());
}

}  // namespace

void add_find(Cli& cli) {
  auto options = std::make_shared<FindOptions>();
  Command* command =
      add_command(cli, "find", "Find diffraction peaks and tell hits from blanks", options, run);
  command->footer(
      "peakfinder8: a pixel stands out when it is above max(threshold, mean + snr * sigma) of the\n"
      "pixels at its distance from the beam; touching ones are a peak when there are enough of\n"
      "them and their sum is at least snr times the spread of the local background.\n"
      "dispersion, dispersion_extended: the counts round a pixel scatter more than Poisson's, and\n"
      "the pixel stands out of them, as DIALS finds spots.\n"
      "Positions are in pixels, with pixel centres at integers.\n\n"
      "  etalon find run7_master.h5\n"
      "  etalon find run7_master.h5 --threshold 20 --snr 6 --csv > peaks.csv\n"
      "  etalon find run7_master.h5 --json | jq .hit_rate");
  add_find_options(*command, options);
}

}  // namespace etalon::cli
