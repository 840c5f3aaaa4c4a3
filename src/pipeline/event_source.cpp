#include "pipeline/event_source.hpp"

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "base/stopwatch.hpp"
#include "pipeline/alarms.hpp"
#include "pipeline/event_builder.hpp"

namespace etalon {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t most_waiting = 64;  // parts of one detector; then it waits

class EventSource final : public FrameSource {
 public:
  EventSource(std::vector<std::unique_ptr<FrameSource>> parts, std::vector<std::string> names,
              SeriesInfo info, std::chrono::milliseconds deadline,
              std::shared_ptr<std::atomic<bool>> stop, const SourceOptions& options)
      : parts_(std::move(parts)),
        names_(std::move(names)),
        info_(std::move(info)),
        stop_(std::move(stop)),
        interrupted_(options.interrupted),
        alarms_(options.alarm),
        builder_(parts_.size(), deadline),
        busy_(parts_.size()) {
    for (std::size_t i = 0; i < parts_.size(); ++i) crew_.emplace_back([this, i] { pull(i); });
  }
  ~EventSource() override {
    *stop_ = true;
    changed_.notify_all();
    for (std::thread& thread : crew_) thread.join();
  }

  const SeriesInfo& info() const override { return info_; }

  std::optional<Arrival> next() override {
    std::unique_lock lock(mutex_);
    while (true) {
      if (interrupted_ != nullptr && interrupted_->load()) *stop_ = true;
      if (failure_) return std::exchange(failure_, std::nullopt);
      if (auto event = builder_.take(Clock::now())) {
        changed_.notify_all();  // there is room
        end_ = event->number + 1;
        if (event->is_whole()) return Arrival(event->since, stacked(std::move(*event)));
        say_incomplete(*event);
        continue;
      }
      if (ended_ == parts_.size()) return std::nullopt;
      auto until = Clock::now() + std::chrono::milliseconds(50);  // an interruption wakes nobody
      if (const auto due = builder_.due()) until = std::min(until, *due);
      changed_.wait_until(lock, until);
    }
  }

  // Numbers of which not one part came are missing, or, behind the last event, not sent.
  std::map<std::string, std::uint64_t> lost() const override {
    const std::lock_guard lock(mutex_);
    const auto& a = builder_.accounts();
    std::map<std::string, std::uint64_t> lost;
    if (a.incomplete > 0) lost["incomplete"] = a.incomplete;
    const std::uint64_t gaps = end_ - a.whole - a.incomplete;
    if (gaps > 0) lost["missing"] = gaps;
    if (ended_ == parts_.size() && info_.frames > end_) lost["not_sent"] = info_.frames - end_;
    return lost;
  }
  double busy_s() const override {
    const std::lock_guard lock(mutex_);
    double sum = unpacking_s_;
    for (const double s : busy_) sum += s;
    return sum;
  }
  std::optional<Error> cut_short() const override {
    for (const auto& part : parts_)  // their threads have ended
      if (auto why = part->cut_short()) return why;
    return std::nullopt;
  }

