#include "stream/spool.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

namespace etalon {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view ending = ".spool";

std::string path_of(const std::string& folder, std::uint64_t first) {
  return (fs::path(folder) / (std::to_string(first) + std::string(ending))).string();
}

// The number before the ending; 0 for other files.
std::uint64_t first_in(const std::string& name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && std::string_view(end) == ending ? number : 0;
}

}  // namespace

Result<Spool> Spool::open(const SpoolOptions& options) {
  Spool spool(options);
  std::vector<std::uint64_t> found;
  std::error_code error;
  for (fs::directory_iterator at(options.folder, error), end; !error && at != end;
       at.increment(error))
    if (const std::uint64_t first = first_in(at->path().filename().string()); first != 0)
      found.push_back(first);
  if (error) return Error{Errc::io, options.folder + ": cannot be read: " + error.message()};
  std::sort(found.begin(), found.end());
  if (!found.empty()) spool.first_ = spool.released_ = spool.safe_ = found.front();
  for (const std::uint64_t first : found) ETALON_TRY(spool.load(first));
  return spool;
}

Result<void> Spool::add_file(std::uint64_t first) {
  ETALON_ASSIGN(Journal journal, Journal::open(path_of(options_.folder, first)));
  files_.push_back({std::move(journal), first});
  return {};
}

Result<void> Spool::load(std::uint64_t first) {
  if (first != next())
    return Error{Errc::malformed, path_of(options_.folder, next()) + ": is not there"};
  ETALON_TRY(add_file(first));
  Journal& journal = files_.back().journal;
  for (;;) {
    const std::uint64_t offset = journal.offset();
    ETALON_ASSIGN(const auto message, journal.read());
    if (!message) return {};
    places_.push_back({offset, message->size()});
    bytes_ += message->size();
  }
}

// Of the files before the last one everything is on the disk.
Spool::Point Spool::point() const {
  if (files_.empty()) return {nullptr, 0, next()};
  return {&files_.back().journal, files_.back().journal.offset(), next()};
}

Result<void> Spool::sync(const Point& point) const {
  if (options_.before_sync) ETALON_TRY(options_.before_sync());
  return point.journal != nullptr ? point.journal->sync(point.offset) : Result<void>();
}

Result<void> Spool::append(ByteSpan message) {
  if (files_.empty()) {
    ETALON_TRY(add_file(next()));
  } else if (files_.back().journal.offset() >= options_.file_bytes) {
    ETALON_TRY(sync(point()));
    if (options_.before_next_file) ETALON_TRY(options_.before_next_file());
    ETALON_TRY(add_file(next()));
  }
  Journal& journal = files_.back().journal;
  const std::uint64_t offset = journal.offset();
  ETALON_TRY(journal.append(message));
  places_.push_back({offset, message.size()});
  bytes_ += message.size();
  return {};
}

Result<Bytes> Spool::read(std::uint64_t sequence) const {
  const auto behind =
      std::upper_bound(files_.begin(), files_.end(), sequence,
                       [](std::uint64_t number, const File& file) { return number < file.first; });
  if (sequence < first_ || sequence >= next() || behind == files_.begin())
    return Error{Errc::usage, "spool: message " + std::to_string(sequence) + " is not there"};
  return std::prev(behind)->journal.at(places_[sequence - first_].offset);
}

void Spool::release(std::uint64_t next) {
  for (; released_ < std::min(next, this->next()); ++released_)
    bytes_ -= places_[released_ - first_].size;
  while (files_.size() > 1 && files_[1].first <= released_) {
    files_.front().journal.remove();
    files_.pop_front();
    places_.erase(places_.begin(),
                  places_.begin() + static_cast<std::ptrdiff_t>(files_.front().first - first_));
    first_ = files_.front().first;
  }
}

void Spool::remove() {
  for (File& file : files_) file.journal.remove();
  files_.clear();
  places_.clear();
  first_ = released_ = safe_ = 1;
  bytes_ = 0;
}

}  // namespace etalon
