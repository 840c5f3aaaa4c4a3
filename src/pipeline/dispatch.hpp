// How an edge's frames go out: to the collector, into the books, and, where there is a folder for
// it, into what survives the process.
#pragma once

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "pipeline/edge_memory.hpp"
#include "pipeline/edge_records.hpp"
#include "pipeline/frame_source.hpp"
#include "pipeline/recipe.hpp"
#include "stream/shipper.hpp"

namespace etalon {

// Protocol: open connect (send)* (finish | abandon); one thread, but for asked_to_stop() and
// knows().
class Dispatch {
 public:
  // `folder` empty: nothing survives. Otherwise what a killed process committed there is taken up.
  static Result<Dispatch> open(const Recipe& recipe, const std::string& folder);

  // What was committed before: the run's hello, its frames, the actions
  // taken for them, its end; where there is none, this run
  // begins anew.
  const Hello* hello() const;
  const std::vector<FrameFacts>& committed() const;
  const std::vector<FastAction>& acted() const;
  const End* end() const;
  std::optional<ResumedSeries> resumed() const;
  bool knows(std::uint64_t number) const { return numbers_.count(number) != 0; }

  // Where the collector's last word is known already, it need not answer: it is told so if it
  // waits.
  Result<void> connect(const std::string& address, Hello hello);
  // Before the frame that they were taken for is sent.
  Result<void> act(const std::vector<FastAction>& actions);
  Result<void> send(ShippedFrame frame, Shipper::Clock::time_point since);
  Result<void> send(Vetoes vetoes);
  // Rows of vetoed frames that have waited so long should be sent: they are not committed.
  bool is_impatient(Shipper::Clock::duration waited) const;
  // After this the folder is gone.
  Result<Done> finish(End end);
  Result<Done> finish();  // where end() is
  // Says why nothing will follow, once the collector has stored what was sent, and returns that,
  // with where the frames wait that it has not stored.
  Error abandon(Error why);

  bool asked_to_stop() const { return shipper_->asked_to_stop(); }
  ShipperCounters counters() const;
  std::uint64_t unacknowledged() const;  // messages, in memory or in the folder

  EdgeJournal journal;

 private:
  explicit Dispatch(const Recipe& recipe) : recipe_(&recipe) {}
  Result<void> note(const std::vector<FrameFacts>& facts);
  Result<Done> conclude(Result<Done> done);

  const Recipe* recipe_;
  std::unique_ptr<EdgeMemory> memory_;  // outlives the shipper, which uses its spool
  std::unique_ptr<Shipper> shipper_;
  ShipperCounters counters_;  // of a shipper that is gone
  std::set<std::uint64_t> numbers_;
};

}  // namespace etalon