 private:
  // A detector's own thread.
  void pull(std::size_t i) {
    while (true) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stop_->load() || builder_.waiting(i) < most_waiting; });
      }
      std::optional<Arrival> arrival = parts_[i]->next();
      double unpacking_s = 0;
      if (arrival) {
        const Stopwatch watch(unpacking_s);
        arrival->unpack();
      }
      const std::lock_guard lock(mutex_);
      unpacking_s_ += unpacking_s;
      busy_[i] = parts_[i]->busy_s();
      if (!arrival) {
        builder_.end(i);
        ++ended_;
        changed_.notify_all();
        return;
      }
      if (arrival->frame.ok()) {
        builder_.add(i, std::move(arrival->frame).value(), arrival->since);
        say_late(i);
      } else if (arrival->is_damaged) {  // its frame will lack it
        alarms_.count("parts damaged, the last: ", ++damaged_, arrival->frame.error().message);
      } else if (!failure_) {
        failure_ = std::move(arrival);
      }
      changed_.notify_all();
    }
  }

  Frame stacked(EventBuilder::Event event) const {
    const Geometry& g = info_.geometry;
    Frame frame{event.number, event.parts[0]->time_s, Array(info_.dtype, {g.ny, g.nx})};
    std::byte* to = frame.image.mutable_view().bytes().data();
    for (const auto& part : event.parts) {
      const ByteSpan bytes = part->image.view().bytes();
      std::memcpy(to, bytes.data(), bytes.size());
      to += bytes.size();
    }
    return frame;
  }

  void say_incomplete(const EventBuilder::Event& event) {
    std::string lacking;
    for (std::size_t i = 0; i < event.parts.size(); ++i)
      if (!event.parts[i]) lacking += (lacking.empty() ? "" : ", ") + names_[i];
    alarms_.count("frames incomplete, the last: ", builder_.accounts().incomplete,
                  std::to_string(event.number) + " lacks " + lacking);
  }
  void say_late(std::size_t i) {
    std::uint64_t late = 0;
    for (const std::uint64_t n : builder_.accounts().late) late += n;
    alarms_.count("parts too late for their frames, the last from ", late, names_[i]);
  }

  std::vector<std::unique_ptr<FrameSource>> parts_;
  std::vector<std::string> names_;
  SeriesInfo info_;
  std::shared_ptr<std::atomic<bool>> stop_;
  const std::atomic<bool>* interrupted_;
  Alarms alarms_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  EventBuilder builder_;
  std::vector<double> busy_;
  std::size_t ended_ = 0;
  std::uint64_t end_ = 0;  // behind the last event
  std::optional<Arrival> failure_;
  std::uint64_t damaged_ = 0;
  double unpacking_s_ = 0;
  std::vector<std::thread> crew_;
};

}  // namespace

Result<SeriesInfo> combined_info(const std::vector<SeriesInfo>& parts,
                                 const std::vector<std::string>& names) {
  SeriesInfo whole = parts[0];
  Geometry& g = whole.geometry;
  g.ny = 0;
  g.panels.clear();
  g.places.clear();
  bool have_places = true, have_mask = false;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Geometry& part = parts[i].geometry;
    if (parts[i].dtype != whole.dtype || part.nx != g.nx)
      return Error{Errc::usage, names[i] + ": images of " + std::string(name_of(parts[i].dtype)) +
                                    ", " + std::to_string(part.nx) +
                                    " pixels wide, do not go with " +
                                    std::string(name_of(whole.dtype)) + ", " +
                                    std::to_string(g.nx) + " wide, of " + names[0]};
    for (Panel panel : part.panels_or_whole()) {
      panel.y0 += g.ny;
      panel.y1 += g.ny;
      g.panels.push_back(panel);
    }
    g.places.insert(g.places.end(), part.places.begin(), part.places.end());
    have_places &= !part.places.empty();
    have_mask |= !parts[i].pixel_mask.empty();
    whole.frames = std::max(whole.frames, parts[i].frames);
    g.ny += part.ny;
  }
  if (!have_places) g.places.clear();
  whole.pixel_mask.clear();
  if (!have_mask) return whole;
  for (const SeriesInfo& part : parts) {
    std::vector<std::uint32_t> mask = part.pixel_mask;
    mask.resize(part.geometry.pixels());
    whole.pixel_mask.insert(whole.pixel_mask.end(), mask.begin(), mask.end());
  }
  return whole;
}

Result<std::unique_ptr<FrameSource>> combine_sources(
    std::vector<std::unique_ptr<FrameSource>> parts, std::vector<std::string> names,
    std::chrono::milliseconds deadline, std::shared_ptr<std::atomic<bool>> stop,
    const SourceOptions& options) {
  std::vector<SeriesInfo> infos;
  for (const auto& part : parts) infos.push_back(part->info());
  ETALON_ASSIGN(SeriesInfo info, combined_info(infos, names));
  return std::unique_ptr<FrameSource>(new EventSource(
      std::move(parts), std::move(names), std::move(info), deadline, std::move(stop), options));
}

}  // namespace etalon
