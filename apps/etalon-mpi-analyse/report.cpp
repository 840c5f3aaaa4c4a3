// How fast a job was, in numbers and words.
#include <algorithm>

#include "job.hpp"
#include "report_line.hpp"

namespace etalon::mpi {
namespace {

struct Shares {
  double preparing = 0, reading = 0, computing = 0, saving = 0, waiting = 0;

  explicit Shares(const std::vector<Times>& ranks) {
    double all = 0;
    for (const Times& t : ranks) {
      all += t.all;
      preparing += t.preparing;
      reading += t.reading;
      computing += t.computing;
      saving += t.saving;
      waiting += t.waiting();
    }
    for (double* share : {&preparing, &reading, &computing, &saving, &waiting})
      *share /= std::max(all, 1e-9);
  }
};

// Mean over greatest: 1 where all ranks had the same to do.
double balance_of(const std::vector<Times>& ranks) {
  double sum = 0, most = 0;
  for (const Times& t : ranks) {
    sum += t.busy();
    most = std::max(most, t.busy());
  }
  return most > 0 ? sum / static_cast<double>(ranks.size()) / most : 1;
}

double per_second(std::uint64_t frames, double seconds) {
  return static_cast<double>(frames) / std::max(seconds, 1e-9);
}

}  // namespace

cli::JobReport Job::report() const {
  using cli::line, cli::ull;
  const double seconds = times_.all;
  const std::uint64_t frames = frames_ - resumed_frames_;
  const double rate = per_second(frames, seconds), balance = balance_of(all_times_);
  const Shares shares(all_times_);
  nlohmann::json per_rank = nlohmann::json::array();
  std::string text = line("job", "%zu ranks, %.1f frames/s: %llu frames in %.2f s, balance %.2f",
                          ranks_.size(), rate, ull(frames), seconds, balance) +
                     line("time",
                          "reading %.1f %%, computing %.1f %%, waiting %.1f %%, preparing %.1f %%, "
                          "checkpoints %.1f %%",
                          100 * shares.reading, 100 * shares.computing, 100 * shares.waiting,
                          100 * shares.preparing, 100 * shares.saving);
  for (std::size_t i = 0; i < all_times_.size(); ++i) {
    const Times& t = all_times_[i];
    per_rank.push_back({{"rank", i},
                        {"frames", t.frames},
                        {"frames_per_s", per_second(t.frames, seconds)},
                        {"seconds",
                         {{"preparing", t.preparing},
                          {"reading", t.reading},
                          {"computing", t.computing},
                          {"saving", t.saving},
                          {"waiting", t.waiting()}}}});
    text += line(("rank " + std::to_string(i)).c_str(),
                 "%llu frames, %.1f frames/s: reading %.2f s, computing %.2f s, waiting %.2f s",
                 ull(t.frames), per_second(t.frames, seconds), t.reading, t.computing, t.waiting());
  }
  cli::JobReport out;
  out.text = std::move(text);
  out.json = {{"ranks", ranks_.size()},
              {"frames", frames_},
              {"resumed_frames", resumed_frames_},
              {"seconds", seconds},
              {"frames_per_s", rate},
              {"balance", balance},
              {"share",
               {{"preparing", shares.preparing},
                {"reading", shares.reading},
                {"computing", shares.computing},
                {"saving", shares.saving},
                {"waiting", shares.waiting}}},
              {"per_rank", per_rank}};
  return out;
}

}  // namespace etalon::mpi
