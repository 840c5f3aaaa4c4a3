#include "cli.hpp"

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "base/page_pool.hpp"
#include "printable.hpp"

namespace etalon::cli {

std::atomic<bool> interrupted{false};
std::atomic<bool> quiet{false};

Result<void> print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return Error{Errc::io, std::string("standard output: cannot write: ") + std::strerror(errno)};
  return {};
}

Result<void> print_report(const std::string& report, const std::string& output) {
  if (output != "-") return print(report + "\n");
  note(report);
  return {};
}

void reuse_memory() {
  mallopt(M_MMAP_THRESHOLD, 64 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  mallopt(M_TOP_PAD, 16 << 20);
  keep_free_pages(std::size_t{256} << 20);
}

void note(std::string_view text) {
  if (quiet) return;
  if (::isatty(STDERR_FILENO)) std::fputs("\r\033[K", stderr);  // a progress line may stand there
  std::fprintf(stderr, "%s\n", printable_lines(text).c_str());
}

struct Progress::State {
  using Clock = std::chrono::steady_clock;
  std::string what, unit;
  std::uint64_t total = 0;
  bool shown = false;
  Clock::time_point start = Clock::now(), last = start;
  std::mutex mutex;
};

Progress::Progress(std::string what, std::uint64_t total, std::string unit) {
  if (!::isatty(STDERR_FILENO)) return;
  state_ = std::make_unique<State>();
  state_->what = std::move(what);
  state_->unit = std::move(unit);
  state_->total = total;
}

Progress::~Progress() {
  if (state_ && state_->shown) std::fputs("\r\033[K", stderr);
}

void Progress::update(std::uint64_t done, std::string_view more) {
  if (!state_) return;
  const std::lock_guard lock(state_->mutex);
  const auto now = State::Clock::now();
  if (now - state_->last < std::chrono::milliseconds(100)) return;
  state_->last = now;
  state_->shown = true;
  const double seconds = std::chrono::duration<double>(now - state_->start).count();
  const double rate = static_cast<double>(done) / seconds;
  if (state_->total == 0) {
    std::fprintf(stderr, "\r\033[K%s %llu %s  %.1f/s%s%.*s", state_->what.c_str(),
                 static_cast<unsigned long long>(done), state_->unit.c_str(), rate,
                 more.empty() ? "" : "  ", static_cast<int>(more.size()), more.data());
    return;
  }
  constexpr int most = 30;
  const int width = more.empty() ? most : 10;
  const double share = static_cast<double>(done) / static_cast<double>(state_->total);
  const int filled = std::min(width, static_cast<int>(share * width));
  std::fprintf(
      stderr, "\r\033[K%s [%.*s%.*s] %3.0f%%  %.1f %s/s  %.0f s left%s%.*s", state_->what.c_str(),
      filled, "##############################", width - filled, "                              ",
      100 * share, rate, state_->unit.c_str(),
      rate > 0 ? static_cast<double>(state_->total - std::min(done, state_->total)) / rate : 0.0,
      more.empty() ? "" : "  ", static_cast<int>(more.size()), more.data());
  std::fflush(stderr);
}

std::string human_bytes(double bytes) {
  constexpr const char* units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
  std::size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < std::size(units); ++unit) bytes /= 1000;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

}  // namespace etalon::cli
