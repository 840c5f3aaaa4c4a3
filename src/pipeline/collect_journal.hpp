// The messages that a collector has acknowledged, or is about to, on its disk until its run is
// over.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "stream/journal.hpp"
#include "stream/message.hpp"

namespace etalon {

// Protocol: replay (append | sync)* remove.
class CollectJournal {
 public:
  explicit CollectJournal(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  bool is_there() const { return journal_.has_value(); }
  // Hands what a killed collector wrote down to `take`, message after message; how many there were.
  // Errc::malformed for what is not the beginning of one run.
  Result<std::uint64_t> replay(const std::function<Result<void>(const Message&)>& take);
  // The first one makes the file.
  Result<void> append(ByteSpan message);
  // All of them survive a power cut.
  Result<void> sync();
  void remove();

 private:
  std::string path_;
  std::optional<Journal> journal_;
};

}  // namespace etalon
