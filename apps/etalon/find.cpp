#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
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

Result<void> set_centre(const FindOptions& options, Geometry& geometry) {
  if (options.centre.empty()) {
    if (geometry.distance_m > 0 || geometry.centre_x != 0 || geometry.centre_y != 0) return {};
    geometry.centre_x = (static_cast<double>(geometry.nx) - 1) / 2;
    geometry.centre_y = (static_cast<double>(geometry.ny) - 1) / 2;
    note(options.file + ": holds no beam centre: taking the middle of the image (--centre x,y)");
    return {};
  }
  char* end = nullptr;
  geometry.centre_x = std::strtod(options.centre.c_str(), &end);
  if (end != options.centre.c_str() && *end == ',') {
    const char* second = end + 1;
    geometry.centre_y = std::strtod(second, &end);
    if (end != second && *end == '\0') return {};
  }
  return usage("--centre '" + options.centre + "': expected x,y in pixels, such as 515.3,532.6");
}

bool is_hdf5(const std::string& path) {
  char start[8] = {};
  std::ifstream(path, std::ios::binary).read(start, sizeof start);
  return std::string_view(start, sizeof start) == "\x89HDF\r\n\x1a\n";
}

// The file's own mask, and that of --mask on top of it.
Result<Mask> mask_of(const FindOptions& options, const SeriesInfo& info) {
  Mask mask = info.mask();
  if (options.mask.empty()) return mask;
  std::error_code ignored;
  const bool inside = options.mask.front() == '/' && is_hdf5(options.file) &&
                      !std::filesystem::exists(options.mask, ignored);
  OpenOptions open;
  if (inside) open.dataset = options.mask;
  ETALON_ASSIGN(const Array array, read_array(inside ? options.file : options.mask, open));
  if (array.count() != mask.size())
    return usage("--mask " + options.mask + ": " + to_string(array.shape()) +
                 " does not fit images of " + to_string(Shape{info.geometry.ny, info.geometry.nx}));
  visit(array.dtype(), [&](auto zero) {
    const auto values = array.as<decltype(zero)>();
    for (std::size_t i = 0; i < mask.size(); ++i)
      if (values[i] != 0) mask[i] = 0;
  });
  return mask;
}

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
  Geometry geometry = info.geometry;
  ETALON_TRY(set_centre(options, geometry));
  ETALON_ASSIGN(const Mask mask, mask_of(options, info));
  ETALON_ASSIGN(const PeakFinder8 finder, PeakFinder8::create(geometry, mask, options.parameters));

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
  PeakParameters& p = options->parameters;
  command->add_option("file", options->file, "Series: HDF5 (NXmx), CBF, .npy, a folder or a glob")
      ->required()
      ->type_name("FILE")
      ->default_str("");
  command
      ->add_option("--dataset", options->dataset, "Images in an HDF5 file (default: as NXmx says)")
      ->type_name("/PATH")
      ->default_str("");
  command->add_option("--method", options->method, "How peaks are found: peakfinder8");
  command->add_option("--threshold", p.threshold, "Least value of a peak's pixels");
  command->add_option("--snr", p.snr, "Least signal over noise, of a pixel and of a peak");
  command->add_option("--min-pixels", p.min_pixels, "Fewest pixels of a peak");
  command->add_option("--max-pixels", p.max_pixels, "Most pixels of a peak");
  command->add_option("--local-radius", p.local_radius,
                      "Local background: pixels within twice this of a peak");
  command->add_option("--centre", options->centre, "Beam centre in pixels (default: the file's)")
      ->type_name("X,Y")
      ->default_str("");
  command->add_option("--min-radius", p.min_radius, "Leave out pixels nearer to the beam");
  command->add_option("--max-radius", p.max_radius, "Leave out pixels farther from the beam")
      ->default_str("no limit");
  command->add_option("--min-peaks", options->min_peaks, "Fewest peaks of a hit");
  command
      ->add_option("--mask", options->mask,
                   "Pixels to leave out, besides the file's own mask: a (y, x) array, or a\n"
                   "dataset of FILE, that is not zero there")
      ->type_name("FILE|/PATH")
      ->default_str("");
  command->add_option("--dtype", options->dtype, "Raw files: element type, such as u16")
      ->default_str("");
  command->add_option("--shape", options->shape, "Raw files: frames,rows,columns")->default_str("");
  command->add_option("-T,--threads", options->threads, "Threads (0: one per core)")
      ->check(CLI::Range(0, 1024));
  CLI::Option* json = command->add_flag("--json", options->json, "Print JSON");
  command->add_flag("--csv", options->csv, "Print one line a peak")->excludes(json);
}

}  // namespace etalon::cli
