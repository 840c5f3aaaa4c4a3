#include "pipeline/dispatch.hpp"

#include <algorithm>
#include <utility>

#include "base/durations.hpp"
#include "base/text.hpp"
#include "pipeline/wire_keys.hpp"

namespace etalon {
Result<Dispatch> Dispatch::open(const Recipe& recipe, const std::string& folder) {
  Dispatch dispatch(recipe);
  if (folder.empty()) return dispatch;
  ETALON_ASSIGN(EdgeMemory memory, EdgeMemory::open(folder, recipe.ship.spool_limit_mb * 1000000));
  dispatch.memory_ = std::make_unique<EdgeMemory>(std::move(memory));
  for (const FrameFacts& facts : dispatch.committed()) {
    dispatch.journal.add(facts);
    dispatch.numbers_.insert(facts.number);
  }
  dispatch.journal.acted(dispatch.acted());
  return dispatch;
}

const Hello* Dispatch::hello() const {
  return memory_ && memory_->hello() ? std::get_if<Hello>(&memory_->hello()->body) : nullptr;
}

const std::vector<FrameFacts>& Dispatch::committed() const {
  static const std::vector<FrameFacts> none;
  return memory_ ? memory_->committed() : none;
}

const std::vector<FastAction>& Dispatch::acted() const {
  static const std::vector<FastAction> none;
  return memory_ ? memory_->actions() : none;
}

const End* Dispatch::end() const { return memory_ && memory_->end() ? &*memory_->end() : nullptr; }

std::optional<ResumedSeries> Dispatch::resumed() const {
  if (hello() == nullptr) return std::nullopt;
  ResumedSeries series{hello()->info, 0, 0};
  if (numbers_.empty()) return series;
  series.next = *numbers_.rbegin() + 1;
  series.left_out = series.next - numbers_.size();
  return series;
}

Result<void> Dispatch::connect(const std::string& address, Hello hello) {
  ShipperOptions wire;
  wire.address = address.empty() ? recipe_->ship.address : address;
  wire.connect_limit = milliseconds_of(recipe_->ship.connect_limit_s);
  wire.silence_limit = milliseconds_of(recipe_->ship.silence_limit_s);
  wire.resend_after = milliseconds_of(recipe_->ship.resend_after_s);
  wire.window = recipe_->ship.window;
  wire.streams = static_cast<unsigned>(recipe_->ship.streams);
  ETALON_ASSIGN(wire.keys, wire_keys(*recipe_, wire.address, "edge", "collector"));
  if (memory_) {
    hello.spooled = true;
    ETALON_ASSIGN(wire.run, memory_->begin(hello));
    wire.spool = &memory_->spool();
    hello.first = wire.spool->first();
    if (memory_->done()) wire.connect_limit = std::min(wire.connect_limit, 3 * wire.resend_after);
  }
  auto shipper = Shipper::connect(wire, hello);
  if (shipper.ok()) {
    shipper_ = std::move(*shipper);
  } else if (!memory_ || !memory_->done()) {
    return abandon(std::move(shipper).error());
  }
  return {};
}

Result<void> Dispatch::act(const std::vector<FastAction>& actions) {
  if (actions.empty()) return {};
  journal.acted(actions);
  return memory_ ? memory_->act(actions) : Result<void>();
}

Result<void> Dispatch::note(const std::vector<FrameFacts>& facts) {
  for (const FrameFacts& f : facts) journal.add(f);
  return memory_ ? memory_->commit(facts) : Result<void>();
}

Result<void> Dispatch::send(ShippedFrame frame, Shipper::Clock::time_point since) {
  const std::vector<FrameFacts> facts{facts_of(frame)};
  ETALON_TRY(shipper_->send(std::move(frame), since));
  return note(facts);
}

Result<void> Dispatch::send(Vetoes vetoes) {
  const std::vector<FrameFacts> facts = facts_of(vetoes);
  ETALON_TRY(shipper_->send(std::move(vetoes)));
  return note(facts);
}

bool Dispatch::is_impatient(Shipper::Clock::duration waited) const {
  return memory_ && waited > std::chrono::milliseconds(500);
}

Result<Done> Dispatch::finish(End end) { return conclude(shipper_->finish(std::move(end))); }

Result<Done> Dispatch::finish() {
  if (!shipper_) return conclude(*memory_->done());
  return conclude(shipper_->finish());
}

// The last word is on the disk before the collector hears that it need not be repeated.
Result<Done> Dispatch::conclude(Result<Done> done) {
  if (!memory_) return done;
  if (!done.ok()) return abandon(std::move(done).error());
  if (!memory_->done()) ETALON_TRY(memory_->finish(*done));
  if (shipper_) {
    shipper_->confirm();
    counters_ = shipper_->counters();
    shipper_.reset();
  }
  memory_->remove();
  return done;
}

Error Dispatch::abandon(Error why) {
  const bool stored = shipper_ && shipper_->abandon(why);
  if (!memory_) return why;
  shipper_.reset();  // whose thread uses the spool
  const std::uint64_t waiting = memory_->spool().next() - memory_->spool().first();
  if (stored || memory_->is_empty())
    memory_->remove();
  else
    why.message += "; " + counted(waiting, "message") + " wait in " + memory_->folder() +
                   ": start the edge again to go on";
  return why;
}

std::uint64_t Dispatch::unacknowledged() const { return shipper_ ? shipper_->unacknowledged() : 0; }

ShipperCounters Dispatch::counters() const { return shipper_ ? shipper_->counters() : counters_; }

}  // namespace etalon
