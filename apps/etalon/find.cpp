#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "commands.hpp"
#include "find_report.hpp"
#include "kernels/peakfinder8/peakfinder8.hpp"
#include "reduce_input.hpp"
#include "store/series_reader.hpp"

namespace etalon::cli {
namespace {

Error usage(const std::string& reason) { return {Errc::usage, "find: " + reason}; }

// One thread reads frames, several find their peaks. Peaks come out in the order of the frames.
class Search {
 public:
  Search(const PeakFinder8& finder, unsigned threads) : room_(2 * threads) {
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
  void work(PeakFinder8& finder) {
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
  if (options.method != "peakfinder8")
    return usage("--method '" + options.method + "': there is peakfinder8 only");
  ETALON_ASSIGN(const OpenOptions open,
                open_options({options.file, options.dataset, options.dtype, options.shape}));
  ETALON_ASSIGN(const auto reader, open_series(options.file, open));
  const SeriesInfo& info = reader->info();
  ETALON_ASSIGN(const FinderView seen, finder_view("find", options.file, info, options.finder));
  const Geometry& geometry = seen.geometry;
  ETALON_ASSIGN(const PeakFinder8 finder,
                PeakFinder8::create(geometry, seen.mask, options.finder.parameters));

  const auto start = std::chrono::steady_clock::now();
  FindReport report(options, geometry);
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
  CLI::App* command =
      add_command(cli, "find", "Find diffraction peaks and tell hits from blanks", options, run);
  command->footer(
      "A pixel stands out when it is above max(threshold, mean + snr * sigma) of the pixels at "
      "its\n"
      "distance from the beam; touching ones are a peak when there are enough of them and their "
      "sum\n"
      "is at least snr times the spread of the local background. Positions are in pixels, with\n"
      "pixel centres at integers.\n\n"
      "  etalon find run7_master.h5\n"
      "  etalon find run7_master.h5 --threshold 20 --snr 6 --csv > peaks.csv\n"
      "  etalon find run7_master.h5 --json | jq .hit_rate");
  command
      ->add_option("file", options->file,
                   "Series: HDF5 (NXmx), CBF, TIFF, .npy, a folder or a glob")
      ->required()
      ->type_name("FILE")
      ->default_str("");
  command
      ->add_option("--dataset", options->dataset, "Images in an HDF5 file (default: as NXmx says)")
      ->type_name("/PATH")
      ->default_str("");
  command->add_option("--method", options->method, "How peaks are found: peakfinder8");
  add_finder_options(*command, options->finder);
  command->add_option("--dtype", options->dtype, "Raw files: element type, such as u16")
      ->default_str("");
  command->add_option("--shape", options->shape, "Raw files: frames,rows,columns")->default_str("");
  command->add_option("-T,--threads", options->threads, "Threads (0: one per core)")
      ->check(CLI::Range(0, 1024));
  CLI::Option* json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--csv", options->csv, "Print one line a peak")->excludes(json);
}

}  // namespace etalon::cli
