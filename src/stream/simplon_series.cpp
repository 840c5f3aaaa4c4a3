#include "stream/simplon_series.hpp"

#include <algorithm>
#include <utility>

namespace etalon {
namespace {

constexpr std::uint64_t largest_id = std::uint64_t{1} << 62;

}  // namespace

void SimplonSeries::resume(std::uint64_t next, std::uint64_t images,
                           std::optional<std::uint64_t> series_id) {
  resumed_ = true;
  expected_ = next;
  announced_ = images;
  series_id_ = series_id;
}

void SimplonSeries::take(const SharedBytes& bytes) {
  ++accounts_.messages;
  accounts_.bytes += bytes.bytes.size();
  auto message = decode_simplon(bytes);
  if (!message.ok()) {
    ++accounts_.corrupt;
    last_error_ = message.error().message;
  } else if (auto* start = std::get_if<SimplonStart>(&*message)) {
    ++accounts_.starts;
    take_start(std::move(*start));
  } else if (auto* image = std::get_if<SimplonImage>(&*message)) {
    ++accounts_.images;
    take_image(std::move(*image));
  } else {
    ++accounts_.ends;
    // One before anything else is what an earlier series left.
    if (series_id_ == std::get<SimplonEnd>(*message).series_id) ended_ = true;
  }
}

bool SimplonSeries::is_ours(std::uint64_t series_id) {
  if (!series_id_) series_id_ = series_id;
  return *series_id_ == series_id;
}

// Armed again before the first image, or what came before was left over from an earlier series,
// whose start nobody saw: this series counts.
void SimplonSeries::adopt(SimplonStart start) {
  series_id_ = start.series_id;
  start_ = std::move(start);
  accounts_.unexpected += held_.size();
  accounts_.before_start = accounts_.after_end = accounts_.out_of_order = 0;
  held_.clear();
  form_.clear();
  ended_ = false;
}

void SimplonSeries::take_start(SimplonStart start) {
  if (resumed_) {
    superseded_ = superseded_ || (!ended_ && series_id_ != start.series_id);
  } else if (!is_ours(start.series_id) && (accounts_.images == 0 || !start_) &&
             accounts_.delivered == 0) {
    adopt(std::move(start));
  } else if (!is_ours(start.series_id)) {
    superseded_ = !ended_;
  } else if (!start_) {
    start_ = std::move(start);
  }
}

bool SimplonSeries::fits(const SimplonImage& image) {
  if (!is_ours(image.series_id) || image.image_id >= largest_id) return false;
  if (announced() > 0 && image.image_id >= announced()) return false;
  decltype(form_) form;
  for (const auto& [channel, array] : image.data)
    form.emplace_back(channel, std::pair(array.dtype, array.shape));
  if (form_.empty()) form_ = form;
  return form == form_;
}

// Whether the number was left out; from now on it is not.
bool SimplonSeries::was_missing(std::uint64_t image_id) {
  auto gap = gaps_.upper_bound(image_id);
  if (gap == gaps_.begin()) return false;
  --gap;
  const auto [begin, end] = *gap;
  if (image_id >= end) return false;
  gaps_.erase(gap);
  if (begin < image_id) gaps_[begin] = image_id;
  if (image_id + 1 < end) gaps_[image_id + 1] = end;
  return true;
}

void SimplonSeries::take_image(SimplonImage image) {
  const std::uint64_t id = image.image_id;
  if (!fits(image)) {
    ++accounts_.unexpected;
  } else if (id < expected_) {
    if (was_missing(id)) {
      ++accounts_.late;
      --accounts_.missing;
    } else {
      ++accounts_.duplicate;
    }
  } else if (held_.contains(id)) {
    ++accounts_.duplicate;
  } else {
    accounts_.before_start += is_started() ? 0 : 1;
    accounts_.after_end += ended() ? 1 : 0;
    accounts_.out_of_order += !held_.empty() && held_.rbegin()->first > id ? 1 : 0;
    held_.emplace(id, std::move(image));
  }
}

std::optional<SimplonImage> SimplonSeries::next() {
  if (held_.empty()) return std::nullopt;
  const auto first = held_.begin();
  const bool in_turn = is_started() && first->first == expected_;
  if (!in_turn && !finished_ && held_.size() <= window_) return std::nullopt;
  if (first->first > expected_) {
    gaps_[expected_] = first->first;
    accounts_.missing += first->first - expected_;
  }
  expected_ = first->first + 1;
  ++accounts_.delivered;
  SimplonImage image = std::move(first->second);
  held_.erase(first);
  return image;
}

bool SimplonSeries::whole() const {
  return ended() && start_ && accounts_.delivered >= start_->number_of_images;
}

void SimplonSeries::finish() {
  finished_ = true;
  const std::uint64_t last = held_.empty() ? expected_ : held_.rbegin()->first + 1;
  if (announced() > last) accounts_.not_sent = announced() - last;
}

}  // namespace etalon
