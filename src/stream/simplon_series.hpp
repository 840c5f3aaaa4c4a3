// One series from a detector's messages: images in order, and an account of every message.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "stream/simplon_message.hpp"

namespace etalon {

// Every message is one of starts, images, ends, corrupt; every image is one of delivered,
// duplicate, late, unexpected.
struct SimplonAccounts {
  std::uint64_t messages = 0, bytes = 0, starts = 0, images = 0, ends = 0;
  std::uint64_t corrupt = 0;  // not read
  std::uint64_t delivered = 0, duplicate = 0;
  std::uint64_t late = 0;        // after an image behind it had been delivered
  std::uint64_t unexpected = 0;  // of another series, size or type, or beyond the announced number
  // Delivered all the same.
  std::uint64_t before_start = 0, after_end = 0, out_of_order = 0;
  // Never came: numbers left out, and numbers after the last that came.
  std::uint64_t missing = 0, not_sent = 0;

  bool balanced() const {
    return messages == starts + images + ends + corrupt &&
           images == delivered + duplicate + late + unexpected;
  }
};

class SimplonSeries {
 public:
  // Of images that come out of order, or before their start, at most `window` are held back.
  explicit SimplonSeries(std::size_t window = 32) : window_(window) {}

  // Goes on with a series whose start is known: images before `next` are not wanted, so many were
  // announced (0: not known), under this id where it is known. Before the first take().
  void resume(std::uint64_t next, std::uint64_t images, std::optional<std::uint64_t> series_id);
  void take(const SharedBytes& message);
  // The next image in the order of the numbers; none: not there yet.
  std::optional<SimplonImage> next();
  // Nothing more will come: next() gives all that is held.
  void finish();

  bool ended() const { return ended_; }
  bool superseded() const { return superseded_; }  // another series' start came before the end
  bool whole() const;                              // the end, and as many images as were announced
  const std::optional<SimplonStart>& start() const { return start_; }
  const SimplonAccounts& accounts() const { return accounts_; }
  const std::string& last_error() const { return last_error_; }  // of the last corrupt message

 private:
  void take_start(SimplonStart start);
  void adopt(SimplonStart start);
  void take_image(SimplonImage image);
  bool is_ours(std::uint64_t series_id);
  bool fits(const SimplonImage& image);
  bool was_missing(std::uint64_t image_id);
  bool is_started() const { return start_ || resumed_; }
  std::uint64_t announced() const { return start_ ? start_->number_of_images : announced_; }

  std::size_t window_;
  SimplonAccounts accounts_;
  std::string last_error_;
  std::optional<std::uint64_t> series_id_;
  std::optional<SimplonStart> start_;
  std::vector<std::pair<std::string, std::pair<DType, Shape>>> form_;  // of the first image
  std::map<std::uint64_t, SimplonImage> held_;
  std::map<std::uint64_t, std::uint64_t> gaps_;  // first number left out, number after the last
  std::uint64_t expected_ = 0;
  std::uint64_t announced_ = 0;  // of a resumed series
  bool resumed_ = false, ended_ = false, superseded_ = false, finished_ = false;
};

}  // namespace etalon
