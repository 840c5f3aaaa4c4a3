#include "pipeline/event_builder.hpp"

#include <algorithm>
#include <utility>

namespace etalon {

bool EventBuilder::Event::is_whole() const {
  return std::ranges::all_of(parts, [](const auto& part) { return part.has_value(); });
}

EventBuilder::EventBuilder(std::size_t detectors, std::chrono::milliseconds deadline)
    : queues_(detectors), deadline_(deadline) {
  accounts_.late.resize(detectors);
  accounts_.twice.resize(detectors);
}

void EventBuilder::add(std::size_t detector, Frame part, Time when) {
  Queue& queue = queues_[detector];
  if (!queue.parts.empty() && part.number <= queue.parts.back().first.number)
    ++accounts_.twice[detector];
  else if (part.number < next_)
    ++accounts_.late[detector];
  else
    queue.parts.emplace_back(std::move(part), when);
}

void EventBuilder::end(std::size_t detector) { queues_[detector].ended = true; }

const EventBuilder::Queue* EventBuilder::first() const {
  const Queue* lowest = nullptr;
  for (const Queue& queue : queues_)
    if (!queue.parts.empty() && (lowest == nullptr || queue.parts.front().first.number <
                                                          lowest->parts.front().first.number))
      lowest = &queue;
  return lowest;
}

std::optional<EventBuilder::Event> EventBuilder::take(Time now) {
  const Queue* const lowest = first();
  if (lowest == nullptr) return std::nullopt;
  Event event;
  event.number = lowest->parts.front().first.number;
  event.since = lowest->parts.front().second;
  bool may_come = false;
  for (const Queue& queue : queues_) {
    if (queue.parts.empty())
      may_come |= !queue.ended;
    else if (queue.parts.front().first.number == event.number)
      event.since = std::min(event.since, queue.parts.front().second);
  }
  if (may_come && now - event.since < deadline_) return std::nullopt;
  for (Queue& queue : queues_) {
    auto& part = event.parts.emplace_back();
    if (queue.parts.empty() || queue.parts.front().first.number != event.number) {
      ++accounts_.lacking;
      continue;
    }
    part = std::move(queue.parts.front().first);
    queue.parts.pop_front();
  }
  next_ = event.number + 1;
  ++(event.is_whole() ? accounts_.whole : accounts_.incomplete);
  return event;
}

std::optional<EventBuilder::Time> EventBuilder::due() const {
  const Queue* const lowest = first();
  if (lowest == nullptr) return std::nullopt;
  const std::uint64_t number = lowest->parts.front().first.number;
  Time since = lowest->parts.front().second;
  for (const Queue& queue : queues_)
    if (!queue.parts.empty() && queue.parts.front().first.number == number)
      since = std::min(since, queue.parts.front().second);
  return since + deadline_;
}

}  // namespace etalon
