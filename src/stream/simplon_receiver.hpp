// A client of a detector's stream: one series, from its first message to its end.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include "stream/simplon_series.hpp"
#include "stream/socket.hpp"

namespace etalon {

struct SimplonReceiverOptions {
  std::string address;
  bool bind = false;                           // listen there, for a detector that connects
  std::chrono::milliseconds settle{1000};      // the end may overtake images: wait so long for more
  std::chrono::milliseconds silence_limit{0};  // without a message for so long: over; 0: for ever
  bool waits_for_first = false;                // the limit counts from the first image on
  std::size_t window = 32;                     // images held back for those before them
  std::size_t queued = 256;                    // messages; then the detector feels it
  const std::atomic<bool>* interrupted = nullptr;
};

class SimplonReceiver {
 public:
  static Result<SimplonReceiver> open(const SimplonReceiverOptions& options);

  // Waits for the next image in the order of the numbers; none: the series is over, by its end, by
  // silence or by interruption.
  Result<std::optional<SimplonImage>> next();
  const SimplonSeries& series() const { return series_; }
  // SimplonSeries::resume().
  void resume(std::uint64_t next, std::uint64_t images, std::optional<std::uint64_t> series_id) {
    series_.resume(next, images, series_id);
  }
  std::chrono::steady_clock::time_point last_message() const { return last_; }
  double busy_s() const { return busy_s_; }  // spent on messages, not on waiting for them
  const std::string& address() const { return socket_.address(); }

 private:
  SimplonReceiver(const SimplonReceiverOptions& options, Socket socket)
      : options_(options), socket_(std::move(socket)), series_(options.window) {}
  bool is_over(std::chrono::steady_clock::duration quiet) const;

  SimplonReceiverOptions options_;
  Socket socket_;
  SimplonSeries series_;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
  bool over_ = false;
  double busy_s_ = 0;
};

}  // namespace etalon
